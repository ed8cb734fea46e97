import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Answer, accountId, type IdentityFixture, openIdentity } from "../../../test/support/identity-fixture.ts";
import { allow, CODEBUILD_TRUST, documentText, trusting } from "../../../test/support/policy-documents.ts";
import { failureOf } from "../../../test/support/services-fixture.ts";
import type { AwsCaller } from "../../core/aws.ts";
import { servicePrincipal } from "../../identity/index.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
});
afterEach(() => at.close());

const arnOf = (role: string) => `arn:aws:iam::${accountId}:role/${role}`;
const userArn = (name: string) => `arn:aws:iam::${accountId}:user/${name}`;
const createRole = (RoleName: string, trust: string, more: object = {}) =>
  at.iam("CreateRole", { RoleName, AssumeRolePolicyDocument: trust, ...more });
const assume = (caller: AwsCaller, role: string, more: object = {}) =>
  caller.call<Answer>("sts", "AssumeRole", { RoleArn: arnOf(role), RoleSessionName: "session", ...more });
const callerOf = (answer: Answer) => at.as(answer["Credentials"].AccessKeyId);

const PROJECT = `arn:aws:codebuild:us-east-1:${accountId}:project/p`;
const codebuild = servicePrincipal("codebuild.amazonaws.com", PROJECT, { accountId });

describe("GetCallerIdentity", () => {
  it("tells who calls, also under an explicit deny", async () => {
    const ann = await at.user("ann", [{ Effect: "Deny", Action: "*", Resource: "*" }]);
    expect(await ann.call("sts", "GetCallerIdentity", {})).toEqual({
      UserId: expect.stringMatching(/^AIDA/),
      Account: accountId,
      Arn: userArn("ann"),
    });
    expect(await at.as("test").call("sts", "GetCallerIdentity", {})).toEqual({
      UserId: accountId,
      Account: accountId,
      Arn: `arn:aws:iam::${accountId}:root`,
    });
  });

  it("drops the role's path from a session's ARN", async () => {
    const { Role } = await createRole("R", trusting({ AWS: accountId }), { Path: "/service-role/" });
    const answer = await assume(at.as("test"), "service-role/R");
    expect(await callerOf(answer).call("sts", "GetCallerIdentity", {})).toEqual({
      UserId: `${Role.RoleId}:session`,
      Account: accountId,
      Arn: `arn:aws:sts::${accountId}:assumed-role/R/session`,
    });
  });
});

describe("AssumeRole", () => {
  it("gives a service the role that trusts it", async () => {
    const { Role } = await createRole("R", CODEBUILD_TRUST);
    const answer = await assume(at.callerFor(codebuild), "R", { RoleSessionName: "AWSCodeBuild-1" });
    expect(answer).toEqual({
      Credentials: {
        AccessKeyId: expect.stringMatching(/^ASIA[A-Z2-7]{16}$/),
        SecretAccessKey: expect.stringMatching(/^.{40}$/),
        SessionToken: expect.any(String),
        Expiration: at.clock.nowMs() + 3_600_000,
      },
      AssumedRoleUser: {
        AssumedRoleId: `${Role.RoleId}:AWSCodeBuild-1`,
        Arn: `arn:aws:sts::${accountId}:assumed-role/R/AWSCodeBuild-1`,
      },
    });
  });

  it("honours the source of the service's call", async () => {
    const Condition = { ArnLike: { "aws:SourceArn": `arn:aws:codebuild:*:${accountId}:project/other` } };
    await createRole("R", trusting({ Service: "codebuild.amazonaws.com" }, { Condition }));
    expect(await failureOf(assume(at.callerFor(codebuild), "R"))).toContain("AccessDenied");
    await expect(
      assume(at.callerFor({ ...codebuild, sourceArn: codebuild.sourceArn.replace("/p", "/other") }), "R"),
    ).resolves.toBeDefined();
  });

  it("is denied in the same words for a role that does not trust and one that does not exist", async () => {
    await createRole("R", CODEBUILD_TRUST);
    const ann = await at.user("ann", [allow("*")]);
    const text = (role: string) =>
      `AccessDenied: User: ${userArn("ann")} is not authorized to perform: sts:AssumeRole on resource: ${arnOf(role)}`;
    expect(await failureOf(assume(ann, "R"))).toBe(text("R"));
    expect(await failureOf(assume(ann, "ghost"))).toBe(text("ghost"));
    expect(await failureOf(assume(ann, "other-path/R"))).toBe(text("other-path/R"));
  });

  it("needs an identity policy when the trust policy names the account, none when it names the user", async () => {
    const ann = await at.user("ann");
    const bob = await at.user("bob", [allow("sts:AssumeRole", arnOf("R"))]);
    await createRole("R", trusting({ AWS: accountId }));
    await createRole("direct", trusting({ AWS: userArn("ann") }));
    expect(await failureOf(assume(ann, "R"))).toContain("AccessDenied");
    await expect(assume(bob, "R")).resolves.toBeDefined();
    await expect(assume(ann, "direct")).resolves.toBeDefined();
  });

  it("does not trust a user that was made again", async () => {
    await at.user("ann");
    await createRole("R", trusting({ AWS: userArn("ann") }));
    const { AccessKeyMetadata } = await at.iam("ListAccessKeys", { UserName: "ann" });
    await at.iam("DeleteAccessKey", { UserName: "ann", AccessKeyId: AccessKeyMetadata[0].AccessKeyId });
    await at.iam("DeleteUser", { UserName: "ann" });
    expect(await failureOf(assume(await at.user("ann"), "R"))).toContain("AccessDenied");
  });

  it("checks the external id", async () => {
    const Condition = { StringEquals: { "sts:ExternalId": "secret-1" } };
    const ann = await at.user("ann");
    await createRole("R", trusting({ AWS: userArn("ann") }, { Condition }));
    expect(await failureOf(assume(ann, "R"))).toContain("AccessDenied");
    await expect(assume(ann, "R", { ExternalId: "secret-1" })).resolves.toBeDefined();
  });

  it.each(["role/R-but-not-an-arn", "arn:aws:iam::111122223333:user/x-long", "arn:aws:iam::role/without-account"])(
    "refuses %s as an ARN",
    async (RoleArn) => {
      expect(await failureOf(assume(at.as("test"), "", { RoleArn }))).toBe(`ValidationError: ${RoleArn} is invalid`);
    },
  );

  it("limits the session to its policies", async () => {
    await createRole("R", trusting({ AWS: accountId }));
    await at.iam("AttachRolePolicy", { RoleName: "R", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
    const answer = await assume(at.as("test"), "R", { Policy: documentText(allow("iam:ListUsers")) });
    expect(answer["PackedPolicySize"]).toBe(5);
    const session = callerOf(answer);
    await expect(session.call("iam", "ListUsers", {})).resolves.toBeDefined();
    expect(await failureOf(session.call("iam", "ListRoles", {}))).toBe(
      `AccessDenied: User: arn:aws:sts::${accountId}:assumed-role/R/session is not authorized to perform: iam:ListRoles on resource: arn:aws:iam::${accountId}:role/ because no session policy allows the iam:ListRoles action`,
    );
  });

  it("takes managed session policies", async () => {
    await createRole("R", trusting({ AWS: accountId }));
    await at.iam("AttachRolePolicy", { RoleName: "R", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
    const PolicyArns = [{ arn: "arn:aws:iam::aws:policy/IAMReadOnlyAccess" }];
    const session = callerOf(await assume(at.as("test"), "R", { PolicyArns }));
    await expect(session.call("iam", "ListRoles", {})).resolves.toBeDefined();
    expect(await failureOf(session.call("iam", "DeleteRole", { RoleName: "R" }))).toContain("no session policy");
  });

  it("names the managed session policy that denies, and no other one", async () => {
    await createRole("R", trusting({ AWS: accountId }));
    await at.iam("AttachRolePolicy", { RoleName: "R", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
    const deny = (action: string) => documentText({ Effect: "Deny", Action: action, Resource: "*" });
    const { Policy: managed } = await at.iam("CreatePolicy", {
      ...{ PolicyName: "no-users", PolicyDocument: deny("iam:ListUsers") },
    });
    const PolicyArns = [{ arn: "arn:aws:iam::aws:policy/IAMReadOnlyAccess" }, { arn: managed.Arn }];
    const session = callerOf(await assume(at.as("test"), "R", { Policy: deny("iam:ListRoles"), PolicyArns }));
    expect(await failureOf(session.call("iam", "ListUsers", {}))).toMatch(
      / with an explicit deny in a session policy: arn:aws:iam::\d{12}:policy\/no-users$/,
    );
    expect(await failureOf(session.call("iam", "ListRoles", {}))).toMatch(
      / with an explicit deny in a session policy$/,
    );
  });

  it("refuses a session policy that is malformed or too large", async () => {
    await createRole("R", trusting({ AWS: accountId }));
    expect(await failureOf(assume(at.as("test"), "R", { Policy: "{}" }))).toBe(
      "MalformedPolicyDocument: Syntax errors in policy.",
    );
    const Policy = documentText(allow("ssm:*", `arn:aws:ssm:::${"x".repeat(2_048)}`));
    expect(await failureOf(assume(at.as("test"), "R", { Policy }))).toContain(
      "PackedPolicyTooLarge: Packed policy consumes",
    );
  });

  it("keeps to the role's longest session, services aside", async () => {
    await createRole("R", trusting({ AWS: accountId, Service: "codebuild.amazonaws.com" }));
    const more = { DurationSeconds: 7_200 };
    expect(await failureOf(assume(at.as("test"), "R", more))).toBe(
      "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
    await expect(assume(at.callerFor(codebuild), "R", more)).resolves.toBeDefined();
  });

  it("keeps to an hour in a chain of roles", async () => {
    await createRole("first", trusting({ AWS: accountId }));
    await createRole("second", trusting({ AWS: arnOf("first") }), { MaxSessionDuration: 43_200 });
    const first = callerOf(await assume(at.as("test"), "first"));
    await expect(assume(first, "second")).resolves.toBeDefined();
    expect(await failureOf(assume(first, "second", { DurationSeconds: 3_601 }))).toBe(
      "ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
  });
});

describe("session tags", () => {
  const Tags = [{ Key: "team", Value: "red" }];
  const trust = () => trusting({ AWS: accountId }, { Action: ["sts:AssumeRole", "sts:TagSession"] });

  it("need sts:TagSession in the trust policy", async () => {
    await createRole("R", trusting({ AWS: accountId }));
    expect(await failureOf(assume(at.as("test"), "R", { Tags }))).toBe(
      `AccessDenied: User: arn:aws:iam::${accountId}:root is not authorized to perform: sts:TagSession on resource: ${arnOf("R")}`,
    );
  });

  it("are condition keys and variables of the session", async () => {
    await createRole("R", trust());
    const PolicyDocument = documentText(allow("iam:GetRole", arnOf("${aws:PrincipalTag/team}")));
    await at.iam("PutRolePolicy", { RoleName: "R", PolicyName: "p", PolicyDocument });
    await createRole("red", CODEBUILD_TRUST);
    const session = callerOf(await assume(at.as("test"), "R", { Tags }));
    await expect(session.call("iam", "GetRole", { RoleName: "red" })).resolves.toBeDefined();
    expect(await failureOf(session.call("iam", "GetRole", { RoleName: "R" }))).toContain("AccessDenied");
  });

  it("pass on through a chain when they are transitive", async () => {
    await createRole("first", trust());
    const Action = ["sts:AssumeRole", "sts:TagSession"];
    await createRole("second", trusting({ AWS: arnOf("first") }, { Action }));
    const first = callerOf(await assume(at.as("test"), "first", { Tags, TransitiveTagKeys: ["team"] }));
    const second = await assume(first, "second");
    expect(at.identity.findAccessKey(second["Credentials"].AccessKeyId)?.principal).toMatchObject({
      sessionTags: { team: "red" },
      transitiveTagKeys: ["team"],
    });
    expect(await failureOf(assume(first, "second", { Tags }))).toBe(
      "InvalidParameterValue: One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    );
  });

  it("are checked", async () => {
    await createRole("R", trust());
    const twice = [...Tags, { Key: "TEAM", Value: "x" }];
    expect(await failureOf(assume(at.as("test"), "R", { Tags: twice }))).toBe(
      "InvalidParameterValue: Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    );
    expect(await failureOf(assume(at.as("test"), "R", { Tags: [{ Key: "AWS:x", Value: "x" }] }))).toBe(
      "InvalidParameterValue: aws: prefixed tag key names are not allowed for external use.",
    );
    expect(await failureOf(assume(at.as("test"), "R", { Tags, TransitiveTagKeys: ["other"] }))).toBe(
      "InvalidParameterValue: The specified transitive tag key must be included in the requested tags.",
    );
  });
});

describe("GetSessionToken", () => {
  it("gives a user temporary keys with its own rights", async () => {
    const ann = await at.user("ann");
    await createRole("R", trusting({ AWS: userArn("ann") }));
    const session = callerOf(await ann.call<Answer>("sts", "GetSessionToken", {}));
    expect(await session.call("sts", "GetCallerIdentity", {})).toMatchObject({ Arn: userArn("ann") });
    await expect(assume(session, "R")).resolves.toBeDefined();
    expect(await failureOf(session.call("sts", "GetSessionToken", {}))).toBe(
      "AccessDenied: Cannot call GetSessionToken with session credentials",
    );
  });

  it("lasts twelve hours for users and one for root", async () => {
    const expiry = async (caller: AwsCaller) =>
      (await caller.call<Answer>("sts", "GetSessionToken", {}))["Credentials"].Expiration - at.clock.nowMs();
    expect(await expiry(await at.user("ann"))).toBe(12 * 3_600_000);
    expect(await expiry(at.as("test"))).toBe(3_600_000);
  });
});

it("tells the account of a key", async () => {
  await at.iam("CreateUser", { UserName: "ann" });
  const { AccessKey } = await at.iam("CreateAccessKey", { UserName: "ann" });
  const ask = (AccessKeyId: string) => at.as("test").call("sts", "GetAccessKeyInfo", { AccessKeyId });
  expect(await ask(AccessKey.AccessKeyId)).toEqual({ Account: accountId });
  expect(await failureOf(ask("AKIAAAAAAAAAAAAAAAAA"))).toBe(
    "ValidationError: no account is known for the access key AKIAAAAAAAAAAAAAAAAA",
  );
});

it("refuses every encoded message", async () => {
  const input = { EncodedMessage: "x" };
  expect(await failureOf(at.as("test").call("sts", "DecodeAuthorizationMessage", input))).toBe(
    "InvalidAuthorizationMessageException: Message is not valid",
  );
});
