import { describe, expect, it } from "vitest";
import type { AssumedRolePrincipal } from "../core/aws.ts";
import { contextKeysUsed, evaluate, principalContext } from "./index.ts";

const role: AssumedRolePrincipal = {
  type: "AssumedRole",
  arn: "arn:aws:sts::111122223333:assumed-role/R/s",
  accountId: "111122223333",
  userId: "AROAEXAMPLE:s",
  roleArn: "arn:aws:iam::111122223333:role/path/R",
  roleName: "R",
  sessionName: "s",
  sessionPolicies: [],
  sessionTags: { team: "red" },
  tokenIssuedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
};
const request = { action: "ssm:GetParameters", resource: "arn:aws:ssm:us-east-1:111122223333:parameter/p" };
const document = (statement: object) => ({ Version: "2012-10-17", Statement: [statement] });
const denyAll = document({ Sid: "No", Effect: "Deny", Action: "*", Resource: "*" });
const arn = "arn:aws:iam::111122223333:policy/guard";

describe("evaluate", () => {
  it("appends the managed policy's ARN to an explicit deny", () => {
    const policies = { identity: [{ name: arn, arn, document: denyAll }] };
    const base = `User: ${role.arn} is not authorized to perform: ssm:GetParameters on resource: ${request.resource} with an explicit deny in an identity-based policy`;
    expect(evaluate({ principal: role, policies, request, context: {} }).message).toBe(`${base}: ${arn}`);
    const switchedOff = evaluate({ principal: role, policies, request, context: {}, namePolicyInDenial: false });
    expect(switchedOff.message).toBe(base);
  });

  it("names no policy to callers of another account", () => {
    const policies = { identity: [{ name: arn, arn, document: denyAll }] };
    const foreign = { ...request, resource: request.resource.replace("111122223333", "999988887777") };
    expect(evaluate({ principal: role, policies, request: foreign, context: {} }).message).not.toContain(arn);
  });

  it("tells which statement decided", () => {
    const decision = evaluate({
      principal: role,
      policies: { identity: [{ name: "inline policy x of role R", document: denyAll }] },
      request,
      context: {},
    });
    expect(decision.decidedBy).toEqual([
      {
        policyName: "inline policy x of role R",
        policyType: "identity",
        index: 0,
        sid: "No",
        effect: "Deny",
        matched: true,
      },
    ]);
  });

  it("keeps documents apart that differ in one word", () => {
    const statement = { Effect: "Allow", Action: "ssm:*", Resource: "*" };
    const first = document(statement);
    const second = document({ ...statement, Action: "kms:*" });
    const effectOf = (one: object) =>
      evaluate({
        principal: role,
        policies: { identity: [{ name: "p", document: one as never }] },
        request,
        context: {},
      }).effect;
    expect([effectOf(first), effectOf(second), effectOf(first)]).toEqual(["allowed", "implicitDeny", "allowed"]);
  });

  it("looks at keys of the request before those of the caller", () => {
    const onlyRed = document({
      Effect: "Allow",
      Action: "*",
      Resource: "*",
      Condition: { StringEquals: { "aws:x": "red" } },
    });
    const policies = { identity: [{ name: "p", document: onlyRed }] };
    const specific = { ...request, context: { "aws:x": "red" } };
    const decision = evaluate({ principal: role, policies, request: specific, context: { "aws:x": "blue" } });
    expect(decision.effect).toBe("allowed");
  });
});

describe("principalContext", () => {
  it("gives the role's ARN with its path, and session tags over role tags", () => {
    expect(principalContext(role, { team: "blue", cost: "1" })).toMatchObject({
      "aws:PrincipalArn": "arn:aws:iam::111122223333:role/path/R",
      "aws:PrincipalType": "AssumedRole",
      "aws:userid": "AROAEXAMPLE:s",
      "aws:PrincipalTag/team": "red",
      "aws:PrincipalTag/cost": "1",
      "aws:TokenIssueTime": "2026-01-02T03:04:05Z",
      "aws:PrincipalIsAWSService": "false",
    });
  });

  it("gives the source of a service's call", () => {
    const sourceArn = "arn:aws:codebuild:us-east-1:111122223333:project/p";
    const serviceName = "codebuild.amazonaws.com";
    const ids = { arn: serviceName, userId: serviceName, accountId: "111122223333" };
    expect(principalContext({ type: "AWSService", serviceName, ...ids, sourceArn })).toEqual({
      "aws:PrincipalIsAWSService": "true",
      "aws:PrincipalServiceName": serviceName,
      "aws:PrincipalServiceNamesList": [serviceName],
      "aws:SourceArn": sourceArn,
      "aws:SourceAccount": "111122223333",
    });
  });
});

describe("contextKeysUsed", () => {
  it("lists condition keys and variables once, sorted", () => {
    const used = contextKeysUsed(
      document({
        Effect: "Allow",
        Action: "*",
        Resource: "arn:aws:s3:::b/${aws:username}/${*}",
        Condition: { StringEquals: { "aws:x": "${AWS:Username}", "aws:a": "1" } },
      }),
    );
    expect(used).toEqual(["AWS:Username", "aws:a", "aws:x"]);
  });
});
