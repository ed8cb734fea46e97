/** How builds in containers end when something goes wrong: time, a killed Kiln, an image that is not fit; and two at once. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestClock } from "../../src/core/clock.ts";
import { createContainerEngine } from "../../src/engines/index.ts";
import { isBuilt, kiln, startProcess, temporaryFolder } from "../cli/kiln-process.ts";
import { openTestAccount } from "../support/codebuild-account.ts";
import { type ContainerProject, openContainerProject } from "./container-project.ts";
import { DOCKER_CLI, programImage } from "./program-image.ts";
import { realEngines } from "./real-engines.ts";

const engines = await realEngines("kiln-engine-ends");
const TIMEOUT_MS = 180_000;
const files = (...commands: string[]) => ({
  "buildspec.yml": `version: 0.2\nphases:\n  build:\n    commands:\n${commands.map((line) => `      - ${JSON.stringify(line)}\n`).join("")}`,
});

describe.skipIf(engines.length === 0).each(engines)("a build in a $kind container", (engine) => {
  let at: ContainerProject;
  const left = async (): Promise<number> => {
    const filters = encodeURIComponent(JSON.stringify({ label: ["dev.kiln.environment"] }));
    return (await engine.client.json<unknown[]>(`/containers/json?all=1&filters=${filters}`))?.length ?? -1;
  };
  const volumes = async (): Promise<number> =>
    (await engine.client.json<{ Volumes?: unknown[] | null }>("/volumes"))?.Volumes?.length ?? 0;

  beforeAll(async () => {
    process.env["DOCKER_HOST"] = engine.machine["DOCKER_HOST"];
    at = await openContainerProject({ engine: engine.kind });
  });
  afterAll(async () => {
    await at?.close();
    await engine.release();
  });

  it("times out with AWS's words, and its container goes", { timeout: TIMEOUT_MS }, async () => {
    const clock = new TestClock();
    const account = await openTestAccount([createContainerEngine({ kind: engine.kind, graceMs: 100 })], undefined, {
      clock,
      engine: engine.kind,
    });
    try {
      await account.makeRole([]);
      await account.makeProject(files("echo begun; sleep 4242")["buildspec.yml"], {
        timeoutInMinutes: 5,
        environment: { type: "LINUX_CONTAINER", image: engine.image, computeType: "BUILD_GENERAL1_SMALL" },
      });
      const { build } = await account.root.call<{ build: { id: string } }>("codebuild", "StartBuild", {
        projectName: "my-project",
      });
      for await (const event of account.service.runner.events(build.id)) {
        if (event.type === "log" && event.text === "begun") clock.advance(5 * 60_000);
      }
      const { builds } = await account.root.call<{ builds: object[] }>("codebuild", "BatchGetBuilds", {
        ids: [build.id],
      });
      expect(builds[0]).toMatchObject({
        buildStatus: "TIMED_OUT",
        phases: expect.arrayContaining([
          expect.objectContaining({
            phaseType: "BUILD",
            phaseStatus: "TIMED_OUT",
            contexts: [{ statusCode: "BUILD_TIMED_OUT", message: "Build has timed out. " }],
          }),
        ]),
      });
      expect(await left()).toBe(0);
    } finally {
      await account.close();
    }
  });

  it("runs beside another, each in its own container", { timeout: TIMEOUT_MS }, async () => {
    const one = (word: string) =>
      at.build({ files: files(`echo ${word} > /tmp/x; sleep 1; cat /tmp/x`), environment: { image: engine.image } });
    const [first, second] = await Promise.all([one("first"), one("second")]);
    expect(first.log, first.notices + JSON.stringify(first.phases)).toContain("\nfirst\n");
    expect(second.log, second.notices + JSON.stringify(second.phases)).toContain("\nsecond\n");
    expect(await left()).toBe(0);
  });

  it("takes an image by its digest, and by its id", { timeout: TIMEOUT_MS }, async () => {
    const found = await engine.client.json<{ Id: string }>(`/images/${encodeURIComponent(engine.image)}/json`);
    const built = await at.build({ files: files("echo here"), environment: { image: found?.Id ?? "" } });
    expect(built.log, JSON.stringify(built.phases)).toContain("\nhere\n");
    const missing = await at.build({
      files: files("true"),
      environment: { image: `127.0.0.1:9/none@sha256:${"0".repeat(64)}` },
    });
    expect(missing.phases["PROVISIONING"]?.message).toMatch(
      /^Unable to pull customer's container image\. CannotPullContainerError: Error response from daemon: /,
    );
  });

  it.skipIf(!isBuilt || !existsSync(DOCKER_CLI))(
    "is shown as interrupted after kill -9 of Kiln, and nothing of it is left in the engine",
    {
      timeout: TIMEOUT_MS,
    },
    async () => {
      const image = await programImage(engine, "docker", [[DOCKER_CLI, "/usr/bin/docker"]]);
      const folder = temporaryFolder();
      const before = await volumes();
      try {
        await writeFile(
          join(folder.path, "buildspec.yml"),
          files("docker volume create left && echo begun && sleep 4242")["buildspec.yml"],
        );
        const variables = { DOCKER_HOST: engine.machine["DOCKER_HOST"] ?? "" };
        const flags = ["--engine", engine.kind, "--image", image.name, "--privileged"];
        const running = startProcess(folder.path, ["run", "--format", "aws", ...flags], "", variables);
        await running.printed("begun");
        expect(await left()).toBe(1);
        expect(await volumes()).toBeGreaterThan(before);
        running.kill("SIGKILL");
        await running.finished;
        const listed = await kiln(folder.path, ["builds", "ls", "-o", "json"], "", variables);
        const { builds } = JSON.parse(listed.out) as { builds: { buildStatus: string }[] };
        expect(builds[0]?.buildStatus).toBe("FAULT");
        for (const endMs = performance.now() + 20_000; (await left()) > 0 && performance.now() < endMs; )
          await delay(50);
        expect(await left()).toBe(0);
        expect(await volumes()).toBe(before);
      } finally {
        folder.remove();
        await image.release();
      }
    },
  );
});
