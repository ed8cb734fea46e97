/**
 * What must be allowed to use a key: the action on the key's ARN (also when it was named by alias), with the key policy
 * as the mandatory resource policy and KMS's condition keys. `kms:ViaService` comes from the dispatcher.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
 */
import type { AuthorizationRequest, RequestContext } from "../../authorize/decision.ts";
import type { OperationContext } from "../service.ts";
import type { FoundKey } from "./find-key.ts";
import { keyArn } from "./records.ts";

export type EncryptionContext = Readonly<Record<string, string>>;

/** One action on one key. */
export function keyAccess(
  context: OperationContext,
  action: string,
  { key, requestAlias }: FoundKey,
  conditionKeys: RequestContext = {},
): AuthorizationRequest {
  const arn = keyArn(key);
  const values: Record<string, string | readonly string[]> = {
    ...conditionKeys,
    ...callerAccount(context),
    "kms:KeySpec": "SYMMETRIC_DEFAULT",
    "kms:KeyUsage": "ENCRYPT_DECRYPT",
    "kms:KeyOrigin": "AWS_KMS",
    "kms:MultiRegion": "false",
  };
  if (key.aliasNames.length > 0) values["kms:ResourceAliases"] = key.aliasNames;
  if (requestAlias !== undefined) values["kms:RequestAlias"] = requestAlias;
  for (const [tagKey, tagValue] of Object.entries(key.tags)) values[`aws:ResourceTag/${tagKey}`] = tagValue;
  return {
    action,
    resource: arn,
    context: values,
    resourcePolicy: { name: `key policy of ${arn}`, document: key.policy, accountId: key.accountId, mandatory: true },
  };
}

export const callerAccount = (context: OperationContext): RequestContext => ({
  "kms:CallerAccount": context.principal.accountId,
});

/** Condition keys of an operation that encrypts or decrypts. */
export function encryptionConditions(encryptionContext: EncryptionContext | undefined): RequestContext {
  const values: Record<string, string | readonly string[]> = { "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT" };
  const names = Object.keys(encryptionContext ?? {});
  if (names.length > 0) values["kms:EncryptionContextKeys"] = names;
  for (const name of names) values[`kms:EncryptionContext:${name}`] = encryptionContext?.[name] ?? "";
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
