/** What reaches into a build's container besides its commands: caches in S3, sandboxes, git's credentials, Kiln's own tools. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sleep, systemClock } from "../../src/core/clock.ts";
import { removeTree } from "../../src/images/remove-tree.ts";
import { type GitServer, serveGit, TestRepository } from "../support/git-repository.ts";
import { type ContainerProject, openContainerProject } from "./container-project.ts";
import { type ProgramImage, programImage } from "./program-image.ts";
import { realEngines } from "./real-engines.ts";

const engines = await realEngines("kiln-engine-session");
const TIMEOUT_MS = 180_000;
const GIT = [
  ["/usr/bin/git", "/usr/bin/git"],
  ["/usr/lib/git-core/git-remote-http", "/usr/lib/git-core/git-remote-http"],
] as const;
const hasGit = GIT.every(([path]) => existsSync(path));

interface CommandExecution {
  readonly id: string;
  readonly endTime?: number;
}

describe.skipIf(engines.length === 0).each(engines)("in a $kind container", (engine) => {
  let at: ContainerProject;
  const environment = { image: engine.image };

  beforeAll(async () => {
    process.env["DOCKER_HOST"] = engine.machine["DOCKER_HOST"];
    at = await openContainerProject({ engine: engine.kind });
  });
  afterAll(async () => {
    await at?.close();
    await engine.release();
  });

  it("a cache in S3 is restored and saved, of the sources, the home and the image's folders", {
    timeout: TIMEOUT_MS,
  }, async () => {
    await at.kiln.root.call("s3", "CreateBucket", { Bucket: "container-cache" });
    const files = {
      "buildspec.yml": `version: 0.2
phases:
  build:
    commands:
      - cat deps/one /root/.tool/two /var/cache/three 2>/dev/null || echo cold
      - mkdir -p deps /root/.tool; echo in-sources > deps/one; echo in-home > /root/.tool/two; echo in-image > /var/cache/three
      - ln -sf one deps/link; chmod 755 deps/one
cache:
  paths: ['deps/**/*', '/root/.tool/**/*', '/var/cache/**/*']
`,
    };
    const more = { cache: { type: "S3", location: "container-cache/here" } };
    const first = await at.build({ files, environment, more });
    expect(first.log, first.notices).toContain("\ncold\n");
    const second = await at.again(first);
    expect(second.log, second.notices).toContain("\nin-sources\nin-home\nin-image\n");
    expect(second.status).toBe("SUCCEEDED");
  });

  it("a sandbox runs commands one after the other, with their outputs apart and their state carried", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const { record } = await at.build({
      files: { "buildspec.yml": "version: 0.2\nphases:\n  build:\n    commands: ['true']\n", "in.txt": "sources\n" },
      environment,
    });
    const { sandbox } = await at.kiln.root.call<{ sandbox: { id: string } }>("codebuild", "StartSandbox", {
      projectName: record["projectName"],
    });
    const run = async (command: string): Promise<unknown> => {
      const { commandExecution } = await at.kiln.root.call<{ commandExecution: CommandExecution }>(
        "codebuild",
        "StartCommandExecution",
        { sandboxId: sandbox.id, command },
      );
      for (;;) {
        const { commandExecutions } = await at.kiln.root.call<{ commandExecutions: CommandExecution[] }>(
          "codebuild",
          "BatchGetCommandExecutions",
          { sandboxId: sandbox.id, commandExecutionIds: [commandExecution.id] },
        );
        if (commandExecutions[0]?.endTime !== undefined) return commandExecutions[0];
        await sleep(systemClock, 20);
      }
    };
    expect(await run("cat in.txt; echo wrong >&2; exit 3")).toMatchObject({
      ...{ status: "FAILED", exitCode: "3" },
      ...{ standardOutputContent: "sources\n", standardErrContent: "wrong\n" },
    });
    await run("mkdir here && cd here && export A=1");
    expect(await run('echo "$A ${PWD##*/}"')).toMatchObject({ standardOutputContent: "1 here\n" });
    await at.kiln.root.call("codebuild", "StopSandbox", { id: sandbox.id });
    const filters = encodeURIComponent(JSON.stringify({ label: ["dev.kiln.environment"] }));
    for (const endMs = performance.now() + 20_000; performance.now() < endMs; await sleep(systemClock, 20)) {
      if ((await engine.client.json<unknown[]>(`/containers/json?all=1&filters=${filters}`))?.length === 0) return;
    }
    throw new Error("the sandbox's container stays");
  });

  it("Kiln's own tools work with the image's programs", { timeout: TIMEOUT_MS }, async () => {
    const built = await at.build({
      files: {
        "buildspec.yml": `version: 0.2
phases:
  build:
    commands:
      - codebuild-hash-files '*.lock'
      - codebuild-tests-run --files-search "codebuild-glob-search 'tests/**/*.py'" --test-command 'echo running'
`,
        "a.lock": "one\n",
        "tests/deep/b.py": "",
      },
      environment,
    });
    const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
    expect(built.log, built.notices).toContain(`\n${hash(`${hash("one\n")}  a.lock\n`)}\n`);
    expect(built.log).toContain("\nrunning tests/deep/b.py\n");
    expect(built.status).toBe("SUCCEEDED");
  });

  describe.skipIf(!hasGit)("git", () => {
    const TOKEN = "tok'en-$(x)-1234";
    let image: ProgramImage;
    let server: GitServer;
    let folder: string;
    beforeAll(async () => {
      image = await programImage(engine, "git", GIT);
      folder = await mkdtemp(join(tmpdir(), "kiln-git-"));
      new TestRepository(join(folder, "app")).commit({ file: "text" });
      server = await serveGit(folder, { credentials: `robot:${TOKEN}` });
    }, TIMEOUT_MS);
    afterAll(async () => {
      await server?.close();
      await image?.release();
      await removeTree(folder);
    });

    it.each([
      ["yes", /^[0-9a-f]{40}\tHEAD$/m],
      ["no", /could not read Username/],
    ])("has the source's credentials with git-credential-helper: %s", { timeout: TIMEOUT_MS }, async (helper, said) => {
      const buildspec = `version: 0.2
env:
  git-credential-helper: ${helper}
phases:
  build:
    commands:
      - git config --global --add safe.directory '*'
      - GIT_TERMINAL_PROMPT=0 git ls-remote origin HEAD || true
`;
      const secretId = `git-${helper}-${engine.kind}`;
      const { ARN } = await at.kiln.root.call<{ ARN: string }>("secretsmanager", "CreateSecret", {
        Name: secretId,
        ClientRequestToken: "8c1f4c0e-6a1f-4f5e-9d0b-3a3a5b7d1e11",
        SecretString: JSON.stringify({ ServerType: "GITHUB", AuthType: "BASIC_AUTH", Username: "robot", Token: TOKEN }),
      });
      const built = await at.build({
        files: {},
        environment: { image: image.name },
        more: {
          source: {
            ...{ type: "GITHUB", location: `${server.url}/app`, buildspec },
            auth: { type: "SECRETS_MANAGER", resource: ARN },
          },
        },
      });
      expect(built, built.log + built.notices + JSON.stringify(built.phases)).toMatchObject({ status: "SUCCEEDED" });
      expect(built.log).toMatch(said);
      expect(built.log).not.toContain("tok'en");
    });
  });
});
