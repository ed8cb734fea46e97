import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Answer,
  accountId,
  type IdentityFixture,
  openIdentity,
} from "../../../../test/support/identity-fixture.ts";
import { allow, CODEBUILD_TRUST, documentText } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
});
afterEach(() => at.close());

const OTHER = "444455556666";
const arnOf = (resource: string, account = accountId) => `arn:aws:iam::${account}:${resource}`;
const parameter = (name: string) => `arn:aws:ssm:us-east-1:${accountId}:parameter/${name}`;
const ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess";
const SSM_READ = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess";

const simulate = async (resource: string, input: object = {}): Promise<Answer> => {
  const request = { PolicySourceArn: arnOf(resource), ActionNames: ["ssm:GetParameters"], ...input };
  return (await at.iam("SimulatePrincipalPolicy", request))["EvaluationResults"][0];
};
const idsOf = (result: Answer) => result["MatchedStatements"].map((one: Answer) => one["SourcePolicyId"]);
const role = (input: object = {}) =>
  at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: CODEBUILD_TRUST, ...input });
const inline = (kind: "Role" | "User" | "Group", name: string, PolicyName: string, ...statements: object[]) =>
  at.iam(`Put${kind}Policy`, { [`${kind}Name`]: name, PolicyName, PolicyDocument: documentText(...statements) });

/** A user in a group, each with a managed and an inline policy. */
async function userInGroup(): Promise<void> {
  await at.iam("CreateGroup", { GroupName: "G" });
  await at.iam("CreateUser", { UserName: "ada", Path: "/people/", Tags: [{ Key: "team", Value: "red" }] });
  await at.iam("AddUserToGroup", { GroupName: "G", UserName: "ada" });
  const { Policy } = await at.iam("CreatePolicy", { PolicyName: "Own", PolicyDocument: documentText(allow("*")) });
  await at.iam("AttachUserPolicy", { UserName: "ada", PolicyArn: Policy.Arn });
  await at.iam("AttachGroupPolicy", { GroupName: "G", PolicyArn: ADMIN });
  await inline("User", "ada", "mine", allow("ssm:*"));
  await inline("Group", "G", "ours", allow("ssm:GetParameters"));
}

describe("the policies of an entity", () => {
  it("of a role are its own, under AWS's names for them", async () => {
    await role();
    await at.iam("AttachRolePolicy", { RoleName: "R", PolicyArn: ADMIN });
    await inline("Role", "R", "params", allow("ssm:GetParameters", parameter("app/*")));
    const result = await simulate("role/R", { ResourceArns: [parameter("app/db")] });
    expect(idsOf(result)).toEqual(["AdministratorAccess", "role_R_params"]);
    expect(result).toMatchObject({ EvalDecision: "allowed", EvalDecisionDetails: {}, MissingContextValues: [] });
  });

  it("of a user are those of its groups too, and of a group its own", async () => {
    await userInGroup();
    const all = ["Own", "user_ada_mine", "AdministratorAccess", "group_G_ours"];
    expect(idsOf(await simulate("user/people/ada"))).toEqual(all);
    expect(idsOf(await simulate("group/G"))).toEqual(["AdministratorAccess", "group_G_ours"]);
  });

  it("come before those of the input", async () => {
    await role();
    await inline("Role", "R", "own", allow("ssm:*"));
    const PolicyInputList = [documentText({ ...allow("*"), Effect: "Deny" })];
    expect(idsOf(await simulate("role/R"))).toEqual(["role_R_own"]);
    expect(idsOf(await simulate("role/R", { PolicyInputList }))).toEqual(["PolicyInputList.1"]);
  });

  it("include its boundary, unless the input has another", async () => {
    await role({ PermissionsBoundary: SSM_READ });
    await at.iam("AttachRolePolicy", { RoleName: "R", PolicyArn: ADMIN });
    const ActionNames = ["ssm:PutParameter"];
    expect(await simulate("role/R")).toMatchObject({
      EvalDecision: "allowed",
      PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: true },
    });
    expect(await simulate("role/R", { ActionNames })).toMatchObject({
      EvalDecision: "implicitDeny",
      PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: false },
    });
    const PermissionsBoundaryPolicyInputList = [documentText(allow("ssm:Put*"))];
    expect(await simulate("role/R", { ActionNames, PermissionsBoundaryPolicyInputList })).toMatchObject({
      EvalDecision: "allowed",
      PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: true },
    });
  });
});

describe("the caller", () => {
  it("is the entity, with its name and tags", async () => {
    await userInGroup();
    const statement = allow("s3:GetObject", "arn:aws:s3:::home/${aws:username}/${aws:PrincipalTag/team}");
    await inline("User", "ada", "mine", { ...statement, Condition: { Null: { "aws:userid": "false" } } });
    const exclude = [{ PolicyType: "aws-managed" }, { PolicyType: "user-managed" }];
    const input = { ActionNames: ["s3:GetObject"], PolicyExclusionList: exclude };
    const ResourceArns = ["arn:aws:s3:::home/ada/red"];
    const result = await simulate("user/people/ada", { ...input, ResourceArns });
    expect(result).toMatchObject({ EvalDecision: "allowed", MissingContextValues: [] });
    expect(idsOf(result)).toEqual(["user_ada_mine"]);
  });

  it("is another one when the input says so: bob with the policies of ada", async () => {
    await userInGroup();
    await at.iam("CreateUser", { UserName: "bob", Tags: [{ Key: "team", Value: "blue" }] });
    const ResourceArns = ["arn:aws:sqs:us-east-1:111122223333:q"];
    const ResourcePolicy = documentText({ ...allow("*"), Effect: "Deny", Principal: { AWS: arnOf("user/bob") } });
    const input = { ActionNames: ["sqs:SendMessage"], ResourceArns, ResourcePolicy };
    expect(await simulate("user/people/ada", input)).toMatchObject({ EvalDecision: "allowed" });
    expect(await simulate("user/people/ada", { ...input, CallerArn: arnOf("user/bob") })).toMatchObject({
      EvalDecision: "explicitDeny",
      MatchedStatements: [{ SourcePolicyId: "ResourcePolicy" }],
    });
  });

  it("cannot be a group where a resource's policy is asked", async () => {
    await userInGroup();
    const ResourcePolicy = documentText({ ...allow("*"), Principal: "*" });
    expect(await failureOf(simulate("group/G", { ResourcePolicy }))).toBe(
      "InvalidInput: Invalid caller - Caller must be an IAM user in this context.",
    );
  });
});

describe("PolicyExclusionList", () => {
  const without = async (...PolicyExclusionList: object[]) =>
    idsOf(await simulate("user/people/ada", { PolicyExclusionList }));
  const named = (AttachmentType: string, AttachmentName: string, PolicyName: string) => ({
    InlinePolicyIdentifier: { AttachmentType, AttachmentName, PolicyName },
  });

  it("leaves policies out by type, by ARN and by the name of an inline policy", async () => {
    await userInGroup();
    expect(await without({ PolicyType: "inline" })).toEqual(["Own", "AdministratorAccess"]);
    expect(await without({ PolicyType: "aws-managed" })).not.toContain("AdministratorAccess");
    expect(await without({ PolicyType: "user-managed" })).not.toContain("Own");
    expect(await without({ PolicyArn: "arn:aws:iam::aws:policy/Admin*" })).not.toContain("AdministratorAccess");
    expect(await without({ PolicyArn: arnOf("policy/O?n") })).not.toContain("Own");
    expect(await without(named("user", "a*", "mine"), named("group", "?", "ours"))).toEqual([
      "Own",
      "AdministratorAccess",
    ]);
  });

  it("ignores what matches nothing", async () => {
    await userInGroup();
    const nothing = [
      { PolicyType: "scp" },
      { PolicyType: "rcp" },
      { PolicyArn: arnOf("policy/path/Own") },
      { PolicyArn: arnOf("policy/?") },
      named("group", "ada", "mine"),
    ];
    expect(await without(...nothing)).toHaveLength(4);
  });

  it("leaves out the entity's boundary, not the one of the input", async () => {
    await role({ PermissionsBoundary: SSM_READ });
    const input = { PolicyExclusionList: [{ PolicyType: "permission-boundary" }] };
    expect(await simulate("role/R", input)).not.toHaveProperty("PermissionsBoundaryDecisionDetail");
    const boundary = { PermissionsBoundaryPolicyInputList: [documentText(allow("*"))] };
    expect(await simulate("role/R", { ...input, ...boundary })).toHaveProperty("PermissionsBoundaryDecisionDetail");
  });

  it.each([
    [{}, "a policy identifier needs one of PolicyType, PolicyArn and InlinePolicyIdentifier"],
    [{ PolicyArn: "nonsense" }, "Invalid Policy Arn: nonsense"],
    [{ PolicyArn: "arn:aws:iam::*:policy/A" }, "Invalid Policy Arn: arn:aws:iam::*:policy/A"],
    [{ PolicyArn: arnOf("policy/A**") }, `Invalid wildcards, at most one \`*\` is allowed: ${arnOf("policy/A**")}`],
  ])("refuses %j", async (identifier, text) => {
    await role();
    expect(await failureOf(simulate("role/R", { PolicyExclusionList: [identifier] }))).toBe(`InvalidInput: ${text}`);
  });
});

describe("who may ask about whom", () => {
  it.each([
    [arnOf("root"), `Invalid Entity Arn: ${arnOf("root")} does not clearly define entity type and name.`],
    [
      `arn:aws:sts::${accountId}:assumed-role/R/session`,
      `Invalid Entity Arn: arn:aws:sts::${accountId}:assumed-role/R/session does not clearly define entity type and name.`,
    ],
    [
      arnOf("role/R", OTHER),
      `Invalid Policy Source Arn: caller's account ${accountId} does not have access to policies in account ${OTHER}`,
    ],
  ])("refuses %s", async (PolicySourceArn, text) => {
    const input = { PolicySourceArn, ActionNames: ["ssm:GetParameter"] };
    expect(await failureOf(at.iam("SimulatePrincipalPolicy", input))).toBe(`InvalidInput: ${text}`);
    expect(await failureOf(at.iam("GetContextKeysForPrincipalPolicy", { PolicySourceArn }))).toBe(
      `InvalidInput: ${text}`,
    );
  });

  it("finds nobody under another path", async () => {
    await role();
    for (const resource of ["role/S", "role/path/R"]) {
      expect(await failureOf(simulate(resource))).toBe(
        `NoSuchEntity: The role with name ${resource.slice(-1)} cannot be found.`,
      );
    }
    expect(await failureOf(simulate("user/R"))).toBe("NoSuchEntity: The user with name R cannot be found.");
  });

  it("needs permission on the entity, by its ARN and tags", async () => {
    await role({ Tags: [{ Key: "team", Value: "red" }] });
    const caller = await at.user("bob", [
      { ...allow("iam:Simulate*", arnOf("role/R")), Condition: { StringEquals: { "aws:ResourceTag/team": "red" } } },
    ]);
    const input = { PolicySourceArn: arnOf("role/R"), ActionNames: ["ssm:GetParameter"] };
    expect(await caller.call("iam", "SimulatePrincipalPolicy", input)).toMatchObject({ EvaluationResults: [{}] });
    const calls: [string, object, string][] = [
      ["GetContextKeysForPrincipalPolicy", { PolicySourceArn: arnOf("role/R") }, arnOf("role/R")],
      ["SimulatePrincipalPolicy", { ...input, PolicySourceArn: arnOf("user/bob") }, arnOf("user/bob")],
      ["SimulateCustomPolicy", { PolicyInputList: [documentText(allow("*"))], ActionNames: ["ssm:A"] }, "*"],
      ["GetContextKeysForCustomPolicy", { PolicyInputList: [documentText(allow("*"))] }, "*"],
    ];
    for (const [operation, given, resource] of calls) {
      expect(await failureOf(caller.call("iam", operation, given))).toBe(
        `AccessDenied: User: ${arnOf("user/bob")} is not authorized to perform: iam:${operation} on resource: ${resource} because no identity-based policy allows the iam:${operation} action`,
      );
    }
  });
});

it("GetContextKeysForPrincipalPolicy lists the keys of all policies", async () => {
  await userInGroup();
  await inline("Group", "G", "ours", { ...allow("s3:*"), Condition: { Bool: { "aws:SecureTransport": "true" } } });
  const PolicyInputList = [documentText(allow("s3:*", "arn:aws:s3:::b/${aws:username}"))];
  const PolicySourceArn = arnOf("user/people/ada");
  expect(await at.iam("GetContextKeysForPrincipalPolicy", { PolicySourceArn, PolicyInputList })).toEqual({
    ContextKeyNames: ["aws:SecureTransport", "aws:username"],
  });
});
