/**
 * What must be allowed to use a key: the action on the key's ARN (also when it was named by alias), with the key policy
 * as the mandatory resource policy, the grants to the caller and KMS's condition keys. `kms:ViaService` comes from the dispatcher.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
 */
import type { AuthorizationRequest, RequestContext } from "../../authorize/decision.ts";
import type { PolicyDocument } from "../../core/aws.ts";
import type { OperationContext } from "../service.ts";
import type { AbsentKey, FoundKey } from "./find-key.ts";
import { grantsFor } from "./grants/grant-records.ts";
import { specOf, usageOf } from "./key-specs.ts";
import { isReplica } from "./multi-region/multi-region-records.ts";
import { type KeyRecord, keyArn } from "./records.ts";

export type EncryptionContext = Readonly<Record<string, string>>;

const REFUSED =
  "because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based " +
  "policy explicitly denies access";
/** AWS: in place of the ARN when the key was not named by the caller. */
const OF_CIPHERTEXT = "on the resource associated with this ciphertext";
const NOBODY = { Version: "2012-10-17", Statement: [] };

/** One action on one key. */
export function keyAccess(
  context: OperationContext,
  action: string,
  sought: FoundKey | AbsentKey,
  conditionKeys: RequestContext = {},
): AuthorizationRequest {
  if ("absentArn" in sought) return absentKeyAccess(context, action, sought, conditionKeys);
  const { key, requestAlias } = sought;
  const arn = keyArn(key);
  const values: Record<string, string | readonly string[]> = {
    ...conditionKeys,
    ...callerAccount(context),
    ...kindOf(key),
  };
  if (key.aliasNames.length > 0) values["kms:ResourceAliases"] = key.aliasNames;
  if (requestAlias !== undefined) values["kms:RequestAlias"] = requestAlias;
  for (const [tagKey, tagValue] of Object.entries(key.tags)) values[`aws:ResourceTag/${tagKey}`] = tagValue;
  const grants = grantsFor(context.store, key, context.principal);
  return {
    action,
    resource: arn,
    context: values,
    ...(grants.length > 0 && { grants }),
    resourcePolicy: {
      name: `key policy of ${arn}`,
      document: effective(key.policy),
      accountId: key.accountId,
      mandatory: true,
    },
    // AWS: callers of other accounts learn nothing about the key.
    ...(key.accountId !== context.principal.accountId && { hiddenText: `on this resource ${REFUSED}` }),
  };
}

/** AWS: a statement without Action or without Resource may stand in a key policy and has no effect. */
function effective(policy: PolicyDocument): PolicyDocument {
  const statements = [policy["Statement"]].flat() as readonly object[];
  const isWhole = (statement: object): boolean =>
    ("Action" in statement || "NotAction" in statement) && ("Resource" in statement || "NotResource" in statement);
  return statements.every(isWhole) ? policy : { ...policy, Statement: statements.filter(isWhole) };
}

/** One action on the key that encrypted a ciphertext, which the caller did not name. */
export const ciphertextKeyAccess = (
  context: OperationContext,
  action: string,
  sought: FoundKey | AbsentKey,
  conditionKeys: RequestContext,
): AuthorizationRequest => ({
  ...keyAccess(context, action, sought, conditionKeys),
  resourceText: OF_CIPHERTEXT,
  hiddenText: `${OF_CIPHERTEXT} ${REFUSED}`,
});

/** Refused, whatever the caller's policies say. */
const absentKeyAccess = (
  context: OperationContext,
  action: string,
  { absentArn, accountId }: AbsentKey,
  conditionKeys: RequestContext,
): AuthorizationRequest => ({
  action,
  resource: absentArn,
  context: { ...conditionKeys, ...callerAccount(context) },
  resourcePolicy: { name: `key policy of ${absentArn} (no such key)`, document: NOBODY, accountId, mandatory: true },
  hiddenText: `on this resource ${REFUSED}`,
});

/** Condition keys of what a key is or is to be. */
export const kindConditions = (kind: {
  readonly spec: string;
  readonly usage: string;
  readonly origin: string;
  /** Undefined for single-Region keys. */
  readonly multiRegionType: "PRIMARY" | "REPLICA" | undefined;
}): RequestContext => ({
  "kms:KeySpec": kind.spec,
  "kms:KeyUsage": kind.usage,
  // AWS: the old names of the two still count.
  "kms:CustomerMasterKeySpec": kind.spec,
  "kms:CustomerMasterKeyUsage": kind.usage,
  "kms:KeyOrigin": kind.origin,
  "kms:MultiRegion": String(kind.multiRegionType !== undefined),
  ...(kind.multiRegionType && { "kms:MultiRegionKeyType": kind.multiRegionType }),
});

const kindOf = (key: KeyRecord): RequestContext =>
  kindConditions({
    spec: specOf(key),
    usage: usageOf(key),
    origin: key.origin ?? "AWS_KMS",
    multiRegionType: key.multiRegion && (isReplica(key) ? "REPLICA" : "PRIMARY"),
  });

/** AWS: absent, not `false`, when the request does not say. */
export const bypassCondition = (isBypassed: boolean | undefined): RequestContext =>
  isBypassed === undefined ? {} : { "kms:BypassPolicyLockoutSafetyCheck": String(isBypassed) };

/** For what happens to keys; operations on none do not have it. */
export const callerAccount = (context: OperationContext): RequestContext => ({
  "kms:CallerAccount": context.principal.accountId,
});

/** Condition keys of an operation that encrypts or decrypts. */
export function encryptionConditions(
  encryptionContext: EncryptionContext | undefined,
  algorithm = "SYMMETRIC_DEFAULT",
): RequestContext {
  return { "kms:EncryptionAlgorithm": algorithm, ...contextConditions(encryptionContext ?? {}) };
}

/** Condition keys of an encryption context. */
export function contextConditions(encryptionContext: EncryptionContext): RequestContext {
  const values: Record<string, string | readonly string[]> = {};
  const names = Object.keys(encryptionContext);
  if (names.length > 0) values["kms:EncryptionContextKeys"] = names;
  for (const name of names) values[`kms:EncryptionContext:${name}`] = encryptionContext[name] ?? "";
  return values;
}

/** Condition keys of the tags in a request. */
export function requestTagConditions(
  tags: readonly { readonly TagKey: string; readonly TagValue: string }[] = [],
): RequestContext {
  if (tags.length === 0) return {};
  const values: Record<string, string | readonly string[]> = { "aws:TagKeys": tags.map((tag) => tag.TagKey) };
  for (const tag of tags) values[`aws:RequestTag/${tag.TagKey}`] = tag.TagValue;
  return values;
}
