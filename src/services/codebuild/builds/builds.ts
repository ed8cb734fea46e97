/**
 * StopBuild, BatchGetBuilds, ListBuilds, ListBuildsForProject, BatchDeleteBuilds.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/
 */

import type { Collection, Key } from "../../../store/store.ts";
import { type OperationContext, type OperationDefinition, operation } from "../../service.ts";
import { buildNotFound, invalidInput, projectNotFound } from "../errors.ts";
import { type PageInput, recordPage } from "../pages.ts";
import { buildAccess, projectAccess, requireProject } from "../projects/find-project.ts";
import { onAnything } from "../projects/project-access.ts";
import {
  type BuildRecord,
  buildArn,
  buildKey,
  buildShape,
  parseBuildId,
  projectAt,
  recordsIn,
  scopeOf,
} from "../records.ts";
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
} from "../shapes.gen.ts";
import { deleteBuild } from "./build-index.ts";
import type { BuildRunner } from "./build-runner.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";

/** The build of an id, or of an ARN that may name another account. */
function findBuild({ store, scope }: OperationContext, idOrArn: string): BuildRecord | undefined {
  const { projectName, uuid } = parseBuildId(idOrArn);
  return recordsIn(store).builds.get(buildKey(scopeOf(idOrArn, scope), projectName, uuid));
}

const onBuilds = (action: string, ids: readonly string[], context: OperationContext) =>
  ids.map((id) => buildAccess(context, action, id));

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
    // AWS: newest first unless asked otherwise.
    run: (input, { store, scope }) => idPage(recordsIn(store).byTime, [scope.accountId, scope.region], input),
  }),

  operation<ListBuildsForProjectInput, ListBuildsForProjectOutput>({
    name: "ListBuildsForProject",
    support: "supported",
    source: `${API}API_ListBuildsForProject.html`,
    authorize: (input, context) => [projectAccess(context, "ListBuildsForProject", input.projectName)],
    errors: [invalidInput, projectNotFound],
    run(input, context) {
      requireProject(context, input.projectName);
      const { scope, name } = projectAt(input.projectName, context.scope);
      return idPage(recordsIn(context.store).byNumber, [scope.accountId, scope.region, name], input);
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
        for (const record of deleted) deleteBuild(recordsIn(store), record);
      });
      for (const record of deleted) await runner.forget(record.uuid);
      return {
        buildsDeleted: deleted.map((record) => record.build.arn ?? ""),
        ...(notDeleted.length > 0 ? { buildsNotDeleted: notDeleted } : {}),
      };
    },
  }),
];

function idPage(ids: Collection<string>, prefix: Key, input: PageInput): { ids: string[]; nextToken?: string } {
  const { entries, ...more } = recordPage(ids, prefix, input);
  return { ids: entries.map(({ value }) => value), ...more };
}
