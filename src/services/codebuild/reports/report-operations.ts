/**
 * BatchGetReports, DeleteReport, ListReports, ListReportsForReportGroup.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/. AWS: newest first unless asked otherwise.
 */
import type { Clock } from "../../../core/clock.ts";
import type { Key, Store } from "../../../store/store.ts";
import { type OperationDefinition, operation } from "../../service.ts";
import { invalidInput } from "../errors.ts";
import { type PageInput, page } from "../pages.ts";
import { onAnything } from "../projects/project-access.ts";
import type {
  BatchGetReportsInput,
  BatchGetReportsOutput,
  DeleteReportInput,
  ListReportsForReportGroupInput,
  ListReportsForReportGroupOutput,
  ListReportsInput,
  ListReportsOutput,
  ReportFilter,
} from "../shapes.gen.ts";
import { groupAccess, reportAccess, requireGroup } from "./report-access.ts";
import { reportGroupNotFound } from "./report-errors.ts";
import { deleteReport, findReport, listReports, reportKeyOf } from "./report-records.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const reportOperations: readonly OperationDefinition<any, object>[] = [
  operation<BatchGetReportsInput, BatchGetReportsOutput>({
    name: "BatchGetReports",
    support: "supported",
    source: `${API}API_BatchGetReports.html`,
    authorize: (input, context) =>
      [...new Set(input.reportArns)].map((arn) => reportAccess(context, "BatchGetReports", arn)),
    errors: [invalidInput],
    run(input, { store, clock }) {
      const arns = [...new Set(input.reportArns)];
      return {
        reports: arns.flatMap((arn) => findReport(store, clock, arn) ?? []),
        reportsNotFound: arns.filter((arn) => !findReport(store, clock, arn)),
      };
    },
  }),

  operation<DeleteReportInput, object>({
    name: "DeleteReport",
    support: "supported",
    source: `${API}API_DeleteReport.html`,
    authorize: (input, context) => [reportAccess(context, "DeleteReport", input.arn)],
    errors: [invalidInput],
    // AWS: an unknown report is no error.
    async run(input, { store }) {
      const key = reportKeyOf(input.arn);
      if (!key) throw invalidInput(`Invalid report ARN: ${input.arn}`);
      await store.write(() => deleteReport(store, key));
      return {};
    },
  }),

  operation<ListReportsInput, ListReportsOutput>({
    name: "ListReports",
    support: "supported",
    source: `${API}API_ListReports.html`,
    authorize: () => [onAnything("ListReports")],
    errors: [invalidInput],
    run(input, { store, scope, clock }) {
      return arnPage(store, clock, [scope.accountId, scope.region], input);
    },
  }),

  operation<ListReportsForReportGroupInput, ListReportsForReportGroupOutput>({
    name: "ListReportsForReportGroup",
    support: "supported",
    source: `${API}API_ListReportsForReportGroup.html`,
    authorize: (input, context) => [groupAccess(context, "ListReportsForReportGroup", input.reportGroupArn)],
    errors: [invalidInput, reportGroupNotFound],
    run(input, { store, clock }) {
      return arnPage(store, clock, requireGroup(store, input.reportGroupArn).key, input);
    },
  }),
];

function arnPage(
  store: Store,
  clock: Clock,
  prefix: Key,
  input: PageInput & { readonly filter?: ReportFilter | undefined },
): { readonly reports: readonly string[]; readonly nextToken?: string } {
  const status = input.filter?.status;
  const found = listReports(store, clock, prefix).filter((report) => status === undefined || report.status === status);
  const arns = found.map((report) => report.arn ?? "");
  if (input.sortOrder === "ASCENDING") arns.reverse();
  const { items, ...more } = page(arns, input.nextToken, input.maxResults);
  return { reports: items, ...more };
}
