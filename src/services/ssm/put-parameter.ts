/** PutParameter: creates a parameter, or a new version of one. */
import { type OperationContext, operation } from "../service.ts";
import { requestTagKeys } from "../tag-keys.ts";
import {
  dataTypeMismatch,
  hierarchyLevelLimitExceeded,
  hierarchyTypeMismatch,
  invalidAllowedPattern,
  maxVersionLimitExceeded,
  oversizedName,
  parameterAlreadyExists,
  parameterLimitExceeded,
  patternMismatch,
  reservedName,
  tooManyTags,
  validationFailure,
} from "./errors.ts";
import { removeVersions } from "./expiration.ts";
import { findParameter } from "./find-parameter.ts";
import { accessTo } from "./parameter-access.ts";
import { requireWritableName } from "./parameter-name.ts";
import { expirationOf, parsePolicies, policyErrors } from "./parameter-policies.ts";
import { takeRoom } from "./parameter-quota.ts";
import {
  type ParameterRecord,
  type ParameterTier,
  type ParameterType,
  type ParameterVersion,
  parameterKey,
  parametersIn,
  versionKey,
  versionsIn,
} from "./records.ts";
import { DEFAULT_KEY_ID, encryptValue, secureStringErrors } from "./secure-string.ts";
import { defaultTier } from "./service-settings.ts";
import type { PutParameterRequest, PutParameterResult } from "./shapes.gen.ts";
import { tagsWith } from "./tags.ts";
import { requireTier, requireValueLength } from "./tiers.ts";

const MAX_VERSIONS = 100;
const DATA_TYPES = ["text", "aws:ec2:image", "aws:ssm:integration"];

export const putParameter = operation<PutParameterRequest, PutParameterResult>({
  name: "PutParameter",
  support: "partial",
  gaps: [
    "DataType `aws:ec2:image` is stored without asking whether the image exists",
    "policies: expiration deletes; notifications only change their status, there is no EventBridge",
  ],
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html",
  authorize(input, context) {
    const name = input.Name.trim();
    const tags = input.Tags ?? [];
    const ofTags = requestTagKeys(tags);
    const put = accessTo(context, "ssm:PutParameter", name, {
      ...ofTags,
      "ssm:Overwrite": String(input.Overwrite ?? false),
      ...(input.Policies !== undefined && { "ssm:Policies": input.Policies }),
    });
    if (tags.length === 0) return put;
    const tagging = accessTo(context, "ssm:AddTagsToResource", name, ofTags);
    return Promise.all([put, tagging]).then((both) => both.flat());
  },
  errors: [
    validationFailure,
    reservedName,
    oversizedName,
    hierarchyLevelLimitExceeded,
    hierarchyTypeMismatch,
    dataTypeMismatch,
    invalidAllowedPattern,
    patternMismatch,
    parameterAlreadyExists,
    parameterLimitExceeded,
    maxVersionLimitExceeded,
    tooManyTags,
    ...policyErrors,
    ...secureStringErrors,
  ],
  async run(input, context) {
    const name = input.Name.trim();
    requireValueLength(input.Value);
    requireWritableName(context, name);
    if (input.Overwrite && input.Tags && input.Tags.length > 0) {
      throw validationFailure(
        "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove " +
          "overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or " +
          "RemoveTagsFromResource.",
      );
    }
    requireUnnested(input);
    const tags = tagsWith({}, input.Tags ?? []);
    const draft = draftOf(context, input, overwritten(context, input, name));
    if (draft.allowedPattern) await requireMatch(context, draft, draft.allowedPattern);
    // Encrypted before the write lock is taken: KMS is another service and answers when it likes.
    const stored =
      draft.keyId === undefined
        ? { value: draft.value }
        : await encryptValue(context, { name, value: draft.value, keyId: draft.keyId, tier: draft.tier });
    return context.store.write(() => {
      // Looked up again: another caller may have written since.
      const before = overwritten(context, input, name);
      const version: ParameterVersion = { ...draft, ...stored, version: (before?.latest.version ?? 0) + 1 };
      saveVersion(context, name, before, version, tags);
      return { Version: version.version, Tier: version.tier };
    });
  },
});

/**
 * The parameter that this call overwrites; undefined when it makes a new one. AWS: the reference refuses another type;
 * reports of what real calls did differ over time (docs/differences.md).
 */
function overwritten(context: OperationContext, input: PutParameterRequest, name: string): ParameterRecord | undefined {
  const existing = findParameter(context, context.scope, name);
  if (existing && !input.Overwrite) throw parameterAlreadyExists();
  if (existing && input.Type !== undefined && input.Type !== existing.latest.type) throw hierarchyTypeMismatch();
  return existing;
}

/** The new version with its plain value and without a number: what the request leaves out stays, except for the key. */
function draftOf(
  context: OperationContext,
  input: PutParameterRequest,
  existing: ParameterRecord | undefined,
): Omit<ParameterVersion, "version"> {
  const before = existing?.latest;
  const type: ParameterType | undefined = input.Type ?? before?.type;
  if (type === undefined) throw validationFailure("A parameter type is required when you create a parameter.");
  const dataType = dataTypeOf(input, before, type);
  if (type !== "SecureString" && input.KeyId !== undefined) {
    throw validationFailure("KeyId is required for SecureString type parameter only.");
  }
  const allowedPattern = input.AllowedPattern ?? before?.allowedPattern;
  const policies = input.Policies === undefined ? before?.policies : parsePolicies(input.Policies);
  const hasPolicies = policies !== undefined && policies.length > 0;
  const tier: ParameterTier = requireTier({
    requested: input.Tier,
    current: before?.tier,
    accountDefault: defaultTier(context),
    value: input.Value,
    hasPolicies,
    hasRoomFor: (wanted) => takeRoom(context, wanted),
  });
  const description = input.Description ?? before?.description;
  // AWS: the key is no part of what stays: whoever overwrites without naming one gets the default key.
  const keyId = type === "SecureString" ? (input.KeyId ?? DEFAULT_KEY_ID) : undefined;
  return {
    type,
    value: input.Value,
    tier,
    dataType,
    ...(keyId !== undefined && { keyId }),
    ...(description && { description }),
    ...(allowedPattern && { allowedPattern }),
    ...(hasPolicies && { policies }),
    lastModifiedMs: context.clock.nowMs(),
    lastModifiedUser: context.principal.arn,
  };
}

function dataTypeOf(
  input: PutParameterRequest,
  before: ParameterVersion | undefined,
  type: ParameterType,
): ParameterVersion["dataType"] {
  const dataType = input.DataType ?? before?.dataType ?? "text";
  if (!DATA_TYPES.includes(dataType)) {
    throw validationFailure(
      `The following data type is not supported: ${dataType} (Data type names are all lowercase.)`,
    );
  }
  if (before && before.dataType !== dataType) throw dataTypeMismatch(before.dataType, dataType);
  // AWS: there is one image to a parameter, and it is no secret.
  if (dataType === "aws:ec2:image" && type !== "String") {
    throw validationFailure(`The aws:ec2:image data type is not supported for the following input type: ${type}`);
  }
  return dataType;
}

/** AWS: a parameter cannot hold a reference to another one, nor anything else between double braces. */
function requireUnnested({ Value: value, Type: type }: PutParameterRequest): void {
  if (!/\{\{.*\}\}/s.test(value)) return;
  // AWS: the value is told. Here not that of a secret, which would go from the text into logs.
  const isTold = type === "String" || type === "StringList";
  throw validationFailure(
    `${isTold ? `Parameter value: '${value}' failed to satisfy constraint: ` : ""}` +
      'Parameter value can\'t nest another parameter. Do not use "{{}}" in the value.',
  );
}

/**
 * AllowedPattern is a Java regular expression that must match the whole value. AWS: of a StringList each item, without
 * what Java's `split` leaves out, the empty ones at the end.
 */
async function requireMatch(
  context: OperationContext,
  { type, value }: Pick<ParameterVersion, "type" | "value">,
  pattern: string,
): Promise<void> {
  // Loaded with the first pattern: few parameters have one.
  const { createPatternMatcher, patternProblem } = await import("../../core/bounded-pattern.ts");
  if (patternProblem(pattern) !== undefined) throw invalidAllowedPattern(pattern);
  const values = type === "StringList" ? value.replace(/,+$/, "").split(",") : [value];
  if (!createPatternMatcher(context.clock).isAllOfEach(pattern, values)) throw patternMismatch(pattern);
}

/** Stores the version and, past the hundredth, drops the oldest. Only inside `Store.write`. */
function saveVersion(
  context: OperationContext,
  name: string,
  before: ParameterRecord | undefined,
  latest: ParameterVersion,
  tags: Readonly<Record<string, string>>,
): void {
  const { store, scope } = context;
  const parameters = parametersIn(store);
  const versions = versionsIn(store);
  const key = parameterKey(scope, name);
  // What an expired parameter of this name left behind. To look for versions of one that was never there would cost a range.
  if (!before && parameters.has(key)) removeVersions(store, scope, name);
  let oldestVersion = before?.oldestVersion ?? latest.version;
  if (before && latest.version - oldestVersion >= MAX_VERSIONS) {
    if (Object.values(before.labels).includes(oldestVersion)) throw maxVersionLimitExceeded(name, oldestVersion);
    versions.delete(versionKey(scope, name, oldestVersion));
    oldestVersion += 1;
  }
  const expiresAtMs = expirationOf(latest.policies);
  parameters.put(key, {
    name: before?.name ?? name,
    latest,
    oldestVersion,
    ...(expiresAtMs !== undefined && { expiresAtMs }),
    labels: before?.labels ?? {},
    tags: before?.tags ?? tags,
    ...(before?.resourcePolicy && { resourcePolicy: before.resourcePolicy }),
  });
  versions.put(versionKey(scope, name, latest.version), latest);
}
