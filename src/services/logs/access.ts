/**
 * What each call is authorised on. Group-level actions end in `:log-stream:` with nothing after it, which is why
 * policies need `log-group:NAME:*`; TagResource, UntagResource and ListTagsForResource use the bare group, their older
 * siblings (TagLogGroup, …) do not: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
 */
import type { AuthorizationRequest, RequestContext } from "../../authorize/decision.ts";
import { type AwsScope, arnIn, parseArn } from "../../core/arn.ts";
import type { OperationContext } from "../service.ts";
import { requestTagKeys, resourceTagKeys } from "../tag-keys.ts";
import { groupNotFound, invalidParameter, validationFailed } from "./errors.ts";
import { groupKey, logRecords } from "./records.ts";

export const groupArn = (scope: AwsScope, groupName: string): string => arnIn(scope, "logs", `log-group:${groupName}`);

export const streamArn = (scope: AwsScope, groupName: string, streamName: string): string =>
  arnIn(scope, "logs", `log-group:${groupName}:log-stream:${streamName}`);

/** A group by name, or by its ARN, which may be of another account. */
export interface NamedGroup {
  readonly name: string;
  readonly scope: AwsScope;
}

/** `logs:<action>` on a group; `""` for actions without one. A name alone is the caller's. */
export const onGroup = (
  action: string,
  group: string | NamedGroup,
  context: OperationContext,
  conditionKeys: RequestContext = {},
): AuthorizationRequest[] => onStream(action, group, "", context, conditionKeys);

export function onStream(
  action: string,
  group: string | NamedGroup,
  streamName: string,
  context: OperationContext,
  conditionKeys: RequestContext = {},
): AuthorizationRequest[] {
  const { name, scope } = typeof group === "string" ? { name: group, scope: context.scope } : group;
  return [
    {
      action: `logs:${action}`,
      resource: streamArn(scope, name, streamName),
      context: { ...resourceTags(name, scope, context), ...conditionKeys },
    },
  ];
}

/** `logs:Unmask` for who asks for events unmasked, whether anything in them is masked or not. */
export const onUnmask = (
  input: { readonly unmask?: boolean | undefined },
  group: NamedGroup,
  context: OperationContext,
): AuthorizationRequest[] => (input.unmask === true ? onGroup("Unmask", group, context) : []);

/** Tag actions: `aws:RequestTag/k` and `aws:TagKeys` of the tags given or taken. */
export function onTags(
  action: string,
  group: string | NamedGroup,
  tags: Readonly<Record<string, string>> | readonly string[],
  context: OperationContext,
): AuthorizationRequest[] {
  const { name, scope } = typeof group === "string" ? { name: group, scope: context.scope } : group;
  return [
    {
      action: `logs:${action}`,
      resource: groupArn(scope, name),
      context: { ...resourceTags(name, scope, context), ...requestTags(tags) },
    },
  ];
}

/** Condition keys of tags given (a map) or taken (a list of keys). */
export function requestTags(tags: Readonly<Record<string, string>> | readonly string[]): RequestContext {
  if (Array.isArray(tags)) return { "aws:TagKeys": tags };
  return requestTagKeys(tagsIn(tags as Record<string, string>));
}

const tagsIn = (tags: Readonly<Record<string, string>>) => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

const NO_TAGS: RequestContext = {};

function resourceTags(groupName: string, scope: AwsScope, { store }: OperationContext): RequestContext {
  const tags = groupName === "" ? undefined : logRecords(store).groups.get(groupKey(scope, groupName))?.tags;
  return tags ? resourceTagKeys(tagsIn(tags)) : NO_TAGS;
}

/** The group that `logGroupName` or `logGroupIdentifier` means, to ask permission with. */
export const soughtGroup = (input: GroupInput, context: OperationContext): NamedGroup => ({
  name: namedGroup(input),
  scope: scopeIn(input.logGroupIdentifier, context),
});

interface GroupInput {
  readonly logGroupName?: string | undefined;
  readonly logGroupIdentifier?: string | undefined;
}

/** Name of the group that the input means, or groupNotFound when it is the ARN of another account's or region's. */
export function groupHere(input: GroupInput, context: OperationContext): string {
  const group = soughtGroup(input, context);
  requireHere(group, context);
  return group.name;
}

export function requireHere({ scope }: NamedGroup, context: OperationContext): void {
  const { partition, region, accountId } = context.scope;
  const isHere = scope.partition === partition && scope.region === region && scope.accountId === accountId;
  if (!isHere) throw groupNotFound();
}

/** Account and region of an ARN; the caller's for what is none. */
export function scopeIn(identifier: string | undefined, { scope }: OperationContext): AwsScope {
  const arn = identifier === undefined ? undefined : parseArn(identifier);
  return arn ? { partition: arn.partition, region: arn.region, accountId: arn.accountId } : scope;
}

/** Name of the group that `logGroupName` or `logGroupIdentifier` (name or ARN) means. */
function namedGroup({ logGroupName, logGroupIdentifier }: GroupInput): string {
  if (logGroupName !== undefined && logGroupIdentifier !== undefined) {
    throw validationFailed("LogGroup name and LogGroup ARN are mutually exclusive parameters.");
  }
  if (logGroupName !== undefined) return logGroupName;
  if (logGroupIdentifier === undefined) {
    throw invalidParameter(
      "1 validation error detected: Value null at 'logGroupName' failed to satisfy constraint: Member must not be null",
    );
  }
  return groupNameOf(logGroupIdentifier);
}

/** The group's name in an ARN with or without `:*`; other texts are names already. */
export function groupNameOf(identifier: string): string {
  const resource = parseArn(identifier)?.resource;
  if (resource === undefined) return identifier;
  return resource.replace(/^log-group:/, "").replace(/:\*$/, "");
}
