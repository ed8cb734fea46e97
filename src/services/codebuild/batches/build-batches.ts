/**
 * StopBuildBatch, DeleteBuildBatch, BatchGetBuildBatches, ListBuildBatches, ListBuildBatchesForProject; with start-batch.ts
 * the operations of batches. Batches run in batch-runner.ts.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StopBuildBatch.html and its neighbours, shapes from
 * the CLI's samples. Gap: AWS's words for a batch that cannot be deleted or found are not recorded.
 */
import type { Key } from "../../../store/store.ts";
import { type OperationContext, type OperationDefinition, operation } from "../../service.ts";
import { deleteBuild } from "../builds/build-index.ts";
import type { BuildRunner } from "../builds/build-runner.ts";
import { batchNotFound, invalidInput, projectNotFound } from "../errors.ts";
import { type PageInput, page } from "../pages.ts";
import { findProject, projectAccess, requireProject } from "../projects/find-project.ts";
import { onAnything } from "../projects/project-access.ts";
import { buildArn, buildKey, projectNameOf, recordsIn, scopeOf } from "../records.ts";
import type {
  BatchGetBuildBatchesInput,
  BatchGetBuildBatchesOutput,
  BuildBatchFilter,
  DeleteBuildBatchInput,
  DeleteBuildBatchOutput,
  ListBuildBatchesForProjectInput,
  ListBuildBatchesForProjectOutput,
  ListBuildBatchesInput,
  ListBuildBatchesOutput,
  StopBuildBatchInput,
  StopBuildBatchOutput,
} from "../shapes.gen.ts";
import { batchKey, batchRecordsIn, batchShape } from "./batch-records.ts";
import type { BatchRunner } from "./batch-runner.ts";
import { stillInProgress } from "./batch-texts.ts";
import { findBatch, onBatch, requireBatch } from "./find-batch.ts";
import { startBatchOperations } from "./start-batch.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
type AnyOperation = OperationDefinition<any, object>;

export const batchOperations = (runner: BuildRunner, batches: BatchRunner): readonly AnyOperation[] => [
  ...startBatchOperations(batches),

  operation<StopBuildBatchInput, StopBuildBatchOutput>({
    name: "StopBuildBatch",
    support: "supported",
    source: `${API}API_StopBuildBatch.html`,
    authorize: (input, context) => [onBatch(context, "StopBuildBatch", input.id)],
    errors: [invalidInput, batchNotFound],
    // AWS: stopping a finished batch is no error and changes nothing.
    async run(input, context) {
      const record = requireBatch(context, input.id);
      if (record.batch.complete !== true) await batches.stop(record);
      return { buildBatch: batchShape(findBatch(context, input.id) ?? record, context.store) };
    },
  }),

  operation<DeleteBuildBatchInput, DeleteBuildBatchOutput>({
    name: "DeleteBuildBatch",
    support: "supported",
    source: `${API}API_DeleteBuildBatch.html`,
    authorize: (input, context) => [onBatch(context, "DeleteBuildBatch", input.id)],
    errors: [invalidInput],
    async run(input, context) {
      const { store } = context;
      const record = findBatch(context, input.id);
      if (!record) throw invalidInput(`Build batch cannot be found: ${input.id}`);
      if (record.batch.complete !== true) throw invalidInput(stillInProgress(input.id));
      const { scope, settings } = record;
      const records = recordsIn(store);
      const uuids = record.groups.flatMap(({ current, prior }) =>
        [...prior, ...(current ? [current] : [])].flatMap(({ uuid }) => uuid ?? []),
      );
      const found = uuids.flatMap((uuid) => records.builds.get(buildKey(scope, settings.projectName, uuid)) ?? []);
      const deleted = found.filter(({ build }) => build.buildComplete === true);
      await store.write(() => {
        for (const build of deleted) deleteBuild(records, build);
        batchRecordsIn(store).batches.delete(batchKey(record));
        batchRecordsIn(store).active.delete(batchKey(record));
      });
      for (const { uuid } of [...deleted, record]) await runner.forget(uuid);
      return {
        statusCode: "BATCH_DELETED",
        buildsDeleted: deleted.map(({ uuid }) => buildArn(scope, `${settings.projectName}:${uuid}`)),
        buildsNotDeleted: found
          .filter((build) => !deleted.includes(build))
          .map(({ build }) => ({ id: build.arn ?? "", statusCode: "BUILD_IN_PROGRESS" })),
      };
    },
  }),

  operation<BatchGetBuildBatchesInput, BatchGetBuildBatchesOutput>({
    name: "BatchGetBuildBatches",
    support: "supported",
    source: `${API}API_BatchGetBuildBatches.html`,
    authorize: (input, context) => input.ids.map((id) => onBatch(context, "BatchGetBuildBatches", id)),
    errors: [invalidInput],
    run(input, context) {
      const ids = [...new Set(input.ids)];
      return {
        buildBatches: ids.flatMap((id) => {
          const record = findBatch(context, id);
          return record ? [batchShape(record, context.store)] : [];
        }),
        buildBatchesNotFound: ids.filter((id) => !findBatch(context, id)),
      };
    },
  }),

  operation<ListBuildBatchesInput, ListBuildBatchesOutput>({
    name: "ListBuildBatches",
    support: "supported",
    source: `${API}API_ListBuildBatches.html`,
    authorize: () => [onAnything("ListBuildBatches")],
    errors: [invalidInput],
    run: (input, context) => idPage(context, [context.scope.accountId, context.scope.region], input),
  }),

  operation<ListBuildBatchesForProjectInput, ListBuildBatchesForProjectOutput>({
    name: "ListBuildBatchesForProject",
    support: "supported",
    source: `${API}API_ListBuildBatchesForProject.html`,
    authorize: (input, context) => [projectAccess(context, "ListBuildBatchesForProject", input.projectName ?? "")],
    errors: [invalidInput, projectNotFound],
    run(input, context) {
      if (input.projectName === undefined) throw invalidInput("Invalid input: projectName must be set");
      if (!findProject(context, input.projectName)) requireProject(context, input.projectName);
      const scope = scopeOf(input.projectName, context.scope);
      return idPage(context, [scope.accountId, scope.region, projectNameOf(input.projectName)], input);
    },
  }),
];

/** Ids of one page. AWS: newest first unless asked otherwise. */
function idPage(
  { store }: OperationContext,
  prefix: Key,
  input: PageInput & { readonly filter?: BuildBatchFilter | undefined },
): { ids: readonly string[]; nextToken?: string } {
  const status = input.filter?.status;
  const sign = input.sortOrder === "ASCENDING" ? 1 : -1;
  const found = batchRecordsIn(store)
    .batches.list(prefix)
    .map(({ value }) => value.batch)
    .filter(({ buildBatchStatus }) => status === undefined || buildBatchStatus === status)
    .sort(
      (a, b) =>
        sign * ((a.startTime ?? 0) - (b.startTime ?? 0) || (a.buildBatchNumber ?? 0) - (b.buildBatchNumber ?? 0)),
    );
  const { items, nextToken } = page(
    found.map(({ id }) => id ?? ""),
    input.nextToken,
    input.maxResults,
  );
  return { ids: items, ...(nextToken === undefined ? {} : { nextToken }) };
}
