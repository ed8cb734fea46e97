/** Rows about what commands do: docker, the shell, the aws CLI, files, artifacts, reports, caches. */

import { allow } from "../support/policy-documents.ts";
import { type Acceptance, account, arnOf, type RealRow, region, spec } from "./real-build.ts";

const HOST = `${account}.dkr.ecr.${region}.amazonaws.com`;
const ECR_LOGIN = `aws ecr get-login-password --region ${region} | docker login --username AWS --password-stdin ${HOST}`;
const DOCKERFILE = "FROM scratch\nCOPY app.txt /app.txt\n";
const APP = { Dockerfile: DOCKERFILE, "app.txt": "shop\n" };
const repositoryArn = (name: string) => arnOf("ecr", `repository/${name}`);
const PULL = [
  "ecr:GetAuthorizationToken",
  "ecr:BatchGetImage",
  "ecr:GetDownloadUrlForLayer",
  "ecr:BatchCheckLayerAvailability",
];

const put = (at: Acceptance, Name: string, Value: string, Type = "SecureString") =>
  at.call("ssm", "PutParameter", { Name, Value, Type });
const parameters = (names: Readonly<Record<string, string>>, commands: readonly string[]) =>
  `version: 0.2\nenv:\n  parameter-store:\n${Object.entries(names)
    .map(([name, parameter]) => `    ${name}: ${parameter}\n`)
    .join("")}phases:\n  build:\n    commands:\n${commands.map((one) => `      - ${one}\n`).join("")}`;
const READ = ["ssm:GetParameters"];

const privilegedModeOff = {
  code: "docker/privileged-mode-off",
  says: "the project's privileged mode is off",
  line: 5,
  field: "environment.privilegedMode",
  fix: "command",
} as const;

export const dockerRows: readonly RealRow[] = [
  {
    ...privilegedModeOff,
    id: "T13",
    run: (at) => at.projectBuild("t13", { buildspec: spec(["docker build -t shop ."]), files: APP }),
  },
  {
    ...privilegedModeOff,
    id: "P07",
    run: (at) => at.projectBuild("p07", { buildspec: spec(["docker info && docker build -t shop ."]), files: APP }),
  },
  {
    id: "R20",
    needs: "aws",
    code: "iam/ecr-denied",
    says: "may not call `ecr:GetAuthorizationToken`",
    line: 5,
    fix: "policy",
    run: (at) => at.projectBuild("r20", { buildspec: spec([ECR_LOGIN]), files: APP, privileged: true }),
  },
  {
    id: "R21",
    needs: "aws",
    code: "iam/ecr-denied",
    says: "may not call `ecr:InitiateLayerUpload`",
    line: 7,
    fix: "policy",
    async run(at) {
      await at.call("ecr", "CreateRepository", { repositoryName: "r21" });
      return at.projectBuild("r21", {
        buildspec: spec([ECR_LOGIN, `docker build -t ${HOST}/r21:1 .`, `docker push ${HOST}/r21:1`]),
        files: APP,
        privileged: true,
        statements: [allow("ecr:GetAuthorizationToken"), allow(PULL.slice(1), repositoryArn("r21"))],
      });
    },
  },
  {
    id: "R22",
    code: "docker/image-not-local",
    says: "the image that is pushed or tagged was never built under this name",
    line: 8,
    fix: "next",
    run: (at) =>
      at.projectBuild("r22", {
        buildspec: `${spec(["docker build -t shop:latest ."])}  post_build:\n    commands:\n      - docker push shop-web:latest\n`,
        files: APP,
        privileged: true,
      }),
  },
  {
    id: "R26",
    code: "commands/failure-hidden",
    isBeside: true,
    says: "`docker` failed in a command that ended with status 0",
    line: 5,
    fix: "next",
    run: (at) =>
      at.projectBuild("r26", {
        buildspec: spec(["docker build -t shop . ; echo done"]),
        files: { Dockerfile: "FROM scratch\nCOPY missing.txt /\n", "app.txt": "x" },
        privileged: true,
      }),
  },
  {
    id: "P01",
    code: "docker/invalid-reference",
    says: "CodeBuild ignores `environment` under `phases.build`",
    line: 6,
    fix: "command",
    run: (at) =>
      at.projectBuild("p01", {
        buildspec:
          'version: 0.2\nphases:\n  build:\n    environment:\n      variables:\n        DOCKER_REGISTRY_URL: "ssm:/my-app-registry-url"\n        DOCKER_USERNAME: "ssm:/my-app-username"\n    commands:\n      - docker build -t $DOCKER_REGISTRY_URL/$DOCKER_USERNAME/sample-python-flask-app:latest .\n',
        files: APP,
        privileged: true,
      }),
  },
  {
    id: "P02",
    code: "docker/invalid-reference",
    says: "`ssm:/my-app-registry-url`",
    line: 4,
    fix: "command",
    run: (at) =>
      at.projectBuild("p02", {
        buildspec:
          'version: 0.2\nenv:\n  variables:\n    DOCKER_REGISTRY_URL: "ssm:/my-app-registry-url"\nphases:\n  build:\n    commands:\n      - docker build -t $DOCKER_REGISTRY_URL/me/shop:latest .\n',
        files: APP,
        privileged: true,
      }),
  },
  {
    id: "P05",
    code: "docker/push-without-login",
    says: "`docker push` without `docker login`",
    line: 10,
    fix: "edit",
    async run(at) {
      await put(at, "/p05/username", "ann");
      await put(at, "/p05/password", "token-of-ann");
      return at.projectBuild("p05", {
        buildspec: parameters({ DOCKER_USERNAME: "/p05/username", DOCKER_PASSWORD: "/p05/password" }, [
          "docker build -t $DOCKER_USERNAME/shop:latest .",
          "docker push $DOCKER_USERNAME/shop:latest",
        ]),
        files: APP,
        actions: READ,
        privileged: true,
      });
    },
  },
  {
    id: "P06",
    code: "docker/invalid-reference",
    says: "which comes from the parameter `/p06/registry-url`",
    line: 8,
    fix: "command",
    async run(at) {
      await put(at, "/p06/registry-url", "https://docker.io", "String");
      return at.projectBuild("p06", {
        buildspec: parameters({ DOCKER_REGISTRY_URL: "/p06/registry-url" }, [
          "docker build -t $DOCKER_REGISTRY_URL/ann/shop:latest .",
        ]),
        files: APP,
        actions: READ,
        privileged: true,
      });
    },
  },
  {
    id: "P11",
    code: "docker/password-on-command-line",
    isBeside: true,
    says: "stands on the command line",
    line: 9,
    fix: "next",
    async run(at) {
      await put(at, "/p11/username", "ann");
      await put(at, "/p11/password", "token-of-ann");
      return at.projectBuild("p11", {
        buildspec: parameters({ DOCKER_USERNAME: "/p11/username", DOCKER_PASSWORD: "/p11/password" }, [
          'docker login --username "$DOCKER_USERNAME" --password "$DOCKER_PASSWORD" docker.io',
        ]),
        files: APP,
        actions: READ,
        privileged: true,
      });
    },
  },
];

const artifacts = (lines: string) => `artifacts:\n${lines}`;

export const commandRows: readonly RealRow[] = [
  {
    id: "R17",
    code: "artifacts/not-found",
    says: "nothing matches `artifacts.files` (`dist/app.zip`)",
    line: 8,
    fix: "next",
    async run(at) {
      await at.call("s3", "CreateBucket", { Bucket: "r17-out" });
      return at.projectBuild("r17", {
        buildspec: spec(["mkdir -p out"], artifacts("  files:\n    - dist/app.zip\n")),
        files: {},
        actions: ["s3:*"],
        more: { artifacts: { type: "S3", location: "r17-out" } },
      });
    },
  },
  {
    id: "R18",
    code: "artifacts/not-found",
    says: "the folder `cdk.out` of `artifacts.base-directory` does not exist",
    line: 9,
    fix: "next",
    async run(at) {
      await at.call("s3", "CreateBucket", { Bucket: "r18-out" });
      return at.projectBuild("r18", {
        buildspec: spec(["mkdir -p out"], artifacts("  files:\n    - '**/*'\n  base-directory: cdk.out\n")),
        files: {},
        actions: ["s3:*"],
        more: { artifacts: { type: "S3", location: "r18-out" } },
      });
    },
  },
  {
    id: "R19",
    code: "iam/reports-denied",
    says: "may not make the report: no policy allows `codebuild:CreateReportGroup`",
    line: 7,
    fix: "policy",
    run: (at) =>
      at.projectBuild("r19", {
        buildspec: spec(["true"], "reports:\n  unit:\n    files: ['junit.xml']\n"),
        files: { "junit.xml": '<testsuite name="s" tests="1"><testcase name="t"/></testsuite>\n' },
      }),
  },
  {
    id: "T31",
    code: "s3/report-export-denied",
    says: "belongs to another account",
    line: 7,
    fix: "next",
    async run(at) {
      await at.call("s3", "CreateBucket", { Bucket: "t31-reports" });
      await at.call("codebuild", "CreateReportGroup", {
        name: "t31-unit",
        type: "TEST",
        exportConfig: { exportConfigType: "S3", s3Destination: { bucket: "t31-reports", bucketOwner: "999999999999" } },
      });
      return at.projectBuild("t31", {
        buildspec: spec(["true"], "reports:\n  unit:\n    files: ['junit.xml']\n"),
        files: { "junit.xml": '<testsuite name="s" tests="1"><testcase name="t"/></testsuite>\n' },
        actions: ["codebuild:*", "s3:PutObject"],
      });
    },
  },
  {
    id: "R24",
    code: "commands/not-found",
    says: "the command `terragrunt-of-nobody` is not installed",
    line: 5,
    fix: "next",
    run: (at) => at.projectBuild("r24", { buildspec: spec(["terragrunt-of-nobody apply"]), files: {} }),
  },
  {
    id: "R25",
    code: "commands/bash-syntax-under-sh",
    says: "`[[` is bash's, but the command runs under `sh`",
    line: 5,
    fix: "edit",
    run: (at) =>
      at.projectBuild("r25", { buildspec: spec(["if [[ $USER == root ]]; then id; else exit 1; fi"]), files: {} }),
  },
  {
    id: "R32",
    code: "s3/write-denied",
    says: "may not write the artifacts",
    field: "artifacts.location",
    fix: "policy",
    async run(at) {
      await at.call("s3", "CreateBucket", { Bucket: "r32-out" });
      return at.projectBuild("r32", {
        buildspec: spec(["echo 1 > app.zip"], artifacts("  files:\n    - app.zip\n")),
        files: {},
        more: { artifacts: { type: "S3", location: "r32-out" } },
      });
    },
  },
  ...(["T10", "R33"] as const).map(
    (id): RealRow => ({
      id,
      code: "s3/cache-denied",
      isBeside: true,
      says: "the cache was not restored and not saved",
      line: 7,
      field: "cache.location",
      fix: "policy",
      async run(at) {
        const name = id.toLowerCase();
        await at.call("s3", "CreateBucket", { Bucket: `${name}-cache` });
        return at.projectBuild(name, {
          buildspec: spec(["mkdir -p deps", "echo 1 > deps/a"], "cache:\n  paths:\n    - 'deps/**/*'\n"),
          files: {},
          ...(id === "R33" ? { actions: ["s3:GetObject"] } : {}),
          more: { cache: { type: "S3", location: `${name}-cache/shop` } },
        });
      },
    }),
  ),
  {
    id: "P08",
    code: "iam/role-too-broad",
    isBeside: true,
    says: "has `AmazonSSMFullAccess`, which lets a build write and delete every parameter",
    field: "serviceRole",
    fix: "policy",
    async run(at) {
      await put(at, "/p08/password", "value-of-parameter");
      await at.project("p08", {
        buildspec: parameters({ PASSWORD: "/p08/password" }, ['test -n "$PASSWORD"']),
      });
      const PolicyArn = "arn:aws:iam::aws:policy/AmazonSSMFullAccess";
      await at.call("iam", "AttachRolePolicy", { RoleName: "p08", PolicyArn });
      return at.build("p08");
    },
  },
  {
    id: "P10",
    code: "files/not-found",
    says: "the nearest path is `requirements.txt`",
    line: 5,
    fix: "edit",
    needs: "pip",
    run: (at) =>
      at.projectBuild("p10", {
        buildspec: spec(["pip install -r app/requirements.txt"]),
        files: { "requirements.txt": "flask\n", "app/main.py": "\n" },
      }),
  },
  {
    id: "P12",
    code: "ssm/secret-not-encrypted",
    isBeside: true,
    says: "is a String: who may read it sees it in clear",
    line: 4,
    fix: "command",
    async run(at) {
      await put(at, "/p12/password", "value-of-parameter", "String");
      return at.projectBuild("p12", {
        buildspec: parameters({ DB_PASSWORD: "/p12/password" }, ['test -n "$DB_PASSWORD"']),
        files: {},
        actions: READ,
      });
    },
  },
];
