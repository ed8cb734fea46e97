/**
 * The defects of the documents that Kiln started from, each caught by `kiln check` with a state folder that holds real
 * parameters, keys, roles and a project. Two folders: the buildspec as those documents have it, and one in AWS's grammar.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CODEBUILD_TRUST } from "../../../test/support/policy-documents.ts";
import { startKiln } from "../../app.ts";
import { memoryIo } from "../io.ts";
import { runCli } from "../run-cli.ts";

const AS_WRITTEN = `version: 0.2
phases:
  install:
    runtime-versions:
      python: 3.11
  pre_build:
    commands:
      - pip install -r day-13/simple-python-app/requirements.txt
  build:
    environment:
      variables:
        DOCKER_USERNAME: "ssm:/my-app-docker-credentials-username"
        DOCKER_PASSWORD: "ssm:/my-app-docker-credentials-password"
        DOCKER_REGISTRY_URL: "ssm:/my-app-docker-registry-url"
    commands:
      - docker build -t "$DOCKER_REGISTRY_URL/$DOCKER_USERNAME/sample-python-flask-app:latest" day-14/simple-python-app
      - docker push "$DOCKER_REGISTRY_URL/$DOCKER_USERNAME/sample-python-flask-app:latest"
`;
const IN_GRAMMAR = `version: 0.2
env:
  parameter-store:
    DOCKER_USERNAME: /app/docker/username
    DOCKER_PASSWORD: /app/docker/password
    DOCKER_TOKEN: /app/docker/token
phases:
  build:
    commands:
      - docker login -u $DOCKER_USERNAME --password $DOCKER_PASSWORD
      - docker build -t $DOCKER_USERNAME/app day-14/simple-python-app
`;

const folder = mkdtempSync(join(tmpdir(), "kiln-tutorial-"));
const state = join(folder, "state");
const tutorial = join(folder, "tutorial");
const grammar = join(folder, "grammar");

beforeAll(async () => {
  for (const [dir, name, text] of [
    [tutorial, "buildspec.yaml", AS_WRITTEN],
    [grammar, "buildspec.yml", IN_GRAMMAR],
  ] as const) {
    const app = join(dir, "day-14", "simple-python-app");
    mkdirSync(app, { recursive: true });
    writeFileSync(join(app, "requirements.txt"), "flask==3.1.0\n");
    writeFileSync(join(app, "Dockerfile"), "FROM python:3.12-slim\n");
    writeFileSync(join(dir, name), text);
  }
  const kiln = await startKiln({ stateDir: state, port: 0 });
  const { root } = kiln;
  try {
    const { KeyMetadata } = await root.call<{ KeyMetadata: { KeyId: string } }>("kms", "CreateKey", {});
    const put = (Name: string, Value: string, more: object) =>
      root.call("ssm", "PutParameter", { Name, Value, Type: "SecureString", ...more });
    await put("my-app-docker-credentials-username", "you", { Type: "String" });
    await put("my-app-docker-credentials-password", "correct-horse", { Type: "String" });
    await put("my-app-docker-registry-url", "https://docker.io", { Type: "String" });
    await put("/app/docker/username", "you", {});
    await put("/app/docker/password", "correct-horse", { KeyId: KeyMetadata.KeyId });
    await put("/app/docker/token", "battery-staple", { Type: "String" });
    await root.call("iam", "CreateRole", { RoleName: "wide", AssumeRolePolicyDocument: CODEBUILD_TRUST });
    await root.call("iam", "CreateRole", { RoleName: "reader", AssumeRolePolicyDocument: CODEBUILD_TRUST });
    for (const [RoleName, policy] of [
      ["wide", "AmazonSSMFullAccess"],
      ["reader", "AmazonSSMReadOnlyAccess"],
    ]) {
      await root.call("iam", "AttachRolePolicy", { RoleName, PolicyArn: `arn:aws:iam::aws:policy/${policy}` });
    }
    for (const [name, role] of [
      ["tutorial", "wide"],
      ["careful", "reader"],
    ]) {
      await root.call("codebuild", "CreateProject", {
        name,
        source: { type: "GITHUB", location: "https://github.com/you/app", buildspec: "" },
        artifacts: { type: "NO_ARTIFACTS" },
        environment: {
          type: "LINUX_CONTAINER",
          image: "aws/codebuild/standard:7.0",
          computeType: "BUILD_GENERAL1_SMALL",
          environmentVariables: [{ name: "API_TOKEN", value: "correct-horse-battery", type: "PLAINTEXT" }],
        },
        serviceRole: `arn:aws:iam::000000000000:role/${role}`,
      });
    }
  } finally {
    await kiln.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Found {
  readonly code: string;
  readonly severity: string;
  readonly message: string;
}

async function check(cwd: string, ...argv: string[]): Promise<Found[]> {
  const io = memoryIo({ cwd });
  await runCli(["check", "-o", "json", ...argv, "--state-dir", state], io);
  expect(io.written()).not.toMatch(/correct-horse|battery-staple/);
  return (JSON.parse(io.written()) as { diagnostics: Found[] }).diagnostics;
}

const shown = (found: readonly Found[]) => found.map(({ severity, code }) => `${severity} ${code}`);

describe("the buildspec as the documents have it, in its project", () => {
  let found: Found[] = [];
  beforeAll(async () => {
    found = await check(tutorial, "--project", "tutorial");
  });

  it.each([
    ["P01 variables under a phase", "phases/environment-not-supported"],
    ["P02 `ssm:/…` as a value", "env/ssm-reference-outside-parameter-store"],
    ["P03 a file named buildspec.yaml", "buildspec/file-name"],
    ["P04 a slash in front that the stored name does not have", "warning ssm/parameter-not-found"],
    ["P06 `https://` in an image's name", "docker/registry-url-scheme"],
    ["P07 docker without privileged mode", "docker/privileged-mode"],
    ["P08 AmazonSSMFullAccess", "warning role/over-broad"],
    ["P10 a requirements file in another folder", "paths/not-found"],
    ["P12 a password stored as String", "warning ssm/string-for-secret"],
    ["P12 a plaintext secret of the project", "warning project/plaintext-secret"],
  ])("%s: %s", (_, expected) => {
    expect(shown(found).map((line) => (expected.includes(" ") ? line : line.split(" ")[1]))).toContain(expected);
  });

  it("P08 names the policy and what the build really needs", () => {
    expect(found.find(({ code }) => code === "role/over-broad")?.message).toBe(
      "role `wide` has `AmazonSSMFullAccess`, which allows `logs:* on *`, `ssm:* on *` and `ec2messages:* on *`",
    );
  });
});

describe("the same pipeline in AWS's grammar", () => {
  it("P09 a read-only role and a key of the customer's", async () => {
    const found = await check(grammar, "--project", "careful");
    expect(found.find(({ code }) => code === "role/kms-decrypt-missing")).toMatchObject({
      severity: "error",
      message: expect.stringMatching(
        /^role `reader` may not call `kms:Decrypt` on `arn:aws:kms:us-east-1:000000000000:key\/[0-9a-f-]+`$/,
      ),
    });
    // Also of a role that is named on the command line, without any project.
    expect(shown(await check(grammar, "--role", "reader"))).toContain("error role/kms-decrypt-missing");
  });

  it("P05 a push without a login", async () => {
    const push = IN_GRAMMAR.replace(/docker login.*/, "docker push $DOCKER_USERNAME/app");
    writeFileSync(join(grammar, "push.yml"), push);
    expect((await check(grammar, "-b", "push.yml")).map(({ code }) => code)).toContain("docker/push-without-login");
  });

  it("P11 a password on the command line", async () => {
    expect((await check(grammar)).map(({ code }) => code)).toContain("docker/login-password-argument");
  });
});
