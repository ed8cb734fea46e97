/** CreateSecret: with a first value or without one. */
import type { AuthorizationRequest } from "../../authorize/decision.ts";
import { type OperationContext, operation } from "../service.ts";
import { requestTagKeys } from "../tag-keys.ts";
import { hasValue, putVersion, requireSameValue, requireToken } from "./add-version.ts";
import {
  invalidName,
  invalidParameter,
  nameScheduledForDeletion,
  reference,
  secretExists,
  systemTag,
  tokenInUse,
  tokenMissing,
  unsupported,
} from "./errors.ts";
import { findByName, requireValidName } from "./find-secret.ts";
import { forgetSecret, putSecret, type SecretRecord, secretArn, secretKey, secretsIn } from "./records.ts";
import { conditionsOf, keyConditions } from "./secret-access.ts";
import {
  encryptValue,
  keyIdToKeep,
  readErrors,
  requireUsableKey,
  type SecretValue,
  valueIn,
  writeErrors,
} from "./secret-value.ts";
import type { CreateSecretRequest, CreateSecretResponse } from "./shapes.gen.ts";
import { requireValidTags, tagsWith } from "./tags.ts";
import { CURRENT } from "./version-stages.ts";

const SUFFIX_LENGTH = 6;

export const createSecret = operation<CreateSecretRequest, CreateSecretResponse>({
  name: "CreateSecret",
  support: "partial",
  gaps: ["replicas (`AddReplicaRegions`) and managed external secrets (`Type`) are refused"],
  source: reference("CreateSecret"),
  authorize(input, context) {
    requireValidName(input.Name);
    const resource = secretArn({ ...context.scope, name: input.Name, suffix: newSuffix(context) });
    const ofTags = requestTagKeys(input.Tags);
    // AWS: decided on an ARN, but the denial prints the name, because the suffix is not given out yet.
    const asked = { resource, resourceText: input.Name };
    const create: AuthorizationRequest = {
      ...asked,
      action: "secretsmanager:CreateSecret",
      context: {
        ...conditionsOf({
          Name: input.Name,
          Description: input.Description,
          Type: input.Type,
          ForceOverwriteReplicaSecret: input.ForceOverwriteReplicaSecret,
        }),
        ...keyConditions(context, input.KmsKeyId),
        ...(input.AddReplicaRegions && {
          "secretsmanager:AddReplicaRegions": input.AddReplicaRegions.flatMap(({ Region }) => Region ?? []),
        }),
        ...ofTags,
      },
    };
    if (!input.Tags?.length) return [create];
    return [create, { ...asked, action: "secretsmanager:TagResource", context: ofTags }];
  },
  errors: [
    invalidName,
    invalidParameter,
    unsupported,
    tokenMissing,
    tokenInUse,
    secretExists,
    nameScheduledForDeletion,
    systemTag,
    ...writeErrors,
    ...readErrors,
  ],
  async run(input, context) {
    if (input.AddReplicaRegions !== undefined) throw unsupported("replicas of secrets");
    if (input.Type !== undefined) throw unsupported("managed external secrets");
    const id = requireToken(input);
    const value = valueIn("CreateSecret", input);
    requireValidTags(input.Tags);
    const existing = findByName(context, context.scope, input.Name);
    if (existing) return repeated(context, existing, id, value);

    const record = newRecord(context, input);
    await requireUsableKey(context, record);
    const encrypted = value && (await encryptValue(context, record, id, value));
    const winner = await context.store.write(() => {
      const raced = findByName(context, context.scope, input.Name);
      if (raced) return raced;
      forgetGone(context, input.Name);
      const made =
        value && encrypted ? putVersion(context, record, { id, value, stages: [CURRENT] }, encrypted) : record;
      putSecret(context.store, made);
      return undefined;
    });
    return winner ? repeated(context, winner, id, value) : answer(record, value && id);
  },
});

const answer = (record: SecretRecord, VersionId: string | undefined): CreateSecretResponse => ({
  ARN: secretArn(record),
  Name: record.name,
  ...(VersionId !== undefined && { VersionId }),
});

/** The name is taken: by an earlier try of this very call, or not. */
async function repeated(
  context: OperationContext,
  existing: SecretRecord,
  id: string,
  value: SecretValue | undefined,
): Promise<CreateSecretResponse> {
  if (existing.deletionAtMs !== undefined) throw nameScheduledForDeletion();
  if (!hasValue(existing, id) || !value) throw secretExists(existing.name);
  await requireSameValue(context, existing, { id, value });
  return answer(existing, id);
}

const newSuffix = (context: OperationContext): string => context.ids.alphanumeric(SUFFIX_LENGTH);

function newRecord(context: OperationContext, input: CreateSecretRequest): SecretRecord {
  const nowMs = context.clock.nowMs();
  const { partition, region, accountId } = context.scope;
  return {
    name: input.Name,
    suffix: newSuffix(context),
    partition,
    region,
    accountId,
    ...(input.Description !== undefined && { description: input.Description }),
    ...keyIdToKeep(input.KmsKeyId),
    ...(input.Tags !== undefined && { tags: tagsWith({}, input.Tags) }),
    createdAtMs: nowMs,
    lastChangedMs: nowMs,
    versions: [],
  };
}

/** Only inside a write: what a deleted secret of this name has left behind. */
function forgetGone(context: OperationContext, name: string): void {
  const gone = secretsIn(context.store).get(secretKey(context.scope, name));
  if (gone) forgetSecret(context.store, gone);
}
