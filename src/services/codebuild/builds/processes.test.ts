import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openTestAccount, SCOPE } from "../../../../test/support/codebuild-account.ts";
import type { BuildEvent } from "../../../build/run/index.ts";
import { ownMark } from "../../../core/process-mark.ts";
import { createHostEngine } from "../../../engines/index.ts";
import { buildKey, recordsIn } from "../records.ts";

const engine = createHostEngine({ graceMs: 100 });
const spec = (command: string): string =>
  `version: 0.2\nphases:\n  build:\n    commands:\n      - ${JSON.stringify(command)}\n`;

describe("a build that another process runs", () => {
  it("can be followed and stopped through the state folder", async () => {
    const stateDir = await mkdtemp(join(tmpdir(), "kiln-state-"));
    const owner = await openTestAccount([engine], stateDir);
    const other = await openTestAccount([engine], stateDir);
    try {
      await owner.makeRole([]);
      await owner.makeProject(spec("echo started; sleep 1000"));
      const { build } = await owner.root.call<{ build: { id: string } }>("codebuild", "StartBuild", {
        projectName: "my-project",
      });
      const events: BuildEvent[] = [];
      for await (const event of other.service.runner.events(build.id)) {
        events.push(event);
        if (event.type !== "log" || event.text !== "started") continue;
        expect(await other.root.call("codebuild", "StopBuild", { id: build.id })).toMatchObject({
          build: { buildStatus: "STOPPED", buildComplete: true },
        });
      }
      expect(events.at(-1)).toMatchObject({ type: "build-finished", buildStatus: "STOPPED" });
    } finally {
      await other.close();
      await owner.close();
      await rm(stateDir, { recursive: true, force: true });
    }
  });
});

describe("a build whose process died", () => {
  it("is shown as interrupted, and its processes and folders are removed", async () => {
    const stateDir = await mkdtemp(join(tmpdir(), "kiln-state-"));
    const account = await openTestAccount([engine], stateDir);
    try {
      await account.makeRole([]);
      await account.makeProject(spec("true"));
      const done = await account.build();
      const [projectName = "", uuid = ""] = String(done["id"]).split(":");
      const records = recordsIn(account.store);
      const key = buildKey(SCOPE, projectName, uuid);
      const record = records.builds.get(key);
      if (!record) throw new Error("no record");
      const workDir = join(account.folder, "left");
      await mkdir(workDir);
      const left = spawn("sleep", ["1000"], { cwd: workDir, detached: true, stdio: "ignore" });
      const exited = new Promise((resolve) => left.once("exit", resolve));
      await account.store.write(() =>
        records.builds.put(key, {
          ...record,
          workDir,
          privateDir: workDir,
          build: { ...record.build, buildComplete: false, buildStatus: "IN_PROGRESS" },
          phases: [{ phaseType: "BUILD", startTimeMs: 0 }],
          owner: { ...ownMark(), started: "another start" },
        }),
      );
      await account.service.runner.recover();
      await exited;
      expect(existsSync(workDir)).toBe(false);
      const { builds } = await account.root.call<{ builds: unknown[] }>("codebuild", "BatchGetBuilds", {
        ids: [done["id"]],
      });
      expect(builds[0]).toMatchObject({
        buildStatus: "FAULT",
        buildComplete: true,
        phases: [
          {
            phaseType: "BUILD",
            phaseStatus: "FAULT",
            contexts: [
              {
                statusCode: "INTERNAL_SERVICE_ERROR",
                message: `Kiln was interrupted while the build ran (process ${process.pid} ended); start the build again`,
              },
            ],
          },
          { phaseType: "COMPLETED" },
        ],
      });
      expect(await readFile(join(stateDir, "builds", uuid, "events.log"), "utf8")).toContain('"buildStatus":"FAULT"');
    } finally {
      await account.close();
      await rm(stateDir, { recursive: true, force: true });
    }
  });
});
