import { describe, expect, it } from "vitest";
import { isPublic } from "./public-policy.ts";

const policy = (statement: object) => ({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] });
const opened = (Condition: object, Principal: unknown = "*") => isPublic(policy({ Principal, Condition }));

describe("a policy is public", () => {
  it("where it allows everybody", () => {
    expect(isPublic(policy({ Principal: "*" }))).toBe(true);
    expect(isPublic(policy({ Principal: { AWS: ["111122223333", "*"] } }))).toBe(true);
    expect(isPublic({ Statement: { Effect: "Allow", NotPrincipal: { AWS: "111122223333" } } })).toBe(true);
  });

  it.each([
    [{ StringEquals: { "aws:PrincipalTag/team": "a" } }],
    [{ StringNotEquals: { "aws:PrincipalAccount": "111122223333" } }],
    [{ StringEqualsIfExists: { "aws:PrincipalOrgID": "o-1" } }],
    [{ StringLike: { "aws:PrincipalArn": "*" } }],
    [{ ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/x" } }],
    [{ IpAddress: { "aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"] } }],
    [{ Bool: { "aws:SecureTransport": "true" } }],
  ])("where %j lets anybody through", (condition) => {
    expect(opened(condition)).toBe(true);
  });
});

describe("a policy is not public", () => {
  it("where it names principals, or denies", () => {
    expect(isPublic(policy({ Principal: { AWS: "111122223333" } }))).toBe(false);
    expect(isPublic(policy({ Principal: { Service: "codebuild.amazonaws.com" } }))).toBe(false);
    expect(isPublic({ Statement: { Effect: "Deny", Principal: "*" } })).toBe(false);
  });

  it.each([
    [{ StringEquals: { "aws:PrincipalAccount": "111122223333" } }],
    [{ StringEquals: { "AWS:PrincipalOrgId": ["o-1", "o-2"] } }],
    [{ ArnLike: { "aws:PrincipalArn": "arn:aws:iam::111122223333:role/*" } }],
    [{ ArnEquals: { "aws:SourceArn": "arn:aws:s3:::bucket" } }],
    [{ IpAddress: { "aws:SourceIp": "10.0.0.0/8" } }],
    [{ "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": ["o-1/r-1/*"] } }],
  ])("where %j keeps strangers out", (condition) => {
    expect(opened(condition)).toBe(false);
    expect(opened(condition, { AWS: "*" })).toBe(false);
  });
});
