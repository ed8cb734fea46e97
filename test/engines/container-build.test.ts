/** Whole builds in containers of a real Docker and a real Podman, through StartBuild; compared with the host engine's. */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ContainerProject, openContainerProject } from "./container-project.ts";
import { realEngines } from "./real-engines.ts";

const engines = await realEngines("kiln-engine-build");
const TIMEOUT_MS = 180_000;

const JUNIT = '<testsuite name="s" tests="1"><testcase classname="c" name="one" time="0.1"/></testsuite>';
const WHOLE = `version: 0.2
env:
  variables:
    COLOUR: "it's \\"blue\\""
  exported-variables: [MADE]
phases:
  install:
    commands:
      - echo "$COLOUR"
  build:
    commands:
      - cat data/in.txt; cd data; NEXT=carried
      - |
        echo "\${PWD##*/} $NEXT"
        echo to-err >&2
      - export MADE=value-$(cat in.txt)
      - no-such-command-here || true
      - mkdir -p "$CODEBUILD_SRC_DIR/out/deep" "$CODEBUILD_SRC_DIR/reports"
      - cp in.txt "$CODEBUILD_SRC_DIR/out/deep/copy.txt"; printf 'x' > "$CODEBUILD_SRC_DIR/out/run"; chmod 755 "$CODEBUILD_SRC_DIR/out/run"
      - cp junit.xml "$CODEBUILD_SRC_DIR/reports/"
  post_build:
    commands:
      - echo "succeeding $CODEBUILD_BUILD_SUCCEEDING"
reports:
  unit:
    base-directory: reports
    files: ['*.xml']
artifacts:
  base-directory: out
  files: ['**/*']
`;
const FILES = { "buildspec.yml": WHOLE, "data/in.txt": "input\n", "data/junit.xml": JUNIT };

/** Without what differs from build to build and from machine to machine. */
const comparable = (log: string): string =>
  log
    .replaceAll(/\/[^\s:]*\/codebuild\/output/g, "/codebuild/output")
    .replaceAll(/src\d{2,}/g, "srcN")
    .replaceAll(/script\.sh: (?:line )?(\d+):/g, "script.sh: line $1:")
    .replaceAll(/took \d+\.\d+ seconds/g, "took N seconds")
    .replaceAll(/no-such-command-here: (?:command )?not found/g, "no-such-command-here: not found");

describe.skipIf(engines.length === 0).each(engines)("a build in a $kind container", (engine) => {
  let at: ContainerProject;
  const environment = { image: engine.image };

  beforeAll(async () => {
    process.env["DOCKER_HOST"] = engine.machine["DOCKER_HOST"];
    at = await openContainerProject({ engine: engine.kind });
  });
  afterAll(async () => {
    await at?.close();
  });
  afterAll(() => engine.release());

  it("takes sources in and artifacts, reports and exported variables out, with the log of the host engine", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const built = await at.build({ files: FILES, environment });
    expect(built, built.log + built.notices).toMatchObject({ status: "SUCCEEDED" });
    expect(built.log).toMatch(/^CODEBUILD_SRC_DIR=\/codebuild\/output\/src\d+\/src$/m);
    expect(built.log).toContain(`\nit's "blue"\n`);
    expect(built.log).toContain("\ndata carried\nto-err\n");
    expect(built.log).toMatch(/^\/codebuild\/output\/tmp\/script\.sh: (?:line )?4: no-such-command-here: not found$/m);
    expect(built.record["exportedEnvironmentVariables"]).toEqual([{ name: "MADE", value: "value-input" }]);
    expect((built.record["reportArns"] as string[])[0]).toContain("report/project-0-unit:");
    const [stored] = await readdir(at.artifactsDir);
    const folder = join(at.artifactsDir, stored ?? "");
    expect(await readFile(join(folder, "deep/copy.txt"), "utf8")).toBe("input\n");
    expect(existsSync(join(folder, "run"))).toBe(true);

    const host = await openContainerProject({ engine: "host" });
    try {
      const onHost = await host.build({ files: FILES, environment: { image: "aws/codebuild/standard:7.0" } });
      const runtimes = /^No runtime version selected in buildspec\.\n/gm;
      expect(comparable(built.log).replace(runtimes, "")).toBe(comparable(onHost.log).replace(runtimes, ""));
    } finally {
      await host.close();
    }
  });

  it("has CodeBuild's places and variables, the image's own, and reaches Kiln as the role", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const built = await at.build({
      files: {
        "buildspec.yml": `version: 0.2
phases:
  build:
    commands:
      - echo "home $HOME user $(id -u) from $FROM_PARENT"
      - stat -c '%a %U %n' "$CODEBUILD_SRC_DIR" /codebuild/readonly /codebuild/private
      - wget -q -O /tmp/answer --header "Authorization:$AWS_CONTAINER_AUTHORIZATION_TOKEN" "$AWS_CONTAINER_CREDENTIALS_FULL_URI" && grep -c SecretAccessKey /tmp/answer
      - test ! -e /var/run/docker.sock && echo no docker
`,
      },
      environment: { image: engine.imageWithUser },
    });
    expect(built, built.log + built.notices).toMatchObject({ status: "SUCCEEDED" });
    expect(built.log).toContain("\nhome /root user 0 from yes\n");
    expect(built.log).toMatch(
      /^755 root \/codebuild\/output\/src\d+\/src\n755 root \/codebuild\/readonly\n711 root \/codebuild\/private$/m,
    );
    expect(built.log).toContain("\n1\n");
    expect(built.log).toContain("\nno docker\n");
  });

  it("fails with the command, and runs as another user of the image", { timeout: TIMEOUT_MS }, async () => {
    const built = await at.build({
      files: {
        "buildspec.yml": `version: 0.2
phases:
  pre_build:
    commands: ['X=from-root']
  build:
    run-as: app
    commands:
      - echo "as $(id -un) $X"; Y=from-app; cat hello
      - exit 3
  post_build:
    commands: ['echo "as $(id -un) $Y succeeding $CODEBUILD_BUILD_SUCCEEDING"']
`,
        hello: "hello\n",
      },
      environment,
    });
    expect(built.status).toBe("FAILED");
    expect(built.log).toContain("\nas app from-root\nhello\n");
    expect(built.log).toContain("\nas root from-app succeeding 0\n");
    expect(built.phases["BUILD"]?.message).toBe("Error while executing command: exit 3. Reason: exit status 3");
  });

  it("ends with everything it started when it is stopped, and leaves nothing behind", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const startedMs = performance.now();
    const built = await at.build({
      files: {
        "buildspec.yml":
          "version: 0.2\nphases:\n  build:\n    commands: ['(setsid sleep 4242 &); echo started; sleep 4242']\n",
      },
      environment,
      onEvent: (event, id) => {
        if (event.type === "log" && event.text === "started") void at.kiln.root.call("codebuild", "StopBuild", { id });
      },
    });
    expect(built.status).toBe("STOPPED");
    expect(performance.now() - startedMs).toBeLessThan(40_000);
    const filters = encodeURIComponent(JSON.stringify({ label: ["dev.kiln.environment"] }));
    expect(await engine.client.json(`/containers/json?all=1&filters=${filters}`)).toEqual([]);
  });

  it("says in AWS's words why there is no environment", { timeout: TIMEOUT_MS }, async () => {
    const files = { "buildspec.yml": "version: 0.2\nphases:\n  build:\n    commands: ['true']\n" };
    const missing = await at.build({
      files,
      environment: {
        image: "111122223333.dkr.ecr.us-east-1.amazonaws.com/app:1",
        imagePullCredentialsType: "CODEBUILD",
      },
    });
    expect(missing.phases["PROVISIONING"]).toEqual({
      status: "FAILED",
      message:
        "Unable to pull customer's container image. CannotPullContainerError: Error response from daemon: pull access denied for 111122223333.dkr.ecr.us-east-1.amazonaws.com/app, repository does not exist or may require 'docker login': denied: User: CodeBuild",
    });
    const nowhere = await at.build({ files, environment: { image: "127.0.0.1:9/none:1" } });
    expect(nowhere.status).toBe("FAILED");
    expect(nowhere.phases["PROVISIONING"]?.message).toMatch(
      /^Unable to pull customer's container image\. CannotPullContainerError: Error response from daemon: .*127\.0\.0\.1:9/s,
    );
  });

  it("has the build's own docker socket with privilegedMode, and is not privileged itself", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const built = await at.build({
      files: {
        "buildspec.yml": `version: 0.2
phases:
  build:
    commands:
      - test -S /var/run/docker.sock && echo "socket $DOCKER_HOST"
      - grep CapEff /proc/self/status
`,
      },
      environment: { ...environment, privilegedMode: true },
    });
    expect(built.log, built.notices).toContain("\nsocket \n");
    expect(built.log).not.toContain("CapEff:\t000001ffffffffff");
  });

  it("keeps a local cache between builds", { timeout: TIMEOUT_MS }, async () => {
    const files = {
      "buildspec.yml": `version: 0.2
phases:
  build:
    commands: ['cat /root/.tool/kept 2>/dev/null || echo cold; echo warm > /root/.tool/kept']
cache:
  paths: ['/root/.tool/**/*']
`,
    };
    const cache = { type: "LOCAL", modes: ["LOCAL_CUSTOM_CACHE"] };
    const first = await at.build({ files, environment, more: { cache } });
    expect(first.log, first.notices).toContain("\ncold\n");
    const { log } = await at.again(first);
    expect(log).toContain("Symlinking local cache /root/.tool/**/*\n");
    expect(log).toContain("\nwarm\n");
    await engine.client.text(
      "DELETE",
      `/volumes/kiln-cache-000000000000-us-east-1-${String(first.record["projectName"])}-0?force=1`,
    );
  });
});
