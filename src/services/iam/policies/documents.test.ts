import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { accountId, type IdentityFixture, openIdentity } from "../../../../test/support/identity-fixture.ts";
import { CODEBUILD_TRUST, trusting } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";
import { policySize } from "../../../authorize/index.ts";
import { encodeDocument } from "./documents.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
  await at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: CODEBUILD_TRUST });
  await at.iam("CreateUser", { UserName: "U" });
  await at.iam("CreateGroup", { GroupName: "G" });
});
afterEach(() => at.close());

/** A document that counts as this many characters, printed with white space that does not count. */
function documentOf(size: number): string {
  const statement = { Effect: "Allow", Action: "ssm:*", Resource: "arn:aws:s3:::" };
  const padded = (text: string) => ({
    Version: "2012-10-17",
    Statement: { ...statement, Resource: `${statement.Resource}${text}` },
  });
  const missing = size - policySize(JSON.stringify(padded("")));
  return JSON.stringify(padded("b".repeat(missing)), null, "\t");
}

function trustOf(size: number): string {
  const trust = (sid: string) => ({
    Version: "2012-10-17",
    Statement: [
      { Sid: sid, Effect: "Allow", Principal: { Service: "codebuild.amazonaws.com" }, Action: "sts:AssumeRole" },
    ],
  });
  return JSON.stringify(trust("s".repeat(size - policySize(JSON.stringify(trust(""))))), null, 2);
}

describe("a document at its limit is taken, one character more is not", () => {
  it.each([
    [
      "a managed policy",
      6_144,
      (document: string) => at.iam("CreatePolicy", { PolicyName: "p", PolicyDocument: document }),
      "Cannot exceed quota for PolicySize: 6144",
    ],
    [
      "a role's inline policies",
      10_240,
      (document: string) => at.iam("PutRolePolicy", { RoleName: "R", PolicyName: "p", PolicyDocument: document }),
      "Maximum policy size of 10240 bytes exceeded for role R",
    ],
    [
      "a user's inline policies",
      2_048,
      (document: string) => at.iam("PutUserPolicy", { UserName: "U", PolicyName: "p", PolicyDocument: document }),
      "Maximum policy size of 2048 bytes exceeded for user U",
    ],
    [
      "a group's inline policies",
      5_120,
      (document: string) => at.iam("PutGroupPolicy", { GroupName: "G", PolicyName: "p", PolicyDocument: document }),
      "Maximum policy size of 5120 bytes exceeded for group G",
    ],
  ] as const)("%s", async (_name, limit, save, text) => {
    expect(await failureOf(save(documentOf(limit + 1)))).toBe(`LimitExceeded: ${text}`);
    await save(documentOf(limit));
  });

  it("a trust policy", async () => {
    const create = (document: string) => at.iam("CreateRole", { RoleName: "T", AssumeRolePolicyDocument: document });
    const text = "LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048";
    expect(await failureOf(create(trustOf(2_049)))).toBe(text);
    await create(trustOf(2_048));
    const update = at.iam("UpdateAssumeRolePolicy", { RoleName: "T", PolicyDocument: trustOf(2_049) });
    expect(await failureOf(update)).toBe(text);
  });

  it("a version of a managed policy", async () => {
    const { Policy } = await at.iam("CreatePolicy", { PolicyName: "p", PolicyDocument: documentOf(200) });
    const version = (size: number) =>
      at.iam("CreatePolicyVersion", { PolicyArn: Policy.Arn, PolicyDocument: documentOf(size) });
    expect(await failureOf(version(6_145))).toBe("LimitExceeded: Cannot exceed quota for PolicySize: 6144");
    await version(6_144);
  });

  it("several inline policies count together, and a replaced one no more", async () => {
    const put = (PolicyName: string, size: number) =>
      at.iam("PutUserPolicy", { UserName: "U", PolicyName, PolicyDocument: documentOf(size) });
    await put("a", 1_024);
    expect(await failureOf(put("b", 1_025))).toBe(
      "LimitExceeded: Maximum policy size of 2048 bytes exceeded for user U",
    );
    await put("b", 1_024);
    await put("b", 500);
    await put("a", 1_548);
  });
});

describe("a document that is wrong is refused before it is measured", () => {
  it.each([
    ["CreatePolicy", { PolicyName: "p" }, "Policy document must be version 2012-10-17 or greater."],
    ["PutRolePolicy", { RoleName: "R", PolicyName: "p" }, undefined],
    ["PutUserPolicy", { UserName: "U", PolicyName: "p" }, undefined],
    ["PutGroupPolicy", { GroupName: "G", PolicyName: "p" }, undefined],
  ])("%s and a document without a Version", async (operation, input, text) => {
    const document = JSON.stringify({ Statement: { Effect: "Allow", Action: "ssm:*", Resource: "*" } });
    const call = at.iam(operation, { ...input, PolicyDocument: document });
    expect(await (text === undefined ? call.then(() => undefined) : failureOf(call))).toBe(
      text && `MalformedPolicyDocument: ${text}`,
    );
  });

  it.each([
    ["a user of the account that does not exist", `arn:aws:iam::${accountId}:user/nobody`],
    ["a role of the account that does not exist", `arn:aws:iam::${accountId}:role/nobody`],
  ])("trust in %s", async (_name, arn) => {
    const create = at.iam("CreateRole", { RoleName: "T", AssumeRolePolicyDocument: trusting({ AWS: arn }) });
    expect(await failureOf(create)).toBe(`MalformedPolicyDocument: Invalid principal in policy: "AWS":"${arn}"`);
  });
});

describe("a document in an answer", () => {
  it("is percent-encoded, the characters of RFC 3986 too", () => {
    expect(encodeDocument(`{"a":"b c*'()!~-_."}`)).toBe("%7B%22a%22%3A%22b%20c%2A%27%28%29%21~-_.%22%7D");
  });

  it("comes back as it was sent, percent signs and white space too", async () => {
    const statement = { Sid: "", Effect: "Allow", Action: "s3:*", Resource: ['arn:aws:s3:::b/a%3Ab/+ü"\\*'] };
    const document = JSON.stringify({ Version: "2012-10-17", Statement: [statement] }, null, "\r\n\t ");
    await at.iam("PutRolePolicy", { RoleName: "R", PolicyName: "p", PolicyDocument: document });
    const { PolicyDocument } = await at.iam("GetRolePolicy", { RoleName: "R", PolicyName: "p" });
    expect(PolicyDocument).toMatch(/^[A-Za-z0-9%~._-]+$/);
    expect(PolicyDocument).toContain("%253A");
    expect(decodeURIComponent(PolicyDocument as string)).toBe(document);
  });
});
