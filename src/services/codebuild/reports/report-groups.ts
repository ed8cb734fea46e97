/**
 * CreateReportGroup, UpdateReportGroup, DeleteReportGroup, BatchGetReportGroups, ListReportGroups.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/
 */
import { type OperationDefinition, operation } from "../../service.ts";
import { invalidInput } from "../errors.ts";
import { page } from "../pages.ts";
import { onAnything, requestTags } from "../projects/project-access.ts";
import { recordsIn } from "../records.ts";
import type {
  BatchGetReportGroupsInput,
  BatchGetReportGroupsOutput,
  CreateReportGroupInput,
  CreateReportGroupOutput,
  DeleteReportGroupInput,
  ListReportGroupsInput,
  ListReportGroupsOutput,
  ReportGroup,
  UpdateReportGroupInput,
  UpdateReportGroupOutput,
} from "../shapes.gen.ts";
import { policyKey } from "../sharing/resource-policy-of.ts";
import { exportConfigFrom } from "./export-config.ts";
import { exportKeys, groupAccess, requireGroupArn } from "./report-access.ts";
import { reportGroupAlreadyExists, reportGroupNotFound, tooManyReportGroups } from "./report-errors.ts";
import { deleteReport, findGroup, groupKey, listReports, reportGroupArn, reportRecords } from "./report-records.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";
/** AWS: quota of report groups. */
const MAX_GROUPS = 5000;

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const reportGroupOperations: readonly OperationDefinition<any, object>[] = [
  operation<CreateReportGroupInput, CreateReportGroupOutput>({
    name: "CreateReportGroup",
    support: "supported",
    source: `${API}API_CreateReportGroup.html`,
    authorize: (input, context) => [
      groupAccess(context, "CreateReportGroup", reportGroupArn(context.scope, input.name), {
        ...requestTags(input.tags),
        ...exportKeys(input.exportConfig),
      }),
    ],
    errors: [invalidInput, reportGroupAlreadyExists, tooManyReportGroups],
    async run(input, { store, scope, clock }) {
      // The name is part of an ARN; AWS's own pattern is not published.
      if (/[\s/:*?]/.test(input.name)) throw invalidInput(`Invalid report group name: ${input.name}`);
      const { groups } = reportRecords(store);
      const arn = reportGroupArn(scope, input.name);
      const nowMs = clock.nowMs();
      const reportGroup: ReportGroup = {
        arn,
        name: input.name,
        type: input.type,
        exportConfig: exportConfigFrom(input.exportConfig, scope),
        created: nowMs,
        lastModified: nowMs,
        ...(input.tags === undefined ? {} : { tags: input.tags }),
        status: "ACTIVE",
      };
      await store.write(() => {
        const key = groupKey(scope, input.name);
        if (groups.has(key)) throw reportGroupAlreadyExists(arn);
        if (groups.count([scope.accountId, scope.region]) >= MAX_GROUPS) {
          throw tooManyReportGroups(MAX_GROUPS);
        }
        groups.put(key, reportGroup);
      });
      return { reportGroup };
    },
  }),

  operation<UpdateReportGroupInput, UpdateReportGroupOutput>({
    name: "UpdateReportGroup",
    support: "supported",
    source: `${API}API_UpdateReportGroup.html`,
    authorize: (input, context) => [
      groupAccess(context, "UpdateReportGroup", input.arn, {
        ...requestTags(input.tags),
        ...exportKeys(input.exportConfig),
      }),
    ],
    errors: [invalidInput, reportGroupNotFound],
    async run(input, { store, clock }) {
      const at = requireGroupArn(input.arn);
      const config = input.exportConfig && exportConfigFrom(input.exportConfig, at.scope);
      const reportGroup = await store.write(() => {
        const old = findGroup(store, input.arn);
        if (!old) throw reportGroupNotFound(input.arn);
        const next: ReportGroup = {
          ...old,
          ...(config === undefined ? {} : { exportConfig: config }),
          ...(input.tags === undefined ? {} : { tags: input.tags }),
          lastModified: clock.nowMs(),
        };
        reportRecords(store).groups.put(groupKey(at.scope, at.name), next);
        return next;
      });
      return { reportGroup };
    },
  }),

  operation<DeleteReportGroupInput, object>({
    name: "DeleteReportGroup",
    support: "supported",
    source: `${API}API_DeleteReportGroup.html`,
    authorize: (input, context) => [groupAccess(context, "DeleteReportGroup", input.arn)],
    errors: [invalidInput],
    // AWS: an unknown group is no error.
    async run(input, { store, clock }) {
      const at = requireGroupArn(input.arn);
      const key = groupKey(at.scope, at.name);
      await store.write(() => {
        if (input.deleteReports !== true && listReports(store, clock, key).length > 0) {
          throw invalidInput(`Report group contains reports and cannot be deleted: ${input.arn}`);
        }
        for (const { key: reportKey } of reportRecords(store).reports.list(key)) deleteReport(store, reportKey);
        reportRecords(store).groups.delete(key);
        recordsIn(store).policies.delete(policyKey(input.arn));
      });
      return {};
    },
  }),

  operation<BatchGetReportGroupsInput, BatchGetReportGroupsOutput>({
    name: "BatchGetReportGroups",
    support: "supported",
    source: `${API}API_BatchGetReportGroups.html`,
    authorize: (input, context) =>
      [...new Set(input.reportGroupArns)].map((arn) => groupAccess(context, "BatchGetReportGroups", arn)),
    errors: [invalidInput],
    run(input, { store }) {
      const arns = [...new Set(input.reportGroupArns)];
      return {
        reportGroups: arns.flatMap((arn) => findGroup(store, arn) ?? []),
        reportGroupsNotFound: arns.filter((arn) => !findGroup(store, arn)),
      };
    },
  }),

  operation<ListReportGroupsInput, ListReportGroupsOutput>({
    name: "ListReportGroups",
    support: "supported",
    source: `${API}API_ListReportGroups.html`,
    authorize: () => [onAnything("ListReportGroups")],
    errors: [invalidInput],
    run(input, { store, scope }) {
      const groups = reportRecords(store)
        .groups.list([scope.accountId, scope.region])
        .map(({ value }) => value);
      const order = (group: ReportGroup): number =>
        (input.sortBy === "CREATED_TIME"
          ? group.created
          : input.sortBy === "LAST_MODIFIED_TIME"
            ? group.lastModified
            : 0) ?? 0;
      groups.sort((a, b) => order(a) - order(b) || ((a.name ?? "") < (b.name ?? "") ? -1 : 1));
      if (input.sortOrder === "DESCENDING") groups.reverse();
      const { items, ...more } = page(
        groups.map((group) => group.arn ?? ""),
        input.nextToken,
        input.maxResults,
      );
      return { reportGroups: items, ...more };
    },
  }),
];
