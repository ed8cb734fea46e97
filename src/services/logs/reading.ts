/**
 * What GetLogEvents and FilterLogEvents have in common: a group made ready for reading, the errors of both, and how much
 * one answer holds.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
 */
import type { OperationContext } from "../service.ts";
import {
  groupNotFound,
  invalidParameter,
  kmsKeyRefused,
  standardClassOnly,
  streamNotFound,
  validationFailed,
} from "./errors.ts";
import { hasDataKeys, openDataKeys } from "./kms-encryption.ts";
import { type LogRecords, requireGroup, requireStandardClass } from "./records.ts";
import { isSweepDue, sweepExpired, visibleFromMs } from "./retention.ts";

export const MAX_EVENTS = 10_000;
export const MAX_PAGE_BYTES = 1_048_576;

export const readingErrors = [
  groupNotFound,
  streamNotFound,
  invalidParameter,
  validationFailed,
  standardClassOnly,
  kmsKeyRefused,
];

/** Makes the events of a group readable and tells from when on they are shown. Throws for a group that cannot be read. */
export async function openForReading(
  records: LogRecords,
  groupName: string,
  context: OperationContext,
): Promise<{ readonly fromMs: number }> {
  const group = requireGroup(records, context.scope, groupName);
  requireStandardClass(group);
  if (isSweepDue(context)) await sweepExpired(context);
  if (hasDataKeys(groupName, context)) await openDataKeys(groupName, context);
  return { fromMs: visibleFromMs(group, context.clock.nowMs()) };
}
