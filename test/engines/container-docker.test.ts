/** The docker of a build whose commands run in a container: a real docker CLI in the image, each thing that can answer it. */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ContainerProject, openContainerProject } from "./container-project.ts";
import { DOCKER_CLI, type ProgramImage, programImage } from "./program-image.ts";
import { realEngines } from "./real-engines.ts";

const engines = await realEngines("kiln-engine-docker");
const TIMEOUT_MS = 180_000;

describe.skipIf(engines.length === 0 || !existsSync(DOCKER_CLI)).each(engines)(
  "docker in a $kind container",
  (engine) => {
    let at: ContainerProject;
    let image: ProgramImage;

    beforeAll(async () => {
      process.env["DOCKER_HOST"] = engine.machine["DOCKER_HOST"];
      at = await openContainerProject({ engine: engine.kind });
      image = await programImage(engine, "docker", [[DOCKER_CLI, "/usr/bin/docker"]]);
    }, TIMEOUT_MS);
    afterAll(async () => {
      await at?.close();
      await image?.release();
      await engine.release();
    });

    const build = async (commands: readonly string[], files: Readonly<Record<string, string>> = {}) =>
      at.build({
        files: {
          "buildspec.yml": `version: 0.2\nphases:\n  build:\n    commands:\n${commands.map((line) => `      - ${JSON.stringify(line)}\n`).join("")}`,
          ...files,
        },
        environment: { image: image.name, privilegedMode: true },
      });

    it("builds, pushes to Kiln's registry and runs", { timeout: TIMEOUT_MS }, async () => {
      const repository = "000000000000.dkr.ecr.us-east-1.amazonaws.com/inner";
      await at.kiln.root.call("ecr", "CreateRepository", { repositoryName: "inner" });
      const token = await at.kiln.root.call<{ authorizationData: { authorizationToken: string }[] }>(
        "ecr",
        "GetAuthorizationToken",
        {},
      );
      const login = Buffer.from(token.authorizationData[0]?.authorizationToken ?? "", "base64").toString("utf8");
      const built = await build(
        [
          "docker version --format '{{.Server.Os}}' && test -S /var/run/docker.sock",
          "docker -H unix:///var/run/docker.sock ps -q | wc -l",
          `docker login -u AWS -p ${login.slice(4)} ${repository.split("/")[0]} 2>/dev/null`,
          `docker build -t ${repository}:1 .`,
          `docker push ${repository}:1`,
          `docker run --rm ${repository}:1`,
        ],
        {
          Dockerfile: `FROM ${engine.image}\nCOPY hello /hello\nCMD ["cat", "/hello"]\n`,
          hello: "hello from inside\n",
        },
      );
      expect(built, built.log + built.notices).toMatchObject({ status: "SUCCEEDED" });
      expect(built.log).toMatch(/^linux\n(?:.*\n)*0$/m);
      expect(built.log).toContain("\nhello from inside\n");
      const { imageDetails } = await at.kiln.root.call<{ imageDetails: { imageTags: string[] }[] }>(
        "ecr",
        "DescribeImages",
        { repositoryName: "inner" },
      );
      expect(imageDetails[0]?.imageTags).toEqual(["1"]);
    });

    it("mounts folders and files of the sources, and the socket, in containers beside it", {
      timeout: TIMEOUT_MS,
    }, async () => {
      const run = `docker run --rm --network=none`;
      const built = await build(
        [
          `${run} -v "$CODEBUILD_SRC_DIR:/src" ${engine.image} sh -c 'cat /src/in.txt; echo made > /src/out.txt'`,
          "cat out.txt",
          `${run} -v "$PWD/in.txt:/one:ro" ${engine.image} cat /one`,
          `${run} --mount type=bind,source="$PWD/in.txt",target=/one ${engine.image} cat /one`,
          `${run} -v "$PWD/new/deep:/d" ${engine.image} touch /d/x && ls new/deep`,
          `${run} -v /var/run/docker.sock:/var/run/docker.sock ${image.name} docker version --format 'inner {{.Server.Os}}'`,
          `ln -s . link && ${run} -v "$PWD/link:/src" ${engine.image} cat /src/in.txt`,
        ],
        { "in.txt": "from the sources\n" },
      );
      expect(built, built.log + built.notices).toMatchObject({ status: "SUCCEEDED" });
      expect(built.log).toContain("\nfrom the sources\n");
      expect(built.log.match(/^from the sources$/gm)).toHaveLength(4);
      expect(built.log).toContain("\nmade\n");
      expect(built.log).toContain("\nx\n");
      expect(built.log).toContain("\ninner linux\n");
    });

    it("mounts nothing else, whatever becomes of a path meanwhile", { timeout: TIMEOUT_MS }, async () => {
      const outside = "bind mounts outside the build's folder, /codebuild/output, are refused";
      const run = `docker run --rm --network=none`;
      const built = await build([
        `${run} -v /etc:/x ${engine.image} true || true`,
        `${run} -v /codebuild/output/../../etc:/x ${engine.image} true || true`,
        `ln -s /etc etc; ${run} -v "$PWD/etc:/x" ${engine.image} true || true`,
        `${run} --mount type=bind,source=/codebuild/private,target=/x ${engine.image} true || true`,
        `docker volume create -o type=none -o o=bind -o device=/ bad || true`,
        `mkdir later; docker create --name swapped --network=none --restart always -v "$PWD/later:/x" ${engine.image} ls /x`,
        "docker inspect --format 'restarts {{.HostConfig.RestartPolicy.Name}}' swapped",
        "rmdir later; ln -s / later; docker start swapped || true",
        "docker update --restart always swapped || true",
        `docker run --rm --network=none --volumes-from "$(hostname)" ${engine.image} true || true`,
      ]);
      expect(built, built.log + built.notices).toMatchObject({ status: "SUCCEEDED" });
      for (const path of ["/etc", "/codebuild/output/../../etc", "/codebuild/private"]) {
        expect(built.log).toContain(`${outside}: ${path}`);
      }
      expect(built.log).toMatch(/ refused: \/codebuild\/output\/src\d+\/src\/etc/);
      expect(built.log).toContain("volumes outside the build's folder are refused: /\n");
      expect(built.log).toMatch(/^restarts (no)?$/m);
      expect(built.log).toMatch(/bind mounts outside the build's folder are refused: \/\S+\/later is elsewhere now/);
      expect(built.log).toContain("docker update --restart is refused in a build");
      expect(built.notices).toContain(
        "docker: containers that mount folders of the build are not started again by themselves",
      );
    });
  },
);
