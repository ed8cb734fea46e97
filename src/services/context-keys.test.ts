import { describe, expect, it } from "vitest";
import type { Principal } from "../core/aws.ts";
import { type CallFacts, globalContext, resourceAccount } from "./context-keys.ts";

const SCOPE = { partition: "aws", region: "eu-west-1", accountId: "111122223333" };
const { accountId } = SCOPE;
const userNames = { arn: "arn:aws:iam::111122223333:user/ann", userId: "AIDA", userName: "ann" };
const tokenIssuedAtMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const USER: Principal = { type: "User", accountId, ...userNames };
const SESSION: Principal = {
  ...{ type: "AssumedRole", accountId, arn: "arn:aws:sts::111122223333:assumed-role/Builder/one", userId: "AROA:one" },
  ...{ roleArn: "arn:aws:iam::111122223333:role/p/Builder", roleName: "Builder", sessionName: "one" },
  ...{ sessionPolicies: [], sessionTags: { team: "red" }, sourceIdentity: "ann", tokenIssuedAtMs },
};
const FEDERATED: Principal = {
  ...{ type: "FederatedUser", accountId, arn: "arn:aws:sts::111122223333:federated-user/bob", name: "bob" },
  ...{ userId: "111122223333:bob", issuer: { type: "User", ...userNames }, sessionPolicies: [], sessionTags: {} },
  tokenIssuedAtMs,
};
const SERVICE: Principal = {
  ...{ type: "AWSService", accountId, arn: "codebuild.amazonaws.com", userId: "codebuild.amazonaws.com" },
  ...{ serviceName: "codebuild.amazonaws.com", sourceArn: "arn:aws:codebuild:eu-west-1:111122223333:project/p" },
};

const contextOf = (principal: Principal, more: Partial<CallFacts> = {}) =>
  globalContext({
    ...{ principal, principalTags: { team: "blue", class: "a" }, scope: SCOPE, service: "ssm", nowMs: tokenIssuedAtMs },
    ...{ request: undefined, via: [] },
    ...more,
  });

describe("every call says", () => {
  it.each<[string, Principal, object]>([
    [
      "of a user",
      USER,
      {
        ...{
          "aws:PrincipalArn": userNames.arn,
          "aws:PrincipalType": "User",
          "aws:username": "ann",
          "aws:userid": "AIDA",
        },
        ...{ "aws:PrincipalAccount": accountId, "aws:PrincipalTag/team": "blue", "aws:PrincipalIsAWSService": "false" },
      },
    ],
    [
      "of a role session",
      SESSION,
      {
        ...{ "aws:PrincipalArn": "arn:aws:iam::111122223333:role/p/Builder", "aws:PrincipalType": "AssumedRole" },
        ...{ "aws:userid": "AROA:one", "aws:PrincipalTag/team": "red", "aws:PrincipalTag/class": "a" },
        ...{ "aws:TokenIssueTime": "2026-01-02T03:04:05Z", "aws:MultiFactorAuthPresent": "false" },
        "aws:SourceIdentity": "ann",
      },
    ],
    [
      "of a federated user",
      FEDERATED,
      {
        ...{ "aws:PrincipalArn": FEDERATED.arn, "aws:PrincipalType": "FederatedUser", "aws:userid": FEDERATED.userId },
        "aws:MultiFactorAuthPresent": "false",
      },
    ],
    [
      "of a service",
      SERVICE,
      {
        ...{ "aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": "codebuild.amazonaws.com" },
        "aws:PrincipalServiceNamesList": ["codebuild.amazonaws.com"],
        "aws:SourceArn": "arn:aws:codebuild:eu-west-1:111122223333:project/p",
        "aws:SourceAccount": accountId,
      },
    ],
    [
      "when and where",
      USER,
      {
        ...{ "aws:CurrentTime": "2026-01-02T03:04:05Z", "aws:EpochTime": String(tokenIssuedAtMs / 1000) },
        ...{ "aws:RequestedRegion": "eu-west-1", "aws:ResourceAccount": accountId, "aws:ViaAWSService": "false" },
      },
    ],
  ])("%s", (_about, principal, keys) => {
    expect(contextOf(principal)).toMatchObject(keys);
  });

  it("nothing of MFA, of a name or of a token where there is none", () => {
    expect(Object.keys(contextOf(USER))).not.toContain("aws:MultiFactorAuthPresent");
    expect(Object.keys(contextOf(USER))).not.toContain("aws:TokenIssueTime");
    expect(Object.keys(contextOf(SESSION))).not.toContain("aws:username");
    expect(Object.keys(contextOf(SESSION))).not.toContain("aws:SourceArn");
  });

  it("that MFA was not used for the temporary keys of a user", () => {
    expect(contextOf({ ...USER, hasSessionToken: true, tokenIssuedAtMs })).toMatchObject({
      "aws:MultiFactorAuthPresent": "false",
      "aws:TokenIssueTime": "2026-01-02T03:04:05Z",
    });
  });

  it("the address, the agent and the transport of its request", () => {
    const request = { "aws:SourceIp": "192.0.2.7", "aws:UserAgent": "aws-cli", "aws:SecureTransport": "false" };
    expect(contextOf(USER, { request })).toMatchObject(request);
  });

  it("us-east-1 for IAM, wherever it is called from", () => {
    expect(contextOf(USER, { service: "iam" })["aws:RequestedRegion"]).toBe("us-east-1");
  });
});

describe("a call through services says", () => {
  const via = ["s3.amazonaws.com", "ssm.amazonaws.com"];

  it("which, and nothing of the caller's address", () => {
    const context = contextOf(USER, { via, request: { "aws:SourceIp": "192.0.2.7" } });
    expect(context).toMatchObject({
      "aws:ViaAWSService": "true",
      "aws:CalledVia": via,
      "aws:CalledViaFirst": "s3.amazonaws.com",
      "aws:CalledViaLast": "ssm.amazonaws.com",
      "aws:PrincipalIsAWSService": "false",
    });
    expect(Object.keys(context)).not.toContain("aws:SourceIp");
    expect(Object.keys(context)).not.toContain("kms:ViaService");
  });

  it("the last of them to KMS", () => {
    expect(contextOf(USER, { via, service: "kms" })["kms:ViaService"]).toBe("ssm.eu-west-1.amazonaws.com");
  });
});

describe("the account of a resource is", () => {
  const of = (request: object) => resourceAccount({ action: "s3:GetObject", resource: "*", ...request }, SCOPE);

  it("told where it is not the caller's: by the ARN, its owner or its policy's", () => {
    expect(of({ resource: "arn:aws:ssm:eu-west-1:444455556666:parameter/a" })).toBe("444455556666");
    expect(of({ resource: "arn:aws:s3:::bucket", resourceAccountId: "444455556666" })).toBe("444455556666");
    const resourcePolicy = { name: "p", document: {}, accountId: "444455556666", mandatory: false };
    expect(of({ resource: "arn:aws:s3:::bucket", resourcePolicy })).toBe("444455556666");
  });

  it("the caller's for everything else", () => {
    expect(of({ resource: "arn:aws:ssm:eu-west-1:111122223333:parameter/a" })).toBeUndefined();
    expect(of({ resource: "arn:aws:s3:::bucket" })).toBeUndefined();
    expect(of({})).toBeUndefined();
  });
});
