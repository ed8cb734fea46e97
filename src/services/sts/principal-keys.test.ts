/** The condition keys of every type of principal, as policies see them through the dispatcher. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Answer, accountId, type IdentityFixture, openIdentity } from "../../../test/support/identity-fixture.ts";
import { allow, documentText, trusting } from "../../../test/support/policy-documents.ts";
import { failureOf } from "../../../test/support/services-fixture.ts";
import type { AwsCaller } from "../../core/aws.ts";
import { isoSeconds } from "../../core/clock.ts";
import { servicePrincipal } from "../../identity/index.ts";
import { ssm } from "../ssm/index.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity(ssm);
});
afterEach(() => at.close());

const NAME = "/keys";
const arn = `arn:aws:ssm:us-east-1:${accountId}:parameter/keys`;

/** Opens the parameter to everybody for whom these hold, by its resource policy: root and sessions are asked too. */
async function expectKeys(caller: AwsCaller, present: Record<string, string>, absent: readonly string[] = []) {
  const root = at.as("test");
  await root.call("ssm", "PutParameter", { Name: NAME, Type: "String", Value: "v", Tier: "Advanced", Overwrite: true });
  for (const [key, value] of [...Object.entries(present), ...absent.map((name) => [name, undefined] as const)]) {
    const Condition = value === undefined ? { Null: { [key]: "false" } } : { StringNotEquals: { [key]: value } };
    const { Policies } = await root.call<Answer>("ssm", "GetResourcePolicies", { ResourceArn: arn });
    const deny = { Effect: "Deny", Principal: "*", Action: "ssm:GetParameter", Resource: arn, Condition };
    const Policy = documentText(deny, { ...deny, Effect: "Allow", Condition: {} });
    const [{ PolicyId, PolicyHash } = {}] = Policies;
    await root.call("ssm", "PutResourcePolicy", { ResourceArn: arn, Policy, PolicyId, PolicyHash });
    const outcome = await caller.call("ssm", "GetParameter", { Name: arn }).catch(String);
    expect({ key, outcome }).toMatchObject({ key, outcome: { Parameter: { Value: "v" } } });
  }
}

const SESSION_KEYS = ["aws:TokenIssueTime", "aws:MultiFactorAuthPresent"];
const callerOf = (answer: Answer) => at.as(answer["Credentials"].AccessKeyId);
const issued = () => ({ "aws:TokenIssueTime": isoSeconds(at.clock.nowMs()), "aws:MultiFactorAuthPresent": "false" });
const all = [allow(["ssm:*", "sts:*"])];

describe("condition keys of", () => {
  it("root", async () => {
    await expectKeys(
      at.as("test"),
      {
        "aws:PrincipalArn": `arn:aws:iam::${accountId}:root`,
        "aws:PrincipalType": "Account",
        "aws:PrincipalAccount": accountId,
        "aws:userid": accountId,
        "aws:PrincipalIsAWSService": "false",
      },
      ["aws:username", ...SESSION_KEYS, "aws:SourceIdentity"],
    );
  });

  it("a user", async () => {
    const ann = await at.user("ann", all);
    await at.iam("TagUser", { UserName: "ann", Tags: [{ Key: "Team", Value: "red" }] });
    const { User } = await at.iam("GetUser", { UserName: "ann" });
    const keys = {
      "aws:PrincipalArn": User.Arn,
      "aws:PrincipalType": "User",
      "aws:PrincipalAccount": accountId,
      "aws:userid": User.UserId,
      "aws:username": "ann",
      "aws:PrincipalTag/Team": "red",
      "aws:principaltag/team": "red",
    };
    await expectKeys(ann, keys, [...SESSION_KEYS, "aws:SourceIdentity"]);
    await expectKeys(callerOf(await ann.call<Answer>("sts", "GetSessionToken", {})), { ...keys, ...issued() });
  });

  it("a role session, whose own tags come before the role's", async () => {
    const Action = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];
    const { Role } = await at.iam("CreateRole", {
      ...{ RoleName: "R", Path: "/service-role/", AssumeRolePolicyDocument: trusting({ AWS: accountId }, { Action }) },
      Tags: [
        { Key: "Team", Value: "red" },
        { Key: "cost", Value: "1" },
      ],
    });
    await at.iam("PutRolePolicy", { RoleName: "R", PolicyName: "p", PolicyDocument: documentText(...all) });
    const session = callerOf(
      await at.as("test").call<Answer>("sts", "AssumeRole", {
        ...{ RoleArn: Role.Arn, RoleSessionName: "build", SourceIdentity: "ann" },
        Tags: [{ Key: "team", Value: "blue" }],
      }),
    );
    await expectKeys(
      session,
      {
        "aws:PrincipalArn": `arn:aws:iam::${accountId}:role/service-role/R`,
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalAccount": accountId,
        "aws:userid": `${Role.RoleId}:build`,
        "aws:SourceIdentity": "ann",
        "aws:PrincipalTag/team": "blue",
        "aws:PrincipalTag/Team": "blue",
        "aws:PrincipalTag/cost": "1",
        ...issued(),
      },
      ["aws:username"],
    );
  });

  it("a federated user, whose own tags come before its user's", async () => {
    const ann = await at.user("ann", all);
    await at.iam("TagUser", { UserName: "ann", Tags: [{ Key: "Team", Value: "red" }] });
    const federate = (Tags: object[]) =>
      ann.call<Answer>("sts", "GetFederationToken", { Name: "bob", Policy: documentText(...all), Tags });
    const keys = {
      "aws:PrincipalArn": `arn:aws:sts::${accountId}:federated-user/bob`,
      "aws:PrincipalType": "FederatedUser",
      "aws:PrincipalAccount": accountId,
      "aws:userid": `${accountId}:bob`,
      ...issued(),
    };
    await expectKeys(callerOf(await federate([])), { ...keys, "aws:PrincipalTag/Team": "red" }, ["aws:username"]);
    const blue = callerOf(await federate([{ Key: "team", Value: "blue" }]));
    await expectKeys(blue, { "aws:PrincipalTag/Team": "blue" });
  });

  it("a service, as a trust policy sees them", async () => {
    const sourceArn = `arn:aws:codebuild:us-east-1:${accountId}:project/p`;
    const Condition = {
      StringEquals: {
        ...{ "aws:SourceAccount": accountId, "aws:PrincipalServiceName": "codebuild.amazonaws.com" },
        "aws:PrincipalIsAWSService": "true",
      },
      ArnEquals: { "aws:SourceArn": sourceArn },
      "ForAllValues:StringEquals": { "aws:PrincipalServiceNamesList": "codebuild.amazonaws.com" },
    };
    const Service = "codebuild.amazonaws.com";
    const trust = trusting({ Service }, { Condition });
    await at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: trust });
    const assumeFor = (source: string) =>
      at
        .callerFor(servicePrincipal(Service, source, { accountId }))
        .call("sts", "AssumeRole", { RoleArn: `arn:aws:iam::${accountId}:role/R`, RoleSessionName: "build" });
    await expect(assumeFor(sourceArn)).resolves.toBeDefined();
    expect(await failureOf(assumeFor(`${sourceArn}-other`))).toContain("AccessDenied");
  });
});
