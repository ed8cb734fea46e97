import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Answer,
  type IdentityFixture,
  accountId as OWNER,
  openIdentity,
} from "../../../test/support/identity-fixture.ts";
import { allow, documentText } from "../../../test/support/policy-documents.ts";
import { failureOf } from "../../../test/support/services-fixture.ts";
import type { AwsCaller } from "../../core/aws.ts";
import { kms } from "./index.ts";

const GUEST = "444455556666";
const Plaintext = Buffer.from("hello");
const HIDDEN =
  "on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a " +
  "resource-based policy explicitly denies access";

let at: IdentityFixture;
let owner: AwsCaller;
let guest: AwsCaller;
beforeEach(async () => {
  at = await openIdentity(kms);
  owner = at.as("test");
  guest = at.as(GUEST);
});
afterEach(() => at.close());

const to = (AWS: string, Action: string | readonly string[]) => ({
  ...{ Effect: "Allow", Principal: { AWS }, Action, Resource: "*" },
});

/** A key of the owner; answers its ARN. */
async function key(...statements: readonly object[]): Promise<string> {
  const Policy = documentText(to(OWNER, "kms:*"), ...statements);
  return (await owner.call<Answer>("kms", "CreateKey", { Policy }))["KeyMetadata"].Arn;
}

async function guestUser(name: string, ...statements: readonly object[]): Promise<AwsCaller> {
  await guest.call("iam", "CreateUser", { UserName: name });
  const PolicyDocument = documentText(...statements);
  await guest.call("iam", "PutUserPolicy", { UserName: name, PolicyName: "p", PolicyDocument });
  const { AccessKey } = await guest.call<Answer>("iam", "CreateAccessKey", { UserName: name });
  return at.as(AccessKey.AccessKeyId);
}

const guestArn = (name: string) => `arn:aws:iam::${GUEST}:user/${name}`;
const encrypt = (caller: AwsCaller, KeyId: string) => caller.call<Answer>("kms", "Encrypt", { KeyId, Plaintext });
const denied = (who: string, action: string, rest: string) =>
  `AccessDeniedException: User: ${who} is not authorized to perform: ${action} ${rest}`;

describe("a key of another account", () => {
  it("is used by ARN or by its alias's ARN when key policy and identity policy allow", async () => {
    const arn = await key(to(GUEST, ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"]));
    await owner.call("kms", "CreateAlias", { AliasName: "alias/shared", TargetKeyId: arn });
    const alias = arn.replace(/key\/.*/, "alias/shared");
    const Condition = { StringEquals: { "kms:CallerAccount": GUEST, "aws:ResourceAccount": OWNER } };
    const ann = await guestUser("ann", { ...allow("kms:*", arn), Condition });
    const { CiphertextBlob, KeyId } = await encrypt(ann, alias);
    expect(KeyId).toBe(arn);
    expect(await ann.call("kms", "Decrypt", { CiphertextBlob })).toMatchObject({ Plaintext });
    expect((await ann.call<Answer>("kms", "DescribeKey", { KeyId: arn }))["KeyMetadata"].AWSAccountId).toBe(OWNER);
    // A bare id or alias is one of the caller's account.
    const id = arn.slice(arn.indexOf("/") + 1);
    expect(await failureOf(encrypt(guest, id))).toBe(
      `NotFoundException: Key '${arn.replace(OWNER, GUEST)}' does not exist`,
    );
    expect(await failureOf(encrypt(guest, "alias/shared"))).toBe(
      `NotFoundException: Alias ${alias.replace(OWNER, GUEST)} is not found.`,
    );
  });

  it("needs the identity policy, also when the key policy names the user", async () => {
    const bob = await guestUser("bob", allow("ssm:*"));
    const arn = await key(to(guestArn("bob"), "kms:Encrypt"));
    expect(await failureOf(encrypt(bob, arn))).toBe(
      denied(
        guestArn("bob"),
        "kms:Encrypt",
        `on resource: ${arn} because no identity-based policy allows the kms:Encrypt action`,
      ),
    );
  });

  it("tells its rotation to callers of other accounts, as far as its policy allows, but rotates for its own only", async () => {
    const arn = await key(to(GUEST, ["kms:GetKeyRotationStatus", "kms:EnableKeyRotation"]));
    expect(await guest.call("kms", "GetKeyRotationStatus", { KeyId: arn })).toEqual({
      KeyId: arn,
      KeyRotationEnabled: false,
    });
    const refused = denied(`arn:aws:iam::${GUEST}:root`, "kms:EnableKeyRotation", HIDDEN);
    expect(await failureOf(guest.call("kms", "EnableKeyRotation", { KeyId: arn }))).toBe(refused);
    const alias = arn.replace(/key\/.*/, "alias/shared");
    expect(await failureOf(guest.call("kms", "GetKeyRotationStatus", { KeyId: alias }))).toBe(
      "InvalidArnException: Key Aliases are not supported for this operation.",
    );
  });

  it("is hidden from callers whom its policy does not name, like one that does not exist", async () => {
    const ann = await guestUser("ann", allow("*"));
    const closed = await key();
    const absent = closed.replace(/key\/.*/, "key/00000000-0000-4000-8000-999999999999");
    for (const arn of [closed, absent, closed.replace(/key\/.*/, "alias/none")]) {
      expect(await failureOf(encrypt(ann, arn))).toBe(denied(guestArn("ann"), "kms:Encrypt", HIDDEN));
    }
    const { CiphertextBlob } = await encrypt(owner, closed);
    expect(await failureOf(ann.call("kms", "Decrypt", { CiphertextBlob }))).toBe(
      denied(
        guestArn("ann"),
        "kms:Decrypt",
        HIDDEN.replace("on this resource", "on the resource associated with this ciphertext"),
      ),
    );
  });

  it("is managed by its own account only, whatever its policy says", async () => {
    const arn = await key(to(GUEST, "kms:*"));
    const root = `arn:aws:iam::${GUEST}:root`;
    const refused = async (operation: string, input: object) =>
      expect(await failureOf(guest.call("kms", operation, input))).toBe(denied(root, `kms:${operation}`, HIDDEN));
    await refused("GetKeyPolicy", { KeyId: arn });
    await refused("PutKeyPolicy", { KeyId: arn, Policy: documentText(to(GUEST, "kms:*")) });
    await refused("ScheduleKeyDeletion", { KeyId: arn });
    await refused("DisableKey", { KeyId: arn });
    await refused("TagResource", { KeyId: arn, Tags: [{ TagKey: "a", TagValue: "b" }] });
    expect(await failureOf(guest.call("kms", "CreateAlias", { AliasName: "alias/mine", TargetKeyId: arn }))).toBe(
      `NotFoundException: Key '${arn}' does not exist`,
    );
    await expect(encrypt(guest, arn)).resolves.toBeDefined();
  });
});
