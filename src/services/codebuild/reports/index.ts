/** Public face of services/codebuild/reports: its operations, and the sink that a build's reports go to. */
import type { OperationDefinition } from "../../service.ts";
import { reportContentOperations } from "./report-contents.ts";
import { getReportGroupTrend } from "./report-group-trend.ts";
import { reportGroupOperations } from "./report-groups.ts";
import { reportOperations } from "./report-operations.ts";

export { mergeReports } from "./merge-reports.ts";
export { findGroup } from "./report-records.ts";
export { buildReportSink } from "./report-sink.ts";

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const allReportOperations: readonly OperationDefinition<any, object>[] = [
  ...reportGroupOperations,
  ...reportOperations,
  ...reportContentOperations,
  getReportGroupTrend,
];
