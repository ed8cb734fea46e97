/** Which statements come nearest, and what is said about the mistakes that people make. */
import { describe, expect, it } from "vitest";
import type { AssumedRolePrincipal } from "../core/aws.ts";
import { evaluate, type NearMiss, nearestMisses } from "./index.ts";

const A = "111122223333";
const role: AssumedRolePrincipal = {
  type: "AssumedRole",
  arn: `arn:aws:sts::${A}:assumed-role/R/s`,
  accountId: A,
  userId: "AROAEXAMPLE:s",
  roleArn: `arn:aws:iam::${A}:role/R`,
  roleName: "R",
  sessionName: "s",
  sessionPolicies: [],
  sessionTags: {},
  tokenIssuedAtMs: 0,
};
const ssm = (name: string, region = "us-east-1", account = A) => `arn:aws:ssm:${region}:${account}:parameter/${name}`;

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: object;
}

function missesOf(action: string, resource: string, ...statements: Statement[]): NearMiss[] {
  const Statement = statements.map((statement, i) => ({ Sid: `S${i}`, Effect: "Allow", ...statement }));
  const document = { Version: "2012-10-17", Statement };
  const policies = { identity: [{ name: "p", document }] };
  const decision = evaluate({ principal: role, policies, request: { action, resource }, context: {} });
  expect(decision.effect).toBe("implicitDeny");
  return nearestMisses(decision, decision.explain());
}

const sidsOf = (misses: readonly NearMiss[]) => misses.map(({ trace }) => trace.sid);

describe("a miss worth naming", () => {
  const logGroup = `arn:aws:logs:us-east-1:${A}:log-group:/aws/codebuild/p`;
  const secret = `arn:aws:secretsmanager:us-east-1:${A}:secret:db`;
  const key = `arn:aws:kms:us-east-1:${A}:key/1234abcd`;
  const alias = `arn:aws:kms:us-east-1:${A}:alias/app`;
  it.each<[string, string, string, string, string]>([
    [
      "a doubled slash in a parameter's ARN",
      "ssm:GetParameters",
      ssm("app/db"),
      ssm("/app/db"),
      `a parameter's leading slash is not doubled in its ARN: write \`${ssm("app/db")}\``,
    ],
    [
      "another region",
      "ssm:GetParameters",
      ssm("app/db"),
      ssm("app/*", "eu-west-1"),
      "the statement is for region `eu-west-1`, the call is about `us-east-1`",
    ],
    [
      "another account",
      "ssm:GetParameters",
      ssm("app/db"),
      ssm("app/*", "*", "444455556666"),
      `the statement is for account \`444455556666\`, the call is about \`${A}\``,
    ],
    [
      "another region and account",
      "ssm:GetParameters",
      ssm("app/db"),
      ssm("app/db", "eu-west-1", "444455556666"),
      `the statement is for region \`eu-west-1\`, the call is about \`us-east-1\`, and for account \`444455556666\`, the call is about \`${A}\``,
    ],
    [
      "the path of what is allowed below it",
      "ssm:GetParametersByPath",
      ssm("app"),
      ssm("app/*"),
      `\`${ssm("app/*")}\` is what lies below: \`${ssm("app")}\` itself needs its own entry`,
    ],
    [
      "what lies below an allowed path",
      "ssm:GetParameters",
      ssm("app/db"),
      ssm("app"),
      `\`${ssm("app")}\` is that one alone: what lies below is \`${ssm("app/*")}\``,
    ],
    [
      "a log group without its streams",
      "logs:CreateLogStream",
      `${logGroup}:log-stream:1`,
      logGroup,
      `the call is about the group's streams too: write \`${logGroup}:*\``,
    ],
    [
      "a log group's streams without the group",
      "logs:TagResource",
      logGroup,
      `${logGroup}:*`,
      `the call is about the group itself: add \`${logGroup}\``,
    ],
    [
      "a bucket instead of its objects",
      "s3:GetObject",
      "arn:aws:s3:::b/k",
      "arn:aws:s3:::b",
      "`arn:aws:s3:::b` is the bucket: its objects are `arn:aws:s3:::b/*`",
    ],
    [
      "objects instead of their bucket",
      "s3:ListBucket",
      "arn:aws:s3:::b",
      "arn:aws:s3:::b/*",
      "`arn:aws:s3:::b/*` is about objects: the bucket itself is `arn:aws:s3:::b`",
    ],
    [
      "a secret without its suffix",
      "secretsmanager:GetSecretValue",
      `${secret}-AbCdEf`,
      secret,
      `a secret's ARN ends in six characters that AWS adds: write \`${secret}-??????\``,
    ],
    [
      "a key's alias",
      "kms:Decrypt",
      key,
      alias,
      "KMS asks about the key, never about the alias: name the key's ARN, or use the condition `kms:ResourceAliases`",
    ],
    [
      "an ARN where only `*` will do",
      "ssm:DescribeParameters",
      "*",
      ssm("*"),
      "`ssm:DescribeParameters` is about no resource in particular: only the Resource `*` allows it",
    ],
    [
      "a pattern that ends too early",
      "ssm:GetParameters",
      ssm("app-db"),
      ssm("app"),
      `the resource goes on where the pattern ends: \`${ssm("app*")}\` would match`,
    ],
    ["another case", "ssm:GetParameters", ssm("app/db"), ssm("App/*"), "they differ in upper and lower case only"],
    [
      "a typing error",
      "ssm:GetParameters",
      ssm("application"),
      ssm("aplication"),
      "they differ in a letter or two: a typing error?",
    ],
  ])("%s", (_name, action, resource, pattern, advice) => {
    expect(missesOf(action, resource, { Action: "*", Resource: pattern })).toMatchObject([{ advice }]);
  });

  it.each<[string, string, string]>([
    [
      "ssm:GetParameters",
      "ssm:GetParameter",
      "`ssm:GetParameter` and `ssm:GetParameters` are two actions: allow the one that is called",
    ],
    [
      "ssm:GetParametersByPath",
      "ssm:GetParameters",
      "`ssm:GetParameters` and `ssm:GetParametersByPath` are two actions: allow the one that is called",
    ],
    ["ecr-public:BatchGetImage", "ecr:BatchGetImage", "the call needs the action of `ecr-public`, not of `ecr`"],
  ])("%s when %s is allowed", (called, allowed, advice) => {
    expect(missesOf(called, ssm("a"), { Action: allowed, Resource: "*" })).toMatchObject([{ advice }]);
  });
});

describe("the nearest misses", () => {
  it("come in order: named mistakes, conditions, resources, actions of the service", () => {
    const misses = missesOf(
      "ssm:GetParameters",
      ssm("app/db"),
      { Action: "ssm:PutParameter", Resource: "*" },
      { Action: "ssm:GetParameters", Resource: ssm("other/thing") },
      { Action: "ssm:GetParameters", Resource: "*", Condition: { Bool: { "aws:SecureTransport": "true" } } },
      { Action: "ssm:GetParameters", Resource: ssm("/app/db") },
      { Action: "s3:GetObject", Resource: "*" },
    );
    expect(sidsOf(misses)).toEqual(["S3", "S2", "S1"]);
  });

  it("are none when nothing of the service is allowed", () => {
    expect(missesOf("ssm:GetParameters", ssm("a"), { Action: "s3:*", Resource: "*" })).toEqual([]);
  });

  it("look at the type of policy that is silent", () => {
    const all = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*" } };
    const limit = { ...all, Statement: { ...all.Statement, Sid: "Limit", Action: "ssm:GetParameter" } };
    const near = { ...all, Statement: { ...all.Statement, Sid: "Near", Resource: ssm("b") } };
    const policies = {
      identity: [
        { name: "all", document: all },
        { name: "near", document: near },
      ],
      boundary: { name: "limit", document: limit },
    };
    const request = { action: "ssm:GetParameters", resource: ssm("a") };
    const decision = evaluate({ principal: role, policies, request, context: {} });
    expect(decision.policyType).toBe("boundary");
    expect(sidsOf(nearestMisses(decision, decision.explain()))).toEqual(["Limit"]);
  });

  it("show of many patterns those that come nearest", () => {
    const others = Array.from({ length: 40 }, (_, i) => `ssm:Add${i}`);
    const [miss] = missesOf("ssm:GetParameters", ssm("a"), { Action: [...others, "ssm:GetParameter"], Resource: "*" });
    expect(miss?.trace.detail).toBe(
      "none of `ssm:GetParameter`, `ssm:Add0`, `ssm:Add1`, `ssm:Add2` and 37 more matches `ssm:GetParameters`",
    );
    expect(miss?.advice).toContain("are two actions");
  });

  it("take traces that tell no patterns", () => {
    const trace = { policyName: "p", policyType: "identity", index: 0, effect: "Allow", matched: false } as const;
    const denied = { action: "ssm:GetParameters", resource: ssm("a"), policyType: "identity" } as const;
    expect(nearestMisses(denied, [{ ...trace, failed: "Action" }])).toHaveLength(1);
    expect(nearestMisses(denied, [{ ...trace, failed: "Resource" }])).toHaveLength(1);
  });
});
