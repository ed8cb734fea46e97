/**
 * What each call is authorised on. Group-level actions end in `:log-stream:` with nothing after it, which is why
 * policies need `log-group:NAME:*`; tag actions use the bare group.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
 */
import type { AuthorizationRequest, RequestContext } from "../../authorize/decision.ts";
import { type AwsScope, arnIn, parseArn } from "../../core/arn.ts";
import type { OperationContext } from "../service.ts";
import { invalidParameter, validationFailed } from "./errors.ts";
import { groupKey, logRecords } from "./records.ts";

export const groupArn = (scope: AwsScope, groupName: string): string => arnIn(scope, "logs", `log-group:${groupName}`);

export const streamArn = (scope: AwsScope, groupName: string, streamName: string): string =>
  arnIn(scope, "logs", `log-group:${groupName}:log-stream:${streamName}`);

/** `logs:<action>` on a group; `""` for actions without one. */
export const onGroup = (action: string, groupName: string, context: OperationContext): AuthorizationRequest[] => [
  {
    action: `logs:${action}`,
    resource: streamArn(context.scope, groupName, ""),
    context: resourceTags(groupName, context),
  },
];

export const onStream = (
  action: string,
  groupName: string,
  streamName: string,
  context: OperationContext,
): AuthorizationRequest[] => [
  {
    action: `logs:${action}`,
    resource: streamArn(context.scope, groupName, streamName),
    context: resourceTags(groupName, context),
  },
];

/** Tag actions: `aws:RequestTag/k` and `aws:TagKeys` of the tags given or taken. */
export const onTags = (
  action: string,
  groupName: string,
  tags: Readonly<Record<string, string>> | readonly string[],
  context: OperationContext,
): AuthorizationRequest[] => [
  {
    action: `logs:${action}`,
    resource: groupArn(context.scope, groupName),
    context: { ...resourceTags(groupName, context), ...requestTags(tags) },
  },
];

function requestTags(tags: Readonly<Record<string, string>> | readonly string[]): RequestContext {
  if (Array.isArray(tags)) return { "aws:TagKeys": tags };
  const entries = Object.entries(tags as Record<string, string>);
  if (entries.length === 0) return {};
  const values = entries.map(([key, value]) => [`aws:RequestTag/${key}`, value] as const);
  return { ...Object.fromEntries(values), "aws:TagKeys": entries.map(([key]) => key) };
}

const NO_TAGS: RequestContext = {};

function resourceTags(groupName: string, { store, scope }: OperationContext): RequestContext {
  const tags = groupName === "" ? undefined : logRecords(store).groups.get(groupKey(scope, groupName))?.tags;
  if (!tags) return NO_TAGS;
  const entries = Object.entries(tags);
  if (entries.length === 0) return NO_TAGS;
  return Object.fromEntries(entries.map(([key, value]) => [`aws:ResourceTag/${key}`, value]));
}

/** Name of the group that `logGroupName` or `logGroupIdentifier` (name or ARN) means. */
export function namedGroup(input: {
  readonly logGroupName?: string | undefined;
  readonly logGroupIdentifier?: string | undefined;
}): string {
  const { logGroupName, logGroupIdentifier } = input;
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
