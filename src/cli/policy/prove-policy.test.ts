/** `kiln policy --prove`, `--diff` and the output formats on real builds: the policy passes, and none of it is too much. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CODEBUILD_TRUST } from "../../../test/support/policy-documents.ts";
import { type Kiln, startKiln } from "../../app.ts";
import { memoryIo } from "../io.ts";
import { runCli } from "../run-cli.ts";

let folder = "";
let app = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kiln-prove-"));
  app = join(folder, "app");
  mkdirSync(app);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function kiln(...argv: string[]) {
  const io = memoryIo({ cwd: app });
  const exitCode = await runCli([...argv, "--state-dir", join(folder, "state")], io);
  return { exitCode, out: io.written(), err: io.complained() };
}
async function withState<T>(work: (kiln: Kiln) => Promise<T>): Promise<T> {
  const open = await startKiln({ stateDir: join(folder, "state"), port: 0 });
  try {
    return await work(open);
  } finally {
    await open.close();
  }
}
const newestBuild = () =>
  withState(async ({ root }) => {
    const { ids = [] } = await root.call<{ ids?: string[] }>("codebuild", "ListBuilds", { sortOrder: "DESCENDING" });
    return ids[0] ?? "";
  });
const roles = () =>
  withState(async ({ root }) => {
    const { Roles = [] } = await root.call<{ Roles?: { RoleName?: string }[] }>("iam", "ListRoles", {});
    return Roles.map(({ RoleName }) => RoleName);
  });

const SPEC = `version: 0.2
env:
  parameter-store: { PASSWORD: /app/password }
phases:
  build:
    commands:
      - test -n "$PASSWORD"
`;

async function parameterWithOwnKey(): Promise<string> {
  return withState(async ({ root }) => {
    const { KeyMetadata } = await root.call<{ KeyMetadata: { Arn: string; KeyId: string } }>("kms", "CreateKey", {});
    await root.call("ssm", "PutParameter", {
      Name: "/app/password",
      Type: "SecureString",
      Value: "hunter22",
      KeyId: KeyMetadata.KeyId,
    });
    return KeyMetadata.Arn;
  });
}

describe("kiln policy --prove", () => {
  it("proves the plan's policy: it passes, and fails without any one statement", async () => {
    writeFileSync(join(app, "buildspec.yml"), SPEC);
    const key = await parameterWithOwnKey();
    const { exitCode, out, err } = await kiln("policy", "--prove");
    expect(err).toContain("1/4 with the policy: SUCCEEDED\n");
    expect(err).toContain(`2/4 without UseKeys: FAILED, kms:Decrypt on ${key} is denied\n`);
    expect(err).toMatch(/3\/4 without WriteLogs: FAILED, logs:Create\w+ on \S+ is denied/);
    expect(err).toMatch(
      /4\/4 without ReadParameters: FAILED, ssm:GetParameters on \S+:parameter\/app\/password is denied/,
    );
    expect(err).toContain("proved: the build passes with 3 statements, and not as well without any of them\n");
    expect(exitCode).toBe(0);
    expect((JSON.parse(out) as { Statement: object[] }).Statement).toHaveLength(3);
    expect(await roles()).toEqual(["kiln-app-service-role"]);
  });

  it("proves the policy of a build: what CodeBuild and its commands called, tied to the one parameter", async () => {
    writeFileSync(join(app, "buildspec.yml"), SPEC);
    const key = await parameterWithOwnKey();
    expect((await kiln("run")).exitCode).toBe(0);
    const id = await newestBuild();
    const proved = await kiln("policy", id, "--prove");
    expect(proved.exitCode, proved.err).toBe(0);
    const { Statement } = JSON.parse(proved.out) as { Statement: { Sid: string; Condition?: object }[] };
    expect(Statement[0]).toEqual({
      Sid: "UseKeys",
      Effect: "Allow",
      Action: "kms:Decrypt",
      Resource: key,
      Condition: {
        StringEquals: {
          "kms:ViaService": "ssm.us-east-1.amazonaws.com",
          "kms:EncryptionContext:PARAMETER_ARN": "arn:aws:ssm:us-east-1:000000000000:parameter/app/password",
        },
      },
    });
    const text = (await kiln("policy", id, "-o", "text")).out;
    expect(text).toContain("  for   CodeBuild in DOWNLOAD_SOURCE\n");
    expect(text).toContain("  for   the build's log\n");
  });

  it("says that a statement nothing uses is not proved", async () => {
    writeFileSync(join(app, "buildspec.yml"), SPEC.replace("  build:\n", "  build:\n    on-failure: RETRY-1\n"));
    await parameterWithOwnKey();
    const { exitCode, err } = await kiln("policy", "--prove");
    expect(err).toContain("2/5 without RetryBuilds: no difference\n");
    expect(err).toContain("not proved: this build does the same without RetryBuilds\n");
    expect(exitCode).toBe(1);
  });

  it("explains a build that does not pass under its policy", async () => {
    writeFileSync(join(app, "buildspec.yml"), SPEC.replace('test -n "$PASSWORD"', "exit 3"));
    await parameterWithOwnKey();
    const { exitCode, err } = await kiln("policy", "--prove");
    expect(err).toContain("1/4 with the policy: FAILED\n");
    expect(err).toContain("not proved: the build does not pass under this policy alone\n");
    expect(exitCode).toBe(1);
    expect(await roles()).toEqual(["kiln-app-service-role"]);
  });

  it("is refused together with what it cannot prove", async () => {
    writeFileSync(join(app, "buildspec.yml"), SPEC);
    expect(await kiln("policy", "--prove", "--diff", "x")).toMatchObject({
      exitCode: 2,
      err: "error: --diff and --prove are two questions\n  fix: ask one\n",
    });
    expect((await kiln("policy", "--diff", "x", "-o", "terraform")).exitCode).toBe(2);
  });
});

describe("kiln policy --diff", () => {
  it("shows what AmazonSSMFullAccess grants and the build never uses, and how to replace it", async () => {
    writeFileSync(join(app, "buildspec.yml"), SPEC);
    const PolicyArn = "arn:aws:iam::aws:policy/AmazonSSMFullAccess";
    await withState(async ({ root }) => {
      await root.call("iam", "CreateRole", { RoleName: "BuildRole", AssumeRolePolicyDocument: CODEBUILD_TRUST });
      await root.call("iam", "AttachRolePolicy", { RoleName: "BuildRole", PolicyArn });
    });
    const { out } = await kiln("policy", "--diff", "BuildRole");
    expect(out).toMatch(
      new RegExp(
        `\n${PolicyArn} grants \\d{2,} actions: 4 needed, \\d{2,} not\n  needed: logs:CreateLogGroup, logs:CreateLogStream, logs:PutLogEvents, ssm:GetParameters\n`,
      ),
    );
    expect(out).toMatch(/\n {2}not, write: .*and \d+ more\n/);
    expect(out).toContain(`    kiln aws iam detach-role-policy --role-name BuildRole --policy-arn ${PolicyArn}\n`);
    const json = JSON.parse((await kiln("policy", "--diff", "BuildRole", "-o", "json")).out) as {
      policies: { unused: { level: string; actions: string[] }[] }[];
    };
    expect(json.policies[0]?.unused.find(({ level }) => level === "Write")?.actions).toContain("ssm:SendCommand");
  });
});
