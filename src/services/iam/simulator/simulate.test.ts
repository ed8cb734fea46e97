import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contextEntry } from "../../../../test/support/context-entry.ts";
import {
  type Answer,
  accountId,
  type IdentityFixture,
  openIdentity,
} from "../../../../test/support/identity-fixture.ts";
import { allow, documentText } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
});
afterEach(() => at.close());

const parameter = (name: string) => `arn:aws:ssm:us-east-1:${accountId}:parameter/${name}`;
const PARAMETER_TEMPLATE = "arn:${Partition}:ssm:${Region}:${Account}:parameter/${ParameterNameWithoutLeadingSlash}";
const deny = (action: string, resource = "*") => ({ ...allow(action, resource), Effect: "Deny" });

async function custom(statements: readonly object[], input: object = {}): Promise<Answer> {
  const request = { PolicyInputList: [documentText(...statements)], ActionNames: ["ssm:GetParameter"], ...input };
  return (await at.iam("SimulateCustomPolicy", request))["EvaluationResults"][0];
}

describe("the shape of a result", () => {
  it("has no parts by resource when no resource is named", async () => {
    const text = documentText(allow("ssm:*"));
    expect(await custom([allow("ssm:*")])).toEqual({
      EvalActionName: "ssm:GetParameter",
      EvalResourceName: PARAMETER_TEMPLATE,
      EvalDecision: "allowed",
      MatchedStatements: [
        {
          SourcePolicyId: "PolicyInputList.1",
          SourcePolicyType: "IAM Policy",
          StartPosition: { Line: 1, Column: 38 },
          EndPosition: { Line: 1, Column: text.length - 1 },
        },
      ],
      MissingContextValues: [],
    });
    expect(await custom([allow("ssm:*")], { ActionNames: ["dynamodb:CreateBackup"] })).toEqual({
      EvalActionName: "dynamodb:CreateBackup",
      EvalResourceName: "*",
      EvalDecision: "implicitDeny",
      MatchedStatements: [],
      MissingContextValues: [],
    });
  });

  it("has one result an action, the strictest of what it comes to on each resource", async () => {
    const statements = [allow("ssm:*", parameter("a*")), deny("ssm:*", parameter("ab"))];
    const { EvaluationResults } = await at.iam("SimulateCustomPolicy", {
      PolicyInputList: [documentText(...statements)],
      ActionNames: ["ssm:GetParameter", "ssm:PutParameter"],
      ResourceArns: [parameter("a"), parameter("ab"), parameter("x")],
    });
    expect(EvaluationResults).toHaveLength(2);
    const [first] = EvaluationResults;
    expect(first).toMatchObject({ EvalDecision: "explicitDeny", EvalDecisionDetails: {} });
    expect(first.MatchedStatements).toEqual(first.ResourceSpecificResults[1].MatchedStatements);
    const parts = first.ResourceSpecificResults.map((part: Answer) => [
      part["EvalResourceName"],
      part["EvalResourceDecision"],
      part["MatchedStatements"].length,
      "EvalDecisionDetails" in part,
    ]);
    expect(parts).toEqual([
      [parameter("a"), "allowed", 1, false],
      [parameter("ab"), "explicitDeny", 1, false],
      [parameter("x"), "implicitDeny", 0, false],
    ]);
  });

  it("leaves the details of decisions out for `*`, which is a resource like any other otherwise", async () => {
    const result = await custom([allow("ssm:*")], { ResourceArns: ["*"] });
    expect(result).not.toHaveProperty("EvalDecisionDetails");
    expect(result["ResourceSpecificResults"]).toMatchObject([
      { EvalResourceName: "*", EvalResourceDecision: "allowed" },
    ]);
  });

  it("names the resource type that the resources are of", async () => {
    const input = { ActionNames: ["s3:GetObject"], ResourceArns: ["arn:aws:s3:::bucket/key"] };
    expect(await custom([allow("*")], input)).toMatchObject({
      EvalResourceName: "arn:${Partition}:s3:::${BucketName}/${ObjectName}",
    });
  });
});

describe("the statements that decided", () => {
  it("are all that allow, in the order of the policies", async () => {
    const { EvaluationResults } = await at.iam("SimulateCustomPolicy", {
      PolicyInputList: [
        documentText(allow("ssm:*"), allow("s3:*")),
        documentText(allow("*"), allow("ssm:GetParameter")),
      ],
      ActionNames: ["ssm:GetParameter"],
    });
    const ids = EvaluationResults[0].MatchedStatements.map((one: Answer) => one["SourcePolicyId"]);
    expect(ids).toEqual(["PolicyInputList.1", "PolicyInputList.2", "PolicyInputList.2"]);
  });

  it("are only those that deny, of an explicit deny", async () => {
    const { EvaluationResults } = await at.iam("SimulateCustomPolicy", {
      PolicyInputList: [documentText(allow("*")), documentText(deny("ssm:*"))],
      ActionNames: ["ssm:GetParameter"],
    });
    expect(EvaluationResults[0]).toMatchObject({
      EvalDecision: "explicitDeny",
      MatchedStatements: [{ SourcePolicyId: "PolicyInputList.2" }],
    });
    expect(EvaluationResults[0].MatchedStatements).toHaveLength(1);
  });
});

describe("a permissions boundary", () => {
  const boundary = (...statements: object[]) => ({ PermissionsBoundaryPolicyInputList: [documentText(...statements)] });
  it.each([
    ["that allows", [allow("*")], boundary(allow("ssm:*")), "allowed", true, []],
    ["that is silent", [allow("*")], boundary(allow("s3:*")), "implicitDeny", false, []],
    ["that denies", [allow("*")], boundary(allow("*"), deny("ssm:*")), "explicitDeny", false, ["boundary"]],
    ["that allows what a policy denies", [deny("*")], boundary(allow("*")), "explicitDeny", true, ["identity"]],
    ["that is silent where a policy denies", [deny("*")], boundary(allow("s3:*")), "explicitDeny", false, ["identity"]],
    ["that allows what no policy allows", [allow("s3:*")], boundary(allow("*")), "implicitDeny", true, []],
  ])("%s", async (_name, statements, given, effect, isAllowed, denied) => {
    const result = await custom(statements, { ...given, ResourceArns: [parameter("a")] });
    const detail = { PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: isAllowed } };
    expect(result).toMatchObject({ EvalDecision: effect, ...detail });
    expect(result["ResourceSpecificResults"][0]).toMatchObject({ EvalResourceDecision: effect, ...detail });
    if (effect !== "explicitDeny") return;
    const [matched] = result["MatchedStatements"];
    const [of] = denied;
    expect(matched).toMatchObject(
      of === "boundary"
        ? { SourcePolicyId: "PermissionsBoundaryPolicyInputList.1", SourcePolicyType: "Permissions Boundary Policy" }
        : { SourcePolicyId: "PolicyInputList.1", SourcePolicyType: "IAM Policy" },
    );
  });

  it("is reported only where there is one, and there can be one", async () => {
    expect(await custom([allow("*")])).not.toHaveProperty("PermissionsBoundaryDecisionDetail");
    const two = [documentText(allow("*")), documentText(allow("*"))];
    expect(await failureOf(custom([allow("*")], { PermissionsBoundaryPolicyInputList: two }))).toBe(
      "InvalidInput: PermissionsBoundaryPolicyInputList can hold one policy",
    );
  });
});

describe("service control policies", () => {
  const levels = (...all: object[][]) => ({
    OrderedOrganizationPolicyInputList: all.map((statements) => ({
      ServiceControlPolicyInputList: statements.map((statement) => documentText(statement)),
    })),
  });
  it.each([
    ["every level allows", levels([allow("*")], [allow("ssm:*")]), "allowed", true],
    ["one policy of a level allows", levels([allow("s3:*"), allow("ssm:*")]), "allowed", true],
    ["a level is silent", levels([allow("*")], [allow("s3:*")], [allow("*")]), "implicitDeny", false],
    ["a level denies", levels([allow("*")], [allow("*"), deny("ssm:*")]), "explicitDeny", false],
  ])("when %s", async (_name, given, effect, isAllowed) => {
    const result = await custom([allow("*")], { ...given, ResourceArns: [parameter("a")] });
    expect(result).toMatchObject({
      EvalDecision: effect,
      OrganizationsDecisionDetail: { AllowedByOrganizations: isAllowed },
    });
    expect(result["MatchedStatements"]).toHaveLength(isAllowed ? 1 : 0);
    expect("EvalDecisionDetails" in result).toBe(isAllowed);
  });

  it("are not listed, neither their statements nor their keys", async () => {
    const condition = { StringNotEquals: { "aws:RequestedRegion": "eu-west-1" } };
    const given = levels([allow("*"), { ...deny("*"), Condition: condition }]);
    expect(await custom([allow("*")], given)).toMatchObject({
      EvalDecision: "explicitDeny",
      MatchedStatements: [],
      MissingContextValues: [],
    });
    const ContextEntries = [contextEntry("aws:RequestedRegion", "string", "eu-west-1")];
    expect(await custom([allow("*")], { ...given, ContextEntries })).toMatchObject({ EvalDecision: "allowed" });
  });

  it("need a policy on every level", async () => {
    const given = { OrderedOrganizationPolicyInputList: [{ ServiceControlPolicyInputList: [] }] };
    expect(await failureOf(custom([allow("*")], given))).toBe(
      "InvalidInput: OrderedOrganizationPolicyInputList.1 needs at least one service control policy",
    );
  });
});

describe("pages", () => {
  it("are of actions, and their marker is checked", async () => {
    const input = {
      PolicyInputList: [documentText(allow("*"))],
      ActionNames: ["ssm:A", "ssm:B", "ssm:A"],
      MaxItems: 2,
    };
    const first = await at.iam("SimulateCustomPolicy", input);
    expect(first).toMatchObject({ IsTruncated: true, EvaluationResults: [{}, {}] });
    const second = await at.iam("SimulateCustomPolicy", { ...input, Marker: first["Marker"] });
    expect(second).toMatchObject({ IsTruncated: false, EvaluationResults: [{ EvalActionName: "ssm:A" }] });
    expect(second).not.toHaveProperty("Marker");
    expect(await failureOf(at.iam("SimulateCustomPolicy", { ...input, Marker: "nonsense" }))).toBe(
      "ValidationError: Invalid Marker.",
    );
  });

  it("hold fewer results when there is much to look at", async () => {
    const statements = Array.from({ length: 1_000 }, (_, i) => allow("s3:*", `arn:aws:s3:::b${i}`));
    const answer = await at.iam("SimulateCustomPolicy", {
      PolicyInputList: [documentText(...statements)],
      ActionNames: Array.from({ length: 40 }, (_, i) => `ssm:A${i}`),
      ResourceArns: Array.from({ length: 100 }, (_, i) => parameter(String(i))),
    });
    expect(answer["IsTruncated"]).toBe(true);
    expect(answer["EvaluationResults"]).toHaveLength(5);
    const ResourceArns = Array.from({ length: 5_001 }, (_, i) => parameter(String(i)));
    expect(await failureOf(custom(statements, { ResourceArns }))).toBe(
      "InvalidInput: 5001 resources are too many for policies of 1000 statements together",
    );
  });
});
