/** Every cause beside the scenes: symptom in, exact sentence out. */
import { describe, expect, it } from "vitest";
import { denialMessage, type FactsInput, FLASK_BUILDSPEC, factsOf } from "../../test/support/build-facts.ts";
import { causes } from "./causes/index.ts";
import { explainBuild } from "./index.ts";

const SPEC = `version: 0.2
phases:
  install:
    runtime-versions:
      python: "3.7"
  build:
    commands:
      - make all
      - docker push 000000000000.dkr.ecr.us-east-1.amazonaws.com/app:1
artifacts:
  files:
    - dist/app.zip
`;

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

interface Case extends FactsInput {
  readonly code: string;
  readonly cause: string;
  readonly line?: number;
  readonly next?: string;
}

const at = { phase: "DOWNLOAD_SOURCE" as const };
const make = { phase: "BUILD" as const, buildspec: SPEC, command: "make all" };
const push = {
  phase: "BUILD" as const,
  buildspec: SPEC,
  command: "docker push 000000000000.dkr.ecr.us-east-1.amazonaws.com/app:1",
};
const SECRET_ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:prod/db";
const secret = {
  ...at,
  buildspec:
    "version: 0.2\nenv:\n  secrets-manager:\n    DB: prod/db:password\nphases:\n  build:\n    commands:\n      - true\n",
  statusCode: "Secrets Manager Error",
};
const parameter = (name: string) => ({ name, version: 1, type: "SecureString", lastModifiedMs: 0 });

const cases: readonly Case[] = [
  {
    ...at,
    buildspec: FLASK_BUILDSPEC,
    statusCode: "Decrypted Variables Error",
    message: "parameter does not exist: my_app_Docker_registry_URL",
    parameters: [parameter("/my_app_Docker_registry_URL")],
    code: "ssm/parameter-not-found",
    line: 5,
    cause:
      "the parameter `my_app_Docker_registry_URL` does not exist; `/my_app_Docker_registry_URL` does: the leading slash is part of a parameter's name",
  },
  {
    ...at,
    statusCode: "Decrypted Variables Error",
    message: "parameter does not exist: my_app_pasword",
    parameters: [parameter("my_app_password"), parameter("other")],
    code: "ssm/parameter-not-found",
    cause: "the parameter `my_app_pasword` does not exist; the nearest name is `my_app_password`",
  },
  {
    ...at,
    statusCode: "Decrypted Variables Error",
    message: "parameter does not exist: x-y-z",
    code: "ssm/parameter-not-found",
    cause: "the parameter `x-y-z` does not exist",
  },
  {
    ...at,
    statusCode: "Decrypted Variables Error",
    message: denialMessage("kms:Decrypt", "arn:aws:kms:us-east-1:000000000000:key/k1"),
    code: "iam/kms-decrypt-denied",
    cause:
      "the service role `CodeBuildServiceRole` may read the value but not decrypt it: no policy allows `kms:Decrypt` on the key `arn:aws:kms:us-east-1:000000000000:key/k1`",
  },
  {
    ...secret,
    message: denialMessage("secretsmanager:GetSecretValue", `${SECRET_ARN}-AbCdEf`),
    code: "iam/secret-read-denied",
    line: 4,
    cause: `the service role \`CodeBuildServiceRole\` may not read the secret \`${SECRET_ARN}-AbCdEf\`: no policy allows \`secretsmanager:GetSecretValue\` on it`,
  },
  {
    ...secret,
    message: denialMessage("secretsmanager:GetSecretValue", "prod/db"),
    code: "secretsmanager/secret-not-found",
    line: 4,
    cause:
      "there is no secret `prod/db`: a name that AWS does not find is denied, unless a policy allows `secretsmanager:GetSecretValue` on `*`",
  },
  {
    ...secret,
    message: "ResourceNotFoundException: Secrets Manager can't find the specified secret.",
    code: "secretsmanager/secret-not-found",
    line: 4,
    cause: "the secret `prod/db` does not exist",
  },
  {
    ...secret,
    message:
      "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS",
    code: "secretsmanager/version-not-found",
    line: 4,
    cause: "the secret `prod/db` has no version with the staging label `AWSPREVIOUS`",
    next: '`aws secretsmanager list-secret-version-ids --secret-id "prod/db"` lists the versions with their labels',
  },
  {
    ...secret,
    message: "the secret `prod/db` has no JSON key `password`",
    code: "secretsmanager/json-key-not-found",
    line: 4,
    cause: "the secret `prod/db` has no JSON key `password`",
    next: '`aws secretsmanager get-secret-value --secret-id "prod/db"` shows the value',
  },
  {
    ...secret,
    message: "AccessDeniedException: Access to KMS is not allowed\n\tstatus code: 400, request id: r",
    code: "iam/secret-decrypt-denied",
    line: 4,
    cause:
      "the service role `CodeBuildServiceRole` may read the secret but not decrypt it: no policy allows `kms:Decrypt` on its key",
  },
  {
    phase: "QUEUED",
    statusCode: "ACCESS_DENIED",
    message: `Service role arn:aws:iam::000000000000:role/CodeBuildServiceRole does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build b. Error message: ${denialMessage("logs:CreateLogStream", "arn:aws:logs:us-east-1:000000000000:log-group:/aws/codebuild/flask:log-stream:u").replace("AccessDeniedException: ", "")}`,
    code: "iam/logs-denied",
    cause:
      "the service role `CodeBuildServiceRole` may not write the build's log: no policy allows `logs:CreateLogStream` on `arn:aws:logs:us-east-1:000000000000:log-group:/aws/codebuild/flask:log-stream:u`",
  },
  {
    phase: "QUEUED",
    statusCode: "CLIENT_ERROR",
    message:
      "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify that: 1) The provided service role exists, 2) The role name is case-sensitive and matches exactly, and 3) The role has the necessary trust policy configured.",
    code: "iam/role-not-assumable",
    cause:
      "CodeBuild may not assume the service role `CodeBuildServiceRole`: the role does not exist, or its trust policy does not name `codebuild.amazonaws.com`",
  },
  {
    ...at,
    statusCode: "YAML_FILE_ERROR",
    message: "YAML file does not exist",
    files: ["app.py", "buildspec.yaml"],
    code: "buildspec/missing",
    cause: "there is no `buildspec.yml` in the source; the nearest is `buildspec.yaml`",
  },
  {
    ...at,
    statusCode: "YAML_FILE_ERROR",
    message: "stat /codebuild/output/src1/src/ci/build.yml: no such file or directory",
    files: ["app.py"],
    code: "buildspec/missing",
    cause: "there is no `ci/build.yml` in the source",
    next: "create `ci/build.yml`, or name the file: `kiln run -b FILE`",
  },
  {
    ...at,
    statusCode: "YAML_FILE_ERROR",
    message:
      "Expected Commands[1] to be of string type: found subkeys instead at line 8, value of the key tag on line 7 might be empty",
    code: "buildspec/command-not-a-string",
    cause: "command 2 at line 8 is read as a mapping, not as text: it holds `: ` outside quotes",
  },
  {
    ...at,
    buildspec: SPEC,
    statusCode: "YAML_FILE_ERROR",
    message:
      "Unknown runtime version named '3.7' of python. This build image has the following versions: 3.9, 3.10, 3.11",
    code: "runtime/unknown-version",
    line: 5,
    cause: "the build image has no `python` `3.7`; it has 3.9, 3.10, 3.11",
  },
  {
    ...at,
    statusCode: "YAML_FILE_ERROR",
    message: "mapping values are not allowed in this context at line 4",
    code: "buildspec/yaml-error",
    cause: "the buildspec cannot be read: mapping values are not allowed in this context at line 4",
  },
  {
    ...make,
    exitStatus: 127,
    output: ["/codebuild/output/tmp/script.sh: 4: make: not found"],
    code: "commands/not-found",
    line: 8,
    cause: "the command `make` is not installed where the build runs",
  },
  {
    ...make,
    exitStatus: 127,
    output: ["/codebuild/output/tmp/script.sh: line 4: make: command not found"],
    code: "commands/not-found",
    cause: "the command `make` is not installed where the build runs",
  },
  {
    ...make,
    exitStatus: 127,
    output: ["/codebuild/output/tmp/script.sh: 4: [[: not found"],
    code: "commands/bash-syntax-under-sh",
    cause: "`[[` is bash's, but the command runs under `sh`",
    next: "set `shell: bash` under `env` of the buildspec",
  },
  {
    ...make,
    output: ['/codebuild/output/tmp/script.sh: 4: Syntax error: "(" unexpected'],
    code: "commands/bash-syntax-under-sh",
    cause: "the command uses syntax of bash, but runs under `sh`",
  },
  {
    ...make,
    exitStatus: 2,
    output: ["/codebuild/output/tmp/script.sh: 4: cd: can't cd to app"],
    files: ["services/app/main.py"],
    code: "files/not-found",
    cause:
      "the folder `app` is not in the root of the source, where the command runs; the nearest path is `services/app`",
  },
  {
    ...make,
    directory: "sub",
    output: ["cat: conf/a.ini: No such file or directory"],
    files: ["conf/a.ini", "sub/x"],
    code: "files/not-found",
    cause: "the file `conf/a.ini` is not in `sub`, where the command runs; the nearest path is `conf/a.ini`",
    next: "use `../conf/a.ini` instead of `conf/a.ini`",
  },
  {
    ...make,
    output: ["cat: secret.env: No such file or directory"],
    files: ["a"],
    ignored: ["secret.env"],
    code: "files/not-found",
    cause: "the file `secret.env` exists here, but git ignores it, so the build does not get it",
  },
  {
    ...make,
    output: [
      "COPY failed: file not found in build context or excluded by .dockerignore: stat requirements.txt: file does not exist",
    ],
    files: ["app/requirements.txt"],
    code: "files/not-found",
    cause:
      "the file `requirements.txt` is not in the build context of `docker build`; `app/requirements.txt` is in the source",
  },
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
    buildspec: SPEC.replace("make all", "docker login -u AWS --password-stdin x"),
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
    output: ["name unknown: The repository with name 'app' does not exist in the registry with id '000000000000'"],
    code: "ecr/repository-missing",
    cause: "the ECR repository `app` does not exist",
  },
  {
    ...make,
    output: ["Error: Cannot perform an interactive login from a non TTY device"],
    buildspec: SPEC.replace("make all", "echo $PW | docker login -u u --password-stdin"),
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
    buildspec: SPEC.replace("make all", "docker build -t $HOST/$WHO/app ."),
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
    phaseStatus: "TIMED_OUT",
    code: "build/timed-out",
    cause: "the build ran into its timeout of 60 minutes in BUILD",
  },
  {
    phase: "BUILD",
    phaseStatus: "FAULT",
    statusCode: "INTERNAL_SERVICE_ERROR",
    message: "Kiln was interrupted while the build ran (process 7 ended); start the build again",
    code: "build/interrupted",
    cause: "the build did not end by itself: Kiln's process was killed, or could not go on, in BUILD",
  },
  { phase: "BUILD", phaseStatus: "STOPPED", code: "build/stopped", cause: "the build was stopped in BUILD" },
  {
    ...make,
    exitStatus: 137,
    code: "build/out-of-memory",
    cause: "the command was killed (exit status 137): most often because memory ran out",
  },
  {
    phase: "UPLOAD_ARTIFACTS",
    buildspec: SPEC,
    statusCode: "CLIENT_ERROR",
    message: "no matching artifact paths found",
    code: "artifacts/not-found",
    line: 12,
    cause: "nothing matches `artifacts.files` (`dist/app.zip`) after the build",
  },
  {
    phase: "UPLOAD_ARTIFACTS",
    statusCode: "CLIENT_ERROR",
    message: "no matching base directory path found for out",
    code: "artifacts/not-found",
    cause: "the folder `out` of `artifacts.base-directory` does not exist after the build",
  },
  {
    ...at,
    statusCode: "CLIENT_ERROR",
    message: "reference not found for primary source and source version mian",
    code: "source/reference-not-found",
    cause: "the source has no branch, tag or commit `mian`",
    next: "then name one of them: `kiln run --source REV`, or the project's `sourceVersion`",
  },
  {
    ...make,
    exitStatus: 6,
    output: ["curl: (6) Could not resolve host: get.example.com"],
    code: "network/name-not-resolved",
    line: 8,
    cause:
      "the host name `get.example.com` does not resolve: there is no network where the build runs, or no such host",
  },
  {
    ...make,
    exitStatus: 1,
    output: ["NewConnectionError: [Errno -2] Name or service not known')': /simple/flask/", "ERROR: No matching"],
    code: "network/name-not-resolved",
    cause: "the name of a host does not resolve: there is no network where the build runs, or no such host",
  },
  {
    ...make,
    exitStatus: 1,
    output: ["md5sum: /agent-v.tar: No such file or directory"],
    code: "files/not-found",
    cause: "the file `/agent-v.tar` does not exist where the build runs",
  },
  {
    ...make,
    exitStatus: 2,
    output: ["error: file not found: src/Main.java"],
    code: "files/not-found",
    cause: "the file `src/Main.java` is not in the root of the source, where the command runs",
  },
  {
    ...at,
    buildspec: SPEC,
    statusCode: "YAML_FILE_ERROR",
    message: "Unknown runtime version named '3.7' of python. This build image has the following versions: ",
    code: "runtime/unknown-version",
    line: 5,
    cause: "there is no `python` where the build runs, so no version `3.7` of it",
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
  {
    ...make,
    exitStatus: 3,
    output: ["1 test failed"],
    code: "commands/exit-status",
    line: 8,
    cause: "a command ended with exit status 3: `make all`",
    next: "its last lines are above; the whole log: `kiln builds logs`",
  },
];

describe("explainBuild", () => {
  it.each(cases.map((each) => [`${each.code}: ${each.cause}`, each] as const))(
    "%s",
    (_, { code, cause, line, next, ...input }) => {
      const diagnosis = explainBuild(factsOf(input));
      expect({ code: diagnosis.code, cause: diagnosis.cause }).toEqual({ code, cause });
      if (line !== undefined) expect(diagnosis.line).toBe(line);
      if (next !== undefined) expect(diagnosis.next).toBe(next);
    },
  );

  it("has a case for every cause", () => {
    const scenes = ["iam/parameter-read-denied", "docker/login-refused", "docker/privileged-mode-off"];
    const tested = new Set([...cases.map((each) => each.code), ...scenes]);
    expect(causes.map((cause) => cause.id).filter((id) => !tested.has(id))).toEqual([]);
  });

  it("calls a generic exit status undiagnosed, with the last lines as evidence", () => {
    const diagnosis = explainBuild(factsOf({ ...make, exitStatus: 3, output: ["a", "1 test failed", ""] }));
    expect(diagnosis).toMatchObject({
      outcome: "undiagnosed",
      evidence: ["a", "1 test failed"],
      confidence: "possible",
    });
  });

  it("has nothing to say about a build that succeeded", () => {
    expect(
      explainBuild({ build: { buildStatus: "SUCCEEDED", phases: [] }, events: [], decisions: [], parameters: [] }),
    ).toMatchObject({ outcome: "no-problem", cause: "the build succeeded: nothing to explain" });
  });

  it("names later failures as consequences of the first", () => {
    const facts = factsOf({ ...make, exitStatus: 127, output: ["/x/script.sh: 4: make: not found"] });
    const later = {
      phaseType: "UPLOAD_ARTIFACTS",
      phaseStatus: "FAILED",
      contexts: [{ statusCode: "CLIENT_ERROR", message: "no matching artifact paths found" }],
    };
    const diagnosis = explainBuild({
      ...facts,
      build: { ...facts.build, phases: [...(facts.build.phases ?? []), later] },
    });
    expect(diagnosis.code).toBe("commands/not-found");
    expect(diagnosis.consequences).toEqual([
      "UPLOAD_ARTIFACTS failed too, after BUILD: nothing matches `artifacts.files` (`dist/app.zip`) after the build",
    ]);
  });

  it("adds the login from the build's own parameters before a push", () => {
    const buildspec = FLASK_BUILDSPEC.replace(/ {2}pre_build:\n.*\n.*\n/, "");
    const diagnosis = explainBuild(
      factsOf({
        buildspec,
        phase: "BUILD",
        command: "docker push $DOCKER_REGISTRY_URL/$DOCKER_USERNAME/sample-python-flask-app:latest",
        output: ["denied: requested access to the resource is denied"],
      }),
    );
    expect(diagnosis.fix).toMatchObject({
      edits: [
        {
          newText:
            '      - echo "$DOCKER_PASSWORD" | docker login --username "$DOCKER_USERNAME" --password-stdin "$DOCKER_REGISTRY_URL"\n',
        },
      ],
    });
  });

  it("calls the interactive login a consequence of the denied token", () => {
    const denied = `An error occurred (AccessDeniedException) when calling the GetAuthorizationToken operation: ${denialMessage("ecr:GetAuthorizationToken", "*").replace("AccessDeniedException: ", "").split("\n", 1)[0]}`;
    const diagnosis = explainBuild(
      factsOf({ ...make, output: [denied, "Error: Cannot perform an interactive login from a non TTY device"] }),
    );
    expect(diagnosis.code).toBe("iam/ecr-denied");
    expect(diagnosis.consequences).toEqual([
      "`Error: Cannot perform an interactive login from a non TTY device` follows: the command before the pipe printed no password",
    ]);
    expect(diagnosis.fix).toMatchObject({
      policy: { Statement: [{ Sid: "LogInToEcr", Action: ["ecr:GetAuthorizationToken"], Resource: ["*"] }] },
    });
  });
});
