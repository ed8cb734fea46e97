/** CreateKey: a key of any kind with fresh material. */
import type { AuthorizationRequest } from "../../../authorize/decision.ts";
import { arnIn } from "../../../core/arn.ts";
import { operation } from "../../service.ts";
import { purgeDeletedKeys } from "../erase-key.ts";
import { specNotInRegion, tagFailure, unsupported, validationFailure } from "../errors.ts";
import { bypassCondition, callerAccount, kindConditions, requestTagConditions } from "../key-access.ts";
import { factsOf, type KeySpec, type KeyUsage } from "../key-specs.ts";
import { newSecret } from "../material/key-material.ts";
import { keysIn, recordKeyOf } from "../records.ts";
import type { CreateKeyRequest, CreateKeyResponse } from "../shapes.gen.ts";
import { keyMetadata } from "./key-metadata.ts";
import { newKeyPolicy, policyErrors, requireChangeable } from "./key-policy.ts";
import { type NewKey, newKey } from "./new-key.ts";
import { tagsWith } from "./tags.ts";

export const createKey = operation<CreateKeyRequest, CreateKeyResponse>({
  name: "CreateKey",
  support: "partial",
  gaps: [
    "KeySpec SM2 and ML_DSA_* are refused by name",
    "no custom key stores: Origin AWS_CLOUDHSM and EXTERNAL_KEY_STORE are refused by name",
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
          ...kind(input),
          origin: input.Origin ?? "AWS_KMS",
          multiRegionType: input.MultiRegion ? "PRIMARY" : undefined,
        }),
        ...bypassCondition(input.BypassPolicyLockoutSafetyCheck),
      },
    };
    if (!input.Tags?.length) return [create];
    // AWS: tagging is refused first, and without a resource: the key has no id yet.
    const resource = arnIn(context.scope, "kms", "key/*");
    return [{ action: "kms:TagResource", resource, resourceText: "", context: conditions }, create];
  },
  errors: [unsupported, specNotInRegion, validationFailure, ...policyErrors, tagFailure],
  async run(input, context) {
    const { spec, usage } = requireOfferedKind(input, context.scope.partition);
    const tags = tagsWith({}, input.Tags ?? []);
    const policy = newKeyPolicy(context, input.Policy);
    const isSymmetric = spec === "SYMMETRIC_DEFAULT";
    const isExternal = input.Origin === "EXTERNAL";
    const facts: NewKey = {
      description: input.Description ?? "",
      manager: "CUSTOMER",
      policy,
      tags,
      aliasNames: [],
      // What is absent from a record is a symmetric encryption key with material of KMS.
      ...(!isSymmetric && { spec, usage }),
      ...(isExternal && { origin: "EXTERNAL" }),
      isMultiRegion: input.MultiRegion ?? false,
    };
    const secret = isSymmetric || isExternal ? undefined : await newSecret(context, spec);
    const key = newKey(context, context.scope, facts, secret);
    // AWS: the default policy leaves it to the account's policies, and is not checked.
    if (input.Policy !== undefined && !input.BypassPolicyLockoutSafetyCheck) requireChangeable(context, key);
    await context.store.write(() => {
      purgeDeletedKeys(context);
      keysIn(context.store).put(recordKeyOf(key), key);
    });
    return { KeyMetadata: keyMetadata(key) };
  },
});

// AWS: CustomerMasterKeySpec is the old name of KeySpec and still read.
const kind = (input: CreateKeyRequest): { readonly spec: KeySpec; readonly usage: KeyUsage } => ({
  spec: input.KeySpec ?? input.CustomerMasterKeySpec ?? "SYMMETRIC_DEFAULT",
  usage: input.KeyUsage ?? "ENCRYPT_DECRYPT",
});

/** The kind of key that is asked for, or why there is none. */
function requireOfferedKind(input: CreateKeyRequest, partition: string): ReturnType<typeof kind> {
  const asked = kind(input);
  const { spec, usage } = asked;
  if (input.KeySpec !== undefined && input.CustomerMasterKeySpec !== undefined) {
    throw validationFailure(
      "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.",
    );
  }
  if (spec !== "SYMMETRIC_DEFAULT" && input.KeyUsage === undefined) {
    throw validationFailure("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.");
  }
  const facts = factsOf(spec);
  // AWS: SM2 is for Regions in China.
  if (spec === "SM2" && partition !== "aws-cn") throw specNotInRegion(spec);
  if (!facts) throw unsupported(`KeySpec \`${spec}\``);
  if (!facts.algorithms[usage]) {
    throw validationFailure(`KeyUsage ${usage} is not compatible with KeySpec ${spec}`);
  }
  if (input.Origin === "AWS_CLOUDHSM" || input.Origin === "EXTERNAL_KEY_STORE") {
    throw unsupported(`Origin \`${input.Origin}\` (custom key stores)`);
  }
  if (input.CustomKeyStoreId !== undefined || input.XksKeyId !== undefined) throw unsupported("custom key stores");
  return asked;
}
