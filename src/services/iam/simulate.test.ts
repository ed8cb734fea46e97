import { afterEach, beforeEach, expect, it } from "vitest";
import {
  accountId,
  allow,
  CODEBUILD_TRUST,
  documentText,
  type IdentityFixture,
  openIdentity,
} from "../../../test/support/identity-fixture.ts";
import { failureOf } from "../../../test/support/services-fixture.ts";
import { statementPositions } from "./statement-positions.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
});
afterEach(() => at.close());

const parameter = (name: string) => `arn:aws:ssm:us-east-1:${accountId}:parameter/${name}`;
const role = `arn:aws:iam::${accountId}:role/R`;

it("gives the positions that were recorded on AWS", () => {
  const statement = '{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:b"}';
  const text = `{"Version": "2012-10-17", "Statement": ${statement}}`;
  expect(text).toHaveLength(113);
  expect(statementPositions(text)).toEqual([{ start: { Line: 1, Column: 41 }, end: { Line: 1, Column: 113 } }]);
});

it("finds statements over several lines, whatever their strings hold", () => {
  const text = JSON.stringify({ Statement: [{ Sid: 'a}"{' }, { Condition: { Bool: { "aws:x": "true" } } }] }, null, 2);
  expect(statementPositions(text).map(({ start, end }) => [start.Line, end.Line])).toEqual([
    [3, 5],
    [6, 12],
  ]);
});

it("decides for a role with the statements that decided", async () => {
  await at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: CODEBUILD_TRUST });
  const PolicyDocument = documentText(allow("ssm:GetParameters", parameter("app/*")));
  await at.iam("PutRolePolicy", { RoleName: "R", PolicyName: "params", PolicyDocument });
  const { EvaluationResults } = await at.iam("SimulatePrincipalPolicy", {
    PolicySourceArn: role,
    ActionNames: ["ssm:GetParameters", "ssm:PutParameter"],
    ResourceArns: [parameter("app/db")],
  });
  expect(EvaluationResults).toHaveLength(2);
  expect(EvaluationResults[0]).toMatchObject({
    EvalActionName: "ssm:GetParameters",
    EvalResourceName: parameter("app/db"),
    EvalDecision: "allowed",
    MatchedStatements: [{ SourcePolicyId: "params", SourcePolicyType: "IAM Policy", StartPosition: { Line: 1 } }],
    MissingContextValues: [],
    EvalDecisionDetails: {},
    ResourceSpecificResults: [{ EvalResourceName: parameter("app/db"), EvalResourceDecision: "allowed" }],
  });
  expect(EvaluationResults[1]).toMatchObject({ EvalDecision: "implicitDeny", MatchedStatements: [] });
});

it("includes the boundary and says what it allows", async () => {
  const PermissionsBoundary = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess";
  await at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: CODEBUILD_TRUST, PermissionsBoundary });
  await at.iam("AttachRolePolicy", { RoleName: "R", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
  const ActionNames = ["ssm:GetParameters", "ssm:PutParameter"];
  const { EvaluationResults } = await at.iam("SimulatePrincipalPolicy", { PolicySourceArn: role, ActionNames });
  const details = EvaluationResults.map((result: Record<string, unknown>) => [
    result["EvalDecision"],
    result["PermissionsBoundaryDecisionDetail"],
  ]);
  expect(details).toEqual([
    ["allowed", { AllowedByPermissionsBoundary: true }],
    ["implicitDeny", { AllowedByPermissionsBoundary: false }],
  ]);
});

it("lists the keys that a condition misses, and takes the ones given", async () => {
  const PolicyInputList = [
    documentText({ ...allow("ssm:*"), Condition: { StringEquals: { "aws:ResourceTag/team": "red" } } }),
  ];
  const input = { PolicyInputList, ActionNames: ["ssm:GetParameter"] };
  const [without] = (await at.iam("SimulateCustomPolicy", input))["EvaluationResults"];
  expect(without).toMatchObject({ EvalDecision: "implicitDeny", MissingContextValues: ["aws:ResourceTag/team"] });
  expect(without).not.toHaveProperty("EvalDecisionDetails");
  const ContextEntries = [
    { ContextKeyName: "aws:resourcetag/team", ContextKeyValues: ["red"], ContextKeyType: "string" },
  ];
  const [given] = (await at.iam("SimulateCustomPolicy", { ...input, ContextEntries }))["EvaluationResults"];
  expect(given).toMatchObject({
    EvalDecision: "allowed",
    MissingContextValues: [],
    MatchedStatements: [{ SourcePolicyId: "PolicyInputList.1" }],
  });
});

it("shows only the denying statements of an explicit deny", async () => {
  const PolicyInputList = [documentText(allow("*")), documentText({ Effect: "Deny", Action: "ssm:*", Resource: "*" })];
  const { EvaluationResults } = await at.iam("SimulateCustomPolicy", {
    PolicyInputList,
    ActionNames: ["ssm:GetParameter"],
  });
  expect(EvaluationResults[0]).toMatchObject({
    EvalDecision: "explicitDeny",
    MatchedStatements: [{ SourcePolicyId: "PolicyInputList.2" }],
  });
});

it("refuses wildcards, bad documents and entities that do not exist", async () => {
  const PolicyInputList = [documentText(allow("*"))];
  expect(await failureOf(at.iam("SimulateCustomPolicy", { PolicyInputList, ActionNames: ["ssm:Get*"] }))).toBe(
    "InvalidInput: Invalid Action Name: ssm:Get*",
  );
  expect(await failureOf(at.iam("SimulateCustomPolicy", { PolicyInputList: ["{}"], ActionNames: ["ssm:GetX"] }))).toBe(
    "InvalidInput: Syntax errors in policy.",
  );
  const input = { PolicySourceArn: role, ActionNames: ["ssm:GetParameter"] };
  expect(await failureOf(at.iam("SimulatePrincipalPolicy", input))).toBe(
    "NoSuchEntity: The role with name R cannot be found.",
  );
});

it("lists the context keys of policies", async () => {
  const PolicyInputList = [
    documentText({
      ...allow("s3:*", "arn:aws:s3:::b/${aws:username}/*"),
      Condition: { Bool: { "aws:SecureTransport": "true" } },
    }),
  ];
  expect(await at.iam("GetContextKeysForCustomPolicy", { PolicyInputList })).toEqual({
    ContextKeyNames: ["aws:SecureTransport", "aws:username"],
  });
});
