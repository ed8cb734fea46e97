/** Rows that end before the first command: the role, the source, the buildspec, the variables. */

import { serveGit, TestRepository } from "../support/git-repository.ts";
import { allow } from "../support/policy-documents.ts";
import { makeSelfSigned } from "../support/self-signed.ts";
import { type Acceptance, account, arnOf, type RealRow, spec } from "./real-build.ts";

const TRUE = spec(["true"]);
const PARAMETER = (name: string) =>
  `version: 0.2\nenv:\n  parameter-store:\n    PASSWORD: ${name}\nphases:\n  build:\n    commands:\n      - test -n "$PASSWORD"\n`;
const OLD_IMAGE = {
  type: "LINUX_CONTAINER",
  image: "aws/codebuild/standard:4.0",
  computeType: "BUILD_GENERAL1_SMALL",
};
const s3 = (location: string) => ({ source: { type: "S3", location, buildspec: TRUE } });

const put = (at: Acceptance, Name: string, more: object = {}) =>
  at.call("ssm", "PutParameter", { Name, Value: "value-of-parameter", Type: "SecureString", ...more });

async function bucket(at: Acceptance, name: string): Promise<void> {
  await at.call("s3", "CreateBucket", { Bucket: name });
}

/** A bare repository with one commit, served over HTTP. */
async function served(at: Acceptance, name: string, options: Parameters<typeof serveGit>[1]) {
  const repository = new TestRepository(at.files(`${name}-git/team/app`, {}));
  repository.commit({ "buildspec.yml": TRUE });
  return serveGit(at.files(`${name}-git`, {}), options);
}

export const sourceRows: readonly RealRow[] = [
  {
    id: "T04",
    code: "iam/parameter-read-denied",
    says: "may not read the parameter `shop_password`",
    line: 4,
    fix: "policy",
    async run(at) {
      await put(at, "shop_password");
      const statements = [allow("ssm:GetParameters", arnOf("ssm", "parameter/CodeBuild/*"))];
      return at.projectBuild("t04", { buildspec: PARAMETER("shop_password"), statements });
    },
  },
  {
    id: "T09",
    code: "buildspec/version-0-1",
    says: "runs each command in a new shell: what `cd app` did is gone",
    line: 1,
    fix: "edit",
    run: (at) =>
      at.projectBuild("t09", {
        buildspec: spec(["cd app", "test -f main.txt"]).replace("0.2", "0.1"),
        files: { "app/main.txt": "x\n" },
      }),
  },
  {
    id: "T14",
    code: "iam/role-not-assumable",
    says: "CodeBuild may not assume the service role",
    fix: "command",
    run: (at) =>
      at.refused("CreateProject", {
        name: "t14",
        source: { type: "NO_SOURCE", buildspec: TRUE },
        artifacts: { type: "NO_ARTIFACTS" },
        environment: {
          type: "LINUX_CONTAINER",
          image: "aws/codebuild/standard:7.0",
          computeType: "BUILD_GENERAL1_SMALL",
        },
        serviceRole: `arn:aws:iam::${account}:role/no-such-role`,
      }),
  },
  {
    id: "T17",
    code: "source/git-failed",
    says: "the repository's server has a certificate that the build does not trust",
    field: "environment.certificate",
    fix: "command",
    async run(at) {
      const server = await served(at, "t17", { tls: makeSelfSigned() });
      try {
        return await at.projectBuild("t17", {
          more: { source: { type: "GITHUB_ENTERPRISE", location: `${server.url}/team/app` } },
        });
      } finally {
        await server.close();
      }
    },
  },
  {
    id: "T20",
    code: "runtime/none-selected",
    says: "needs `runtime-versions`, and the buildspec has none",
    field: "environment.image",
    fix: "edit",
    run: (at) =>
      at.projectBuild("t20", {
        buildspec: TRUE,
        more: { environment: { ...OLD_IMAGE } },
      }),
  },
  {
    id: "T23",
    code: "s3/certificate-unreadable",
    says: "may not read the certificate of the project",
    field: "environment.certificate",
    fix: "policy",
    async run(at) {
      await bucket(at, "t23-bucket");
      await at.call("s3", "PutObject", {
        Bucket: "t23-bucket",
        Key: "ca.pem",
        Body: Buffer.from(makeSelfSigned().cert),
      });
      const server = await served(at, "t23", {});
      try {
        return await at.projectBuild("t23", {
          more: {
            source: { type: "GITHUB_ENTERPRISE", location: `${server.url}/team/app` },
            environment: {
              type: "LINUX_CONTAINER",
              image: "aws/codebuild/standard:7.0",
              computeType: "BUILD_GENERAL1_SMALL",
              certificate: "arn:aws:s3:::t23-bucket/ca.pem",
            },
          },
        });
      } finally {
        await server.close();
      }
    },
  },
  {
    id: "R01",
    code: "buildspec/missing",
    says: "there is no `buildspec.yml` in the source",
    fix: "next",
    run: (at) => at.projectBuild("r01", { files: { "app.py": "print(1)\n" } }),
  },
  {
    id: "R02",
    code: "buildspec/missing",
    says: "there is no `ci/build.yml` in the source",
    fix: "command",
    async run(at) {
      await at.project("r02", { files: { "deploy/build.yml": TRUE } });
      return at.build("r02", { buildspecOverride: "ci/build.yml" });
    },
  },
  {
    id: "R03",
    code: "buildspec/command-not-a-string",
    says: "is read as a mapping, not as text",
    line: 5,
    fix: "next",
    run: (at) => at.projectBuild("r03", { buildspec: spec(["echo Hello: world"]), files: {} }),
  },
  {
    id: "R04",
    code: "buildspec/yaml-error",
    says: "the buildspec cannot be read",
    line: 3,
    fix: "next",
    run: (at) =>
      at.projectBuild("r04", { buildspec: "version: 0.2\nphases:\n  build: commands:\n    - make\n", files: {} }),
  },
  {
    id: "R05",
    code: "runtime/unknown-version",
    says: "the build image has no `python` `3.11`; it has",
    line: 5,
    fix: "edit",
    run: (at) =>
      at.projectBuild("r05", {
        buildspec: `version: 0.2\nphases:\n  install:\n    runtime-versions:\n      python: 3.11\n  build:\n    commands:\n      - python -V\n`,
        more: { environment: { ...OLD_IMAGE } },
      }),
  },
  {
    id: "R06",
    code: "iam/parameter-read-denied",
    says: "may not read the parameter `/shop/password`",
    line: 4,
    fix: "policy",
    async run(at) {
      await put(at, "/shop/password");
      return at.projectBuild("r06", { buildspec: PARAMETER("/shop/password") });
    },
  },
  {
    id: "R07",
    code: "ssm/parameter-not-found",
    says: "the nearest name is `/shop/registry_password`",
    line: 4,
    fix: "edit",
    async run(at) {
      await put(at, "/shop/registry_password");
      return at.projectBuild("r07", { buildspec: PARAMETER("/shop/registry_pasword"), actions: ["ssm:GetParameters"] });
    },
  },
  {
    id: "R08",
    code: "iam/kms-decrypt-denied",
    says: "may read the value but not decrypt it",
    fix: "policy",
    async run(at) {
      const { KeyMetadata } = await at.call<{ KeyMetadata: { Arn: string } }>("kms", "CreateKey", {});
      await put(at, "/shop/sealed", { KeyId: KeyMetadata.Arn });
      return at.projectBuild("r08", { buildspec: PARAMETER("/shop/sealed"), actions: ["ssm:GetParameters"] });
    },
  },
  {
    id: "R09",
    code: "iam/secret-read-denied",
    says: "may not read the secret",
    line: 4,
    fix: "policy",
    async run(at) {
      await at.call("secretsmanager", "CreateSecret", {
        Name: "shop/db",
        SecretString: '{"password":"p"}',
        ClientRequestToken: "11111111-2222-4333-8444-555555555555",
      });
      return at.projectBuild("r09", {
        buildspec: PARAMETER("shop/db:password").replace("parameter-store", "secrets-manager"),
      });
    },
  },
  {
    id: "R10",
    code: "iam/logs-denied",
    says: "may not write the build's log",
    fix: "policy",
    run: (at) => at.projectBuild("r10", { buildspec: TRUE, logs: false }),
  },
  {
    id: "R11",
    code: "s3/source-denied",
    says: "may not read the source `s3://r11-bucket/app.zip`",
    field: "source.location",
    fix: "policy",
    async run(at) {
      await bucket(at, "r11-bucket");
      await at.call("s3", "PutObject", { Bucket: "r11-bucket", Key: "app.zip", Body: Buffer.from("zip") });
      return at.projectBuild("r11", { actions: ["s3:ListBucket"], more: s3("r11-bucket/app.zip") });
    },
  },
  {
    id: "R13",
    code: "source/authorization-failed",
    says: "is taken over the connection `arn:aws:codeconnections:us-east-1:000000000000:connection/1a2b3c4d`",
    field: "source.auth",
    fix: "policy",
    run: (at) =>
      at.projectBuild("r13", {
        more: {
          source: {
            type: "GITHUB",
            location: "https://github.com/example/shop.git",
            auth: { type: "CODECONNECTIONS", resource: arnOf("codeconnections", "connection/1a2b3c4d") },
          },
        },
      }),
  },
  {
    id: "R14",
    code: "source/authentication-required",
    says: "needs credentials, and CodeBuild has none that the server accepts",
    field: "source.location",
    fix: "command",
    async run(at) {
      const server = await served(at, "r14", { credentials: "ann:token" });
      try {
        return await at.projectBuild("r14", {
          more: { source: { type: "GITHUB_ENTERPRISE", location: `${server.url}/team/app` } },
        });
      } finally {
        await server.close();
      }
    },
  },
  {
    id: "R15",
    code: "source/repository-not-found",
    says: "there is no folder",
    field: "source.location",
    fix: "next",
    run: (at) =>
      at.projectBuild("r15", {
        more: { source: { type: "GITHUB", location: `file://${at.folder}/gone`, buildspec: TRUE } },
      }),
  },
  {
    id: "R16",
    code: "source/reference-not-found",
    says: "the source has no branch, tag or commit `master`",
    field: "sourceVersion",
    fix: "command",
    async run(at) {
      const server = await served(at, "r16", {});
      try {
        await at.project("r16", {
          more: { source: { type: "GITHUB_ENTERPRISE", location: `${server.url}/team/app` } },
        });
        return await at.build("r16", { sourceVersion: "master" });
      } finally {
        await server.close();
      }
    },
  },
  {
    id: "R31",
    code: "iam/role-not-assumable",
    says: "its trust policy does not name `codebuild.amazonaws.com`",
    fix: "command",
    async run(at) {
      await at.project("r31", { buildspec: TRUE });
      await at.call("iam", "UpdateAssumeRolePolicy", {
        RoleName: "r31",
        PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
      });
      return at.refused("UpdateProject", { name: "r31", serviceRole: `arn:aws:iam::${account}:role/r31` });
    },
  },
  {
    id: "P03",
    code: "buildspec/missing",
    says: "the nearest is `buildspec.yaml`",
    fix: "command",
    run: (at) => at.projectBuild("p03", { files: { "buildspec.yaml": TRUE } }),
  },
  {
    id: "P04",
    code: "ssm/parameter-not-found",
    says: "`shop/registry` does not exist; `/shop/registry` does: the leading slash is part of a parameter's name",
    line: 4,
    fix: "edit",
    async run(at) {
      await put(at, "/shop/registry");
      return at.projectBuild("p04", { buildspec: PARAMETER("shop/registry"), actions: ["ssm:GetParameters"] });
    },
  },
  {
    id: "P09",
    code: "iam/kms-decrypt-denied",
    says: "may read the value but not decrypt it",
    fix: "policy",
    async run(at) {
      const { KeyMetadata } = await at.call<{ KeyMetadata: { Arn: string } }>("kms", "CreateKey", {});
      await put(at, "/shop/own-key", { KeyId: KeyMetadata.Arn });
      await at.project("p09", { buildspec: PARAMETER("/shop/own-key") });
      const PolicyArn = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess";
      await at.call("iam", "AttachRolePolicy", { RoleName: "p09", PolicyArn });
      return at.build("p09");
    },
  },
];
