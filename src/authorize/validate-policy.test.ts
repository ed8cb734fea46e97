import { describe, expect, it } from "vitest";
import { type PolicyKind, policySize, validatePolicy } from "./index.ts";

const VERSION = "2012-10-17";
const good = { Effect: "Allow", Action: "ssm:GetParameters", Resource: "*" };
const document = (statement: unknown, more: object = {}) => ({ Version: VERSION, Statement: statement, ...more });

/** AWS's message, or `valid`. */
function verdict(policy: unknown, kind: PolicyKind = "identity"): string {
  const result = validatePolicy(typeof policy === "string" ? policy : JSON.stringify(policy), kind);
  return result.ok ? "valid" : result.error;
}

const withResource = (resource: unknown) => document({ ...good, Resource: resource });
const withAction = (action: unknown) => document({ ...good, Action: action });
const IAM_PATHS =
  'IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.';

describe("an identity policy is accepted", () => {
  it.each([
    ["with one statement as an object", document(good)],
    ["with an Id", document([good], { Id: "x" })],
    [
      "with an action and a key that nobody knows",
      document({ ...good, Action: "nosuch:Thing", Condition: { Bool: { "no:such": true } } }),
    ],
    ["with an unknown operator that holds nothing", document({ ...good, Condition: { Same: {} } })],
    [
      "with empty Sids",
      document([
        { ...good, Sid: "" },
        { ...good, Sid: "" },
      ]),
    ],
    ["with an S3 object", withResource("arn:aws:s3:::bucket/key")],
    ["with an IAM role of any account", withResource("arn:aws:iam::*:role/x")],
    ["with NotAction and NotResource", document({ Effect: "Deny", NotAction: "iam:*", NotResource: "*" })],
  ])("%s", (_name, policy) => expect(verdict(policy)).toBe("valid"));
});

describe("an identity policy is refused", () => {
  const SYNTAX = "Syntax errors in policy.";
  it.each<[string, unknown, string]>([
    ["that is not JSON", "{", SYNTAX],
    ["that is no object", "[]", SYNTAX],
    ["with an unknown member", document(good, { Foo: 1 }), SYNTAX],
    ["with an unknown member of a statement", document({ ...good, Foo: 1 }), SYNTAX],
    ["with an unknown version", { Version: "2013-01-01", Statement: good }, SYNTAX],
    ["without a statement", { Version: VERSION }, SYNTAX],
    ["with no statements", document([]), SYNTAX],
    ["with Action and NotAction", document({ ...good, NotAction: "x:y" }), SYNTAX],
    ["with Resource and NotResource", document({ ...good, NotResource: "*" }), SYNTAX],
    ["without an Effect", document({ Action: "*", Resource: "*" }), SYNTAX],
    ["with an Effect that is none", document({ ...good, Effect: "Permit" }), SYNTAX],
    ["with a number as action", withAction(7), SYNTAX],
    ["with an unknown operator", document({ ...good, Condition: { Same: { "aws:x": "y" } } }), SYNTAX],
    ["with a Sid that is no text", document({ ...good, Sid: 1 }), SYNTAX],
    ["without a version", { Statement: good }, "Policy document must be version 2012-10-17 or greater."],
    ["of 2008", { Version: "2008-10-17", Statement: good }, "Policy document must be version 2012-10-17 or greater."],
    ["with an Effect in the wrong case", document({ ...good, Effect: "allow" }), "The policy failed legacy parsing"],
    [
      "with a date that is none",
      document({ ...good, Condition: { DateLessThan: { "aws:CurrentTime": "soon" } } }),
      "The policy failed legacy parsing",
    ],
    ["with an ARN that is too short", withResource("arn:aws:s3::bucket"), "The policy failed legacy parsing"],
    [
      "with a Sid twice",
      document([
        { ...good, Sid: "A" },
        { ...good, Sid: "A" },
      ]),
      "Statement IDs (SID) in a single policy must be unique.",
    ],
    ["without actions", document({ Effect: "Allow", Resource: "*" }), "Policy statement must contain actions."],
    ["with an empty list of actions", withAction([]), "Policy statement must contain actions."],
    ["with a resource that is no ARN", withResource("bucket"), 'Resource bucket must be in ARN format or "*".'],
    [
      "with an unknown partition",
      withResource("arn:a:s3:::b"),
      'Partition "a" is not valid for resource "arn:a:s3:::b".',
    ],
    [
      "with an unknown partition and nothing else",
      withResource("arn:a"),
      'Partition "a" is not valid for resource "arn:a:*:*:*:*".',
    ],
    [
      "with a wildcard for a service",
      withResource("arn:aws:*:us-east-1:1:x"),
      "Resource vendor must be fully qualified and cannot contain regexes.",
    ],
    [
      "with a region in an IAM ARN",
      withResource("arn:aws:iam:us-east-1:1:role/x"),
      "IAM resource arn:aws:iam:us-east-1:1:role/x cannot contain region information.",
    ],
    [
      "with a region in an S3 ARN",
      withResource("arn:aws:s3:us-east-1::b"),
      "Resource arn:aws:s3:us-east-1::b can not contain region information.",
    ],
    ["with an IAM path that is none", withResource("arn:aws:iam::1:thing/x"), IAM_PATHS],
    [
      "with an action without a service",
      withAction("GetParameters"),
      "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    ],
    ["with an action with two colons", withAction("ssm:Get:x"), "Actions/Condition can contain only one colon."],
    ["with a service that cannot be one", withAction("s m:Get"), "Vendor s m is not valid"],
    ["without resources", document({ Effect: "Allow", Action: "ssm:*" }), "Policy statement must contain resources."],
    ["with a principal", document({ ...good, Principal: "*" }), "Policy document should not specify a principal."],
  ])("%s", (_name, policy, message) => expect(verdict(policy)).toBe(message));
});

describe("a trust policy", () => {
  const trust = { Effect: "Allow", Principal: { Service: "codebuild.amazonaws.com" }, Action: "sts:AssumeRole" };
  it.each<[string, unknown, string]>([
    ["is accepted for a service", document(trust), "valid"],
    ["is accepted without a version", { Statement: trust }, "valid"],
    ["is accepted for an account", document({ ...trust, Principal: { AWS: "111122223333" } }), "valid"],
    ["is accepted with TagSession", document({ ...trust, Action: ["sts:AssumeRole", "sts:TagSession"] }), "valid"],
    ["is refused when it is not JSON", "not json", "This policy contains invalid Json"],
    ["is refused with a resource", document({ ...trust, Resource: "*" }), "Has prohibited field Resource"],
    [
      "is refused without a principal",
      document({ Effect: "Allow", Action: "sts:AssumeRole" }),
      "Missing required field Principal",
    ],
    [
      "is refused with another service's action",
      document({ ...trust, Action: "ssm:GetParameter" }),
      "AssumeRole policy may only specify STS AssumeRole actions.",
    ],
    [
      "is refused for a principal that is none",
      document({ ...trust, Principal: { AWS: "bob" } }),
      'Invalid principal in policy: "AWS":"bob"',
    ],
    [
      "is refused for a service that is none",
      document({ ...trust, Principal: { Service: "codebuild" } }),
      'Invalid principal in policy: "SERVICE":"codebuild"',
    ],
    [
      "is refused for a wildcard in a role",
      document({ ...trust, Principal: { AWS: "arn:aws:iam::111122223333:role/*" } }),
      'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:role/*"',
    ],
  ])("%s", (_name, policy, message) => expect(verdict(policy, "trust")).toBe(message));
});

describe("a key policy", () => {
  it("needs a principal in each statement", () => {
    const text = "Policy contains a statement with one or more invalid principals.";
    expect(verdict(document(good), "key")).toBe(text);
    expect(verdict(document({ ...good, Principal: { AWS: "bob" } }), "key")).toBe(text);
    expect(verdict(document({ ...good, Principal: { AWS: "arn:aws:iam::111122223333:root" } }), "key")).toBe("valid");
  });
});

it("white space does not count towards the size", () => {
  expect(policySize('{ "a":\n\t"b" }')).toBe('{"a":"b"}'.length);
});

describe("a resource policy", () => {
  it("needs principals that can be principals", () => {
    expect(verdict(document(good), "resource")).toBe("Missing required field Principal");
    expect(verdict(document({ ...good, Principal: {} }), "resource")).toBe(
      "Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: The passed in policy has a statement with no principals!",
    );
    expect(verdict(document({ ...good, Principal: "me" }), "resource")).toBe(
      'Invalid principal in policy: "STATIC":"me"',
    );
    expect(verdict(document({ ...good, Principal: { Nobody: "x" } }), "resource")).toBe("Syntax errors in policy.");
    expect(verdict(document({ ...good, NotPrincipal: { AWS: "*" } }), "resource")).toBe("valid");
  });
});
