/** What only AWS produces, or only a text from AWS shows: the exact words. The acceptance list has the other cases. */
import { describe, expect, it } from "vitest";
import { factsOf } from "../../../test/support/build-facts.ts";
import { explains, make } from "../../../test/support/explain-cases.ts";
import { explainBuild } from "../index.ts";

const provisioning = {
  phase: "PROVISIONING" as const,
  isSaved: true,
  statusCode: "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
};
const LOGIN =
  "aws ecr get-login-password --region eu-west-9 | docker login --username AWS --password-stdin 1.dkr.ecr.eu-west-9.amazonaws.com";
const login = {
  phase: "BUILD" as const,
  buildspec: `version: 0.2\nphases:\n  build:\n    commands:\n      - ${LOGIN}\n`,
  command: LOGIN,
};
const NO_TTY = "Error: Cannot perform an interactive login from a non TTY device";

describe("causes: what only AWS shows", () => {
  explains([
    {
      ...provisioning,
      message:
        "Unable to pull customer's container image. CannotPullContainerError: Error response from daemon: manifest for python:3.99 not found: manifest unknown: manifest unknown",
      code: "image/not-pulled",
      cause: "the build's image `aws/codebuild/standard:7.0` does not exist in its registry",
      field: "environment.image = aws/codebuild/standard:7.0",
    },
    {
      ...provisioning,
      message: "",
      code: "image/not-pulled",
      cause: "the build's image `aws/codebuild/standard:7.0` could not be pulled, and the message does not say why",
    },
    {
      ...provisioning,
      message: "no matching manifest for linux/arm64/v8 in the manifest list entries",
      code: "image/not-pulled",
      cause: "the build's image `aws/codebuild/standard:7.0` has no variant for the processor of the environment type",
      field: "environment.type = LINUX_CONTAINER",
    },
    {
      phase: "SUBMITTED",
      isSaved: true,
      message: "Build failed to start",
      code: "project/build-limit-reached",
      cause: "the project runs as many builds at the same time as its `concurrentBuildLimit` allows",
      commands: ["aws codebuild update-project --name flask --concurrent-build-limit -1"],
    },
    {
      phase: "DOWNLOAD_SOURCE",
      statusCode: "Decrypted Variables Error",
      message:
        "AccessDeniedException: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
      code: "kms/key-unusable",
      cause:
        "the key that a parameter or secret of the build is encrypted with cannot be used: it does not exist in this region, is disabled, or the role may not use it",
    },
    {
      ...make,
      output: ['You must specify a region. You can also configure your region by running "aws configure".'],
      code: "aws/no-region",
      cause: "the command does not know which AWS region it works in",
      line: 8,
    },
    {
      ...make,
      output: ['Could not connect to the endpoint URL: "https://s3.eu-wst-1.amazonaws.com/"'],
      code: "network/endpoint-unreachable",
      cause: "the command cannot reach `https://s3.eu-wst-1.amazonaws.com/`",
      line: 8,
    },
    {
      ...make,
      output: ["fatal error: Unable to locate credentials"],
      code: "aws/no-credentials",
      cause: "the command's aws CLI or SDK found no credentials, although the build has those of its service role",
      commands: ["pip install --upgrade awscli boto3"],
    },
  ]);
});

describe("what follows from another failure", () => {
  it.each([
    ["aws: not found", "/codebuild/output/tmp/script.sh: 4: aws: not found", "docker/login-without-password"],
    [
      "no credentials",
      'Unable to locate credentials. You can configure credentials by running "aws login".',
      "aws/no-credentials",
    ],
    [
      "no such endpoint",
      'Could not connect to the endpoint URL: "https://api.ecr.eu-west-9.amazonaws.com/"',
      "network/endpoint-unreachable",
    ],
    ["a wrong argument", "aws: error: argument --region: expected one argument", "docker/login-without-password"],
  ])("an interactive login follows from what stands before the pipe: %s", (_, line, code) => {
    const diagnosis = explainBuild(factsOf({ ...login, output: [line, NO_TTY] }));
    expect(diagnosis.code).toBe(code);
    expect(diagnosis.evidence[0]).toBe(line);
  });

  it("an empty password follows from a parameter that an earlier command was denied", () => {
    const denied =
      "An error occurred (AccessDeniedException) when calling the GetParameter operation: User: arn:aws:sts::000000000000:assumed-role/CodeBuildServiceRole/AWSCodeBuild-1 is not authorized to perform: ssm:GetParameter on resource: arn:aws:ssm:us-east-1:000000000000:parameter/token because no identity-based policy allows the ssm:GetParameter action";
    const first =
      "export TOKEN=$(aws ssm get-parameter --name /token --with-decryption --query Parameter.Value --output text)";
    const second = 'echo "$TOKEN" | docker login --username ann --password-stdin';
    const facts = factsOf({
      phase: "BUILD",
      buildspec: `version: 0.2\nphases:\n  build:\n    commands:\n      - ${first}\n      - ${second.replace(/^/, "'").replace(/$/, "'")}\n`,
      command: second,
      output: [NO_TTY],
    });
    const base = { buildId: "b", atMs: 0 };
    const about = { phaseType: "BUILD" as const, command: first, line: 5 };
    const diagnosis = explainBuild({
      ...facts,
      events: [
        { ...base, type: "command-started", ...about },
        { ...base, type: "log", kind: "output", text: denied },
        { ...base, type: "command-finished", ...about, exitStatus: 0, durationMs: 1, workingDirectory: "" },
        ...facts.events,
      ],
    });
    expect(diagnosis).toMatchObject({ code: "iam/call-denied", line: 5, phase: "BUILD" });
    expect(diagnosis.consequences).toEqual([
      "BUILD failed because of it: `docker login` was given no password: `TOKEN` is empty",
    ]);
  });

  it("a push follows from a build that failed in the same script, and in an earlier command that hid it", () => {
    const push = "An image does not exist locally with the tag: shop";
    const failed = 'ERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2';
    const one = explainBuild(factsOf({ ...make, output: [failed, push] }));
    expect(one.code).not.toBe("docker/image-not-local");
    const facts = factsOf({ ...make, command: "make all", output: [push] });
    const base = { buildId: "b", atMs: 0 };
    const about = { phaseType: "BUILD" as const, command: "docker build -t shop . ; true", line: 7 };
    const diagnosis = explainBuild({
      ...facts,
      events: [
        { ...base, type: "command-started", ...about },
        { ...base, type: "log", kind: "output", text: failed },
        { ...base, type: "command-finished", ...about, exitStatus: 0, durationMs: 1, workingDirectory: "" },
        ...facts.events,
      ],
    });
    expect(diagnosis).toMatchObject({
      code: "docker/image-not-local",
      cause:
        "the image was never built: `docker build` failed in an earlier command, which ended with status 0 all the same",
      line: 7,
      evidence: [failed, push],
    });
  });

  it("tells a later failure of its own from one that follows", () => {
    const facts = factsOf({ ...make, exitStatus: 127, output: ["/x/script.sh: 4: make: not found"] });
    const contexts = [{ statusCode: "CLIENT_ERROR", message: "Failed to upload artifacts: Invalid arn" }];
    const later = { phaseType: "UPLOAD_ARTIFACTS", phaseStatus: "FAILED", contexts };
    const diagnosis = explainBuild({
      ...facts,
      build: { ...facts.build, phases: [...(facts.build.phases ?? []), later] },
    });
    expect(diagnosis.consequences).toEqual([
      "UPLOAD_ARTIFACTS failed too, for a reason of its own: the artifacts' bucket is in another region than the build",
    ]);
  });
});
