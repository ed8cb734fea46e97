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
      ...push,
      output: [
        "tag invalid: The image tag '1' already exists in the 'app' repository and cannot be overwritten because the repository is immutable.",
      ],
      code: "ecr/tag-immutable",
      cause: "the repository `app` has an image with the tag `1`, and its tags are immutable",
      next: "give each build a tag of its own, e.g. `$(echo $CODEBUILD_RESOLVED_SOURCE_VERSION | cut -c 1-7)-$CODEBUILD_BUILD_NUMBER`",
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
        "Unable to pull customer's container image. CannotPullContainerError: Error response from daemon: pull access denied for 000000000000.dkr.ecr.eu-west-1.amazonaws.com/me/app, repository does not exist or may require 'docker login': denied: User: CodeBuild",
      build: { environment: { image: "000000000000.dkr.ecr.eu-west-1.amazonaws.com/me/app:1" } },
      code: "image/ecr-denied",
      cause: "the policy of the ECR repository `me/app` does not let CodeBuild pull the build's image",
      commands: [
        `aws ecr set-repository-policy --region eu-west-1 --repository-name me/app --policy-text '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"codebuild.amazonaws.com"},"Action":["ecr:BatchCheckLayerAvailability","ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}]}'`,
      ],
    },
    {
      phase: "PROVISIONING",
      statusCode: "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
      message:
        "Unable to pull customer's container image. CannotPullContainerError: Error response from daemon: invalid reference format: repository name must be lowercase",
      build: { environment: { image: "MyBox:1" } },
      code: "docker/base-image-unavailable",
      cause: "`MyBox:1` is no name of an image: repository name must be lowercase",
    },
    {
      phase: "PROVISIONING",
      statusCode: "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
      message:
        "Unable to pull customer's container image. the image `alpine:3` needs a container engine, and there is `host`",
      code: "docker/base-image-unavailable",
      cause: "the build's image `aws/codebuild/standard:7.0` needs a container engine, which Kiln does not have here",
    },
    {
      ...make,
      output: [
        "#2 ERROR: python:3: failed to resolve source metadata for docker.io/library/python:3: pull access denied for python:3: kiln's embedded builder has no image of that name and does not ask the network; map it to one you have: `kiln images map python:3=IMAGE` or make one: `kiln images make python`",
      ],
      code: "docker/base-image-unavailable",
      cause:
        "the base image `docker.io/library/python:3` is not on this machine, and Kiln's builder does not ask the network for it",
      commands: ["kiln images make python --as python:3"],
      next: "or use one you have: `kiln images map python:3=IMAGE`",
    },
    {
      ...make,
      output: [
        "pull access denied for me/base:1: kiln's embedded builder has no image of that name and does not ask the network; map it to one you have: `kiln images map me/base:1=IMAGE`",
      ],
      code: "docker/base-image-unavailable",
      cause: "the base image `me/base:1` is not on this machine, and Kiln's builder does not ask the network for it",
      commands: ["kiln images map me/base:1=IMAGE"],
    },
    {
      ...make,
      buildspec: BUILD_SPEC.replace("make all", "$(aws ecr get-login --no-include-email --region eu-west-1)"),
      command: "$(aws ecr get-login --no-include-email --region eu-west-1)",
      output: ["usage: aws [options]", "aws: error: argument operation: Invalid choice, valid choices are:"],
      code: "docker/get-login-removed",
      line: 8,
      cause: "`aws ecr get-login` does not exist in the aws CLI 2",
      commands: [
        "aws ecr get-login-password --region eu-west-1 | docker login --username AWS --password-stdin $AWS_ACCOUNT_ID.dkr.ecr.eu-west-1.amazonaws.com",
      ],
    },
    {
      ...make,
      output: [
        'Error response from daemon: Get "https://.dkr.ecr.us-east-1.amazonaws.com/v2/": dial tcp: lookup .dkr.ecr.us-east-1.amazonaws.com: no such host',
      ],
      buildspec: BUILD_SPEC.replace("make all", "docker login -u AWS $AWS_ACCOUNT_ID.dkr.ecr.us-east-1.amazonaws.com"),
      command: "docker login -u AWS $AWS_ACCOUNT_ID.dkr.ecr.us-east-1.amazonaws.com",
      code: "network/name-not-resolved",
      line: 8,
      cause: "the host name `.dkr.ecr.us-east-1.amazonaws.com` begins with a dot: `AWS_ACCOUNT_ID` is empty",
      next: "set `AWS_ACCOUNT_ID` under `env.variables` of the buildspec or in the project, here also with `kiln run -e AWS_ACCOUNT_ID=…`",
    },
    {
      ...push,
      output: [
        `denied: ${ecrDenial("InitiateLayerUpload").replace(":000000000000:repository", ":111111111111:repository").replace("no identity-based policy", "no resource-based policy")}`,
      ],
      code: "iam/ecr-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not call `ecr:InitiateLayerUpload` on `arn:aws:ecr:us-east-1:111111111111:repository/app`",
      next: "let the policy of `arn:aws:ecr:us-east-1:111111111111:repository/app` allow `ecr:InitiateLayerUpload` to the role or its account; in another account both sides must allow it; to try the build as account 111111111111: `kiln run --account 111111111111`",
    },
    {
      ...make,
      command: "echo foo | docker login -u AWS --password-stdin 000000000000.dkr.ecr.us-east-1.amazonaws.com",
      output: [
        "Error response from daemon: login attempt to https://000000000000.dkr.ecr.us-east-1.amazonaws.com/v2/ failed with status: 400 Bad Request",
      ],
      code: "docker/login-refused",
      cause: "the registry refused the user name or the password",
      next: "ECR's user is `AWS`, the password what `aws ecr get-login-password` prints; it is good for 12 hours",
    },
    {
      ...make,
      command: "echo $TOKEN | docker login -u me --password-stdin",
      output: [
        'Error response from daemon: Get "https://registry-1.docker.io/v2/": unauthorized: incorrect username or password',
      ],
      code: "docker/login-refused",
      cause: "the registry refused the user name or the password in `TOKEN`",
      next: "check the user name and the password where the build takes them from; Kiln cannot ask the real registry: a host's first login here declares its account, `kiln registry accounts ls` lists them, `rm` removes one",
    },
    {
      ...make,
      output: [
        `An error occurred (AccessDeniedException) when calling the CreateRepository operation: ${ecrDenial("CreateRepository")}`,
      ],
      code: "iam/call-denied",
      cause:
        "the service role `CodeBuildServiceRole` may not make the call of this command: no policy allows `ecr:CreateRepository` on `arn:aws:ecr:us-east-1:000000000000:repository/app`",
      allows: ["ecr:CreateRepository on arn:aws:ecr:us-east-1:000000000000:repository/app"],
    },
    {
      ...make,
      command: "docker run -d misc",
      exitStatus: 127,
      output: [
        'docker: Error response from daemon: failed to create task for container: error during container init: exec: "httpd": executable file not found in $PATH: unknown',
      ],
      code: "docker/command-not-in-image",
      cause: "the container did not start: its command `httpd` is not in the image",
      next: "see what is in it with `docker run --rm --entrypoint sh IMAGE -c 'echo $PATH; ls /app'`; the command is the image's ENTRYPOINT and CMD, or what follows the image's name",
    },
    {
      ...make,
      command: "docker run misc /app/run.sh",
      exitStatus: 126,
      output: [
        'docker: Error response from daemon: OCI runtime create failed: exec: "/app/run.sh": permission denied: unknown',
      ],
      code: "docker/command-not-in-image",
      cause: "the container did not start: its command `/app/run.sh` is in the image, but not executable",
      next: "make it executable: `RUN chmod +x /app/run.sh` after its COPY, or `COPY --chmod=755`",
    },
    {
      ...make,
      command: "docker build .",
      output: [
        "#5 [2/2] RUN foo --bar",
        "#5 0.043 /bin/sh: foo: not found",
        "------",
        " > [2/2] RUN foo --bar:",
        "0.043 /bin/sh: foo: not found",
        "------",
        "Dockerfile:2",
        "--------------------",
        "   2 | >>> RUN foo --bar",
        "--------------------",
        'ERROR: failed to build: failed to solve: process "/bin/sh -c foo --bar" did not complete successfully: exit code: 127',
      ],
      code: "docker/step-failed",
      cause: "the step `RUN foo --bar` (Dockerfile:2) ended with exit code 127 (command not found in the image)",
      next: "install it in an earlier `RUN`, or take a base image that has it",
    },
    {
      ...make,
      command: "docker build .",
      output: [
        " ---> Running in 2d7ba475bf93",
        "cat: requirements.txt: No such file or directory",
        "The command '/bin/sh -c cat requirements.txt' returned a non-zero code: 1",
      ],
      code: "docker/step-failed",
      cause: "the step `RUN cat requirements.txt` ended with exit code 1: `cat` finds no `requirements.txt`",
      next: "what it printed is above; a file it needs must have been copied into the image by an earlier `COPY`",
    },
    {
      ...make,
      command: "docker build .",
      output: [
        "ERROR: failed to build: failed to solve: dockerfile parse error on line 2: unknown instruction: RUUN (did you mean RUN?)",
      ],
      code: "docker/dockerfile-invalid",
      cause: "the Dockerfile cannot be read, line 2: unknown instruction: RUUN (did you mean RUN?)",
    },
    {
      ...make,
      command: "docker run --rm mine",
      output: [
        "docker: Error response from daemon: pull access denied for mine, repository does not exist or may require 'docker login': kiln's embedded builder has no image of that name and does not ask the network; map it to one you have: `kiln images map mine:latest=IMAGE`",
      ],
      code: "docker/base-image-unavailable",
      cause: "the image `mine` is not on this machine, and Kiln's builder does not ask the network for it",
    },
    {
      ...make,
      command: "docker build .",
      output: [
        " > [2/2] RUN dd of=/x:",
        "0.120 dd: error writing '/x': No space left on device",
        "------",
        'ERROR: process "/bin/sh -c dd of=/x" did not complete successfully: exit code: 1',
      ],
      code: "docker/step-failed",
      cause:
        "the step `RUN dd of=/x` ended with exit code 1: the disk is full: `dd: error writing '/x': No space left on device`",
      next: "the disk is full: here that of Kiln's state folder (`kiln doctor`), on AWS a larger compute type has more",
    },
  ]);
});
