/** Questions about permissions, on real services: who is meant, which resource, which policies take part, what is refused. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allow, allowTo, documentText, trusting } from "../../test/support/policy-documents.ts";
import { type Kiln, startKiln } from "../app.ts";
import { systemClock } from "../core/clock.ts";
import { rootPrincipal } from "../identity/index.ts";
import { type AccessAnswer, createAccessCheck } from "./index.ts";

const A = "000000000000";
let kiln: Kiln;
let keyArn = "";
let secretArn = "";

const parameter = (name: string) => `arn:aws:ssm:us-east-1:${A}:parameter/${name}`;

async function makeRole(RoleName: string, principal: object, ...statements: object[]): Promise<void> {
  const AssumeRolePolicyDocument = trusting(principal);
  await kiln.root.call("iam", "CreateRole", { RoleName, Path: "/build/", AssumeRolePolicyDocument });
  const document = { RoleName, PolicyName: "p", PolicyDocument: documentText(...statements) };
  if (statements.length > 0) await kiln.root.call("iam", "PutRolePolicy", document);
}

beforeAll(async () => {
  kiln = await startKiln({ memory: true, port: 0 });
  const { root } = kiln;
  await makeRole(
    "Builder",
    { Service: "codebuild.amazonaws.com" },
    allow("ssm:GetParameters", parameter("app/*")),
    allow("kms:Decrypt", "*"),
    allow("s3:GetObject", "arn:aws:s3:::inbox/*", { Condition: { Bool: { "aws:SecureTransport": "true" } } }),
    allow("logs:PutLogEvents", `arn:aws:logs:us-east-1:${A}:log-group:/aws/b:*`),
    allow("ssm:GetParameter", "*", { Condition: { StringEquals: { "aws:ResourceTag/team": "red" } } }),
    allow("iam:PassRole", "*", { Condition: { StringEquals: { "iam:PassedToService": "codebuild.amazonaws.com" } } }),
  );
  await makeRole("Idle", { AWS: `arn:aws:iam::${A}:root` });
  await root.call("iam", "CreateUser", { UserName: "ann" });
  await root.call("iam", "CreateUser", { UserName: "Idle" });
  const PolicyArn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
  await root.call("iam", "AttachUserPolicy", { UserName: "ann", PolicyArn });
  const tagged = { Name: "/app/red", Value: "1", Type: "String", Tags: [{ Key: "team", Value: "red" }] };
  await root.call("ssm", "PutParameter", tagged);
  const key = await root.call<{ KeyMetadata: { Arn: string } }>("kms", "CreateKey", {
    Policy: documentText(allowTo({ AWS: `arn:aws:iam::${A}:root` }, "kms:*", { Resource: "*" })),
  });
  keyArn = key.KeyMetadata.Arn;
  await root.call("kms", "CreateAlias", { AliasName: "alias/app", TargetKeyId: keyArn });
  const secret = await root.call<{ ARN: string }>("secretsmanager", "CreateSecret", {
    Name: "db",
    SecretString: "x",
    ClientRequestToken: "11111111-2222-3333-4444-555555555555",
  });
  secretArn = secret.ARN;
  await root.call("secretsmanager", "PutResourcePolicy", {
    SecretId: "db",
    ResourcePolicy: documentText(
      allow("secretsmanager:GetSecretValue", "*", { Principal: { AWS: `arn:aws:iam::${A}:role/build/Builder` } }),
    ),
  });
  await root.call("s3", "CreateBucket", { Bucket: "inbox" });
});
afterAll(() => kiln.close());

async function can(who: string, action: string, resource?: string, context = {}): Promise<AccessAnswer> {
  const resources = resource === undefined ? [] : [resource];
  const [answer] = await kiln.access.can(who, { action, resources, context });
  if (!answer) throw new Error("no answer");
  return answer;
}
const effectOf = async (...question: Parameters<typeof can>) => (await can(...question)).decision.effect;

describe("who", () => {
  it.each([
    ["Builder", "role Builder", `arn:aws:sts::${A}:assumed-role/Builder/kiln-iam-can`],
    ["role/Builder", "role Builder", `arn:aws:sts::${A}:assumed-role/Builder/kiln-iam-can`],
    [`arn:aws:iam::${A}:role/build/Builder`, "role Builder", `arn:aws:sts::${A}:assumed-role/Builder/kiln-iam-can`],
    [`arn:aws:sts::${A}:assumed-role/Builder/one`, "role Builder", `arn:aws:sts::${A}:assumed-role/Builder/one`],
    ["ann", "user ann", `arn:aws:iam::${A}:user/ann`],
    ["user/ann", "user ann", `arn:aws:iam::${A}:user/ann`],
    ["root", `the root user of ${A}`, `arn:aws:iam::${A}:root`],
    ["arn:aws:iam::111122223333:root", "the root user of 111122223333", "arn:aws:iam::111122223333:root"],
    ["codebuild.amazonaws.com", "the service codebuild.amazonaws.com", "codebuild.amazonaws.com"],
  ])("%s is %s", async (who, label, principalArn) => {
    expect(await can(who, "ssm:DescribeParameters")).toMatchObject({ who: label, principalArn });
  });

  it.each([
    ["Idle", "there is a role and a user `Idle`"],
    ["Bulder", `there is no role or user \`Bulder\` in account ${A}; the nearest is \`role/Builder\``],
    ["user/an", `there is no user \`an\` in account ${A}; the nearest is \`user/ann\``],
    ["group/x", "`group/x` names no role and no user"],
    [`arn:aws:s3:::x`, "`arn:aws:s3:::x` names no role and no user"],
  ])("refuses %s", async (who, message) => {
    await expect(can(who, "ssm:DescribeParameters")).rejects.toMatchObject({ message, exitCode: 2 });
  });
});

describe("what", () => {
  it.each([
    ["ssm:GetParameters", "/app/x", parameter("app/x")],
    ["ssm:GetParameters", "app", parameter("app")],
    ["SSM:getparameters", "parameter/app/x", parameter("app/x")],
    ["ssm:GetParameters", parameter("app/x"), parameter("app/x")],
    ["ssm:GetParameters", "*", "*"],
    ["s3:GetObject", "inbox/a/b.txt", "arn:aws:s3:::inbox/a/b.txt"],
    ["s3:ListBucket", "inbox", "arn:aws:s3:::inbox"],
    ["ecr:BatchGetImage", "team/app", `arn:aws:ecr:us-east-1:${A}:repository/team/app`],
    ["codebuild:StartBuild", "web", `arn:aws:codebuild:us-east-1:${A}:project/web`],
    ["logs:PutLogEvents", "log-group:/aws/b", `arn:aws:logs:us-east-1:${A}:log-group:/aws/b:log-stream:*`],
    ["logs:CreateLogStream", "/aws/b", `arn:aws:logs:us-east-1:${A}:log-group:/aws/b:log-stream:*`],
    ["logs:DeleteLogGroup", "/aws/b", `arn:aws:logs:us-east-1:${A}:log-group:/aws/b:log-stream:`],
    ["logs:TagResource", "log-group:/aws/b", `arn:aws:logs:us-east-1:${A}:log-group:/aws/b`],
    ["iam:PassRole", "role/Idle", `arn:aws:iam::${A}:role/build/Idle`],
    ["sts:AssumeRole", "Builder", `arn:aws:iam::${A}:role/build/Builder`],
  ])("%s about `%s` is asked about %s", async (action, text, arn) => {
    expect((await can("Builder", action, text)).decision.resource).toBe(arn);
  });

  it("asks about the key behind an alias, and about a secret with its six characters", async () => {
    expect((await can("Builder", "kms:Decrypt", "alias/app")).decision.resource).toBe(keyArn);
    const answer = await can("Builder", "secretsmanager:GetSecretValue", "secret:db");
    expect(answer.decision.resource).toBe(secretArn);
    expect(answer.notes).toEqual([`\`secret:db\` is asked about as \`${secretArn}\``]);
  });

  it.each([
    ["ssm:GetParamter", "*", "there is no action `ssm:GetParamter`; the nearest is `ssm:GetParameter`"],
    ["ssm:Get*", "*", "there is no action `ssm:Get*`"],
    ["kms:Decrypt", undefined, "`kms:Decrypt` needs a resource"],
    ["ssm:GetParameter", "arn:nonsense", "`arn:nonsense` is not an ARN"],
  ])("refuses %s about %s", async (action, text, message) => {
    const refused = can("Builder", action, text);
    await expect(refused).rejects.toMatchObject({ message: expect.stringContaining(message), exitCode: 2 });
  });

  it("says when an ARN is none of the action's, and when the action is about nothing in particular", async () => {
    expect((await can("Builder", "ssm:GetParameter", "arn:aws:s3:::in")).notes[0]).toBe(
      "no resource of `ssm:GetParameter` has such an ARN; they look like `arn:${Partition}:ssm:${Region}:${Account}:parameter/${ParameterNameWithoutLeadingSlash}`",
    );
    const { decision, notes } = await can("Builder", "ecr:GetAuthorizationToken", "arn:aws:s3:::in");
    expect(decision.resource).toBe("*");
    expect(notes).toEqual(["`ecr:GetAuthorizationToken` has no resource type: policies are asked about `*`"]);
  });
});

describe("which policies take part", () => {
  it("the caller's own, with the statement that decides", async () => {
    const { decision, policies } = await can("Builder", "ssm:GetParameters", "/app/x");
    expect(decision).toMatchObject({ effect: "allowed", trace: [{ index: 0, matched: true }] });
    expect(policies).toEqual([{ name: "inline policy p of role Builder", type: "identity" }]);
    expect(await effectOf("Builder", "ssm:GetParameters", "/other")).toBe("implicitDeny");
    expect(await effectOf("ann", "s3:GetObject", "inbox/x")).toBe("allowed");
  });

  it("the key policy, which delegates to the account", async () => {
    const { decision, policies } = await can("Builder", "kms:Decrypt", keyArn);
    expect(decision.effect).toBe("allowed");
    expect(policies.map(({ name }) => name)).toContain(`key policy of ${keyArn}`);
    expect(await effectOf("ann", "kms:Decrypt", keyArn)).toBe("implicitDeny");
    expect(await effectOf("arn:aws:iam::111122223333:root", "kms:Decrypt", keyArn)).toBe("implicitDeny");
  });

  it("the grants of the key that name the caller, or its role", async () => {
    const GranteePrincipal = `arn:aws:iam::${A}:user/ann`;
    const constraint = { Constraints: { EncryptionContextSubset: { app: "web" } } };
    const grant = { KeyId: keyArn, GranteePrincipal, Operations: ["Decrypt"], ...constraint };
    const { GrantId } = await kiln.root.call<{ GrantId: string }>("kms", "CreateGrant", grant);
    const silent = await can("ann", "kms:Decrypt", keyArn);
    expect(silent.decision.effect).toBe("implicitDeny");
    expect(silent.decision.trace).toContainEqual(
      expect.objectContaining({
        policyName: `grant ${GrantId}`,
        failed: "Condition",
        detail: expect.stringContaining("kms:EncryptionContext:app"),
      }),
    );
    const { decision, policies } = await can("ann", "kms:Decrypt", "alias/app", { "kms:EncryptionContext:app": "web" });
    expect(decision).toMatchObject({
      effect: "allowed",
      policyType: "resource",
      trace: [{ policyName: `grant ${GrantId}` }],
    });
    expect(policies).toContainEqual({ name: `grant ${GrantId}`, type: "resource" });
    expect((await can("Builder", "kms:Decrypt", keyArn)).policies.map(({ name }) => name)).not.toContain(
      `grant ${GrantId}`,
    );
    await kiln.root.call("kms", "RevokeGrant", { KeyId: keyArn, GrantId });
    expect(await effectOf("ann", "kms:Decrypt", keyArn, { "kms:EncryptionContext:app": "web" })).toBe("implicitDeny");
  });

  it("nobody may use a key that is not there", async () => {
    const { decision, notes } = await can("Builder", "kms:Decrypt", "alias/none");
    expect(decision).toMatchObject({ effect: "implicitDeny", policyType: "resource" });
    expect(notes.at(-1)).toBe(
      `there is no key \`arn:aws:kms:us-east-1:${A}:alias/none\`: without its key policy nobody may use it`,
    );
  });

  it("does not guess where a resource's own policy shuts out the reader", async () => {
    const { KeyMetadata } = await kiln.root.call<{ KeyMetadata: { Arn: string } }>("kms", "CreateKey", {
      Policy: documentText(allowTo({ AWS: `arn:aws:iam::${A}:role/build/Builder` }, "kms:*", { Resource: "*" })),
      BypassPolicyLockoutSafetyCheck: true,
    });
    await expect(can("Builder", "kms:Decrypt", KeyMetadata.Arn)).rejects.toMatchObject({
      code: "KILN_E_UNREADABLE_POLICY",
      message: `nobody can say who may use \`${KeyMetadata.Arn}\`: its own policy cannot be read`,
      why: expect.stringContaining("is not authorized to perform: kms:DescribeKey"),
      fix: [
        "let its policy name the account, as `arn:aws:iam::ACCOUNT:root`",
        "or make the call: `kiln requests show ID` explains what became of it",
      ],
      exitCode: 4,
    });
  });

  it("a bucket of another account: asked there, and allowed by both sides", async () => {
    const theirs = { ...kiln.scope, accountId: "444455556666" };
    const root = kiln.dispatcher.callerFor(rootPrincipal(theirs), theirs);
    await root.call("s3", "CreateBucket", { Bucket: "theirs" });
    await expect(can("ann", "s3:GetObject", "theirs/x")).rejects.toMatchObject({
      fix: [
        "if the bucket is of another account, ask there: `--account ID`, with the caller's whole ARN",
        "or make the call: `kiln requests show ID` explains what became of it",
      ],
    });
    const there = createAccessCheck({ dispatcher: kiln.dispatcher, scope: theirs, clock: systemClock });
    const ask = async () => {
      const question = { action: "s3:GetObject", resources: ["theirs/x"], context: {} };
      const [answer] = await there.can(`arn:aws:iam::${A}:user/ann`, question);
      return answer?.decision;
    };
    expect(await ask()).toMatchObject({ effect: "implicitDeny", policyType: "resource", isCrossAccount: true });
    const Policy = documentText(allowTo({ AWS: A }, "s3:GetObject", { Resource: "arn:aws:s3:::theirs/*" }));
    await root.call("s3", "PutBucketPolicy", { Bucket: "theirs", Policy });
    expect(await ask()).toMatchObject({ effect: "allowed", isCrossAccount: true });
  });

  it("the secret's policy, which names the role", async () => {
    const { decision } = await can("Builder", "secretsmanager:GetSecretValue", "db");
    expect(decision).toMatchObject({ effect: "allowed", policyType: "resource" });
    expect(await effectOf("ann", "secretsmanager:GetSecretValue", "db")).toBe("implicitDeny");
  });

  it("the trust policy: a service may assume the role that trusts it, and no other", async () => {
    expect(await effectOf("codebuild.amazonaws.com", "sts:AssumeRole", "Builder")).toBe("allowed");
    const { decision } = await can("codebuild.amazonaws.com", "sts:AssumeRole", "role/Idle");
    expect(decision).toMatchObject({ effect: "implicitDeny", policyType: "trust" });
  });

  it("tags of the resource and condition keys that are given", async () => {
    expect(await effectOf("Builder", "ssm:GetParameter", "/app/red")).toBe("allowed");
    expect(await effectOf("Builder", "ssm:GetParameter", "/app/blue")).toBe("implicitDeny");
    const passed = { "iam:PassedToService": "codebuild.amazonaws.com" };
    expect(await effectOf("Builder", "iam:PassRole", "role/Idle")).toBe("implicitDeny");
    expect(await effectOf("Builder", "iam:PassRole", "role/Idle", passed)).toBe("allowed");
    expect(await effectOf("Builder", "s3:GetObject", "inbox/x", { "aws:SecureTransport": "false" })).toBe(
      "implicitDeny",
    );
  });
});

it("leaves no record and changes nothing", async () => {
  const before = kiln.decisions({}).length;
  await can("Builder", "ssm:DeleteParameter", "/app/red");
  expect(kiln.decisions({}).length).toBe(before);
});

it("agrees with the call itself", async () => {
  const trust = trusting({ AWS: `arn:aws:iam::${A}:root` });
  await kiln.root.call("iam", "CreateRole", { RoleName: "Twin", AssumeRolePolicyDocument: trust });
  const PolicyDocument = documentText(allow("ssm:GetParameters", parameter("app/*")));
  await kiln.root.call("iam", "PutRolePolicy", { RoleName: "Twin", PolicyName: "p", PolicyDocument });
  const { AssumedRoleUser, Credentials } = await kiln.root.call<{
    AssumedRoleUser: { Arn: string };
    Credentials: { AccessKeyId: string };
  }>("sts", "AssumeRole", { RoleArn: `arn:aws:iam::${A}:role/Twin`, RoleSessionName: "one" });
  const principal = kiln.identity.findAccessKey(Credentials.AccessKeyId)?.principal;
  if (!principal) throw new Error("no session");
  const aws = kiln.dispatcher.callerFor(principal, kiln.scope);
  for (const name of ["/app/red", "/other"]) {
    const call = aws.call("ssm", "GetParameters", { Names: [name] }).then(
      () => "",
      (error: Error) => error.message,
    );
    expect((await can(AssumedRoleUser.Arn, "ssm:GetParameters", name)).decision.message).toBe(await call);
  }
});

it("knows everybody who may", async () => {
  const answers = await kiln.access.whoCan({ action: "kms:Decrypt", resources: [keyArn], context: {} });
  const able = answers.filter(({ decision }) => decision.effect === "allowed").map(({ who }) => who);
  expect(answers.length).toBeGreaterThanOrEqual(4);
  expect(able).toEqual(["role Builder"]);
});
