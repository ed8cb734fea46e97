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

const when = (condition: object, resource = "*") => ({ ...allow("*", resource), Condition: condition });
async function simulate(document: object | string, input: object = {}): Promise<Answer> {
  const text = typeof document === "string" ? document : documentText(document);
  const request = { PolicyInputList: [text], ActionNames: ["s3:GetObject"], ...input };
  return (await at.iam("SimulateCustomPolicy", request))["EvaluationResults"][0];
}

const decisionOf = async (document: object | string, ...ContextEntries: object[]) =>
  (await simulate(document, { ContextEntries }))["EvalDecision"];

describe("context entries", () => {
  it("are read by name without regard to case", async () => {
    const document = when({ StringEquals: { "aws:ResourceTag/Team": "red" } });
    expect(await simulate(document)).toMatchObject({
      EvalDecision: "implicitDeny",
      MissingContextValues: ["aws:ResourceTag/Team"],
    });
    const ContextEntries = [contextEntry("AWS:resourcetag/team", "string", "red")];
    expect(await simulate(document, { ContextEntries })).toMatchObject({
      EvalDecision: "allowed",
      MissingContextValues: [],
    });
  });

  it.each([
    ["numeric", { NumericLessThan: { k: "10" } }, "9.5"],
    ["boolean", { Bool: { k: "true" } }, "True"],
    ["ip", { IpAddress: { k: "10.0.0.0/8" } }, "10.1.2.3"],
    ["date", { DateLessThan: { k: "2030-01-01T00:00:00Z" } }, "2026-01-01T00:00:00Z"],
    ["binary", { BinaryEquals: { k: "QUJD" } }, "QUJD"],
    ["string", { StringLike: { k: "a*" } }, "abc"],
  ])("of type %s", async (type, condition, value) => {
    const text = JSON.stringify(condition).replace('"k"', '"aws:Key"');
    const document = when(JSON.parse(text));
    expect(await decisionOf(document, contextEntry("aws:Key", type, value))).toBe("allowed");
    expect(await decisionOf(document, contextEntry("aws:Key", type, "?"))).toBe("implicitDeny");
  });

  it("with several values are lists, whatever their type", async () => {
    const all = when({ "ForAllValues:StringEquals": { "aws:TagKeys": ["a", "b"] } });
    for (const type of ["stringList", "string", undefined]) {
      expect(await decisionOf(all, contextEntry("aws:TagKeys", type, "a", "b"))).toBe("allowed");
      expect(await decisionOf(all, contextEntry("aws:TagKeys", type, "a", "c"))).toBe("implicitDeny");
    }
    const any = when({ "ForAnyValue:StringEquals": { "aws:TagKeys": "a" } });
    expect(await decisionOf(any, contextEntry("aws:TagKeys", "stringList", "a"))).toBe("allowed");
    expect(await decisionOf(any, contextEntry("aws:TagKeys", "stringList"))).toBe("implicitDeny");
  });

  it("may name a key once", async () => {
    const ContextEntries = [contextEntry("aws:Key", "string", "a"), contextEntry("AWS:KEY", "string", "b")];
    expect(await failureOf(simulate(allow("*"), { ContextEntries }))).toBe(
      "InvalidInput: the context key `AWS:KEY` is given more than once",
    );
  });
});

describe("what is known of the caller", () => {
  const home = "arn:aws:s3:::home/${aws:username}/*";
  const ResourceArns = ["arn:aws:s3:::home/ada/x"];

  it("is nothing when nobody is named", async () => {
    const document = when({ StringLike: { "aws:PrincipalArn": "*", "aws:userid": "*" } }, home);
    const result = await simulate(document, { ResourceArns });
    const missing = { MissingContextValues: ["aws:PrincipalArn", "aws:userid", "aws:username"] };
    expect(result).toMatchObject({ EvalDecision: "implicitDeny", ...missing });
    expect(result["ResourceSpecificResults"][0]).toMatchObject(missing);
    const absent = when({ Null: { "aws:RequestedRegion": "true", "aws:CurrentTime": "true" } });
    expect(await simulate(absent)).toMatchObject({ EvalDecision: "allowed" });
  });

  it("follows from the user that is named, who need not exist", async () => {
    const CallerArn = `arn:aws:iam::${accountId}:user/people/ada`;
    expect(await simulate(allow("*", home), { ResourceArns, CallerArn })).toMatchObject({
      EvalDecision: "allowed",
      MissingContextValues: [],
    });
    const condition = { StringEquals: { "aws:PrincipalArn": CallerArn, "aws:PrincipalAccount": accountId } };
    expect(await simulate(when(condition), { CallerArn })).toMatchObject({ EvalDecision: "allowed" });
  });

  it("can be said otherwise by an entry", async () => {
    const CallerArn = `arn:aws:iam::${accountId}:user/bob`;
    const ContextEntries = [contextEntry("aws:UserName", "string", "ada")];
    const result = await simulate(allow("*", home), { ResourceArns, CallerArn, ContextEntries });
    expect(result).toMatchObject({ EvalDecision: "allowed" });
  });

  it("is not a user name for a role", async () => {
    const CallerArn = `arn:aws:iam::${accountId}:role/R`;
    expect(await simulate(allow("*", home), { ResourceArns, CallerArn })).toMatchObject({
      EvalDecision: "implicitDeny",
      MissingContextValues: ["aws:username"],
    });
  });
});

it("lists the keys of statements about other actions too, as AWS does", async () => {
  const PolicyInputList = [
    documentText(
      { ...allow("s3:ListBucket"), Condition: { StringLike: { "aws:PrincipalTag/service": "s3" } } },
      allow("s3:GetObject", "arn:aws:s3:::example/${aws:username}"),
    ),
  ];
  const input = { PolicyInputList, ActionNames: ["s3:ListBucket"] };
  const { EvaluationResults } = await at.iam("SimulateCustomPolicy", input);
  expect(EvaluationResults[0].MissingContextValues).toEqual(["aws:PrincipalTag/service", "aws:username"]);
});

it("reads documents of 2008 as such: `${` is text", async () => {
  const statement = allow("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*");
  const old = JSON.stringify({ Version: "2008-10-17", Statement: [statement] });
  const none = JSON.stringify({ Statement: statement });
  const input = {
    ResourceArns: ["arn:aws:s3:::home/ada/x", "arn:aws:s3:::home/${aws:username}/x"],
    CallerArn: `arn:aws:iam::${accountId}:user/ada`,
  };
  for (const text of [old, none]) {
    const { ResourceSpecificResults: parts } = await simulate(text, input);
    expect(parts.map((part: Answer) => part["EvalResourceDecision"])).toEqual(["implicitDeny", "allowed"]);
  }
});

describe("GetContextKeysForCustomPolicy", () => {
  it("lists each key and variable once, sorted", async () => {
    const PolicyInputList = [
      documentText({
        ...allow("s3:*", "arn:aws:s3:::b/${aws:username}/*"),
        Condition: { Bool: { "aws:SecureTransport": "true" } },
      }),
      documentText({ ...allow("s3:*"), Condition: { Bool: { "aws:securetransport": "true" } } }),
    ];
    expect(await at.iam("GetContextKeysForCustomPolicy", { PolicyInputList })).toEqual({
      ContextKeyNames: ["aws:SecureTransport", "aws:username"],
    });
    expect(await failureOf(at.iam("GetContextKeysForCustomPolicy", { PolicyInputList: ["[]"] }))).toBe(
      "InvalidInput: Syntax errors in policy.",
    );
  });
});

describe("input that AWS refuses", () => {
  const given = (input: object) => failureOf(simulate(allow("*"), input));
  it.each([
    [{ ActionNames: ["s3:Get*"] }, "Invalid Action Name: s3:Get*"],
    [{ ActionNames: ["GetObject"] }, "Invalid Action Name: GetObject"],
    [{ ResourceArns: ["bucket"] }, "Invalid Resource Arn: bucket"],
    [{ ResourceOwner: "somebody" }, "Invalid Resource Owner: somebody"],
    [
      { CallerArn: `arn:aws:sts::${accountId}:assumed-role/R/s` },
      `Invalid Entity Arn: arn:aws:sts::${accountId}:assumed-role/R/s does not clearly define entity type and name.`,
    ],
    [
      { CallerArn: `arn:aws:iam::${accountId}:root` },
      `Invalid Entity Arn: arn:aws:iam::${accountId}:root does not clearly define entity type and name.`,
    ],
    [{ PolicyInputList: ["{}"] }, "Syntax errors in policy."],
    [
      { ResourcePolicy: documentText(allow("*")), CallerArn: `arn:aws:iam::${accountId}:user/a` },
      "Missing required field Principal",
    ],
    [
      { ResourcePolicy: documentText({ ...allow("*"), Principal: "*" }) },
      "CallerArn is needed with ResourcePolicy, for the policy's Principal elements",
    ],
    [
      {
        ResourcePolicy: documentText({ ...allow("*"), Principal: "*" }),
        CallerArn: `arn:aws:iam::${accountId}:group/g`,
      },
      "Invalid caller - Caller must be an IAM user in this context.",
    ],
    [{ ResourceHandlingOption: "EC2-VPC-EBS" }, "ResourceHandlingOption is for EC2, which Kiln does not have"],
  ])("%j", async (input, text) => {
    expect(await given(input)).toBe(`InvalidInput: ${text}`);
  });

  it("but not names of actions that do not exist", async () => {
    const result = await simulate(allow("*"), { ActionNames: ["s3api:list-buckets"] });
    expect(result).toMatchObject({ EvalActionName: "s3api:list-buckets", EvalDecision: "allowed" });
  });
});
