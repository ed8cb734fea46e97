/** What decides in a build: the trust of its role, and the role's policies with what the session knows of the build. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFakeEngine, createHostEngine } from "../../src/engines/index.ts";
import { openTestAccount, ROLE, SCOPE, type TestAccount } from "../support/codebuild-account.ts";
import { allowTo, documentText } from "../support/policy-documents.ts";

const ACCOUNT = SCOPE.accountId;
const NAME = "CodeBuildServiceRole";
const PROJECT = `arn:aws:codebuild:us-east-1:${ACCOUNT}:project/my-project`;
const SPEC = "version: 0.2\nphases: {build: {commands: ['true']}}\n";
const WITH_PARAMETER =
  "version: 0.2\nenv:\n  parameter-store:\n    A: app-a\nphases:\n  build:\n    commands: ['true']\n";
const NOT_ASSUMABLE =
  "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify that: 1) The provided service role exists, 2) The role name is case-sensitive and matches exactly, and 3) The role has the necessary trust policy configured.";

let account: TestAccount;
afterEach(() => account.close());

const allow = (Action: string | string[], more: object = {}) => ({ Effect: "Allow", Action, Resource: "*", ...more });
const put = (...statements: object[]) =>
  account.root.call("iam", "PutRolePolicy", {
    ...{ RoleName: NAME, PolicyName: "all", PolicyDocument: documentText(...statements) },
  });
const trust = (...statements: object[]) =>
  account.root.call("iam", "UpdateAssumeRolePolicy", { RoleName: NAME, PolicyDocument: documentText(...statements) });
const byCodeBuild = (Condition?: object) =>
  allowTo({ Service: "codebuild.amazonaws.com" }, "sts:AssumeRole", Condition && { Condition });

interface Made {
  readonly id: string;
  readonly buildStatus: string;
  readonly phases: readonly { phaseType: string; contexts?: { statusCode: string; message: string }[] }[];
}
const build = async (more: object = {}): Promise<Made> => (await account.build(more)) as unknown as Made;
const contextOf = (made: Made, phaseType: string) =>
  made.phases.find((phase) => phase.phaseType === phaseType)?.contexts?.[0];

describe("the trust in CodeBuild", () => {
  beforeEach(async () => {
    account = await openTestAccount([createFakeEngine()]);
    await account.makeRole([]);
  });

  it.each<[string, object, boolean]>([
    ["the account", { StringEquals: { "aws:SourceAccount": ACCOUNT } }, true],
    ["another account", { StringEquals: { "aws:SourceAccount": "444455556666" } }, false],
    ["the project", { ArnLike: { "aws:SourceArn": PROJECT } }, true],
    ["projects by pattern", { ArnLike: { "aws:SourceArn": `arn:aws:codebuild:*:${ACCOUNT}:project/my-*` } }, true],
    ["another project", { ArnEquals: { "aws:SourceArn": `${PROJECT}-2` } }, false],
    ["a service", { Bool: { "aws:PrincipalIsAWSService": "true" } }, true],
    ["the service by name", { StringEquals: { "aws:PrincipalServiceName": "codebuild.amazonaws.com" } }, true],
    [
      "one of the service's names",
      { "ForAnyValue:StringEquals": { "aws:PrincipalServiceNamesList": "codebuild.amazonaws.com" } },
      true,
    ],
    ["an organization, of which there is none", { StringEquals: { "aws:SourceOrgID": "o-1" } }, false],
    ["a session's name", { StringLike: { "sts:RoleSessionName": "AWSCodeBuild-*" } }, true],
    ["a tag of people", { StringLike: { "aws:PrincipalTag/team": "*" } }, false],
    ["an account of people", { Null: { "aws:PrincipalAccount": "false" } }, false],
  ])("can be for %s", async (_name, condition, isTrusted) => {
    await trust(byCodeBuild(condition));
    const made = account.makeProject(SPEC);
    if (isTrusted) await made;
    else await expect(made).rejects.toMatchObject({ code: "InvalidInputException", message: NOT_ASSUMABLE });
  });

  it("is of the service alone: an account's root in its place is none", async () => {
    await trust(allowTo({ AWS: ACCOUNT }, "sts:AssumeRole"));
    await expect(account.makeProject(SPEC)).rejects.toMatchObject({ message: NOT_ASSUMABLE });
  });

  it("ends at a Deny", async () => {
    await trust(byCodeBuild(), {
      ...allowTo("*", "sts:AssumeRole"),
      Effect: "Deny",
      Condition: { ArnEquals: { "aws:SourceArn": PROJECT } },
    });
    await expect(account.makeProject(SPEC)).rejects.toMatchObject({ message: NOT_ASSUMABLE });
  });

  it("is asked again when a build starts, and a role that is gone has none", async () => {
    await account.makeProject(SPEC);
    const start = () => account.root.call("codebuild", "StartBuild", { projectName: "my-project" });
    await trust(byCodeBuild({ StringEquals: { "aws:SourceAccount": "444455556666" } }));
    await expect(start()).rejects.toMatchObject({ code: "InvalidInputException", message: NOT_ASSUMABLE });
    await account.root.call("iam", "DeleteRole", { RoleName: NAME });
    await expect(start()).rejects.toMatchObject({ code: "InvalidInputException", message: NOT_ASSUMABLE });
  });

  it("does not reach a role of another account, which cannot be passed", async () => {
    const serviceRole = "arn:aws:iam::444455556666:role/theirs";
    await expect(account.makeProject(SPEC, { serviceRole })).rejects.toMatchObject({
      code: "AccessDeniedException",
      message: `User: arn:aws:iam::${ACCOUNT}:root is not authorized to perform: iam:PassRole on resource: ${serviceRole} because no resource-based policy allows the iam:PassRole action`,
    });
  });
});

describe("the role of a build", () => {
  beforeEach(async () => {
    account = await openTestAccount([createHostEngine({ graceMs: 100 })]);
    await account.makeRole([]);
    await account.root.call("ssm", "PutParameter", { Name: "app-a", Value: "1", Type: "String" });
  });

  it.each<[string, object, boolean]>([
    ["its project", { ArnEquals: { "codebuild:projectArn": PROJECT } }, true],
    ["another project", { ArnEquals: { "codebuild:projectArn": `${PROJECT}-2` } }, false],
    ["its build", { ArnLike: { "codebuild:buildArn": PROJECT.replace("project/", "build/").concat(":*") } }, true],
    ["the name of its session", { StringLike: { "aws:userid": "AROA*:AWSCodeBuild-*" } }, true],
    ["its own ARN", { ArnEquals: { "aws:PrincipalArn": ROLE } }, true],
    ["a tag of the role", { StringEquals: { "aws:PrincipalTag/team": "blue" } }, true],
    ["another value of the tag", { StringEquals: { "aws:PrincipalTag/team": "red" } }, false],
    ["a call of its own, not through a service", { Bool: { "aws:ViaAWSService": "false" } }, true],
    ["a confused deputy's key, which is for services", { Null: { "aws:SourceArn": "true" } }, true],
  ])("may be bound to %s", async (_name, Condition, isAllowed) => {
    await account.root.call("iam", "TagRole", { RoleName: NAME, Tags: [{ Key: "team", Value: "blue" }] });
    await put(allow("ssm:GetParameters", { Condition }));
    await account.makeProject(WITH_PARAMETER);
    const made = await build();
    expect([made.buildStatus, contextOf(made, "DOWNLOAD_SOURCE")?.statusCode || undefined]).toEqual(
      isAllowed ? ["SUCCEEDED", undefined] : ["FAILED", "Decrypted Variables Error"],
    );
  });

  it("may name the project in the resources of its policies", async () => {
    await account.root.call("s3", "CreateBucket", { Bucket: "out" });
    await put(allow("s3:PutObject", { Resource: "arn:aws:s3:::out/${codebuild:projectArn}/*" }));
    const spec = "version: 0.2\nphases: {build: {commands: ['echo 1 > a.txt']}}\nartifacts: {files: [a.txt]}\n";
    await account.makeProject(spec, { artifacts: { type: "S3", location: "out", path: PROJECT, name: "x" } });
    expect((await build()).buildStatus).toBe("SUCCEEDED");
    const elsewhere = await build({ artifactsOverride: { type: "S3", location: "out", path: "y", name: "x" } });
    expect(contextOf(elsewhere, "UPLOAD_ARTIFACTS")?.message).toMatch(
      /is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::out\/y\/x\/a\.txt" because no identity-based policy allows the s3:PutObject action\n/,
    );
  });

  it("does nothing that its boundary leaves out, and its texts say so", async () => {
    await put(allow("*"));
    const { Policy } = await account.root.call<{ Policy: { Arn: string } }>("iam", "CreatePolicy", {
      ...{ PolicyName: "limit", PolicyDocument: documentText(allow("logs:*")) },
    });
    await account.root.call("iam", "PutRolePermissionsBoundary", {
      ...{ RoleName: NAME, PermissionsBoundary: Policy.Arn },
    });
    await account.makeProject(WITH_PARAMETER);
    const made = await build();
    const session = `arn:aws:sts::${ACCOUNT}:assumed-role/${NAME}/AWSCodeBuild-${made.id.split(":")[1]}`;
    expect(contextOf(made, "DOWNLOAD_SOURCE")).toEqual({
      statusCode: "Decrypted Variables Error",
      message: expect.stringMatching(
        new RegExp(
          `^AccessDeniedException: User: ${session} is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:us-east-1:${ACCOUNT}:parameter/app-a because no permissions boundary allows the ssm:GetParameters action\\n\\tstatus code: 400, request id: [0-9a-f-]{36}$`,
        ),
      ),
    });
  });

  it("does nothing that a managed policy denies, which is named", async () => {
    await put(allow("*"));
    const { Policy } = await account.root.call<{ Policy: { Arn: string } }>("iam", "CreatePolicy", {
      ...{ PolicyName: "never", PolicyDocument: documentText({ ...allow("ssm:GetParameters"), Effect: "Deny" }) },
    });
    await account.root.call("iam", "AttachRolePolicy", { RoleName: NAME, PolicyArn: Policy.Arn });
    await account.makeProject(WITH_PARAMETER);
    expect(contextOf(await build(), "DOWNLOAD_SOURCE")?.message).toMatch(
      new RegExp(`parameter/app-a with an explicit deny in an identity-based policy: ${Policy.Arn}\\n\\tstatus code`),
    );
  });

  it("must be allowed to write the log", async () => {
    await account.makeProject(SPEC, { logsConfig: { cloudWatchLogs: { status: "ENABLED" } } });
    const made = await build();
    const [, uuid] = made.id.split(":");
    expect(made.phases.flatMap((phase) => phase.contexts ?? []).find(({ statusCode }) => statusCode)).toEqual({
      statusCode: "ACCESS_DENIED",
      message: `Service role ${ROLE} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build arn:aws:codebuild:us-east-1:${ACCOUNT}:build/my-project:${uuid}. Error message: User: arn:aws:sts::${ACCOUNT}:assumed-role/${NAME}/AWSCodeBuild-${uuid} is not authorized to perform: logs:CreateLogStream on resource: arn:aws:logs:us-east-1:${ACCOUNT}:log-group:/aws/codebuild/my-project:log-stream:${uuid} because no identity-based policy allows the logs:CreateLogStream action`,
    });
  });

  it("reads no secret that it may not, and no key opens what its policy closes", async () => {
    const { KeyMetadata } = await account.root.call<{ KeyMetadata: { KeyId: string; Arn: string } }>(
      ...(["kms", "CreateKey", {}] as const),
    );
    const sealed = { Name: "sealed", Value: "1", Type: "SecureString", KeyId: KeyMetadata.KeyId };
    await account.root.call("ssm", "PutParameter", sealed);
    await account.root.call("secretsmanager", "CreateSecret", {
      ...{ Name: "app/secret", SecretString: "s", ClientRequestToken: "11111111-1111-4111-8111-111111111111" },
    });
    const reading = (section: string): string =>
      `version: 0.2\nenv:\n  ${section}\nphases:\n  build:\n    commands: ['true']\n`;
    await put(allow("ssm:GetParameters"));
    await account.makeProject(SPEC);
    const message = async (section: string) =>
      contextOf(await build({ buildspecOverride: reading(section) }), "DOWNLOAD_SOURCE");
    expect(await message("parameter-store:\n    A: sealed")).toMatchObject({
      statusCode: "Decrypted Variables Error",
      message: expect.stringMatching(
        /kms:Decrypt on .* because no identity-based policy allows the kms:Decrypt action/,
      ),
    });
    expect(await message("secrets-manager:\n    A: app/secret")).toMatchObject({
      statusCode: "Secrets Manager Error",
      message: expect.stringMatching(
        /^AccessDeniedException: User: \S+ is not authorized to perform: secretsmanager:GetSecretValue on resource: \S+ because no identity-based policy allows the secretsmanager:GetSecretValue action\n\tstatus code: 400, request id: /,
      ),
    });
    await put(allow(["ssm:GetParameters", "kms:Decrypt"]));
    const done = await build({ buildspecOverride: reading("parameter-store:\n    A: sealed") });
    expect(done.buildStatus).toBe("SUCCEEDED");
  });
});
