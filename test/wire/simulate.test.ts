/** The policy simulator with an unmodified SDK v3 client and unmodified aws CLIs, and the exact XML of an answer. */
import * as Iam from "@aws-sdk/client-iam";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { allow, CODEBUILD_TRUST, documentText } from "../support/policy-documents.ts";
import { rawRequest } from "../support/raw-request.ts";
import { signedHeaders } from "../support/sign.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

let kiln: StartedEndpoint;
let iam: Iam.IAM;

beforeAll(async () => {
  kiln = await startEndpoint();
  iam = new Iam.IAM(clientSettings(kiln.url));
});

afterAll(async () => {
  iam.destroy();
  await kiln.close();
});

const deny = (Action: string) => ({ Effect: "Deny", Action, Resource: "*" });
const user = `arn:aws:iam::${ACCOUNT}:user/ada`;
const queue = "arn:aws:sqs:us-east-1:444455556666:q";

describe("the SDK", () => {
  it("reads a result of one account to its last member", async () => {
    const text = documentText(allow("s3:*", "arn:aws:s3:::b/${aws:username}/*"));
    const answer = await iam.simulateCustomPolicy({
      PolicyInputList: [text],
      ActionNames: ["s3:GetObject"],
      ResourceArns: ["arn:aws:s3:::b/ada/x"],
      ContextEntries: [{ ContextKeyName: "aws:username", ContextKeyValues: ["ada"], ContextKeyType: "string" }],
    });
    const MatchedStatements = [
      {
        SourcePolicyId: "PolicyInputList.1",
        SourcePolicyType: "IAM Policy",
        StartPosition: { Line: 1, Column: 38 },
        EndPosition: { Line: 1, Column: text.length - 1 },
      },
    ];
    expect(answer).toEqual({
      $metadata: expect.objectContaining({ httpStatusCode: 200 }),
      IsTruncated: false,
      EvaluationResults: [
        {
          EvalActionName: "s3:GetObject",
          EvalResourceName: "arn:${Partition}:s3:::${BucketName}/${ObjectName}",
          EvalDecision: "allowed",
          MatchedStatements,
          MissingContextValues: [],
          EvalDecisionDetails: {},
          ResourceSpecificResults: [
            {
              EvalResourceName: "arn:aws:s3:::b/ada/x",
              EvalResourceDecision: "allowed",
              MatchedStatements,
              MissingContextValues: [],
            },
          ],
        },
      ],
    });
  });

  it("reads boundary, organisation and the sides of two accounts", async () => {
    const { EvaluationResults } = await iam.simulateCustomPolicy({
      PolicyInputList: [documentText(allow("sqs:*"))],
      PermissionsBoundaryPolicyInputList: [documentText(allow("*"), deny("sqs:DeleteQueue"))],
      OrderedOrganizationPolicyInputList: [
        { ServiceControlPolicyInputList: [documentText(allow("*"))] },
        { ServiceControlPolicyInputList: [documentText(allow("*")), documentText(deny("sqs:CreateQueue"))] },
      ],
      ResourcePolicy: documentText({ ...allow("sqs:*"), Principal: { AWS: user } }),
      CallerArn: user,
      ResourceArns: [queue],
      ActionNames: ["sqs:SendMessage", "sqs:DeleteQueue", "sqs:CreateQueue"],
    });
    const details = { "IAM Policy": "allowed", "Permissions Boundary Policy": "allowed", "Resource Policy": "allowed" };
    expect(EvaluationResults).toMatchObject([
      {
        EvalDecision: "allowed",
        EvalDecisionDetails: details,
        OrganizationsDecisionDetail: { AllowedByOrganizations: true },
        PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: true },
        ResourceSpecificResults: [
          { EvalDecisionDetails: details, PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: true } },
        ],
      },
      {
        EvalDecision: "explicitDeny",
        EvalDecisionDetails: { ...details, "Permissions Boundary Policy": "explicitDeny" },
        MatchedStatements: [{ SourcePolicyType: "Permissions Boundary Policy" }],
        PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: false },
      },
      {
        EvalDecision: "explicitDeny",
        MatchedStatements: [],
        OrganizationsDecisionDetail: { AllowedByOrganizations: false },
      },
    ]);
    expect(EvaluationResults?.[2]?.EvalDecisionDetails).toBeUndefined();
  });

  it("simulates a role without some of its policies, page by page", async () => {
    await iam.createRole({ RoleName: "Sdk", AssumeRolePolicyDocument: CODEBUILD_TRUST });
    await iam.putRolePolicy({ RoleName: "Sdk", PolicyName: "p", PolicyDocument: documentText(allow("ssm:*")) });
    await iam.attachRolePolicy({ RoleName: "Sdk", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
    const PolicySourceArn = `arn:aws:iam::${ACCOUNT}:role/Sdk`;
    const ActionNames = ["ssm:GetParameter", "s3:GetObject", "iam:PassRole"];
    const seen: string[] = [];
    const PolicyExclusionList = [{ PolicyArn: "arn:aws:iam::aws:policy/Admin*" }];
    const pages = Iam.paginateSimulatePrincipalPolicy(
      { client: iam, pageSize: 1 },
      { PolicySourceArn, ActionNames, PolicyExclusionList },
    );
    for await (const page of pages) {
      expect(page.EvaluationResults).toHaveLength(1);
      seen.push(`${page.EvaluationResults?.[0]?.EvalActionName} ${page.EvaluationResults?.[0]?.EvalDecision}`);
    }
    expect(seen).toEqual(["ssm:GetParameter allowed", "s3:GetObject implicitDeny", "iam:PassRole implicitDeny"]);
    const { EvaluationResults } = await iam.simulatePrincipalPolicy({
      PolicySourceArn,
      ActionNames: ["ssm:PutParameter"],
    });
    expect(EvaluationResults?.[0]?.MatchedStatements?.map(({ SourcePolicyId }) => SourcePolicyId)).toEqual([
      "AdministratorAccess",
      "role_Sdk_p",
    ]);
  });

  it("gets AWS's error", async () => {
    const PolicySourceArn = `arn:aws:sts::${ACCOUNT}:assumed-role/Sdk/session`;
    const call = iam.simulatePrincipalPolicy({ PolicySourceArn, ActionNames: ["ssm:GetParameter"] });
    await expect(call).rejects.toThrow(
      `Invalid Entity Arn: ${PolicySourceArn} does not clearly define entity type and name.`,
    );
    await expect(call).rejects.toBeInstanceOf(Iam.InvalidInputException);
  });
});

it("the answer is this XML", async () => {
  const body = new URLSearchParams({
    Action: "SimulateCustomPolicy",
    Version: "2010-05-08",
    "PolicyInputList.member.1": documentText(allow("ssm:*")),
    "ActionNames.member.1": "ssm:GetParameter",
    "ResourceArns.member.1": `arn:aws:ssm:us-east-1:${ACCOUNT}:parameter/a`,
  }).toString();
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  const signed = signedHeaders({ url: kiln.url, body, headers, service: "iam", atMs: Date.now() });
  const answer = await rawRequest(kiln.url, { method: "POST", headers: signed, body });
  const matched =
    "<MatchedStatements><member><SourcePolicyId>PolicyInputList.1</SourcePolicyId><SourcePolicyType>IAM Policy</SourcePolicyType>" +
    "<StartPosition><Line>1</Line><Column>38</Column></StartPosition><EndPosition><Line>1</Line><Column>88</Column></EndPosition>" +
    "</member></MatchedStatements><MissingContextValues/>";
  const template = "arn:${Partition}:ssm:${Region}:${Account}:parameter/${ParameterNameWithoutLeadingSlash}";
  const result = answer.body.slice(answer.body.indexOf("<SimulateCustomPolicyResult>"));
  expect(answer.status).toBe(200);
  expect(result.slice(0, result.indexOf("<ResponseMetadata>")).replace(/>\s+</g, "><")).toBe(
    "<SimulateCustomPolicyResult><EvaluationResults><member><EvalActionName>ssm:GetParameter</EvalActionName>" +
      `<EvalResourceName>${template}</EvalResourceName><EvalDecision>allowed</EvalDecision>${matched}<EvalDecisionDetails/>` +
      `<ResourceSpecificResults><member><EvalResourceName>arn:aws:ssm:us-east-1:${ACCOUNT}:parameter/a</EvalResourceName>` +
      `<EvalResourceDecision>allowed</EvalResourceDecision>${matched}</member></ResourceSpecificResults>` +
      "</member></EvaluationResults><IsTruncated>false</IsTruncated></SimulateCustomPolicyResult>",
  );
});

const clis = findAwsClis();
describe.skipIf(clis.length === 0).each(clis)("$version", (cli) => {
  const aws = async (...words: string[]) => {
    const result = await runAws(cli, kiln.url, ["iam", ...words]);
    expect(result.stderr).toBe("");
    return JSON.parse(result.stdout);
  };

  it("prints what the CLI's own documentation shows", async () => {
    const document =
      '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}';
    const at = (time: string) =>
      aws(
        ...["simulate-custom-policy", "--policy-input-list", document, "--action-names", "dynamodb:CreateBackup"],
        ...["--context-entries", `ContextKeyName='aws:CurrentTime',ContextKeyValues='${time}',ContextKeyType=date`],
      );
    const result = { EvalActionName: "dynamodb:CreateBackup", EvalResourceName: "*", MissingContextValues: [] };
    expect(await at("2019-04-25T11:00:00Z")).toEqual({
      EvaluationResults: [
        {
          ...result,
          EvalDecision: "allowed",
          MatchedStatements: [
            {
              SourcePolicyId: "PolicyInputList.1",
              SourcePolicyType: "IAM Policy",
              StartPosition: { Line: 1, Column: 38 },
              EndPosition: { Line: 1, Column: 167 },
            },
          ],
        },
      ],
    });
    expect(await at("2014-04-25T11:00:00Z")).toEqual({
      EvaluationResults: [{ ...result, EvalDecision: "implicitDeny", MatchedStatements: [] }],
    });
  });

  it("lists context keys", async () => {
    const document = documentText(allow("dynamodb:*", "arn:aws:dynamodb:us-west-2:123456789012:table/${aws:username}"));
    expect(await aws("get-context-keys-for-custom-policy", "--policy-input-list", document)).toEqual({
      ContextKeyNames: ["aws:username"],
    });
  });
});
