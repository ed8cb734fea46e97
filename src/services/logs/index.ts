/**
 * CloudWatch Logs: groups, streams, events, tags. Builds write their output here and `kiln builds logs` reads it.
 * Sources: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/ and error texts recorded on AWS.
 * Gaps: the class DELIVERY, linked accounts, metric filters, subscriptions, data protection, exports, Insights
 * (GetLogRecord, GetLogGroupFields, StartQuery, …).
 */
import type { ServiceDefinition } from "../service.ts";

export const logs: ServiceDefinition = {
  name: "logs",
  title: "CloudWatch Logs",
  protocol: "awsJson1_1",
  targetPrefix: "Logs_20140328",
  operations: async () => (await import("./operations.ts")).operations,
};
