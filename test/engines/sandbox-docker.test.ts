/** The docker of a build in the sandbox, as `auto` takes it: the embedded builder, and a real engine behind the proxy. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEngines } from "../../src/app.ts";
import { staticBusybox } from "../support/docker-fixture.ts";
import { type ContainerProject, type FinishedBuild, openContainerProject } from "./container-project.ts";

const [sandbox] = createEngines({});
const problem = await sandbox?.problem?.(AbortSignal.timeout(20_000));
if (problem !== undefined) process.stderr.write(`docker in the sandbox is not tested: ${problem}\n`);
const busybox = await staticBusybox();
const engineHost = process.env["KILN_TEST_DOCKER_HOST"];
if (engineHost === undefined) process.stderr.write("docker in the sandbox: no engine (KILN_TEST_DOCKER_HOST)\n");

const backends = [
  // A socket at which nothing listens: then there is no engine on the machine.
  ["the embedded builder", "unix:///nonexistent/docker.sock"],
  ...(engineHost === undefined ? [] : [["a real engine", engineHost] as const]),
] as const;
const TIMEOUT_MS = 180_000;
const REGISTRY = "000000000000.dkr.ecr.us-east-1.amazonaws.com";

describe.skipIf(problem !== undefined || busybox === undefined).each(backends)(
  "docker in the sandbox, by %s",
  (_name, host) => {
    const before = process.env["DOCKER_HOST"];
    let at: ContainerProject;
    let login = "";

    beforeAll(async () => {
      process.env["DOCKER_HOST"] = host;
      at = await openContainerProject({});
      await at.kiln.root.call("ecr", "CreateRepository", { repositoryName: "app" });
      const token = await at.kiln.root.call<{ authorizationData: { authorizationToken: string }[] }>(
        "ecr",
        "GetAuthorizationToken",
        {},
      );
      const [{ authorizationToken } = { authorizationToken: "" }] = token.authorizationData;
      login = Buffer.from(authorizationToken, "base64").toString("utf8").slice("AWS:".length);
    }, TIMEOUT_MS);
    afterAll(async () => {
      await at?.close();
      if (before === undefined) delete process.env["DOCKER_HOST"];
      else process.env["DOCKER_HOST"] = before;
    });

    const build = async (commands: readonly string[]): Promise<FinishedBuild> =>
      at.build({
        files: {
          "buildspec.yml": `version: 0.2\nphases:\n  build:\n    on-failure: ABORT\n    commands:\n${commands.map((line) => `      - ${JSON.stringify(line)}\n`).join("")}`,
          "busybox.txt": (await readFile(busybox as string)).toString("base64"),
          Dockerfile:
            'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "sh", "-c", "echo made > /made"]\nCMD ["/bin/busybox", "cat", "/made"]\n',
        },
        environment: { image: "aws/codebuild/standard:7.0", privilegedMode: true },
      });
    it("builds, pushes and runs", { timeout: TIMEOUT_MS }, async () => {
      const built = await build([
        `ls /var/run/docker.sock /run/docker.sock ${host.slice("unix://".length)} 2>/dev/null || echo hidden`,
        "cd ../../../../docker; (rm -f docker.sock; mv config other; touch new) 2>/dev/null; ls -d docker.sock config new 2>/dev/null || true",
        'cd "$CODEBUILD_SRC_DIR"',
        `printf %s '${login}' | docker login -u AWS --password-stdin ${REGISTRY}`,
        "base64 -d busybox.txt > busybox && chmod +x busybox",
        `docker build -t ${REGISTRY}/app:1 . && docker push ${REGISTRY}/app:1`,
        `docker run --rm ${REGISTRY}/app:1`,
      ]);
      expect(built, built.log + built.notices).toMatchObject({ status: "SUCCEEDED" });
      expect(built.notices).toContain("engine sandbox: ");
      expect(built.log).toMatch(/^hidden$/m);
      // What answers is Kiln's: commands have the client's settings only.
      expect(built.log).toMatch(/^config\ndocker\.sock$/m);
      expect(built.log).toMatch(/^made$/m);
      const { imageDetails } = await at.kiln.root.call<{ imageDetails: { imageTags: string[] }[] }>(
        "ecr",
        "DescribeImages",
        { repositoryName: "app" },
      );
      expect(imageDetails[0]?.imageTags).toEqual(["1"]);
    });
  },
);
