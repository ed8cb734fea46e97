/**
 * StopBuild, BatchGetBuilds, ListBuilds, ListBuildsForProject, BatchDeleteBuilds.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/
 */
import { type OperationContext, type OperationDefinition, operation } from "../service.ts";
import type { BuildRunner } from "./build-runner.ts";
import { buildNotFound, invalidInput, projectNotFound } from "./errors.ts";
import { page } from "./pages.ts";
import { onAnything, onBuild, onProject, resourceTags } from "./project-access.ts";
import { findProject, requireProject } from "./projects.ts";
import { type BuildRecord, buildArn, buildKey, buildShape, parseBuildId, projectNameOf, recordsIn } from "./records.ts";
import type {
  BatchDeleteBuildsInput,
  BatchDeleteBuildsOutput,
  BatchGetBuildsInput,
  BatchGetBuildsOutput,
  ListBuildsForProjectInput,
  ListBuildsForProjectOutput,
  ListBuildsInput,
  ListBuildsOutput,
  StopBuildInput,
  StopBuildOutput,
} from "./shapes.gen.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";

function findBuild({ store, scope }: OperationContext, idOrArn: string): BuildRecord | undefined {
  const { projectName, uuid } = parseBuildId(idOrArn);
  return recordsIn(store).builds.get(buildKey(scope, projectName, uuid));
}

const onBuilds = (action: string, ids: readonly string[], context: OperationContext) =>
  ids.map((id) => onBuild(action, id, context.scope, findProject(context, parseBuildId(id).projectName)));

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const buildOperations = (runner: BuildRunner): readonly OperationDefinition<any, object>[] => [
  operation<BatchGetBuildsInput, BatchGetBuildsOutput>({
    name: "BatchGetBuilds",
    support: "supported",
    source: `${API}API_BatchGetBuilds.html`,
    authorize: (input, context) => onBuilds("BatchGetBuilds", input.ids, context),
    errors: [invalidInput],
    run(input, context) {
      const ids = [...new Set(input.ids)];
      return {
        builds: ids.flatMap((id) => {
          const record = findBuild(context, id);
          return record ? [buildShape(record)] : [];
        }),
        buildsNotFound: ids.filter((id) => !findBuild(context, id)),
      };
    },
  }),

  operation<StopBuildInput, StopBuildOutput>({
    name: "StopBuild",
    support: "supported",
    source: `${API}API_StopBuild.html`,
    authorize: (input, context) => onBuilds("StopBuild", [input.id], context),
    errors: [invalidInput, buildNotFound],
    // AWS: stopping a finished build is no error and changes nothing.
    async run(input, context) {
      const record = findBuild(context, input.id);
      if (!record) throw buildNotFound(input.id);
      if (record.build.buildComplete !== true) await runner.stop(record);
      return { build: buildShape(findBuild(context, input.id) ?? record) };
    },
  }),

  operation<ListBuildsInput, ListBuildsOutput>({
    name: "ListBuilds",
    support: "supported",
    source: `${API}API_ListBuilds.html`,
    authorize: () => [onAnything("ListBuilds")],
    errors: [invalidInput],
    run(input, { store, scope }) {
      const builds = recordsIn(store).builds.list([scope.accountId, scope.region]);
      return idPage(
        builds.map(({ value }) => value),
        (record) => record.build.startTime ?? 0,
        input,
      );
    },
  }),

  operation<ListBuildsForProjectInput, ListBuildsForProjectOutput>({
    name: "ListBuildsForProject",
    support: "supported",
    source: `${API}API_ListBuildsForProject.html`,
    authorize: (input, context) => [
      onProject(
        "ListBuildsForProject",
        input.projectName,
        context.scope,
        resourceTags(findProject(context, input.projectName)),
      ),
    ],
    errors: [invalidInput, projectNotFound],
    run(input, context) {
      requireProject(context, input.projectName);
      const { store, scope } = context;
      const builds = recordsIn(store).builds.list([scope.accountId, scope.region, projectNameOf(input.projectName)]);
      return idPage(
        builds.map(({ value }) => value),
        (record) => record.build.buildNumber ?? 0,
        input,
      );
    },
  }),

  operation<BatchDeleteBuildsInput, BatchDeleteBuildsOutput>({
    name: "BatchDeleteBuilds",
    support: "supported",
    source: `${API}API_BatchDeleteBuilds.html`,
    authorize: (input, context) => onBuilds("BatchDeleteBuilds", input.ids, context),
    errors: [invalidInput],
    async run(input, context) {
      const { store, scope } = context;
      const deleted: BuildRecord[] = [];
      const notDeleted: { id: string; statusCode: string }[] = [];
      for (const id of new Set(input.ids)) {
        const record = findBuild(context, id);
        const { projectName, uuid } = parseBuildId(id);
        const arn = buildArn(scope, `${projectName}:${uuid}`);
        if (!record) notDeleted.push({ id: arn, statusCode: "BUILD_NOT_FOUND" });
        else if (record.build.buildComplete !== true) notDeleted.push({ id: arn, statusCode: "BUILD_IN_PROGRESS" });
        else deleted.push(record);
      }
      await store.write(() => {
        for (const record of deleted) {
          recordsIn(store).builds.delete(buildKey(scope, record.settings.projectName, record.uuid));
        }
      });
      for (const record of deleted) await runner.forget(record.uuid);
      return {
        buildsDeleted: deleted.map((record) => record.build.arn ?? ""),
        ...(notDeleted.length > 0 ? { buildsNotDeleted: notDeleted } : {}),
      };
    },
  }),
];

/** Ids of one page. AWS: newest first unless asked otherwise. */
function idPage(
  records: readonly BuildRecord[],
  order: (record: BuildRecord) => number,
  input: { readonly sortOrder?: "ASCENDING" | "DESCENDING" | undefined; readonly nextToken?: string | undefined },
): { ids: readonly string[]; nextToken?: string } {
  const sign = input.sortOrder === "ASCENDING" ? 1 : -1;
  const sorted = [...records].sort(
    (a, b) => sign * (order(a) - order(b) || (a.build.buildNumber ?? 0) - (b.build.buildNumber ?? 0)),
  );
  const { items, nextToken } = page(
    sorted.map((record) => record.build.id ?? ""),
    input.nextToken,
  );
  return { ids: items, ...(nextToken === undefined ? {} : { nextToken }) };
}
