/** CreateKey: a symmetric encryption key with fresh material. */
import type { AuthorizationRequest } from "../../authorize/decision.ts";
import { arnIn, globalArnIn } from "../../core/arn.ts";
import { operation } from "../service.ts";
import { lockedOut, malformedPolicy, tagFailure, unsupported, validationFailure } from "./errors.ts";
import { bypassCondition, callerAccount, kindConditions, requestTagConditions } from "./key-access.ts";
import { purgeDeletedKeys } from "./key-deletion.ts";
import { keyMetadata } from "./key-metadata.ts";
import { parseKeyPolicy, requireChangeable } from "./key-policy.ts";
import { newKey } from "./new-key.ts";
import { keysIn, recordKeyOf } from "./records.ts";
import type { CreateKeyRequest, CreateKeyResponse } from "./shapes.gen.ts";
import { tagsWith } from "./tags.ts";

export const createKey = operation<CreateKeyRequest, CreateKeyResponse>({
  name: "CreateKey",
  support: "partial",
  gaps: [
    "only KeySpec SYMMETRIC_DEFAULT with KeyUsage ENCRYPT_DECRYPT and Origin AWS_KMS; others are refused by name",
    "no multi-Region keys, no custom key stores",
    "whether a principal that the policy names exists is not checked",
  ],
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html",
  authorize(input, context) {
    const conditions = { ...callerAccount(context), ...requestTagConditions(input.Tags) };
    const create: AuthorizationRequest = {
      action: "kms:CreateKey",
      resource: "*",
      context: {
        ...conditions,
        ...kindConditions({
          spec: specOf(input),
          usage: input.KeyUsage ?? "ENCRYPT_DECRYPT",
          origin: input.Origin ?? "AWS_KMS",
          isMultiRegion: input.MultiRegion ?? false,
        }),
        ...bypassCondition(input.BypassPolicyLockoutSafetyCheck),
      },
    };
    if (!input.Tags?.length) return [create];
    // AWS: tagging is refused first, and without a resource: the key has no id yet.
    const resource = arnIn(context.scope, "kms", "key/*");
    return [{ action: "kms:TagResource", resource, resourceText: "", context: conditions }, create];
  },
  errors: [unsupported, validationFailure, malformedPolicy, lockedOut, tagFailure],
  async run(input, context) {
    refuseOtherKinds(input);
    const tags = tagsWith({}, input.Tags ?? []);
    const policy =
      input.Policy === undefined
        ? defaultKeyPolicy(globalArnIn(context.scope, "iam", "root"))
        : parseKeyPolicy(input.Policy);
    const key = newKey(context, context.scope, {
      description: input.Description ?? "",
      manager: "CUSTOMER",
      policy,
      tags,
      aliasNames: [],
    });
    // AWS: the default policy leaves it to the account's policies, and is not checked.
    if (input.Policy !== undefined && !input.BypassPolicyLockoutSafetyCheck) requireChangeable(context, key);
    await context.store.write(() => {
      purgeDeletedKeys(context);
      keysIn(context.store).put(recordKeyOf(key), key);
    });
    return { KeyMetadata: keyMetadata(key) };
  },
});

/** Hands the decision to IAM: whoever the account's policies allow. */
const defaultKeyPolicy = (rootArn: string) => ({
  Version: "2012-10-17",
  Id: "key-default-1",
  Statement: [
    {
      Sid: "Enable IAM User Permissions",
      Effect: "Allow",
      Principal: { AWS: rootArn },
      Action: "kms:*",
      Resource: "*",
    },
  ],
});

// AWS: CustomerMasterKeySpec is the old name of KeySpec and still read.
const specOf = (input: CreateKeyRequest): string => input.KeySpec ?? input.CustomerMasterKeySpec ?? "SYMMETRIC_DEFAULT";

function refuseOtherKinds(input: CreateKeyRequest): void {
  const spec = specOf(input);
  if (spec !== "SYMMETRIC_DEFAULT" && input.KeyUsage === undefined) {
    throw validationFailure("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.");
  }
  if (spec !== "SYMMETRIC_DEFAULT") throw unsupported(`KeySpec \`${spec}\`, only \`SYMMETRIC_DEFAULT\``);
  if (input.KeyUsage !== undefined && input.KeyUsage !== "ENCRYPT_DECRYPT") {
    throw validationFailure(`KeyUsage ${input.KeyUsage} is not compatible with KeySpec SYMMETRIC_DEFAULT`);
  }
  if (input.Origin !== undefined && input.Origin !== "AWS_KMS") throw unsupported(`Origin \`${input.Origin}\``);
  if (input.CustomKeyStoreId !== undefined || input.XksKeyId !== undefined) throw unsupported("custom key stores");
  if (input.MultiRegion === true) throw unsupported("multi-Region keys");
}
