/** DescribeSecret, ListSecrets and ListSecretVersionIds: everything but the values. */
import type { AwsScope } from "../../core/arn.ts";
import { type OperationContext, operation } from "../service.ts";
import { invalidNextToken, invalidParameter, reference } from "./errors.ts";
import { selectedBy } from "./filters.ts";
import { lookupErrors, requireSecret } from "./find-secret.ts";
import { pageOf } from "./pages.ts";
import { isGone, type SecretRecord, secretArn, secretsIn } from "./records.ts";
import { anySecret, secretAccess } from "./secret-access.ts";
import type {
  DescribeSecretRequest,
  DescribeSecretResponse,
  Filter,
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
    const found = secretsSelectedBy(context, input.Filters, input.IncludePlannedDeletion ?? false);
    const by = input.SortBy ?? "created-date";
    const direction = input.SortOrder === "desc" ? -1 : 1;
    const sorted = found.sort((a, b) => direction * (SORT[by](a, b) || compareNames(a, b)));
    const page = pageOf(sorted, (record) => record.name, input, input.MaxResults ?? PAGE_SIZE);
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
    const shown = record.versions.filter((version) => input.IncludeDeprecated || version.stages.length > 0);
    const page = pageOf(shown, (version) => version.id, input, input.MaxResults ?? PAGE_SIZE);
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

/** The secrets of the caller's account and region that all filters match, by name. */
export function secretsSelectedBy(
  context: OperationContext,
  filters: readonly Filter[] | undefined,
  withPlannedDeletion: boolean,
): SecretRecord[] {
  const isSelected = selectedBy(filters);
  const { accountId, region }: AwsScope = context.scope;
  return secretsIn(context.store)
    .list([accountId, region])
    .map((entry) => entry.value)
    .filter((record) => !isGone(record, context.clock.nowMs()))
    .filter((record) => (withPlannedDeletion || record.deletionAtMs === undefined) && isSelected(record));
}

type Comparison = (a: SecretRecord, b: SecretRecord) => number;

const compareNames: Comparison = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

const SORT: Readonly<Record<NonNullable<ListSecretsRequest["SortBy"]>, Comparison>> = {
  name: compareNames,
  "created-date": (a, b) => a.createdAtMs - b.createdAtMs,
  "last-changed-date": (a, b) => a.lastChangedMs - b.lastChangedMs,
  "last-accessed-date": (a, b) => (a.lastAccessedMs ?? 0) - (b.lastAccessedMs ?? 0),
};

const factsOf = (record: SecretRecord) => ({
  ARN: secretArn(record),
  Name: record.name,
  ...(record.description !== undefined && { Description: record.description }),
  ...(record.kmsKeyId !== undefined && { KmsKeyId: record.kmsKeyId }),
  LastChangedDate: record.lastChangedMs,
  ...(record.lastAccessedMs !== undefined && { LastAccessedDate: record.lastAccessedMs }),
  ...(record.deletionAtMs !== undefined && { DeletedDate: record.deletionAtMs }),
  ...tagsAnswer(record.tags),
  CreatedDate: record.createdAtMs,
});

/** AWS: labelled versions only, and nothing for a secret without a value. */
function stagesOf({ versions }: SecretRecord): Record<string, readonly string[]> | undefined {
  const labelled = versions.filter((version) => version.stages.length > 0);
  return labelled.length === 0 ? undefined : Object.fromEntries(labelled.map(({ id, stages }) => [id, stages]));
}
