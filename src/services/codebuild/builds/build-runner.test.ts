import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openTestAccount, SCOPE } from "../../../../test/support/codebuild-account.ts";
import { createFakeEngine } from "../../../engines/index.ts";

const SPEC = "version: 0.2\nphases: {build: {commands: ['true']}}\n";

describe("a build whose event log cannot be opened", () => {
  it("ends as FAULT instead of staying open for ever", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "kiln-state-"));
    const account = await openTestAccount([createFakeEngine()], stateDir);
    try {
      await account.makeRole([]);
      await account.makeProject(SPEC);
      // A file where the folder of the logs should be: also root cannot make one below it.
      writeFileSync(join(stateDir, "builds"), "");
      const { build } = await account.root.call<{ build: { id: string } }>("codebuild", "StartBuild", {
        projectName: "my-project",
      });
      const uuid = build.id.split(":")[1] ?? "";
      await account.service.runner.ended(uuid);
      const { builds } = await account.root.call<{ builds: object[] }>("codebuild", "BatchGetBuilds", {
        ids: [build.id],
      });
      expect(builds[0]).toMatchObject({ buildStatus: "FAULT", buildComplete: true });
    } finally {
      await account.close();
      rmSync(stateDir, { recursive: true });
    }
  });
});

describe("close", () => {
  it("stops a build that is started while it waits for the others", async () => {
    const account = await openTestAccount([createFakeEngine()]);
    await account.makeRole([]);
    await account.makeProject(SPEC);
    const closing = account.service.runner.close();
    const { build } = await account.root.call<{ build: { id: string } }>("codebuild", "StartBuild", {
      projectName: "my-project",
    });
    await closing;
    await account.service.runner.ended(build.id.split(":")[1] ?? "");
    const { builds } = await account.root.call<{ builds: object[] }>("codebuild", "BatchGetBuilds", {
      ids: [build.id],
    });
    expect(builds[0]).toMatchObject({ buildStatus: "STOPPED", buildComplete: true });
    await account.close();
  });
});

describe("recover", () => {
  it("goes on when one left build cannot be cleaned up", async () => {
    const engine = createFakeEngine();
    const refusing = { ...engine, name: engine.name, reclaim: () => Promise.reject(new Error("not now")) };
    const account = await openTestAccount([Object.assign(Object.create(engine) as typeof engine, refusing)]);
    try {
      await account.makeRole([]);
      await account.makeProject(SPEC);
      const build = await account.build();
      const key = [SCOPE.accountId, SCOPE.region, "my-project", String(build["id"]).split(":")[1] ?? ""];
      await account.store.write(() => {
        const builds = account.store.collection<object>("codebuild.builds");
        const left = builds.get(key) as { build: object };
        const owner = { pid: 2 ** 22 + 1, started: "" };
        builds.put(key, { ...left, owner, build: { ...left.build, buildComplete: false } });
        account.store.collection<object>("codebuild.active").put(key, {});
      });
      await expect(account.service.runner.recover()).resolves.toBeUndefined();
    } finally {
      await account.close();
    }
  });
});
