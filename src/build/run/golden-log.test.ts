/** The log of one build with a bit of everything, on the host engine under dash or bash, up to the upload. */
import { expect, it } from "vitest";
import { TEST_UUID, testBuild } from "../../../test/support/run-test-build.ts";
import { createHostEngine } from "../../engines/index.ts";

const BUILDSPEC = `version: 0.2
env:
  shell: bash
  variables:
    COLOUR: blue
  parameter-store:
    DOCKER_USER: /CodeBuild/user
phases:
  install:
    runtime-versions:
      nodejs: 20.x
  pre_build:
    environment: {}
    commands:
      - echo "user $DOCKER_USER in $COLOUR"
      - |
        for n in 1 2; do
          echo "line $n"
        done
    finally:
      - echo finally
  build:
    commands:
      - printf 'no line end'; no-such-tool
      - echo not reached
  post_build:
    commands:
      - echo "succeeding $CODEBUILD_BUILD_SUCCEEDING"
artifacts:
  type: zip
  files: ['**/*']
`;

it("is CodeBuild's, line by line", async () => {
  const { log } = await testBuild({
    engine: createHostEngine(),
    buildspec: BUILDSPEC,
    request: { privilegedMode: true },
    role: { GetParameters: () => ({ Parameters: [{ Name: "/CodeBuild/user", Value: "adminuser" }] }) },
  });
  const end = log.indexOf("\n", log.indexOf("\n", log.indexOf("C Phase complete: POST_BUILD")) + 1);
  expect(log.slice(0, end)).toBe(
    `C Running on CodeBuild On-demand
C Waiting for agent ping
C Waiting for DOWNLOAD_SOURCE
C Phase is DOWNLOAD_SOURCE
C CODEBUILD_SRC_DIR=SRC
C YAML location is /codebuild/readonly/buildspec.yml
C No commands found for phase name: install
C Found possible syntax errors in buildspec: 
In the section phases.pre_build
    The following keys cannot be identified:
        environment
C Found possible syntax errors in buildspec: 
In the section artifacts
    The following keys cannot be identified:
        type
C Processing environment variables
C Decrypting parameter store environment variables
C Selecting 'nodejs' runtime version '20.x' based on manual selections...
C Running command echo "Installing Node.js version 20 ..."
Installing Node.js version 20 ...

C Moving to directory SRC
C Cache is not defined in the buildspec
C Skip cache due to: no paths specified to be cached
C Configuring ssm agent with target id: codebuild:${TEST_UUID}
C Successfully updated ssm agent configuration
C Registering with agent
C Phases found in YAML: 4
C  INSTALL: 0 commands
C  PRE_BUILD: 2 commands
C  BUILD: 2 commands
C  POST_BUILD: 1 commands
C Phase complete: DOWNLOAD_SOURCE State: SUCCEEDED
C Phase context status code:  Message: 
C Entering phase INSTALL
C Phase complete: INSTALL State: SUCCEEDED
C Phase context status code:  Message: 
C Entering phase PRE_BUILD
C Running command echo "user $DOCKER_USER in $COLOUR"
user *** in blue

C Running command for n in 1 2; do
  echo "line $n"
done

line 1
line 2

C Running command echo finally
finally

C Phase complete: PRE_BUILD State: SUCCEEDED
C Phase context status code:  Message: 
C Entering phase BUILD
C Running command printf 'no line end'; no-such-tool
no line endWORK/codebuild/output/tmp/script.sh: line 4: no-such-tool: command not found

C Command did not exit successfully printf 'no line end'; no-such-tool exit status 127
C Phase complete: BUILD State: FAILED
C Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing command: printf 'no line end'; no-such-tool. Reason: exit status 127
C Entering phase POST_BUILD
C Running command echo "succeeding $CODEBUILD_BUILD_SUCCEEDING"
succeeding 0

C Phase complete: POST_BUILD State: FAILED
`.replace("POST_BUILD State: FAILED\n", "POST_BUILD State: SUCCEEDED\nC Phase context status code:  Message: "),
  );
});

it("puts a carriage of several runtimes after their selection", async () => {
  const { log } = await testBuild({
    engine: createHostEngine(),
    buildspec:
      "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      nodejs: 20\n      python: 3.11.4\n  build:\n    commands: ['true']\n",
  });
  expect(log).toContain(`C Selecting 'nodejs' runtime version '20' based on manual selections...
C Selecting 'python' runtime version '3.11.4' based on manual selections...
C Running command echo "Installing Node.js version 20 ..."
Installing Node.js version 20 ...

C Running command echo "Installing custom Python version $VERSION ..."
Installing custom Python version 3.11.4 ...

C Moving to directory SRC
`);
});

it.each([
  [
    "aws/codebuild/standard:4.0",
    "nodejs: 14",
    "Unknown runtime version named '14' of nodejs. This build image has the following versions: 10, 12",
  ],
  ["aws/codebuild/standard:4.0", undefined, "This build image requires selecting at least one runtime version."],
])("fails in DOWNLOAD_SOURCE on %s with %s", async (image, runtime, message) => {
  const install = runtime === undefined ? "" : `  install:\n    runtime-versions:\n      ${runtime}\n`;
  const { result, log } = await testBuild({
    engine: createHostEngine(),
    request: { image },
    buildspec: `version: 0.2\nphases:\n${install}  build:\n    commands: ['true']\n`,
  });
  expect(result.phases[3]).toMatchObject({
    phaseType: "DOWNLOAD_SOURCE",
    phaseStatus: "FAILED",
    contexts: [{ statusCode: "YAML_FILE_ERROR", message }],
  });
  expect(log.endsWith(`C Phase context status code: YAML_FILE_ERROR Message: ${message}`)).toBe(true);
});

it("skips runtimes on an image of one's own, with CodeBuild's warning", async () => {
  const { log, result } = await testBuild({
    engine: createHostEngine(),
    request: { image: "python:3.11" },
    buildspec:
      "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      nodejs: 20\n  build:\n    commands: ['true']\n",
  });
  expect(log).toContain(
    "C [WARN] Skipping install of runtimes. Runtime version selection is not supported by this build image.\n",
  );
  expect(result.buildStatus).toBe("SUCCEEDED");
});
