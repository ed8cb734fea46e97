/** `kiln check` with `--template`, `--role`, `--role-policy` and `--parameter-names`, with and without a state folder. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allow, CODEBUILD_TRUST, documentText, trusting } from "../../../test/support/policy-documents.ts";
import { startKiln } from "../../app.ts";
import { memoryIo } from "../io.ts";
import { runCli } from "../run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-knowledge-"));
const app = join(folder, "app");
const state = join(folder, "state");

const BUILDSPEC = `version: 0.2
env:
  parameter-store:
    PASSWORD: /app/password
    PINNED: /app/password:7
  secrets-manager:
    DB: shop/db:pasword
phases:
  build:
    commands:
      - echo building
`;

beforeAll(async () => {
  mkdirSync(app);
  writeFileSync(join(app, "buildspec.yml"), BUILDSPEC);
  const kiln = await startKiln({ stateDir: state, port: 0 });
  const { root } = kiln;
  try {
    await root.call("ssm", "PutParameter", { Name: "/app/password", Value: "correct-horse", Type: "SecureString" });
    const SecretString = JSON.stringify({ username: "you", password: "battery-staple" });
    const ClientRequestToken = "11111111-2222-4333-8444-555555555555";
    await root.call("secretsmanager", "CreateSecret", { Name: "shop/db", SecretString, ClientRequestToken });
    await root.call("iam", "CreateRole", { RoleName: "bare", AssumeRolePolicyDocument: CODEBUILD_TRUST });
    const elsewhere = trusting({ Service: "ec2.amazonaws.com" });
    await root.call("iam", "CreateRole", { RoleName: "machine", AssumeRolePolicyDocument: elsewhere });
  } finally {
    await kiln.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(...argv: string[]) {
  const io = memoryIo({ cwd: app });
  const exitCode = await runCli(["check", "-o", "json", ...argv], io);
  const text = io.written();
  const complained = io.complained();
  const err = complained.startsWith("{") ? readable(complained) : complained;
  const found =
    text === "" ? [] : (JSON.parse(text) as { diagnostics: { code: string; message: string }[] }).diagnostics;
  return { exitCode, found, err, text };
}

function readable(text: string): string {
  const { error } = JSON.parse(text) as { error: { message: string; why?: string; fix: string[] } };
  const why = error.why === undefined ? [] : [`  why: ${error.why}`];
  return [`error: ${error.message}`, ...why, ...error.fix.map((line) => `  fix: ${line}`), ""].join("\n");
}

const codes = async (...argv: string[]) => (await run(...argv)).found.map(({ code }) => code);

function file(name: string, text: string): string {
  writeFileSync(join(app, name), text);
  return name;
}

describe("without a state folder", () => {
  it("knows nothing, says nothing of parameters and secrets, and makes no folder", async () => {
    expect(await codes()).toEqual([]);
    expect(existsSync(join(app, ".kiln"))).toBe(false);
  });

  it("cannot name a project or a role", async () => {
    expect(await run("--project", "shop")).toMatchObject({
      exitCode: 2,
      err: "error: there is no project `shop`: no state folder yet\n",
    });
    expect((await run("--role", "builds")).err).toBe("error: there is no role `builds`: no state folder yet\n");
    expect(existsSync(join(app, ".kiln"))).toBe(false);
  });

  it("checks a role with a policy in a file, in whatever account and region", async () => {
    const statements = [
      allow("ssm:GetParameter", "arn:aws:ssm:eu-west-1:444455556666:parameter/app/*"),
      allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:444455556666:secret:shop/*"),
      allow(
        ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        "arn:aws:logs:eu-west-1:444455556666:*",
      ),
    ];
    const wrong = file("policy.json", documentText(...statements));
    expect(await codes("--role-policy", wrong)).toEqual(["role/wrong-action"]);
    const answer = JSON.stringify({
      RoleName: "r",
      PolicyDocument: JSON.parse(documentText(allow("ssm:GetParameters", "arn:aws:ssm:*:*:parameter/app/*"))),
    });
    expect(await codes("--role-policy", wrong, "--role-policy", file("answer.json", answer))).toEqual([]);
  });

  it("says what is wrong with a policy's file", async () => {
    expect((await run("--role-policy", "absent.json")).err.split("\n").slice(0, 2)).toEqual([
      "error: cannot read the policy `absent.json`",
      "  why: there is no such file",
    ]);
    expect((await run("--role-policy", file("list.json", "[]"))).err).toMatch(
      /^error: `list\.json` is not a policy document\n/,
    );
  });

  it("checks against CreateProject's JSON", async () => {
    const project = {
      name: "shop",
      environment: { type: "ARM_CONTAINER", image: "aws/codebuild/standard:7.0", computeType: "BUILD_GENERAL1_SMALL" },
      timeoutInMinutes: 1,
    };
    expect(await codes("--template", file("project.json", JSON.stringify(project)))).toEqual([
      "image/compute-mismatch",
      "project/timeout",
    ]);
  });

  it("checks against the project of a CloudFormation template, and takes what is computed for unknown", async () => {
    writeFileSync(join(app, "docker.yml"), "version: 0.2\nphases:\n  build:\n    commands:\n      - docker info\n");
    const template = (privileged: string) => `AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Privileged: { Type: String }
Resources:
  Bucket:
    Type: AWS::S3::Bucket
  Build:
    Type: AWS::CodeBuild::Project
    Properties:
      Name: !Sub "\${AWS::StackName}-build"
      ServiceRole: !GetAtt Role.Arn
      TimeoutInMinutes: "10"
      Environment:
        Type: LINUX_CONTAINER
        Image: aws/codebuild/standard:7.0
        ComputeType: BUILD_GENERAL1_SMALL${privileged}
        EnvironmentVariables:
          - { Name: API_TOKEN, Value: correct-horse-battery }
          - { Name: BUCKET, Value: !Ref Bucket }
      Source: { Type: GITHUB, Location: !Ref Url }
`;
    const check = (privileged: string) =>
      codes("--template", file("stack.yml", template(privileged)), "-b", "docker.yml");
    expect(await check("")).toEqual(["project/plaintext-secret", "docker/privileged-mode"]);
    expect(await check("\n        PrivilegedMode: true")).toEqual(["project/plaintext-secret"]);
    const { found } = await run(
      "--template",
      file("stack.yml", template("\n        PrivilegedMode: !Ref Privileged")),
      "-b",
      "docker.yml",
    );
    expect(found.find(({ code }) => code === "docker/privileged-mode")?.message).toBe(
      "`docker info` needs privileged mode, and a buildspec cannot switch it on",
    );
  });

  it("names the projects of a template that has several", async () => {
    const resources = Object.fromEntries(
      ["Build", "Deploy"].map((id) => [
        id,
        { Type: "AWS::CodeBuild::Project", Properties: { Name: id.toLowerCase() } },
      ]),
    );
    const stack = file("stack.json", JSON.stringify({ Resources: resources }));
    expect((await run("--template", stack, "--project", "deploy")).exitCode).toBe(0);
    expect((await run("--template", stack, "--project", "Deplo")).err).toBe(
      "error: the template `stack.json` has no project `Deplo`\n  fix: did you mean `Deploy`?\n",
    );
    const none = file("none.json", JSON.stringify({ Resources: { B: { Type: "AWS::S3::Bucket" } } }));
    expect((await run("--template", none)).err).toBe(
      "error: the template `none.json` has no resource of type `AWS::CodeBuild::Project`\n",
    );
  });

  it("checks names against a convention", async () => {
    expect(await codes("--parameter-names", "/app/*")).toEqual([]);
    expect(await codes("--parameter-names", "/team/**")).toEqual(["ssm/name-convention", "ssm/name-convention"]);
    expect((await run("--parameter-names", "/(/")).err).toMatch(
      /^error: `\/\(\/` is not a pattern for names of parameters\n/,
    );
  });
});

describe("with a state folder", () => {
  it("knows versions of parameters and members of secrets, without their values", async () => {
    const { found, text } = await run("--state-dir", state);
    expect(found.map(({ message }) => message)).toEqual([
      "parameter `/app/password` has no version 7; the newest is 1",
      "secret `shop/db` of `DB` has no JSON key `pasword`; did you mean `password`?",
    ]);
    expect(text).not.toMatch(/correct-horse|battery-staple/);
  });

  it("checks the policies and the trust of a role by name", async () => {
    const { found } = await run("--role", "bare", "--state-dir", state);
    expect(found.filter(({ code }) => code.startsWith("role/")).map(({ message }) => message)).toEqual([
      expect.stringMatching(/^role `bare` may not call `logs:/),
      expect.stringMatching(/^role `bare` may not call `logs:/),
      "role `bare` may not call `ssm:GetParameters` on `arn:aws:ssm:us-east-1:000000000000:parameter/app/password`",
      expect.stringMatching(
        /^role `bare` may not call `secretsmanager:GetSecretValue` on `arn:.*:secret:shop\/db-\w{6}`$/,
      ),
    ]);
    const machine = await codes("--role", "machine", "--state-dir", state);
    expect(machine).toContain("role/trust-policy");
    expect((await run("--role", "bar", "--state-dir", state)).err).toMatch(
      /^error: there is no role `bar`; the nearest is `bare`\n/,
    );
  });
});
