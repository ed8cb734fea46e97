import { describe, expect, it } from "vitest";
import { denied, phaseLine, TEST_ROLE, TEST_UUID, testBuild } from "../../../test/support/run-test-build.ts";
import { TestClock } from "../../core/clock.ts";
import { err } from "../../core/result.ts";
import { createFakeEngine } from "../../engines/index.ts";

const FOUR_PHASES = `version: 0.2
phases:
  install:
    commands: [do-install]
  pre_build:
    commands: [do-pre]
  build:
    commands: [do-build]
  post_build:
    commands: [do-post]
`;

describe("a build", () => {
  it("goes through CodeBuild's phases and writes CodeBuild's log", async () => {
    const { result, log } = await testBuild({
      buildspec: FOUR_PHASES,
      engine: createFakeEngine([{ match: "do-build", output: ["building\n", "no end"] }]),
    });
    expect(result.buildStatus).toBe("SUCCEEDED");
    expect(phaseLine(result)).toBe(
      "SUBMITTED:SUCCEEDED QUEUED:SUCCEEDED PROVISIONING:SUCCEEDED DOWNLOAD_SOURCE:SUCCEEDED INSTALL:SUCCEEDED PRE_BUILD:SUCCEEDED BUILD:SUCCEEDED POST_BUILD:SUCCEEDED UPLOAD_ARTIFACTS:SUCCEEDED FINALIZING:SUCCEEDED COMPLETED",
    );
    expect(result.phases[0]).not.toHaveProperty("contexts");
    expect(result.phases[6]?.contexts).toEqual([{ statusCode: "", message: "" }]);
    expect(log).toBe(`C Running on CodeBuild On-demand
C Waiting for agent ping
C Waiting for DOWNLOAD_SOURCE
C Phase is DOWNLOAD_SOURCE
C CODEBUILD_SRC_DIR=SRC
C YAML location is /codebuild/readonly/buildspec.yml
C Processing environment variables
C No runtime version selected in buildspec.
C Moving to directory SRC
C Cache is not defined in the buildspec
C Skip cache due to: no paths specified to be cached
C Registering with agent
C Phases found in YAML: 4
C  INSTALL: 1 commands
C  PRE_BUILD: 1 commands
C  BUILD: 1 commands
C  POST_BUILD: 1 commands
C Phase complete: DOWNLOAD_SOURCE State: SUCCEEDED
C Phase context status code:  Message: 
C Entering phase INSTALL
C Running command do-install

C Phase complete: INSTALL State: SUCCEEDED
C Phase context status code:  Message: 
C Entering phase PRE_BUILD
C Running command do-pre

C Phase complete: PRE_BUILD State: SUCCEEDED
C Phase context status code:  Message: 
C Entering phase BUILD
C Running command do-build
building
no end

C Phase complete: BUILD State: SUCCEEDED
C Phase context status code:  Message: 
C Entering phase POST_BUILD
C Running command do-post

C Phase complete: POST_BUILD State: SUCCEEDED
C Phase context status code:  Message: 
C Phase complete: UPLOAD_ARTIFACTS State: SUCCEEDED
C Phase context status code:  Message: `);
  });

  it("tells a failed command as CodeBuild does, and still runs POST_BUILD and the upload", async () => {
    const engine = createFakeEngine([{ match: "do-build", outcome: { kind: "exited", exitCode: 3 } }]);
    const { result, log } = await testBuild({ buildspec: FOUR_PHASES, engine });
    expect(result.buildStatus).toBe("FAILED");
    expect(phaseLine(result)).toContain(
      "BUILD:FAILED POST_BUILD:SUCCEEDED UPLOAD_ARTIFACTS:SUCCEEDED FINALIZING:SUCCEEDED",
    );
    expect(log).toContain(`C Running command do-build

C Command did not exit successfully do-build exit status 3
C Phase complete: BUILD State: FAILED
C Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing command: do-build. Reason: exit status 3
`);
  });

  it.each([
    ["install", "INSTALL:FAILED FINALIZING:SUCCEEDED COMPLETED"],
    ["pre", "PRE_BUILD:FAILED FINALIZING:SUCCEEDED COMPLETED"],
    ["post", "POST_BUILD:FAILED UPLOAD_ARTIFACTS:SUCCEEDED FINALIZING:SUCCEEDED COMPLETED"],
  ])("after a failure in %s goes on as CodeBuild does", async (phase, expected) => {
    const engine = createFakeEngine([{ match: `do-${phase}`, outcome: { kind: "exited", exitCode: 1 } }]);
    const { result } = await testBuild({ buildspec: FOUR_PHASES, engine });
    expect(phaseLine(result)).toContain(expected);
    expect(result.buildStatus).toBe("FAILED");
  });

  it("skips POST_BUILD and the upload after on-failure: ABORT in BUILD", async () => {
    const engine = createFakeEngine([{ match: "do-build", outcome: { kind: "exited", exitCode: 1 } }]);
    const { result } = await testBuild({
      buildspec: FOUR_PHASES.replace("  build:\n", "  build:\n    on-failure: ABORT\n"),
      engine,
    });
    expect(phaseLine(result)).toContain("BUILD:FAILED FINALIZING:SUCCEEDED COMPLETED");
  });

  it("goes on and succeeds after on-failure: CONTINUE", async () => {
    const engine = createFakeEngine([{ match: "do-install", outcome: { kind: "exited", exitCode: 1 } }]);
    const { result } = await testBuild({
      buildspec: FOUR_PHASES.replace("  install:\n", "  install:\n    on-failure: CONTINUE\n"),
      engine,
    });
    expect(phaseLine(result)).toContain("INSTALL:FAILED PRE_BUILD:SUCCEEDED");
    expect(result.buildStatus).toBe("SUCCEEDED");
  });

  it("stops at the first failing command but runs finally", async () => {
    const engine = createFakeEngine([{ match: "two", outcome: { kind: "exited", exitCode: 1 } }]);
    const { result } = await testBuild({
      buildspec: "version: 0.2\nphases:\n  build:\n    commands: [one, two, three]\n    finally: [clean]\n",
      engine,
    });
    const texts = engine.commands.map((command) => command.script.split("\n")[3]);
    expect(texts).toEqual(["one", "two", "clean"]);
    expect(result.buildStatus).toBe("FAILED");
  });

  it("fails in QUEUED when the role may not create the log stream", async () => {
    const resource = `arn:aws:logs:us-east-1:111122223333:log-group:/aws/codebuild/my-project:log-stream:${TEST_UUID}`;
    const { result } = await testBuild({
      buildspec: FOUR_PHASES,
      engine: createFakeEngine(),
      request: { logs: { groupName: "/aws/codebuild/my-project", streamName: TEST_UUID } },
      role: {
        CreateLogStream: () => {
          throw denied("logs:CreateLogStream", resource);
        },
      },
    });
    expect(phaseLine(result)).toBe("SUBMITTED:SUCCEEDED QUEUED:FAILED COMPLETED");
    expect(result.phases[1]?.contexts).toEqual([
      {
        statusCode: "ACCESS_DENIED",
        message: `Service role ${TEST_ROLE} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build arn:aws:codebuild:us-east-1:111122223333:build/my-project:${TEST_UUID}. Error message: User: arn:aws:sts::111122223333:assumed-role/CodeBuildServiceRole/AWSCodeBuild-${TEST_UUID} is not authorized to perform: logs:CreateLogStream on resource: ${resource} because no identity-based policy allows the logs:CreateLogStream action`,
      },
    ]);
  });

  it("fails in PROVISIONING when no engine can run the image", async () => {
    const { result } = await testBuild({
      buildspec: FOUR_PHASES,
      engine: createFakeEngine(),
      dependencies: { engine: err("the image `alpine` needs a container engine") },
    });
    expect(phaseLine(result)).toBe("SUBMITTED:SUCCEEDED QUEUED:SUCCEEDED PROVISIONING:FAILED COMPLETED");
    expect(result.phases[2]?.contexts?.[0]).toEqual({
      statusCode: "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
      message: "Unable to pull customer's container image. the image `alpine` needs a container engine",
    });
  });

  it("fails as CodeBuild does when there is no buildspec", async () => {
    const { result } = await testBuild({ engine: createFakeEngine() });
    expect(phaseLine(result)).toContain("DOWNLOAD_SOURCE:FAILED FINALIZING:SUCCEEDED COMPLETED");
    expect(result.phases[3]?.contexts).toEqual([
      { statusCode: "YAML_FILE_ERROR", message: "YAML file does not exist" },
    ]);
  });

  it("is STOPPED in its phase, goes straight to COMPLETED, and closes what it opened", async () => {
    const controller = new AbortController();
    const engine = createFakeEngine([{ match: "do-build", output: ["x\n"], hangs: true }]);
    const { result } = await testBuild({
      buildspec: FOUR_PHASES,
      engine,
      dependencies: { signal: controller.signal },
      onEvent: (event) => {
        if (event.type === "log" && event.text === "x") controller.abort();
      },
    });
    expect(result.buildStatus).toBe("STOPPED");
    expect(phaseLine(result)).toMatch(/PRE_BUILD:SUCCEEDED BUILD:STOPPED COMPLETED$/);
    expect(result.phases.at(-2)).not.toHaveProperty("contexts");
    expect(engine.closed).toHaveLength(1);
  });

  it("times out", async () => {
    const clock = new TestClock();
    const { result } = await testBuild({
      buildspec: FOUR_PHASES,
      clock,
      engine: createFakeEngine([{ match: "do-pre", output: ["x\n"], hangs: true }]),
      onEvent: (event) => {
        if (event.type === "log" && event.text === "x") clock.advance(3_600_000);
      },
    });
    expect(result.buildStatus).toBe("TIMED_OUT");
    expect(result.phases.find((phase) => phase.phaseType === "PRE_BUILD")).toMatchObject({
      phaseStatus: "TIMED_OUT",
      contexts: [{ statusCode: "BUILD_TIMED_OUT", message: "Build has timed out. " }],
    });
  });

  it("is a FAULT, with the reason, when the engine breaks", async () => {
    const engine = createFakeEngine([
      {
        match: "do-pre",
        effect: () => {
          throw new Error("the disk is full");
        },
      },
    ]);
    const { result } = await testBuild({ buildspec: FOUR_PHASES, engine });
    expect(result.buildStatus).toBe("FAULT");
    expect(result.phases.find((phase) => phase.phaseStatus === "FAULT")?.contexts).toEqual([
      { statusCode: "INTERNAL_SERVICE_ERROR", message: "the disk is full" },
    ]);
    expect(engine.closed).toHaveLength(1);
  });

  it("prints CodeBuild's block for unknown keys", async () => {
    const { log } = await testBuild({
      buildspec: `${FOUR_PHASES}artifacts:\n  type: zip\n  files: ['**/*']\n`,
      engine: createFakeEngine(),
    });
    expect(log).toContain(`C Found possible syntax errors in buildspec: 
In the section artifacts
    The following keys cannot be identified:
        type
C Processing environment variables`);
  });
});
