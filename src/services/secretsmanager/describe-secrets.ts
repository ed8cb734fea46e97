/** DescribeSecret, ListSecrets and ListSecretVersionIds: everything but the values. */
import { operation } from "../service.ts";
import { invalidNextToken, invalidParameter, reference } from "./errors.ts";
import { selectedBy } from "./filters.ts";
import { lookupErrors, requireSecret } from "./find-secret.ts";
import { secretsInOrder } from "./listing.ts";
import { type Place, pageFrom } from "./pages.ts";
import { type Rotation, type SecretRecord, type SecretVersion, secretArn, sortable } from "./records.ts";
import { anySecret, secretAccess } from "./secret-access.ts";
import type {
  DescribeSecretRequest,
  DescribeSecretResponse,
  ListSecretsRequest,
  ListSecretsResponse,
  ListSecretVersionIdsRequest,
  ListSecretVersionIdsResponse,
} from "./shapes.gen.ts";
import { tagsAnswer } from "./tags.ts";

const PAGE_SIZE = 100;

export const describeSecret = operation<DescribeSecretRequest, DescribeSecretResponse>({
  name: "DescribeSecret",
  support: "supported",
  source: reference("DescribeSecret"),
  authorize: (input, context) => [secretAccess(context, "secretsmanager:DescribeSecret", input.SecretId)],
  errors: lookupErrors,
  run(input, context) {
    const record = requireSecret(context, input.SecretId);
    const stages = stagesOf(record);
    return { ...factsOf(record), ...(stages && { VersionIdsToStages: stages }) };
  },
});

export const listSecrets = operation<ListSecretsRequest, ListSecretsResponse>({
  name: "ListSecrets",
  support: "supported",
  source: reference("ListSecrets"),
  authorize: () => [anySecret("secretsmanager:ListSecrets")],
  errors: [invalidParameter, invalidNextToken],
  run(input, context) {
    const isSelected = selectedBy(input.Filters);
    const secrets = secretsInOrder(context, {
      by: input.SortBy ?? "created-date",
      isDescending: input.SortOrder === "desc",
      isSelected: (record) => (input.IncludePlannedDeletion || record.deletionAtMs === undefined) && isSelected(record),
    });
    const page = pageFrom("secrets", secrets, input, input.MaxResults ?? PAGE_SIZE);
    const SecretList = page.items.map((record) => {
      const stages = stagesOf(record);
      return { ...factsOf(record), ...(stages && { SecretVersionsToStages: stages }) };
    });
    return { SecretList, ...page.token };
  },
});

export const listSecretVersionIds = operation<ListSecretVersionIdsRequest, ListSecretVersionIdsResponse>({
  name: "ListSecretVersionIds",
  support: "supported",
  source: reference("ListSecretVersionIds"),
  authorize: (input, context) => [secretAccess(context, "secretsmanager:ListSecretVersionIds", input.SecretId)],
  errors: [...lookupErrors, invalidNextToken],
  run(input, context) {
    const record = requireSecret(context, input.SecretId);
    const placeOf = ({ id, createdAtMs }: SecretVersion): Place => [sortable(createdAtMs), id];
    const shown = record.versions.filter((version) => input.IncludeDeprecated || version.stages.length > 0);
    const from = (after: Place | undefined) => (after ? shown.slice(indexBehind(shown, after)) : shown);
    const page = pageFrom("versions", { from, placeOf }, input, input.MaxResults ?? PAGE_SIZE);
    const Versions = page.items.map((version) => ({
      VersionId: version.id,
      // AWS: no member at all without labels.
      ...(version.stages.length > 0 && { VersionStages: version.stages }),
      ...(version.lastAccessedMs !== undefined && { LastAccessedDate: version.lastAccessedMs }),
      CreatedDate: version.createdAtMs,
      KmsKeyIds: [version.kmsKeyId ?? "DefaultEncryptionKey"],
    }));
    return { Versions, ...page.token, ARN: secretArn(record), Name: record.name };
  },
});

const factsOf = (record: SecretRecord) => ({
  ARN: secretArn(record),
  Name: record.name,
  ...(record.description !== undefined && { Description: record.description }),
  ...(record.kmsKeyId !== undefined && { KmsKeyId: record.kmsKeyId }),
  ...(record.rotation && rotationFacts(record.rotation)),
  LastChangedDate: record.lastChangedMs,
  ...(record.lastAccessedMs !== undefined && { LastAccessedDate: record.lastAccessedMs }),
  // AWS: when DeleteSecret was called, not the end of the window that its answer tells.
  ...(record.deletionAtMs !== undefined && { DeletedDate: record.deletedAtMs ?? record.deletionAtMs }),
  ...tagsAnswer(record.tags),
  CreatedDate: record.createdAtMs,
});

/** Behind the version of a token; behind its time where the version is gone. */
function indexBehind(versions: readonly SecretVersion[], [time, id]: Place): number {
  const index = versions.findIndex((version) => version.id === id);
  if (index >= 0) return index + 1;
  const later = versions.findIndex((version) => sortable(version.createdAtMs) > time);
  return later < 0 ? versions.length : later;
}

/** AWS: what a schedule is in days is told once there was a rotation; no dates while rotation is off. */
const rotationFacts = ({ isEnabled, functionArn, rules, window, lastRotatedMs, daysBetween }: Rotation) => ({
  RotationEnabled: isEnabled,
  RotationLambdaARN: functionArn,
  RotationRules: {
    AutomaticallyAfterDays: rules.automaticallyAfterDays ?? daysBetween,
    Duration: rules.duration,
    ScheduleExpression: rules.scheduleExpression,
  },
  ...(isEnabled && lastRotatedMs !== undefined && { LastRotatedDate: lastRotatedMs }),
  // AWS: the last second of the window.
  ...(isEnabled && window && { NextRotationDate: window.closesAtMs - 1000 }),
});

/** AWS: labelled versions only, and nothing for a secret without a value. */
function stagesOf({ versions }: SecretRecord): Record<string, readonly string[]> | undefined {
  const labelled = versions.filter((version) => version.stages.length > 0);
  return labelled.length === 0 ? undefined : Object.fromEntries(labelled.map(({ id, stages }) => [id, stages]));
}
