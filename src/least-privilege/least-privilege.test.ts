import { describe, expect, it } from "vitest";
import type { DecisionRecord, NamedPolicy } from "../authorize/decision.ts";
import { parseBuildspec } from "../build/buildspec/index.ts";
import { planBuild, requiredPermissions } from "../build/plan/index.ts";
import { diffPolicy, policyFromDecisions, policyFromPlan, policyFromRequirements, splitPolicy } from "./index.ts";

const scope = { partition: "aws", region: "us-east-1", accountId: "111122223333" };
const group = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/codebuild/app";
const parameter = (name: string) => `arn:aws:ssm:us-east-1:111122223333:parameter/${name}`;
const { buildspec } = parseBuildspec(
  `version: 0.2
env:
  parameter-store: { URL: /app/url, USER: /app/user }
  secrets-manager: { TOKEN: "app-token:key" }
phases:
  build:
    commands:
      - aws ecr get-login-password | docker login --username AWS --password-stdin 111122223333.dkr.ecr.us-east-1.amazonaws.com
      - docker push 111122223333.dkr.ecr.us-east-1.amazonaws.com/app
`,
  "buildspec.yml",
);
if (!buildspec) throw new Error("the test's buildspec does not parse");
const { plan } = planBuild({
  buildspec,
  project: { name: "app", environment: { type: "LINUX_CONTAINER", image: "i", computeType: "c" } },
});

describe("the policy of a plan", () => {
  const policy = policyFromPlan(plan, scope, "app");

  it("has one sorted statement a purpose", () => {
    const ecr = "arn:aws:ecr:us-east-1:111122223333:repository/app";
    expect(policy).toEqual({
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "PushImages",
          Effect: "Allow",
          Action: [
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:CompleteLayerUpload",
            "ecr:GetDownloadUrlForLayer",
            "ecr:InitiateLayerUpload",
            "ecr:PutImage",
            "ecr:UploadLayerPart",
          ],
          Resource: ecr,
        },
        { Sid: "LogInToEcr", Effect: "Allow", Action: "ecr:GetAuthorizationToken", Resource: "*" },
        {
          Sid: "WriteLogs",
          Effect: "Allow",
          Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
          Resource: [group, `${group}:*`],
        },
        {
          Sid: "ReadSecrets",
          Effect: "Allow",
          Action: "secretsmanager:GetSecretValue",
          Resource: "arn:aws:secretsmanager:us-east-1:111122223333:secret:app-token-??????",
        },
        {
          Sid: "ReadParameters",
          Effect: "Allow",
          Action: "ssm:GetParameters",
          Resource: [parameter("app/url"), parameter("app/user")],
        },
      ],
    });
  });

  it("allows every permission of the plan, and no longer does without any one statement", () => {
    const needs = policyFromRequirements(requiredPermissions(plan, scope, "app"));
    const granted = (document: NamedPolicy["document"]): NamedPolicy[] => [{ name: "generated", document }];
    expect(diffPolicy(needs, granted(policy))).toEqual({
      usedButNotGranted: [],
      grantedButUnused: [],
      grantedTooWidely: [],
    });
    for (const dropped of policy.Statement) {
      const less = { ...policy, Statement: policy.Statement.filter((statement) => statement !== dropped) };
      expect(diffPolicy(needs, granted(less)).usedButNotGranted.length, dropped.Sid).toBeGreaterThan(0);
    }
  });

  it("is split where IAM's limit is", () => {
    const documents = splitPolicy({ document: policy, reasons: [] }, 400);
    expect(documents.length).toBeGreaterThan(1);
    expect(documents.flatMap(({ document }) => document.Statement)).toEqual(policy.Statement);
  });
});

describe("the policy of a run", () => {
  const record = (
    service: string,
    decisions: Partial<DecisionRecord["decisions"][number]>[],
    principalArn = "arn:aws:sts::111122223333:assumed-role/r/AWSCodeBuild-1",
  ): DecisionRecord => ({
    requestId: "1",
    atMs: 0,
    service,
    operation: "x",
    principalArn,
    decisions: decisions.map((decision) => ({
      effect: "allowed",
      action: "x:Y",
      resource: "*",
      policyType: "identity",
      message: "",
      trace: [],
      ...decision,
    })),
  });

  it("generalises log streams and secrets, keeps denied calls, drops what the role's policies need not allow", () => {
    const key = "arn:aws:kms:us-east-1:111122223333:key/1234";
    const policy = policyFromDecisions([
      record("logs", [{ action: "logs:CreateLogStream", resource: `${group}:log-stream:abc` }]),
      record("logs", [{ action: "logs:PutLogEvents", resource: `${group}:log-stream:def` }]),
      record("ssm", [
        { action: "ssm:GetParameters", resource: parameter("a"), effect: "implicitDeny" },
        { action: "kms:Decrypt", resource: key },
        { action: "kms:Decrypt", resource: `${key}-managed`, policyType: "resource" },
      ]),
      record("secretsmanager", [
        {
          action: "secretsmanager:GetSecretValue",
          resource: "arn:aws:secretsmanager:us-east-1:111122223333:secret:n-AbCdEf",
        },
      ]),
      { ...record("kms", [{ action: "kms:GenerateDataKey", resource: key }]), calledVia: "s3.amazonaws.com" },
      record("sts", [{ action: "sts:GetCallerIdentity" }]),
      record("ssm", [{ action: "ssm:DeleteParameter", effect: "explicitDeny" }]),
      record("ssm", [{ action: "ssm:PutParameter" }], "arn:aws:iam::111122223333:root"),
    ]);
    expect(policy.Statement).toEqual([
      {
        Sid: "UseKeys",
        Effect: "Allow",
        Action: "kms:Decrypt",
        Resource: key,
        Condition: { StringEquals: { "kms:ViaService": "ssm.us-east-1.amazonaws.com" } },
      },
      {
        Sid: "UseKeys2",
        Effect: "Allow",
        Action: "kms:GenerateDataKey",
        Resource: key,
        Condition: { StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } },
      },
      {
        Sid: "WriteLogs",
        Effect: "Allow",
        // The group is made by a project's first build alone.
        Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        Resource: [group, `${group}:*`],
      },
      {
        Sid: "ReadSecrets",
        Effect: "Allow",
        Action: "secretsmanager:GetSecretValue",
        Resource: "arn:aws:secretsmanager:us-east-1:111122223333:secret:n-??????",
      },
      { Sid: "ReadParameters", Effect: "Allow", Action: "ssm:GetParameters", Resource: parameter("a") },
    ]);
  });
});

describe("the difference to a role", () => {
  it("names what is missing and what is not needed", () => {
    const needed = policyFromRequirements([
      { action: "ssm:GetParameters", resource: parameter("a") },
      { action: "logs:PutLogEvents", resource: `${group}:*` },
    ]);
    const role: NamedPolicy[] = [
      {
        name: "inline policy p of role r",
        document: {
          Version: "2012-10-17",
          Statement: [
            { Sid: "Broad", Effect: "Allow", Action: ["ssm:Get*", "ssm:PutParameter"], Resource: "*" },
            { Effect: "Allow", Action: "s3:*", Resource: "*" },
          ],
        },
      },
    ];
    const { usedButNotGranted, grantedButUnused } = diffPolicy(needed, role);
    expect(usedButNotGranted.map(({ action, resource }) => [action, resource])).toEqual([
      ["logs:PutLogEvents", `${group}:*`],
    ]);
    expect(grantedButUnused).toEqual([
      { policyName: "inline policy p of role r", index: 0, sid: "Broad", action: "ssm:PutParameter", resource: "*" },
      { policyName: "inline policy p of role r", index: 1, action: "s3:*", resource: "*" },
    ]);
  });

  it("names a grant that is wider than what it is needed for", () => {
    const read = {
      Effect: "Allow",
      Action: "ssm:GetParameters",
      Resource: "arn:aws:ssm:us-east-1:111122223333:parameter/a",
    };
    const wide = { Effect: "Allow", Action: "ssm:*", Resource: "*" };
    const document = (statement: object) => ({ Version: "2012-10-17", Statement: [statement] });
    expect(diffPolicy(document(read), [{ name: "full access", document: document(wide) }])).toEqual({
      usedButNotGranted: [],
      grantedButUnused: [],
      grantedTooWidely: [
        {
          policyName: "full access",
          index: 0,
          action: "ssm:*",
          resource: "*",
          needs: [{ action: "ssm:GetParameters", resource: "arn:aws:ssm:us-east-1:111122223333:parameter/a" }],
        },
      ],
    });
  });
});
