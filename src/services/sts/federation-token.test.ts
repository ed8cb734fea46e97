import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Answer, accountId, type IdentityFixture, openIdentity } from "../../../test/support/identity-fixture.ts";
import { allow, documentText, trusting } from "../../../test/support/policy-documents.ts";
import { failureOf } from "../../../test/support/services-fixture.ts";
import type { AwsCaller } from "../../core/aws.ts";
import { ssm } from "../ssm/index.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity(ssm);
});
afterEach(() => at.close());

const bob = `arn:aws:sts::${accountId}:federated-user/bob`;
const federate = (caller: AwsCaller, more: object = {}) =>
  caller.call<Answer>("sts", "GetFederationToken", { Name: "bob", ...more });
const callerOf = (answer: Answer) => at.as(answer["Credentials"].AccessKeyId);
const mayFederate = allow("sts:GetFederationToken", `arn:aws:sts::${accountId}:federated-user/*`);
const read = (caller: AwsCaller, Name: string) => caller.call("ssm", "GetParameter", { Name });

describe("GetFederationToken", () => {
  it("answers with the federated user", async () => {
    const answer = await federate(await at.user("ann", [mayFederate]));
    expect(answer).toEqual({
      Credentials: {
        AccessKeyId: expect.stringMatching(/^ASIA[A-Z2-7]{16}$/),
        SecretAccessKey: expect.stringMatching(/^.{40}$/),
        SessionToken: expect.any(String),
        Expiration: at.clock.nowMs() + 43_200_000,
      },
      FederatedUser: { FederatedUserId: `${accountId}:bob`, Arn: bob },
      PackedPolicySize: 0,
    });
    expect(await callerOf(answer).call("sts", "GetCallerIdentity", {})).toEqual({
      ...{ UserId: `${accountId}:bob`, Account: accountId, Arn: bob },
    });
  });

  it("needs permission on the federated user, and to tag it", async () => {
    const text = (user: string, action: string) =>
      `AccessDenied: User: arn:aws:iam::${accountId}:user/${user} is not authorized to perform: ${action} on resource: ${bob}`;
    const nobody = await at.user("nobody", [allow("sts:GetFederationToken", bob.replace("bob", "eve"))]);
    expect(await failureOf(federate(nobody))).toBe(text("nobody", "sts:GetFederationToken"));
    const ann = await at.user("ann", [mayFederate]);
    const Tags = [{ Key: "team", Value: "red" }];
    expect(await failureOf(federate(ann, { Tags }))).toBe(text("ann", "sts:TagSession"));
    const onlyRed = { ...allow("sts:TagSession", bob), Condition: { StringEquals: { "aws:RequestTag/team": "red" } } };
    const eve = await at.user("eve", [mayFederate, onlyRed]);
    await expect(federate(eve, { Tags })).resolves.toBeDefined();
    expect(await failureOf(federate(eve, { Tags: [{ Key: "team", Value: "blue" }] }))).toBe(
      text("eve", "sts:TagSession"),
    );
  });

  it("gives what both the user and the session policies allow", async () => {
    const ann = await at.user("ann", [mayFederate, allow("ssm:GetParameter", "*")]);
    await at.as("test").call("ssm", "PutParameter", { Name: "x", Type: "String", Value: "1" });
    const Policy = documentText(allow(["ssm:GetParameter", "ssm:DescribeParameters"]));
    const answer = await federate(ann, { Policy });
    expect(answer["PackedPolicySize"]).toBe(7);
    const session = callerOf(answer);
    await expect(read(session, "x")).resolves.toBeDefined();
    expect(await failureOf(session.call("ssm", "DescribeParameters", {}))).toBe(
      `AccessDeniedException: User: ${bob} is not authorized to perform: ssm:DescribeParameters on resource: arn:aws:ssm:us-east-1:${accountId}:* because no identity-based policy allows the ssm:DescribeParameters action`,
    );
    expect(await failureOf(session.call("ssm", "DeleteParameter", { Name: "x" }))).toContain(
      "because no session policy allows the ssm:DeleteParameter action",
    );
  });

  it("gives nothing without session policies", async () => {
    const ann = await at.user("ann", [mayFederate, allow("*")]);
    expect(await failureOf(read(callerOf(await federate(ann)), "x"))).toBe(
      `AccessDeniedException: User: ${bob} is not authorized to perform: ssm:GetParameter on resource: arn:aws:ssm:us-east-1:${accountId}:parameter/x because no session policy allows the ssm:GetParameter action`,
    );
  });

  it("takes managed session policies of the account and of AWS", async () => {
    const ann = await at.user("ann", [mayFederate, allow("ssm:*")]);
    const arn = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess";
    const session = callerOf(await federate(ann, { PolicyArns: [{ arn }] }));
    await expect(session.call("ssm", "DescribeParameters", {})).resolves.toBeDefined();
    const other = "arn:aws:iam::444455556666:policy/theirs";
    await at.as("444455556666").call("iam", "CreatePolicy", {
      ...{ PolicyName: "theirs", PolicyDocument: documentText(allow("*")) },
    });
    expect(await failureOf(federate(ann, { PolicyArns: [{ arn: other }] }))).toBe(
      `ValidationError: Policy ${other} does not exist or is not attachable.`,
    );
    expect(await failureOf(federate(ann, { PolicyArns: Array.from({ length: 11 }, () => ({ arn })) }))).toBe(
      "ValidationError: 1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10",
    );
  });

  it("lasts an hour at most for root, who gives what session policies allow", async () => {
    const Policy = documentText(allow("ssm:*"));
    const answer = await federate(at.as("test"), { Policy, DurationSeconds: 7_200 });
    expect(answer["Credentials"].Expiration).toBe(at.clock.nowMs() + 3_600_000);
    await expect(callerOf(answer).call("ssm", "DescribeParameters", {})).resolves.toBeDefined();
  });

  it("carries the tags of user and session, the session's first", async () => {
    const tagged = (key: string, value: string) => ({
      ...{ ...allow("ssm:DescribeParameters"), Condition: { StringEquals: { [`aws:PrincipalTag/${key}`]: value } } },
    });
    const may = allow(["sts:*"]);
    const ann = await at.user("ann", [may, tagged("Team", "red")]);
    await at.iam("TagUser", { UserName: "ann", Tags: [{ Key: "Team", Value: "red" }] });
    const Policy = documentText(allow("*"));
    const as = async (Tags: object[]) => callerOf(await federate(ann, { Policy, Tags }));
    await expect((await as([])).call("ssm", "DescribeParameters", {})).resolves.toBeDefined();
    const blue = await as([{ Key: "team", Value: "blue" }]);
    expect(await failureOf(blue.call("ssm", "DescribeParameters", {}))).toContain("no identity-based policy");
  });

  it("ends with the user it is of", async () => {
    const ann = await at.user("ann", [allow("*")]);
    const session = callerOf(await federate(ann, { Policy: documentText(allow("*")) }));
    await expect(session.call("ssm", "DescribeParameters", {})).resolves.toBeDefined();
    await at.iam("DeleteUserPolicy", { UserName: "ann", PolicyName: "test" });
    expect(await failureOf(session.call("ssm", "DescribeParameters", {}))).toContain("no identity-based policy");
  });

  it.each([
    [
      { Name: "b" },
      "Value 'b' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 2",
    ],
    [
      { Name: "b/c" },
      "Value 'b/c' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
    ],
    [
      { DurationSeconds: 899 },
      "Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
    ],
    [
      { DurationSeconds: 129_601 },
      "Value '129601' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 129600",
    ],
  ])("checks its input: %j", async (more, text) => {
    expect(await failureOf(federate(at.as("test"), more))).toBe(
      `ValidationError: 1 validation error detected: ${text}`,
    );
  });
});

describe("temporary credentials", () => {
  const cannot = (operation: string) => `AccessDenied: Cannot call ${operation} with session credentials`;
  const role = { RoleArn: `arn:aws:iam::${accountId}:role/R`, RoleSessionName: "session" };

  it("of a federated user ask STS only who they are", async () => {
    const session = callerOf(await federate(at.as("test"), { Policy: documentText(allow("*")) }));
    expect(await failureOf(session.call("sts", "AssumeRole", role))).toBe(cannot("AssumeRole"));
    expect(await failureOf(federate(session))).toBe(cannot("GetFederationToken"));
    expect(await failureOf(session.call("sts", "GetSessionToken", {}))).toBe(cannot("GetSessionToken"));
    const AccessKeyId = "AKIAQAAAAAAAAAAAAAAA";
    expect(await failureOf(session.call("sts", "GetAccessKeyInfo", { AccessKeyId }))).toBe(cannot("GetAccessKeyInfo"));
  });

  it("of a federated user and of GetSessionToken are not known to IAM", async () => {
    const policy = { Policy: documentText(allow("*")) };
    const answers = [
      await federate(at.as("test"), policy),
      await at.as("test").call<Answer>("sts", "GetSessionToken", {}),
    ];
    for (const answer of answers) {
      expect(await failureOf(callerOf(answer).call("iam", "ListUsers", {}))).toBe(
        "InvalidClientTokenId: The security token included in the request is invalid",
      );
    }
  });

  it("of GetSessionToken and AssumeRole make no further ones of a user", async () => {
    const session = callerOf(await at.as("test").call<Answer>("sts", "GetSessionToken", {}));
    expect(await failureOf(federate(session))).toBe(cannot("GetFederationToken"));
    await at.iam("CreateRole", {
      RoleName: "R",
      AssumeRolePolicyDocument: trusting({ AWS: accountId }),
    });
    const assumed = callerOf(await session.call<Answer>("sts", "AssumeRole", role));
    expect(await failureOf(federate(assumed))).toBe(cannot("GetFederationToken"));
    expect(await failureOf(assumed.call("sts", "GetSessionToken", {}))).toBe(cannot("GetSessionToken"));
  });
});
