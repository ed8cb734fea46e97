import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Answer,
  accountId,
  type IdentityFixture,
  openIdentity,
} from "../../../../test/support/identity-fixture.ts";
import { allow, documentText, trusting } from "../../../../test/support/policy-documents.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
});
afterEach(() => at.close());

const OTHER = "444455556666";
const ada = `arn:aws:iam::${accountId}:user/ada`;
const role = `arn:aws:iam::${accountId}:role/R`;
const rootOf = (account: string) => `arn:aws:iam::${account}:root`;
const queue = (account: string) => `arn:aws:sqs:us-east-1:${account}:q`;
const key = `arn:aws:kms:us-east-1:${accountId}:key/k`;

const naming = (principal: object | string, effect = "Allow") =>
  documentText({ ...allow("*"), Effect: effect, Principal: principal });

async function simulate(statements: readonly object[], input: object): Promise<Answer> {
  const request = { PolicyInputList: [documentText(...statements)], ActionNames: ["sqs:SendMessage"], ...input };
  return (await at.iam("SimulateCustomPolicy", request))["EvaluationResults"][0];
}

const IDLE = [allow("ec2:Nothing")];

describe("a resource's policy in the caller's account", () => {
  it.each([
    ["names the user", IDLE, naming({ AWS: ada }), "allowed", ["ResourcePolicy"]],
    ["names everybody", IDLE, naming("*"), "allowed", ["ResourcePolicy"]],
    ["names the account", IDLE, naming({ AWS: rootOf(accountId) }), "implicitDeny", []],
    ["names another user", IDLE, naming({ AWS: `${ada}2` }), "implicitDeny", []],
    ["names another user, a policy allows", [allow("*")], naming({ AWS: `${ada}2` }), "allowed", ["PolicyInputList.1"]],
    ["and a policy allow", [allow("*")], naming("*"), "allowed", ["ResourcePolicy", "PolicyInputList.1"]],
    ["denies", [allow("*")], naming("*", "Deny"), "explicitDeny", ["ResourcePolicy"]],
  ])("that %s", async (_name, statements, ResourcePolicy, effect, ids) => {
    const result = await simulate(statements, { ResourcePolicy, CallerArn: ada, ResourceArns: [queue(accountId)] });
    expect(result).toMatchObject({ EvalDecision: effect, EvalDecisionDetails: {} });
    const listed: Answer[] = result["MatchedStatements"];
    expect(listed.map(({ SourcePolicyId }) => SourcePolicyId)).toEqual(ids);
    for (const { SourcePolicyId, SourcePolicyType } of listed) {
      expect(SourcePolicyType).toBe(SourcePolicyId === "ResourcePolicy" ? "Resource Policy" : "IAM Policy");
    }
  });

  it("allows a role that it names within its boundary, and a user in spite of it", async () => {
    const given = {
      ResourceArns: [queue(accountId)],
      PermissionsBoundaryPolicyInputList: [documentText(allow("s3:*"))],
    };
    const forRole = { ...given, CallerArn: role, ResourcePolicy: naming({ AWS: role }) };
    expect(await simulate(IDLE, forRole)).toMatchObject({ EvalDecision: "implicitDeny" });
    const forUser = { ...given, CallerArn: ada, ResourcePolicy: naming({ AWS: ada }) };
    expect(await simulate(IDLE, forUser)).toMatchObject({ EvalDecision: "allowed" });
  });
});

describe("a key's policy", () => {
  it.each([
    ["that names nobody of the account", [allow("kms:*")], naming({ AWS: rootOf(OTHER) }), "implicitDeny"],
    ["that hands over to the account", [allow("kms:*")], naming({ AWS: rootOf(accountId) }), "allowed"],
    ["that hands over to the account, silent policies", IDLE, naming({ AWS: rootOf(accountId) }), "implicitDeny"],
    ["that names the caller, silent policies", IDLE, naming({ AWS: ada }), "allowed"],
  ])("%s", async (_name, statements, ResourcePolicy, effect) => {
    const input = { ActionNames: ["kms:Decrypt"], ResourceArns: [key], CallerArn: ada, ResourcePolicy };
    expect(await simulate(statements, input)).toMatchObject({ EvalDecision: effect });
  });

  it("does not count for actions on no key", async () => {
    const ResourcePolicy = naming({ AWS: rootOf(OTHER) });
    const input = { ActionNames: ["kms:ListKeys"], CallerArn: ada, ResourcePolicy };
    expect(await simulate([allow("kms:*")], input)).toMatchObject({ EvalDecision: "allowed" });
  });
});

it("a role's trust policy decides sts:AssumeRole together with the caller's policies", async () => {
  const assume = (principal: object, statements: readonly object[]) =>
    simulate(statements, {
      ActionNames: ["sts:AssumeRole"],
      ResourceArns: [role],
      CallerArn: ada,
      ResourcePolicy: trusting(principal),
    });
  expect(await assume({ AWS: ada }, IDLE)).toMatchObject({ EvalDecision: "allowed" });
  expect(await assume({ AWS: rootOf(accountId) }, IDLE)).toMatchObject({ EvalDecision: "implicitDeny" });
  expect(await assume({ Service: "codebuild.amazonaws.com" }, [allow("*")])).toMatchObject({
    EvalDecision: "implicitDeny",
  });
});

describe("a resource of another account", () => {
  const bucket = { ResourceArns: ["arn:aws:s3:::b/k"], ActionNames: ["s3:GetObject"], ResourceOwner: rootOf(OTHER) };
  it.each([
    ["both sides allow", [allow("*")], naming({ AWS: ada }), "allowed", "allowed", "allowed"],
    ["the account is named", [allow("*")], naming({ AWS: rootOf(accountId) }), "allowed", "allowed", "allowed"],
    ["the caller's side is silent", IDLE, naming({ AWS: ada }), "implicitDeny", "implicitDeny", "allowed"],
    ["its side is silent", [allow("*")], naming({ AWS: `${ada}2` }), "implicitDeny", "allowed", "implicitDeny"],
    ["it has no policy", [allow("*")], undefined, "implicitDeny", "allowed", "implicitDeny"],
    ["its side denies", [allow("*")], naming("*", "Deny"), "explicitDeny", "allowed", "explicitDeny"],
  ])("when %s", async (_name, statements, ResourcePolicy, effect, own, others) => {
    const details = { "IAM Policy": own, "Resource Policy": others };
    for (const input of [bucket, { ResourceArns: [queue(OTHER)] }]) {
      const result = await simulate(statements, { ...input, ResourcePolicy, CallerArn: ada });
      expect(result["EvalDecision"]).toBe(effect);
      expect(result["EvalDecisionDetails"]).toEqual(details);
      expect(result["ResourceSpecificResults"][0]["EvalDecisionDetails"]).toEqual(details);
    }
  });

  it("is limited by the caller's boundary and organisation", async () => {
    const given = { ...bucket, CallerArn: ada, ResourcePolicy: naming({ AWS: ada }) };
    const boundary = { PermissionsBoundaryPolicyInputList: [documentText(allow("sqs:*"))] };
    const result = await simulate([allow("*")], { ...given, ...boundary });
    expect(result["EvalDecision"]).toBe("implicitDeny");
    expect(result["EvalDecisionDetails"]).toEqual({
      "IAM Policy": "allowed",
      "Permissions Boundary Policy": "implicitDeny",
      "Resource Policy": "allowed",
    });
    const levels = [{ ServiceControlPolicyInputList: [documentText(allow("sqs:*"))] }];
    const ended = await simulate([allow("*")], { ...given, OrderedOrganizationPolicyInputList: levels });
    expect(ended["EvalDecision"]).toBe("implicitDeny");
    expect(ended).not.toHaveProperty("EvalDecisionDetails");
    expect(ended["ResourceSpecificResults"][0]).not.toHaveProperty("EvalDecisionDetails");
  });

  it("sums up the strictest of each type over all resources", async () => {
    const result = await simulate([allow("*", queue(OTHER))], {
      ResourceArns: [queue(OTHER), `${queue(OTHER)}2`, queue(accountId)],
      ResourcePolicy: naming({ AWS: ada }),
      CallerArn: ada,
    });
    expect(result["EvalDecisionDetails"]).toEqual({ "IAM Policy": "implicitDeny", "Resource Policy": "allowed" });
    const parts: Answer[] = result["ResourceSpecificResults"];
    expect(parts.map((part) => part["EvalResourceDecision"])).toEqual(["allowed", "implicitDeny", "allowed"]);
    expect(parts[2]).not.toHaveProperty("EvalDecisionDetails");
  });

  it("is nobody's other account when no caller is named", async () => {
    const result = await simulate([allow("*")], { ResourceArns: [queue(OTHER)] });
    expect(result).toMatchObject({ EvalDecision: "allowed", EvalDecisionDetails: {} });
  });
});
