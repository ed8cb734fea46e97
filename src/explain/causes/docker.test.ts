/** docker, registries and images. */
import { describe } from "vitest";
import { denialMessage } from "../../../test/support/build-facts.ts";
import { BUILD_SPEC, explains, make } from "../../../test/support/explain-cases.ts";

const push = {
  phase: "BUILD" as const,
  buildspec: BUILD_SPEC,
  command: "docker push 000000000000.dkr.ecr.us-east-1.amazonaws.com/app:1",
};
const PHASE_ENVIRONMENT = `version: 0.2
phases:
  build:
    environment:
      variables:
        REGISTRY: ssm:/app/url
        NAME: ssm:/app/name
    commands:
      - docker build -t $REGISTRY/$NAME/app .
`;

const ecrDenial = (action: string): string =>
  denialMessage(`ecr:${action}`, "arn:aws:ecr:us-east-1:000000000000:repository/app").replace(
    "AccessDeniedException: ",
    "",
  );

describe("causes: docker", () => {
  explains([
    {
      ...push,
      output: ["denied: requested access to the resource is denied"],
      code: "docker/push-without-login",
      line: 9,
      cause: "`docker push` without `docker login`: the registry does not know who is pushing",
    },
    {
      ...push,
      output: ["no basic auth credentials"],
      buildspec: BUILD_SPEC.replace("make all", "docker login -u AWS --password-stdin x"),
      code: "docker/push-without-login",
      cause: "docker has no credentials for the registry of this image: the login was for another host",
    },
    {
      ...push,
      output: ["An image does not exist locally with the tag: app"],
      code: "docker/image-not-local",
      cause: "the image that is pushed or tagged was never built under this name",
    },
    {
      ...push,
      output: [
        `denied: ${denialMessage("ecr:InitiateLayerUpload", "arn:aws:ecr:us-east-1:000000000000:repository/app").replace("AccessDeniedException: ", "")}`,
      ],
      code: "iam/ecr-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not call `ecr:InitiateLayerUpload` on `arn:aws:ecr:us-east-1:000000000000:repository/app`",
    },
    {
      ...push,
      output: [`denied: ${ecrDenial("CreateRepository")}`],
      code: "iam/ecr-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not call `ecr:CreateRepository` on `arn:aws:ecr:us-east-1:000000000000:repository/app`",
      allows: [
        "ecr:GetAuthorizationToken on *",
        "ecr:BatchCheckLayerAvailability, ecr:CompleteLayerUpload, ecr:CreateRepository, ecr:InitiateLayerUpload, ecr:PutImage, ecr:UploadLayerPart on arn:aws:ecr:us-east-1:000000000000:repository/app",
      ],
    },
    {
      ...make,
      output: [`denied: ${ecrDenial("BatchImportUpstreamImage")}`],
      code: "iam/ecr-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not call `ecr:BatchImportUpstreamImage` on `arn:aws:ecr:us-east-1:000000000000:repository/app`",
      allows: [
        "ecr:GetAuthorizationToken on *",
        "ecr:BatchCheckLayerAvailability, ecr:BatchGetImage, ecr:BatchImportUpstreamImage, ecr:GetDownloadUrlForLayer on arn:aws:ecr:us-east-1:000000000000:repository/app",
      ],
    },
    {
      ...push,
      output: [
        "The push refers to repository [000000000000.dkr.ecr.eu-west-1.amazonaws.com/app]",
        "name unknown: The repository with name 'app' does not exist in the registry with id '000000000000'",
      ],
      code: "ecr/repository-missing",
      cause: "the ECR repository `app` does not exist",
      commands: ["aws ecr create-repository --repository-name app --region eu-west-1"],
    },
    {
      ...make,
      output: ["Error: Cannot perform an interactive login from a non TTY device"],
      buildspec: BUILD_SPEC.replace("make all", "echo $PW | docker login -u u --password-stdin"),
      command: "echo $PW | docker login -u u --password-stdin",
      code: "docker/login-without-password",
      cause: "`docker login` was given no password: `PW` is empty",
    },
    {
      ...make,
      output: [
        "Error response from daemon: pull access denied for nosuch, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
      ],
      code: "docker/base-image-unavailable",
      cause: "the base image `nosuch` does not exist, or needs a login",
    },
    {
      ...make,
      privilegedMode: false,
      output: ['time="t" level=info msg="Error logging in to endpoint, trying next endpoint"', "no such host"],
      code: "docker/privileged-mode-off",
      cause: "the project's privileged mode is off, so there is no Docker daemon for this build",
    },
    {
      ...make,
      buildspec: BUILD_SPEC.replace("make all", "docker build -t $HOST/$WHO/app ."),
      command: "docker build -t $HOST/$WHO/app .",
      exitStatus: 125,
      output: ['invalid argument "//app" for "-t, --tag" flag: invalid reference format'],
      code: "docker/invalid-reference",
      cause: "the image name has an empty part: nothing sets `HOST`, `WHO`",
    },
    {
      ...make,
      output: ['invalid argument "https://docker.io/me/app" for "-t, --tag" flag: invalid reference format'],
      code: "docker/invalid-reference",
      cause: "the image name starts with `https://`: an image name has a host, no scheme",
    },
    {
      ...make,
      output: ["invalid reference format: repository name must be lowercase"],
      code: "docker/invalid-reference",
      cause: "the image name has an upper-case letter",
    },
    {
      phase: "BUILD",
      buildspec: PHASE_ENVIRONMENT,
      command: "docker build -t $REGISTRY/$NAME/app .",
      exitStatus: 125,
      output: ['invalid argument "//app" for "-t, --tag" flag: invalid reference format'],
      code: "docker/invalid-reference",
      line: 6,
      cause:
        "the image name has an empty part: nothing sets `REGISTRY` and `NAME`, because CodeBuild ignores `environment` under `phases.build`",
    },
    {
      phase: "BUILD",
      buildspec:
        'version: 0.2\nenv:\n  variables:\n    REGISTRY: "ssm:/app/url"\nphases:\n  build:\n    commands:\n      - docker build -t $REGISTRY/app .\n',
      command: "docker build -t $REGISTRY/app .",
      exitStatus: 125,
      output: ['invalid argument "ssm:/app/url/app" for "-t, --tag" flag: invalid reference format'],
      code: "docker/invalid-reference",
      line: 4,
      cause: "`REGISTRY` is the literal text `ssm:/app/url`, not the value of a parameter",
    },
    {
      phase: "PROVISIONING",
      statusCode: "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
      message:
        "Unable to pull customer's container image. the image `alpine:3` needs a container engine, and there is `host`",
      code: "docker/base-image-unavailable",
      cause: "the build's image `aws/codebuild/standard:7.0` needs a container engine, which Kiln does not have here",
    },
  ]);
});
