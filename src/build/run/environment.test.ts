import { describe, expect, it } from "vitest";
import { TEST_UUID, testBuild } from "../../../test/support/run-test-build.ts";
import { createFakeEngine } from "../../engines/index.ts";
import { withBuildVariables } from "./environment.ts";

const BUILDSPEC = `version: 0.2
env:
  variables:
    PLAIN: "$HOME and $(date)"
    CODEBUILD_BUILD_ID: mine
    CODEBUILD_CONFIG_AUTO_DISCOVER: "false"
    AWS_DEFAULT_REGION: eu-west-1
phases:
  build:
    commands: ['true']
`;

describe("the environment of commands", () => {
  it("has CodeBuild's variables, each with its value", async () => {
    const engine = createFakeEngine();
    await testBuild({
      engine,
      buildspec: BUILDSPEC,
      request: {
        sourceVersion: "main",
        variables: { CODEBUILD_WEBHOOK_EVENT: "PUSH", CODEBUILD_BATCH_BUILD_IDENTIFIER: "linux_small" },
        logs: undefined,
      },
    });
    const variables = { ...engine.opened[0]?.variables };
    const srcDir = variables["CODEBUILD_SRC_DIR"] ?? "";
    expect(srcDir).toMatch(/\/codebuild\/output\/src\d+\/src$/);
    expect(variables["GOPATH"]).toBe(`/go:${srcDir.slice(0, -4)}`);
    expect(variables["CODEBUILD_GOPATH"]).toBe(srcDir.slice(0, -4));
    for (const name of ["CODEBUILD_SRC_DIR", "GOPATH", "CODEBUILD_GOPATH", "DOCKER_HOST"]) delete variables[name];
    expect(variables).toEqual({
      AWS_CONTAINER_AUTHORIZATION_TOKEN: "token-of-the-tests-build",
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:4566/_kiln/credentials/x",
      AWS_DEFAULT_REGION: "eu-west-1",
      AWS_ENDPOINT_URL: "http://127.0.0.1:4566",
      AWS_EXECUTION_ENV: "AWS_ECS_EC2",
      AWS_REGION: "us-east-1",
      CODEBUILD_BATCH_BUILD_IDENTIFIER: "linux_small",
      CODEBUILD_BUILD_ARN: `arn:aws:codebuild:us-east-1:111122223333:build/my-project:${TEST_UUID}`,
      CODEBUILD_BUILD_ID: `my-project:${TEST_UUID}`,
      CODEBUILD_BUILD_IMAGE: "aws/codebuild/standard:7.0",
      CODEBUILD_BUILD_NUMBER: "1",
      CODEBUILD_BUILD_SUCCEEDING: "1",
      CODEBUILD_BUILD_URL: `https://us-east-1.console.aws.amazon.com/codebuild/home?region=us-east-1#/builds/my-project:${TEST_UUID}/view/new`,
      CODEBUILD_CI: "true",
      CODEBUILD_CONFIG_AUTO_DISCOVER: "false",
      CODEBUILD_CONTAINER_NAME: "default",
      CODEBUILD_EXECUTION_ROLE_BUILD: "",
      CODEBUILD_FE_REPORT_ENDPOINT: "https://codebuild.us-east-1.amazonaws.com/",
      CODEBUILD_INITIATOR: "tester",
      CODEBUILD_KMS_KEY_ID: "alias/aws/s3",
      CODEBUILD_LAST_EXIT: "0",
      CODEBUILD_LOG_PATH: `${TEST_UUID}`,
      CODEBUILD_PROJECT_ARN: "arn:aws:codebuild:us-east-1:111122223333:project/my-project",
      CODEBUILD_PROJECT_UUID: expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ),
      CODEBUILD_SOURCE_REPO_URL: "",
      CODEBUILD_SOURCE_VERSION: "main",
      CODEBUILD_START_TIME: "1767323045000",
      CODEBUILD_WEBHOOK_EVENT: "PUSH",
      PLAIN: "$HOME and $(date)",
    });
  });

  it("keeps CodeBuild's own value for a reserved name, and says so", async () => {
    const { notices } = await testBuild({ engine: createFakeEngine(), buildspec: BUILDSPEC });
    expect(notices).toContain("the name `CODEBUILD_BUILD_ID` is reserved: commands see CodeBuild's own value");
    expect(
      withBuildVariables({ CODEBUILD_CI: "true", HOME: "/root" }, [
        ["CODEBUILD_CI", "x"],
        ["HOME", "/h"],
        ["CODEBUILD_MINE", "y"],
      ]),
    ).toEqual({
      variables: { CODEBUILD_CI: "true", HOME: "/h", CODEBUILD_MINE: "y" },
      reserved: ["CODEBUILD_CI"],
    });
  });

  it("tells which sh the image has when this machine's is another", async () => {
    const { notices } = await testBuild({
      engine: { ...createFakeEngine(), capabilities: { usesHostTools: true, runAs: false } },
      request: { image: "aws/codebuild/amazonlinux-x86_64-standard:5.0" },
      buildspec: "version: 0.2\nphases:\n  build:\n    commands: ['true']\n",
    });
    const isBash = notices.find((text) => text.startsWith("`sh` is"));
    if (isBash !== undefined) {
      expect(isBash).toMatch(
        /^`sh` is bash in `aws\/codebuild\/amazonlinux-x86_64-standard:5\.0` and \w+ on this machine: what only bash understands \(`\[\[`, arrays\) works there and not here; `env\.shell: bash` makes both the same$/,
      );
    }
  });
});
