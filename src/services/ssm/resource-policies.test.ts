import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Answer,
  type IdentityFixture,
  accountId as OWNER,
  openIdentity,
} from "../../../test/support/identity-fixture.ts";
import { allow, documentText, trusting } from "../../../test/support/policy-documents.ts";
import { failureOf } from "../../../test/support/services-fixture.ts";
import type { AwsCaller } from "../../core/aws.ts";
import { kms } from "../kms/index.ts";
import { ssm } from "./index.ts";

const GUEST = "444455556666";
const arn = `arn:aws:ssm:us-east-1:${OWNER}:parameter/app/url`;

let at: IdentityFixture;
let owner: AwsCaller;
let guest: AwsCaller;
beforeEach(async () => {
  at = await openIdentity(ssm, kms);
  owner = at.as("test");
  guest = at.as(GUEST);
});
afterEach(() => at.close());

const put = (more: object = {}) =>
  owner.call("ssm", "PutParameter", { Name: "/app/url", Type: "String", Value: "v1", Tier: "Advanced", ...more });
const sharing = (more: object = {}) =>
  documentText({
    ...{ Effect: "Allow", Principal: { AWS: GUEST }, Resource: arn, ...more },
    Action: ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParameterHistory"],
  });
const share = (Policy = sharing(), more: object = {}) =>
  owner.call<Answer>("ssm", "PutResourcePolicy", { ResourceArn: arn, Policy, ...more });
const read = (caller: AwsCaller, more: object = {}) =>
  caller.call<Answer>("ssm", "GetParameter", { Name: arn, ...more });
const denied = (caller: string, action: string, reason: string) =>
  `AccessDeniedException: User: ${caller} is not authorized to perform: ${action} on resource: ${arn} because no ${reason} allows the ${action} action`;
const guestRoot = `arn:aws:iam::${GUEST}:root`;

/** A role of the guest's account. */
async function guestRole(...statements: readonly object[]): Promise<AwsCaller> {
  const iam = (operation: string, input: object) => guest.call("iam", operation, { RoleName: "R", ...input });
  const trust = trusting({ AWS: GUEST });
  await iam("CreateRole", { AssumeRolePolicyDocument: trust });
  await iam("PutRolePolicy", { PolicyName: "p", PolicyDocument: documentText(...statements) });
  const input = { RoleArn: `arn:aws:iam::${GUEST}:role/R`, RoleSessionName: "session" };
  const { Credentials } = await guest.call<Answer>("sts", "AssumeRole", input);
  return at.as(Credentials.AccessKeyId);
}

describe("a shared parameter", () => {
  it("is read by its ARN, in all three reads", async () => {
    await put();
    await share();
    await put({ Value: "v2", Overwrite: true });
    const Parameter = { Name: "/app/url", Value: "v2", Version: 2, ARN: arn };
    expect(await read(guest)).toMatchObject({ Parameter });
    expect(await read(guest, { Name: `${arn}:1` })).toMatchObject({ Parameter: { Value: "v1", Selector: ":1" } });
    const some = await guest.call<Answer>("ssm", "GetParameters", { Names: [arn, "/app/url"] });
    expect(some).toMatchObject({ Parameters: [Parameter], InvalidParameters: ["/app/url"] });
    const history = await guest.call<Answer>("ssm", "GetParameterHistory", { Name: arn });
    expect(history["Parameters"]).toMatchObject([{ Value: "v1" }, { Value: "v2" }]);
    expect((await guest.call<Answer>("ssm", "DescribeParameters", { Shared: true }))["Parameters"]).toEqual([]);
  });

  it("stays closed without a policy, like one that is not there", async () => {
    const text = denied(guestRoot, "ssm:GetParameter", "resource-based policy");
    expect(await failureOf(read(guest))).toBe(text);
    await put();
    expect(await failureOf(read(guest))).toBe(text);
  });

  it("is for whom the policy names, for what it allows, and needs an identity policy too", async () => {
    await put();
    await share();
    const role = await guestRole(allow(["ssm:GetParameter", "ssm:DeleteParameter"], arn));
    const session = `arn:aws:sts::${GUEST}:assumed-role/R/session`;
    await expect(read(role)).resolves.toBeDefined();
    expect(await failureOf(role.call("ssm", "GetParameters", { Names: [arn] }))).toBe(
      denied(session, "ssm:GetParameters", "identity-based policy"),
    );
    expect(await failureOf(role.call("ssm", "DeleteParameter", { Name: arn }))).toBe(
      denied(session, "ssm:DeleteParameter", "resource-based policy"),
    );
    expect(await failureOf(read(at.as("777788889999")))).toBe(
      denied("arn:aws:iam::777788889999:root", "ssm:GetParameter", "resource-based policy"),
    );
  });

  it("tells its account and tags to conditions", async () => {
    await put({ Tags: [{ Key: "team", Value: "red" }] });
    await share(sharing({ Condition: { StringEquals: { "aws:ResourceTag/team": "red" } } }));
    const inOwner = { StringEquals: { "aws:ResourceAccount": OWNER, "aws:PrincipalAccount": GUEST } };
    await expect(read(await guestRole({ ...allow("ssm:*"), Condition: inOwner }))).resolves.toBeDefined();
  });

  it("counts in the owner's account as well", async () => {
    await put();
    const ann = await at.user("ann");
    expect(await failureOf(read(ann))).toContain("no identity-based policy");
    await share(sharing({ Principal: { AWS: `arn:aws:iam::${OWNER}:user/ann` } }));
    await expect(read(ann)).resolves.toBeDefined();
  });

  it("is decrypted only under a key that is shared too", async () => {
    const secure = { Type: "SecureString", WithDecryption: true };
    await put(secure);
    await share();
    expect((await read(guest))["Parameter"].Value).toMatch(/^.{50,}$/);
    const underDefault = await failureOf(read(guest, { WithDecryption: true }));
    expect(underDefault).toContain(
      `AccessDeniedException: User: ${guestRoot} is not authorized to perform: kms:Decrypt`,
    );
    expect(underDefault).toContain("(Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException;");
    const delegate = (account: string, Action: string) => ({
      ...{ Effect: "Allow", Principal: { AWS: account }, Action, Resource: "*" },
    });
    const Policy = documentText(delegate(OWNER, "kms:*"), {
      ...delegate(GUEST, "kms:Decrypt"),
      Condition: {
        StringEquals: { "kms:EncryptionContext:PARAMETER_ARN": arn, "kms:ViaService": "ssm.us-east-1.amazonaws.com" },
      },
    });
    const { KeyMetadata } = await owner.call<Answer>("kms", "CreateKey", { Policy });
    await put({ ...secure, KeyId: KeyMetadata.KeyId, Value: "s3cret", Overwrite: true });
    expect(await read(guest, { WithDecryption: true })).toMatchObject({ Parameter: { Value: "s3cret" } });
  });
});

describe("PutResourcePolicy", () => {
  it("makes, changes and deletes what GetResourcePolicies shows", async () => {
    await put();
    const first = await share();
    expect(first).toEqual({ PolicyId: expect.any(String), PolicyHash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const changed = sharing({ Principal: "*" });
    const second = await share(changed, first);
    expect(second["PolicyId"]).toBe(first["PolicyId"]);
    expect(await owner.call("ssm", "GetResourcePolicies", { ResourceArn: arn })).toEqual({
      Policies: [{ ...second, Policy: changed }],
    });
    expect(await failureOf(owner.call("ssm", "DeleteResourcePolicy", { ResourceArn: arn, ...first }))).toBe(
      "ResourcePolicyConflictException: The hash provided in the call doesn't match the stored hash.",
    );
    await owner.call("ssm", "DeleteResourcePolicy", { ResourceArn: arn, ...second });
    expect(await owner.call("ssm", "GetResourcePolicies", { ResourceArn: arn })).toEqual({ Policies: [] });
  });

  it("goes with the parameter", async () => {
    await put();
    await share();
    await owner.call("ssm", "DeleteParameter", { Name: "/app/url" });
    await put();
    expect(await failureOf(read(guest))).toContain("no resource-based policy");
  });

  it("refuses", async () => {
    const notFound = `ResourceNotFoundException: The specified parameter to be shared could not be found: ${arn}`;
    expect(await failureOf(share())).toBe(notFound);
    await owner.call("ssm", "PutParameter", { Name: "/app/url", Type: "String", Value: "v1" });
    expect(await failureOf(share())).toBe(
      "ResourcePolicyInvalidParameterException: To share a parameter, it must be in the advanced parameter tier.",
    );
    await put({ Overwrite: true });
    expect(await failureOf(share("{}"))).toBe(
      "MalformedResourcePolicyDocumentException: The specified policy document is malformed or invalid: Syntax errors in policy.",
    );
    expect(await failureOf(share(sharing({ Sid: "x".repeat(1_024) })))).toBe(
      "ResourcePolicyLimitExceededException: A policy can't be greater than 1024 bytes in size.",
    );
    const made = await share();
    expect(await failureOf(share())).toBe(
      "ResourcePolicyLimitExceededException: Only 1 policy can be attached to a parameter. To change it, specify its PolicyId and PolicyHash.",
    );
    expect(await failureOf(share(sharing(), { PolicyId: "other", PolicyHash: "x" }))).toBe(
      "ResourcePolicyNotFoundException: No policies with the ID other could be found.",
    );
    expect(await failureOf(share(sharing(), { PolicyId: made["PolicyId"] }))).toBe(
      "ResourcePolicyInvalidParameterException: To update a policy, specify its PolicyId and PolicyHash.",
    );
    const ResourceArn = `arn:aws:ssm:us-east-1:${OWNER}:opsitemgroup/default`;
    expect(await failureOf(owner.call("ssm", "GetResourcePolicies", { ResourceArn }))).toBe(
      `ResourcePolicyInvalidParameterException: The resource ARN ${ResourceArn} is not the ARN of a parameter.`,
    );
    await share(documentText({ Effect: "Allow", Principal: { AWS: GUEST }, Action: "ssm:*", Resource: "*" }), made);
    expect(await failureOf(guest.call("ssm", "GetResourcePolicies", { ResourceArn: arn }))).toBe(notFound);
  });
});
