/** The policy lockout safety check of CreateKey and PutKeyPolicy. */
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  type Answer,
  accountId,
  type IdentityFixture,
  openIdentity,
} from "../../../../test/support/identity-fixture.ts";
import { allow, allowTo, documentText } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";
import type { AwsCaller } from "../../../core/aws.ts";
import { kms } from "../index.ts";

const LOCKED_OUT =
  "MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the future.";
const root = `arn:aws:iam::${accountId}:root`;
const ann = `arn:aws:iam::${accountId}:user/ann`;
const toRoot = { ...allowTo({ AWS: root }, "kms:*"), Resource: "*" };
const toAnn = (action: string) => ({ ...allowTo({ AWS: ann }, action), Resource: "*" });

let at: IdentityFixture;
let owner: AwsCaller;
beforeEach(async () => {
  at = await openIdentity(kms);
  owner = at.as("test");
});
afterEach(() => at.close());

const create = (caller: AwsCaller, ...statements: readonly object[]) =>
  caller.call<Answer>("kms", "CreateKey", { Policy: documentText(...statements) });

it("asks whether the caller could put the policy again, by the new policy", async () => {
  expect(await failureOf(create(owner, toAnn("kms:*")))).toBe(LOCKED_OUT);
  const { KeyMetadata } = await create(owner, toRoot);
  const put = (...statements: readonly object[]) =>
    owner.call("kms", "PutKeyPolicy", { KeyId: KeyMetadata.KeyId, Policy: documentText(...statements) });
  expect(await failureOf(put(toAnn("kms:*")))).toBe(LOCKED_OUT);
  expect(await failureOf(put(toRoot, { ...toRoot, Effect: "Deny", Action: "kms:Put*" }))).toBe(LOCKED_OUT);
  await put(toRoot, toAnn("kms:*"));
  const { Policy } = await owner.call<Answer>("kms", "GetKeyPolicy", { KeyId: KeyMetadata.KeyId });
  expect(JSON.parse(Policy).Statement).toHaveLength(2);
});

it("takes statements without Resource or Action, which have no effect", async () => {
  const { Resource: _, ...everywhere } = toRoot;
  const { Action: _action, ...anything } = toRoot;
  for (const statement of [everywhere, anything]) expect(await failureOf(create(owner, statement))).toBe(LOCKED_OUT);
  const { KeyMetadata } = await create(owner, toRoot, { ...everywhere, Effect: "Deny" });
  const { KeyId } = KeyMetadata;
  const { Policy } = await owner.call<Answer>("kms", "GetKeyPolicy", { KeyId });
  expect(JSON.parse(Policy).Statement).toHaveLength(2);
});

it("asks the caller's own policies where the new policy leaves it to them", async () => {
  const user = await at.user("ann", [allow("kms:CreateKey")]);
  expect(await failureOf(create(user, toRoot))).toBe(LOCKED_OUT);
  expect(await failureOf(create(user, toRoot, toAnn("kms:Encrypt")))).toBe(LOCKED_OUT);
  await create(user, toRoot, toAnn("kms:PutKeyPolicy"));
  const more = { UserName: "ann", PolicyName: "more", PolicyDocument: documentText(allow("kms:PutKeyPolicy")) };
  await at.iam("PutUserPolicy", more);
  await create(user, toRoot);
});

it("is not made for the default policy, nor when the caller bypasses it, and leaves no denial on record", async () => {
  const user = await at.user("ann", [allow("kms:CreateKey")]);
  await user.call("kms", "CreateKey", {});
  const Policy = documentText(toRoot);
  await user.call("kms", "CreateKey", { Policy, BypassPolicyLockoutSafetyCheck: true });
  expect(await failureOf(user.call("kms", "CreateKey", { Policy, BypassPolicyLockoutSafetyCheck: false }))).toBe(
    LOCKED_OUT,
  );
  const actions = at.dispatcher.decisions({}).flatMap((record) => record.decisions.map(({ action }) => action));
  expect(new Set(actions)).toEqual(new Set(["kms:CreateKey"]));
});
