/** Log groups: create, delete, describe, retention. */
import { notOffered } from "../common-errors.ts";
import { type OperationContext, operation } from "../service.ts";
import { groupArn, groupNameOf, onGroup, onTags, requestTags } from "./access.ts";
import { groupExists, groupNotFound, invalidParameter, tooManyTags } from "./errors.ts";
import { decodePageToken, encodePageToken } from "./page-token.ts";
import { deleteStream, groupKey, groupsKey, type LogGroupRecord, logRecords, requireGroup } from "./records.ts";
import type {
  CreateLogGroupRequest,
  DeleteLogGroupRequest,
  DeleteRetentionPolicyRequest,
  DescribeLogGroupsRequest,
  DescribeLogGroupsResponse,
  LogGroup,
  PutRetentionPolicyRequest,
} from "./shapes.gen.ts";

const API = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference";
const DEFAULT_PAGE = 50;
const MAX_TAGS = 50;

export const createLogGroup = operation<CreateLogGroupRequest, object>({
  name: "CreateLogGroup",
  support: "partial",
  gaps: ["kmsKeyId, deletionProtectionEnabled and classes other than STANDARD are refused by name"],
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
  errors: [groupExists, invalidParameter, tooManyTags, notOffered],
  async run(input, { store, scope, clock }) {
    refuseOptions(input);
    if (input.logGroupName.startsWith("aws/")) {
      throw invalidParameter("Log groups starting with AWS/ are reserved for AWS.");
    }
    if (Object.keys(input.tags ?? {}).length > MAX_TAGS) throw tooManyTags();
    const records = logRecords(store);
    const key = groupKey(scope, input.logGroupName);
    await store.write(() => {
      if (records.groups.has(key)) throw groupExists();
      records.groups.put(key, { groupName: input.logGroupName, createdMs: clock.nowMs(), tags: input.tags ?? {} });
    });
    return {};
  },
});

/** AWS: the sentence when the group may be made, but not with tags. */
const createWithTagsDenied = (accountId: string): string =>
  `User with accountId: ${accountId} is not authorized to perform CreateLogGroup with Tags`;

function refuseOptions({
  kmsKeyId,
  logGroupClass = "STANDARD",
  deletionProtectionEnabled,
}: CreateLogGroupRequest): void {
  const offered = "log groups of class STANDARD without a customer key";
  if (kmsKeyId !== undefined) throw notOffered("logs:CreateLogGroup kmsKeyId", offered);
  if (deletionProtectionEnabled) throw notOffered("logs:CreateLogGroup deletionProtectionEnabled", offered);
  if (logGroupClass !== "STANDARD") throw notOffered(`logs:CreateLogGroup logGroupClass ${logGroupClass}`, offered);
}

export const deleteLogGroup = operation<DeleteLogGroupRequest, object>({
  name: "DeleteLogGroup",
  support: "supported",
  source: `${API}/API_DeleteLogGroup.html`,
  authorize: (input, context) => onGroup("DeleteLogGroup", input.logGroupName, context),
  errors: [groupNotFound],
  async run(input, { store, scope }) {
    const records = logRecords(store);
    const key = groupKey(scope, input.logGroupName);
    const streams = await store.write(() => {
      requireGroup(records, scope, input.logGroupName);
      const all = records.streams.list(key);
      for (const stream of all) deleteStream(records, stream.key);
      records.groups.delete(key);
      return all;
    });
    for (const { value } of streams) await records.files?.remove(value.number);
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
    if (input.logGroupNamePrefix !== undefined && input.logGroupNamePattern !== undefined) {
      throw invalidParameter("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
    }
    if (input.includeLinkedAccounts || input.accountIdentifiers?.length) {
      throw notOffered("logs:DescribeLogGroups of linked accounts", "the groups of the caller's account");
    }
    const { store, scope } = context;
    const after = input.nextToken === undefined ? undefined : decodePageToken(input.nextToken);
    const matching = logRecords(store)
      .groups.list(groupsKey(scope), after === undefined ? {} : { after: groupKey(scope, after) })
      .map((entry) => entry.value)
      .filter((group) => isAskedFor(group, input));
    const page = matching.slice(0, input.limit ?? DEFAULT_PAGE);
    const isShort = input.logGroupNamePattern !== undefined;
    return {
      logGroups: page.map((group) => describeGroup(group, context, isShort)),
      ...(page.length < matching.length && { nextToken: encodePageToken(page.at(-1)?.groupName ?? "") }),
    };
  },
});

function isAskedFor(group: LogGroupRecord, input: DescribeLogGroupsRequest): boolean {
  const { logGroupNamePrefix = "", logGroupNamePattern = "", logGroupIdentifiers, logGroupClass = "STANDARD" } = input;
  return (
    group.groupName.startsWith(logGroupNamePrefix) &&
    group.groupName.includes(logGroupNamePattern) &&
    logGroupClass === "STANDARD" &&
    (!logGroupIdentifiers?.length || logGroupIdentifiers.map(groupNameOf).includes(group.groupName))
  );
}

/** AWS: a search by pattern leaves out the size and the protection. */
function describeGroup(group: LogGroupRecord, { store, scope }: OperationContext, isShort: boolean): LogGroup {
  const arn = groupArn(scope, group.groupName);
  return {
    logGroupName: group.groupName,
    creationTime: group.createdMs,
    ...(group.retentionDays !== undefined && { retentionInDays: group.retentionDays }),
    metricFilterCount: 0,
    arn: `${arn}:*`,
    ...(!isShort && { storedBytes: storedBytes({ store, scope }, group.groupName) }),
    logGroupClass: "STANDARD",
    logGroupArn: arn,
    ...(!isShort && { deletionProtectionEnabled: false }),
  };
}

function storedBytes({ store, scope }: Pick<OperationContext, "store" | "scope">, groupName: string): number {
  const heads = logRecords(store).heads.list(groupKey(scope, groupName));
  return heads.reduce((sum, head) => sum + head.value.bytes, 0);
}

const RETENTION_DAYS = new Set([
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]);

export const putRetentionPolicy = operation<PutRetentionPolicyRequest, object>({
  name: "PutRetentionPolicy",
  support: "partial",
  gaps: ["expired events are hidden at once and their bytes are freed with the stream"],
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
    await setRetention(context, input.logGroupName, input.retentionInDays);
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
    await setRetention(context, input.logGroupName, undefined);
    return {};
  },
});

async function setRetention({ store, scope }: OperationContext, groupName: string, days: number | undefined) {
  const records = logRecords(store);
  await store.write(() => {
    const { retentionDays: _previous, ...group } = requireGroup(records, scope, groupName);
    records.groups.put(groupKey(scope, groupName), { ...group, ...(days !== undefined && { retentionDays: days }) });
  });
}
