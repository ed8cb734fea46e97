/** The operations of CloudWatch Logs, imported when the service is first called (index.ts). */
import type { Operations } from "../service.ts";
import { filterLogEvents } from "./filter-log-events.ts";
import { getLogEvents } from "./get-log-events.ts";
import {
  createLogGroup,
  deleteLogGroup,
  deleteRetentionPolicy,
  describeLogGroups,
  putLogGroupDeletionProtection,
  putRetentionPolicy,
} from "./groups.ts";
import { associateKmsKey, disassociateKmsKey } from "./kms-encryption.ts";
import { startLiveTail } from "./live-tail.ts";
import { putLogEvents } from "./put-log-events.ts";
import { createLogStream, deleteLogStream, describeLogStreams } from "./streams.ts";
import {
  listTagsForResource,
  listTagsLogGroup,
  tagLogGroup,
  tagResource,
  untagLogGroup,
  untagResource,
} from "./tags.ts";

export const operations: Operations = [
  createLogGroup,
  deleteLogGroup,
  describeLogGroups,
  putRetentionPolicy,
  deleteRetentionPolicy,
  putLogGroupDeletionProtection,
  associateKmsKey,
  disassociateKmsKey,
  createLogStream,
  deleteLogStream,
  describeLogStreams,
  putLogEvents,
  getLogEvents,
  filterLogEvents,
  startLiveTail,
  tagResource,
  untagResource,
  listTagsForResource,
  tagLogGroup,
  untagLogGroup,
  listTagsLogGroup,
];
