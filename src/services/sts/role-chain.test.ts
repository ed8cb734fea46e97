import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Answer, accountId, type IdentityFixture, openIdentity } from "../../../test/support/identity-fixture.ts";
import { allow, allowTo, documentText, trusting } from "../../../test/support/policy-documents.ts";
import { failureOf } from "../../../test/support/services-fixture.ts";
import type { AwsCaller } from "../../core/aws.ts";

const OTHER = "444455556666";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
});
afterEach(() => at.close());

const roleArn = (name: string, account = accountId) => `arn:aws:iam::${account}:role/${name}`;
const sessionArn = (role: string, account = accountId) => `arn:aws:sts::${account}:assumed-role/${role}/session`;
const userArn = (name: string) => `arn:aws:iam::${accountId}:user/${name}`;
const other = (operation: string, input: object) => at.as(OTHER).call<Answer>("iam", operation, input);

async function role(RoleName: string, AssumeRolePolicyDocument: string, ...statements: readonly object[]) {
  await at.iam("CreateRole", { RoleName, AssumeRolePolicyDocument });
  if (statements.length === 0) return;
  const PolicyDocument = documentText(...statements);
  await at.iam("PutRolePolicy", { RoleName, PolicyName: "inline", PolicyDocument });
}

const assume = (caller: AwsCaller, RoleArn: string, more: object = {}) =>
  caller.call<Answer>("sts", "AssumeRole", { RoleArn, RoleSessionName: "session", ...more });
const as = async (answer: Promise<Answer>) => at.as((await answer)["Credentials"].AccessKeyId);
const denied = (caller: string, arn: string, action = "sts:AssumeRole") =>
  `AccessDenied: User: ${caller} is not authorized to perform: ${action} on resource: ${arn}`;

describe("a role of another account", () => {
  const target = roleArn("target", OTHER);
  const makeTarget = (trust: string) => other("CreateRole", { RoleName: "target", AssumeRolePolicyDocument: trust });

  it.each([
    ["the account", { AWS: accountId }],
    ["the user", { AWS: userArn("ann") }],
    ["everybody", "*"],
  ])("needs trust and an identity policy, when it trusts %s", async (_who, principal) => {
    const ann = await at.user("ann");
    await makeTarget(trusting(principal));
    expect(await failureOf(assume(ann, target))).toBe(denied(userArn("ann"), target));
    const PolicyDocument = documentText(allow("sts:AssumeRole", target));
    await at.iam("PutUserPolicy", { UserName: "ann", PolicyName: "p", PolicyDocument });
    const session = await as(assume(ann, target));
    expect(await session.call("sts", "GetCallerIdentity", {})).toMatchObject({
      ...{ Account: OTHER, Arn: sessionArn("target", OTHER) },
    });
    await other("UpdateAssumeRolePolicy", { RoleName: "target", PolicyDocument: trusting({ AWS: OTHER }) });
    expect(await failureOf(assume(ann, target))).toBe(denied(userArn("ann"), target));
  });

  it("is the same for a role that is not there", async () => {
    const ann = await at.user("ann", [allow("*")]);
    expect(await failureOf(assume(ann, target))).toBe(denied(userArn("ann"), target));
  });

  it("takes session policies of its own account only", async () => {
    const ann = await at.user("ann", [allow("*")]);
    await makeTarget(trusting({ AWS: accountId }));
    const { Policy } = await at.iam("CreatePolicy", { PolicyName: "mine", PolicyDocument: documentText(allow("*")) });
    expect(await failureOf(assume(ann, target, { PolicyArns: [{ arn: Policy.Arn }] }))).toBe(
      `ValidationError: Policy ${Policy.Arn} does not exist or is not attachable.`,
    );
  });

  it("stops trusting a role that was deleted and made again", async () => {
    const may = allow("sts:AssumeRole");
    await role("first", trusting({ AWS: accountId }), may);
    await makeTarget(trusting({ AWS: roleArn("first") }));
    const ann = await at.user("ann", [may]);
    await expect(assume(await as(assume(ann, roleArn("first"))), target)).resolves.toBeDefined();
    await at.iam("DeleteRolePolicy", { RoleName: "first", PolicyName: "inline" });
    await at.iam("DeleteRole", { RoleName: "first" });
    await role("first", trusting({ AWS: accountId }), may);
    expect(await failureOf(assume(await as(assume(ann, roleArn("first"))), target))).toBe(
      denied(sessionArn("first"), target),
    );
  });
});

describe("trust", () => {
  it("of one session of a role is not trust of the others", async () => {
    await role("first", trusting({ AWS: accountId }));
    await role("second", trusting({ AWS: sessionArn("first").replace("/session", "/build") }));
    const ann = await at.user("ann", [allow("sts:AssumeRole")]);
    const build = await as(assume(ann, roleArn("first"), { RoleSessionName: "build" }));
    await expect(assume(build, roleArn("second"))).resolves.toBeDefined();
    const session = await as(assume(ann, roleArn("first")));
    expect(await failureOf(assume(session, roleArn("second")))).toBe(denied(sessionArn("first"), roleArn("second")));
  });

  it("of itself must be said, since 2022", async () => {
    const ann = await at.user("ann", [allow("sts:AssumeRole")]);
    await role("R", trusting({ AWS: userArn("ann") }), allow("sts:AssumeRole"));
    const session = await as(assume(ann, roleArn("R")));
    expect(await failureOf(assume(session, roleArn("R")))).toBe(denied(sessionArn("R"), roleArn("R")));
    await at.iam("UpdateAssumeRolePolicy", {
      RoleName: "R",
      PolicyDocument: trusting({ AWS: [userArn("ann"), roleArn("R")] }),
    });
    await expect(assume(session, roleArn("R"))).resolves.toBeDefined();
  });

  it("of an identity provider or a service is not trust of a user", async () => {
    const ann = await at.user("ann", [allow("*")]);
    await role("R", trusting({ Federated: `arn:aws:iam::${accountId}:saml-provider/idp` }));
    expect(await failureOf(assume(ann, roleArn("R")))).toBe(denied(userArn("ann"), roleArn("R")));
  });

  it("of everybody counts within its conditions", async () => {
    const Condition = { StringEquals: { "aws:PrincipalTag/team": "red" } };
    await role("R", trusting("*", { Condition }));
    const ann = await at.user("ann");
    expect(await failureOf(assume(ann, roleArn("R")))).toBe(denied(userArn("ann"), roleArn("R")));
    await at.iam("TagUser", { UserName: "ann", Tags: [{ Key: "team", Value: "red" }] });
    await expect(assume(ann, roleArn("R"))).resolves.toBeDefined();
  });

  it("may be denied, and says so", async () => {
    const ann = await at.user("ann", [allow("*")]);
    const Condition = { StringNotEquals: { "sts:RoleSessionName": "${aws:username}" } };
    const trust = allowTo({ AWS: accountId }, "sts:AssumeRole");
    await role("R", documentText(trust, { ...trust, Effect: "Deny", Condition }));
    await expect(assume(ann, roleArn("R"), { RoleSessionName: "ann" })).resolves.toBeDefined();
    expect(await failureOf(assume(ann, roleArn("R")))).toBe(
      `${denied(userArn("ann"), roleArn("R"))} with an explicit deny in the role trust policy`,
    );
  });

  it("sees tags of the request, of the caller and of the role", async () => {
    const Condition = {
      StringEquals: {
        ...{ "aws:RequestTag/team": "red", "aws:PrincipalTag/team": "red" },
        ...{ "aws:ResourceTag/team": "red", "iam:ResourceTag/team": "red" },
      },
      "ForAllValues:StringEquals": { "aws:TagKeys": ["team"], "sts:TransitiveTagKeys": ["team"] },
      Null: { "sts:TransitiveTagKeys": "false" },
    };
    const Action = ["sts:AssumeRole", "sts:TagSession"];
    const red = [{ Key: "team", Value: "red" }];
    const ann = await at.user("ann");
    await role("R", trusting({ AWS: userArn("ann") }, { Action, Condition }));
    const tagged = (Tags = red, TransitiveTagKeys = ["team"]) => assume(ann, roleArn("R"), { Tags, TransitiveTagKeys });
    expect(await failureOf(tagged())).toContain("AccessDenied");
    await at.iam("TagUser", { UserName: "ann", Tags: red });
    expect(await failureOf(tagged())).toContain("AccessDenied");
    await at.iam("TagRole", { RoleName: "R", Tags: red });
    await expect(tagged()).resolves.toBeDefined();
    expect(await failureOf(tagged([...red, { Key: "cost", Value: "1" }]))).toContain("AccessDenied");
    expect(await failureOf(tagged(red, []))).toContain("AccessDenied");
  });
});

describe("AssumeRole checks its input", () => {
  it.each([
    [
      { RoleSessionName: "Session1:2" },
      "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
    ],
    [
      { RoleSessionName: "s", DurationSeconds: 899 },
      "2 validation errors detected: Value 's' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2; Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
    ],
    [{ RoleArn: "arn::iam::111122223333:role/R" }, "arn::iam::111122223333:role/R is invalid"],
    [{ RoleArn: "arn:aws::::111122223333:role/R" }, "arn:aws::::111122223333:role/R is invalid"],
    [{ RoleArn: "arn:aws:iam::111122223333" }, "arn:aws:iam::111122223333 is invalid"],
    [{ RoleArn: "arn:aws:iam::111122223333:" }, "arn:aws:iam::111122223333: is invalid"],
  ])("%j", async (more, text) => {
    expect(await failureOf(assume(at.as("test"), roleArn("R"), more))).toBe(`ValidationError: ${text}`);
  });
});

describe("a chain of roles", () => {
  const all = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];

  it("needs sts:TagSession for tags that pass on", async () => {
    const Tags = [{ Key: "team", Value: "red" }];
    const ann = await at.user("ann", [allow(all)]);
    await role("first", trusting({ AWS: accountId }, { Action: all }), allow("sts:AssumeRole"));
    await role("second", trusting({ AWS: accountId }));
    const more = { Tags, TransitiveTagKeys: ["team"] };
    const second = roleArn("second");
    await expect(assume(await as(assume(ann, roleArn("first"), { Tags })), second)).resolves.toBeDefined();
    const session = await as(assume(ann, roleArn("first"), more));
    expect(await failureOf(assume(session, second))).toBe(denied(sessionArn("first"), second, "sts:TagSession"));
  });

  it("keeps its source identity, and needs permission for it at every role", async () => {
    const Condition = { StringEquals: { "sts:SourceIdentity": "ann" } };
    const ann = await at.user("ann", [allow(all)]);
    await role("first", trusting({ AWS: accountId }, { Action: all }), allow(all));
    await role("second", trusting({ AWS: accountId }));
    const second = roleArn("second");
    const session = await as(assume(ann, roleArn("first"), { SourceIdentity: "ann" }));
    expect(await failureOf(assume(session, second))).toBe(denied(sessionArn("first"), second, "sts:SetSourceIdentity"));
    const PolicyDocument = trusting({ AWS: accountId }, { Action: all, Condition });
    await at.iam("UpdateAssumeRolePolicy", { RoleName: "second", PolicyDocument });
    const answer = await assume(session, second);
    expect(answer["SourceIdentity"]).toBe("ann");
    expect(at.identity.findAccessKey(answer["Credentials"].AccessKeyId)?.principal).toMatchObject({
      sourceIdentity: "ann",
    });
    expect(await failureOf(assume(session, second, { SourceIdentity: "eve" }))).toContain("AccessDenied");
    await at.iam("UpdateAssumeRolePolicy", {
      RoleName: "second",
      PolicyDocument: trusting({ AWS: accountId }, { Action: all }),
    });
    expect(await failureOf(assume(session, second, { SourceIdentity: "eve" }))).toBe(
      denied(sessionArn("first"), second, "sts:SetSourceIdentity"),
    );
  });

  it("is limited by the first session's policy", async () => {
    const ann = await at.user("ann", [allow(all)]);
    await role("first", trusting({ AWS: accountId }), allow("sts:AssumeRole"));
    await role("second", trusting({ AWS: accountId }));
    const Policy = documentText(allow("ssm:*"));
    const session = await as(assume(ann, roleArn("first"), { Policy }));
    expect(await failureOf(assume(session, roleArn("second")))).toBe(denied(sessionArn("first"), roleArn("second")));
  });
});
