/**
 * CloudWatch Logs: groups, streams, events, tags. Builds write their output here and `kiln builds logs` reads it.
 * Sources: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/ and error texts recorded on AWS.
 * Gaps: live tail, customer keys, classes other than STANDARD, `[…]` and `%…%` in filter patterns, metric filters,
 * subscriptions, Insights. The text AWS gives when only the tags of CreateLogGroup are denied is the common one here.
 */
import type { ServiceDefinition } from "../service.ts";
import { filterLogEvents } from "./filter-log-events.ts";
import { getLogEvents } from "./get-log-events.ts";
import {
  createLogGroup,
  deleteLogGroup,
  deleteRetentionPolicy,
  describeLogGroups,
  putRetentionPolicy,
} from "./groups.ts";
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

export const logs: ServiceDefinition = {
  name: "logs",
  title: "CloudWatch Logs",
  protocol: "awsJson1_1",
  targetPrefix: "Logs_20140328",
  operations: [
    createLogGroup,
    deleteLogGroup,
    describeLogGroups,
    putRetentionPolicy,
    deleteRetentionPolicy,
    createLogStream,
    deleteLogStream,
    describeLogStreams,
    putLogEvents,
    getLogEvents,
    filterLogEvents,
    tagResource,
    untagResource,
    listTagsForResource,
    tagLogGroup,
    untagLogGroup,
    listTagsLogGroup,
  ],
};
