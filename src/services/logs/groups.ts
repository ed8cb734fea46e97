/** Log groups: create, delete, describe, retention, protection from deletion. */
import { notOffered } from "../common-errors.ts";
import { pageToken } from "../page-token.ts";
import { type OperationContext, operation } from "../service.ts";
import { groupArn, groupHere, groupNameOf, onGroup, onTags, requestTags, soughtGroup } from "./access.ts";
import {
  deletionProtected,
  groupExists,
  groupNotFound,
  invalidParameter,
  kmsKeyRefused,
  tooManyTags,
} from "./errors.ts";
import { requireUsableKey } from "./kms-encryption.ts";
import { nameInToken } from "./pages.ts";
import {
  changeGroup,
  deleteStream,
  groupKey,
  groupsKey,
  type LogGroupRecord,
  logRecords,
  requireGroup,
} from "./records.ts";
import { sweepExpired, visibleFromMs } from "./retention.ts";
import type {
  CreateLogGroupRequest,
  DeleteLogGroupRequest,
  DeleteRetentionPolicyRequest,
  DescribeLogGroupsRequest,
  DescribeLogGroupsResponse,
  LogGroup,
  PutLogGroupDeletionProtectionRequest,
  PutRetentionPolicyRequest,
} from "./shapes.gen.ts";
import { requireAllowedTags } from "./tags.ts";

const API = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference";
const DEFAULT_PAGE = 50;

export const createLogGroup = operation<CreateLogGroupRequest, object>({
  name: "CreateLogGroup",
  support: "partial",
  gaps: ["class DELIVERY is refused by name"],
  source: `${API}/API_CreateLogGroup.html`,
  authorize: ({ logGroupName, tags = {} }, context) => [
    ...onGroup("CreateLogGroup", logGroupName, context, requestTags(tags)),
    ...(Object.keys(tags).length > 0
      ? onTags("TagResource", logGroupName, tags, context).map((request) => ({
          ...request,
          denialText: createWithTagsDenied(context.principal.accountId),
        }))
      : []),
  ],
  errors: [groupExists, invalidParameter, tooManyTags, kmsKeyRefused, notOffered],
  async run(input, context) {
    const { store, scope, clock } = context;
    const { logGroupName, logGroupClass, kmsKeyId, tags = {} } = input;
    if (logGroupClass === "DELIVERY") {
      throw notOffered("logs:CreateLogGroup logGroupClass DELIVERY", "the classes STANDARD and INFREQUENT_ACCESS");
    }
    if (logGroupName.startsWith("aws/")) throw invalidParameter("Log groups starting with AWS/ are reserved for AWS.");
    requireAllowedTags(tags);
    const records = logRecords(store);
    const key = groupKey(scope, logGroupName);
    if (records.groups.has(key)) throw groupExists();
    if (kmsKeyId !== undefined) await requireUsableKey(kmsKeyId, logGroupName, context);
    await store.write(() => {
      if (records.groups.has(key)) throw groupExists();
      records.groups.put(key, {
        groupName: logGroupName,
        createdMs: clock.nowMs(),
        tags,
        ...(kmsKeyId !== undefined && { kmsKeyArn: kmsKeyId }),
        ...(logGroupClass === "INFREQUENT_ACCESS" && { groupClass: logGroupClass }),
        ...(input.deletionProtectionEnabled && { isDeletionProtected: true }),
      });
    });
    return {};
  },
});

/** AWS: the sentence when the group may be made, but not with tags. */
const createWithTagsDenied = (accountId: string): string =>
  `User with accountId: ${accountId} is not authorized to perform CreateLogGroup with Tags`;

export const deleteLogGroup = operation<DeleteLogGroupRequest, object>({
  name: "DeleteLogGroup",
  support: "supported",
  source: `${API}/API_DeleteLogGroup.html`,
  authorize: (input, context) => onGroup("DeleteLogGroup", input.logGroupName, context),
  errors: [groupNotFound, deletionProtected],
  async run(input, { store, scope }) {
    const records = logRecords(store);
    const key = groupKey(scope, input.logGroupName);
    const streams = await store.write(() => {
      if (requireGroup(records, scope, input.logGroupName).isDeletionProtected) {
        throw deletionProtected(input.logGroupName);
      }
      const all = records.streams.list(key);
      for (const stream of all) deleteStream(records, stream.key);
      for (const dataKey of records.dataKeys.list(key)) records.dataKeys.delete(dataKey.key);
      records.groups.delete(key);
      return all;
    });
    for (const { value } of streams) await records.files?.remove(value.number);
    return {};
  },
});

export const putLogGroupDeletionProtection = operation<PutLogGroupDeletionProtectionRequest, object>({
  name: "PutLogGroupDeletionProtection",
  support: "supported",
  source: `${API}/API_PutLogGroupDeletionProtection.html`,
  authorize: (input, context) => onGroup("PutLogGroupDeletionProtection", soughtGroup(input, context), context),
  errors: [groupNotFound],
  async run(input, context) {
    await changeGroup(context, groupHere(input, context), ({ isDeletionProtected: _previous, ...group }) => ({
      ...group,
      ...(input.deletionProtectionEnabled && { isDeletionProtected: true }),
    }));
    return {};
  },
});

export const describeLogGroups = operation<DescribeLogGroupsRequest, DescribeLogGroupsResponse>({
  name: "DescribeLogGroups",
  support: "partial",
  gaps: ["accountIdentifiers and includeLinkedAccounts are refused by name: one account only"],
  source: `${API}/API_DescribeLogGroups.html`,
  // AWS: checked on `log-group::log-stream:`, a group without a name.
  authorize: (_input, context) => onGroup("DescribeLogGroups", "", context),
  errors: [invalidParameter, notOffered],
  run(input, context) {
    requireOneSearch(input);
    if (input.includeLinkedAccounts || input.accountIdentifiers?.length) {
      throw notOffered("logs:DescribeLogGroups of linked accounts", "the groups of the caller's account");
    }
    const { store, scope } = context;
    const after = input.nextToken === undefined ? undefined : nameInToken(input.nextToken);
    const { logGroupIdentifiers } = input;
    const names = logGroupIdentifiers && new Set(logGroupIdentifiers.map(groupNameOf));
    const matching = logRecords(store)
      .groups.list(groupsKey(scope), after === undefined ? {} : { after: groupKey(scope, after) })
      .map((entry) => entry.value)
      .filter((group) => isAskedFor(group, input) && (!names || names.has(group.groupName)));
    const page = matching.slice(0, input.limit ?? DEFAULT_PAGE);
    const isShort = input.logGroupNamePattern !== undefined;
    return {
      logGroups: page.map((group) => describeGroup(group, context, isShort)),
      ...(page.length < matching.length && { nextToken: pageToken(page.at(-1)?.groupName ?? "") }),
    };
  },
});

function requireOneSearch(input: DescribeLogGroupsRequest): void {
  const { logGroupNamePrefix, logGroupNamePattern, logGroupIdentifiers, logGroupClass } = input;
  if (logGroupNamePrefix !== undefined && logGroupNamePattern !== undefined) {
    throw invalidParameter("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
  }
  // AWS: beside identifiers only includeLinkedAccounts may stand.
  if (logGroupIdentifiers && (logGroupNamePrefix ?? logGroupNamePattern ?? logGroupClass) !== undefined) {
    throw invalidParameter("LogGroup identifiers and other filters are mutually exclusive parameters.");
  }
}

const classOf = ({ groupClass }: LogGroupRecord) => groupClass ?? "STANDARD";

function isAskedFor(group: LogGroupRecord, input: DescribeLogGroupsRequest): boolean {
  const { logGroupNamePrefix = "", logGroupNamePattern = "", logGroupClass } = input;
  return (
    group.groupName.startsWith(logGroupNamePrefix) &&
    group.groupName.includes(logGroupNamePattern) &&
    (logGroupClass === undefined || logGroupClass === classOf(group))
  );
}

/** AWS: a search by pattern leaves out the size and the protection. */
function describeGroup(group: LogGroupRecord, context: OperationContext, isShort: boolean): LogGroup {
  const arn = groupArn(context.scope, group.groupName);
  return {
    logGroupName: group.groupName,
    creationTime: group.createdMs,
    ...(group.retentionDays !== undefined && { retentionInDays: group.retentionDays }),
    metricFilterCount: 0,
    arn: `${arn}:*`,
    ...(!isShort && { storedBytes: storedBytes(group, context) }),
    ...(group.kmsKeyArn !== undefined && { kmsKeyId: group.kmsKeyArn }),
    logGroupClass: classOf(group),
    logGroupArn: arn,
    ...(!isShort && { deletionProtectionEnabled: group.isDeletionProtected === true }),
  };
}

/** AWS: what has expired does not count. */
function storedBytes(group: LogGroupRecord, { store, scope, clock }: OperationContext): number {
  const fromMs = visibleFromMs(group, clock.nowMs());
  const heads = logRecords(store).heads.list(groupKey(scope, group.groupName));
  return heads.reduce((sum, { value: head }) => (head.lastMs < fromMs ? sum : sum + head.bytes), 0);
}

const RETENTION_DAYS = new Set([
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]);

export const putRetentionPolicy = operation<PutRetentionPolicyRequest, object>({
  name: "PutRetentionPolicy",
  support: "supported",
  source: `${API}/API_PutRetentionPolicy.html`,
  authorize: (input, context) => onGroup("PutRetentionPolicy", input.logGroupName, context),
  errors: [groupNotFound, invalidParameter],
  async run(input, context) {
    if (!RETENTION_DAYS.has(input.retentionInDays)) {
      const allowed = [...RETENTION_DAYS].join(", ");
      throw invalidParameter(
        `1 validation error detected: Value '${input.retentionInDays}' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [${allowed}]`,
      );
    }
    const { logGroupName, retentionInDays } = input;
    await changeRetention(context, logGroupName, (group) => ({ ...group, retentionDays: retentionInDays }));
    await sweepExpired(context, groupKey(context.scope, logGroupName));
    return {};
  },
});

export const deleteRetentionPolicy = operation<DeleteRetentionPolicyRequest, object>({
  name: "DeleteRetentionPolicy",
  support: "supported",
  source: `${API}/API_DeleteRetentionPolicy.html`,
  authorize: (input, context) => onGroup("DeleteRetentionPolicy", input.logGroupName, context),
  errors: [groupNotFound],
  async run(input, context) {
    await changeRetention(context, input.logGroupName, ({ retentionDays: _previous, ...group }) => group);
    return {};
  },
});

/** What has expired by then is deleted first: a longer retention, or none, must not bring it back. */
async function changeRetention(
  context: OperationContext,
  groupName: string,
  change: (group: LogGroupRecord) => LogGroupRecord,
): Promise<void> {
  await sweepExpired(context, groupKey(context.scope, groupName));
  await changeGroup(context, groupName, change);
}
