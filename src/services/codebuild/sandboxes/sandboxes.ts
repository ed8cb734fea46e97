/**
 * StartSandbox, StopSandbox, BatchGetSandboxes, ListSandboxes, ListSandboxesForProject: a build's environment that stays
 * open for commands (command-executions.ts).
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/sandbox.html
 */

import { ownMark } from "../../../core/process-mark.ts";
import { type OperationContext, type OperationDefinition, operation } from "../../service.ts";
import { removeFolders } from "../builds/build-folders.ts";
import { sortable } from "../builds/build-index.ts";
import { requireUsableFleet } from "../builds/build-limits.ts";
import type { BuildRunner } from "../builds/build-runner.ts";
import { settingsFrom } from "../builds/build-settings.ts";
import { keepToken, madeBefore, tokenOf } from "../builds/idempotency.ts";
import { logsBeforeRun } from "../builds/start-build.ts";
import {
  fleetNotFound,
  invalidInput,
  notOffered,
  projectNotFound,
  roleNotAssumable,
  sandboxNotFound,
} from "../errors.ts";
import { type PageInput, page, recordPage } from "../pages.ts";
import { projectAccess, requireOwnProject, requireProject } from "../projects/find-project.ts";
import { onAnything, requireAssumableRole } from "../projects/project-access.ts";
import { parseBuildId, projectArn, projectAt, recordsIn, type SandboxRecord, scopeOf } from "../records.ts";
import type {
  BatchGetSandboxesInput,
  BatchGetSandboxesOutput,
  ListSandboxesForProjectInput,
  ListSandboxesForProjectOutput,
  ListSandboxesInput,
  ListSandboxesOutput,
  StartSandboxInput,
  StartSandboxOutput,
  StopSandboxInput,
  StopSandboxOutput,
} from "../shapes.gen.ts";
import { keyOfSandbox, newSandbox, sandboxIdOf, sandboxKey, sandboxShape } from "./sandbox-records.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";
const MAX_IDS = 100;

/** The sandbox, or undefined. */
export const findSandbox = ({ store, scope }: OperationContext, idOrArn: string): SandboxRecord | undefined =>
  recordsIn(store).sandboxes.get(sandboxKey(idOrArn, scope));

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const sandboxOperations = (runner: BuildRunner): readonly OperationDefinition<any, object>[] => [
  operation<StartSandboxInput, StartSandboxOutput>({
    name: "StartSandbox",
    support: "partial",
    gaps: [
      "a sandbox takes no place in the queue of builds",
      "one that the process which opened it no longer serves ends as FAULT when Kiln starts again",
    ],
    source: `${API}API_StartSandbox.html`,
    authorize: (input, context) => [projectAccess(context, "StartSandbox", input.projectName ?? "")],
    errors: [invalidInput, notOffered, projectNotFound, fleetNotFound, roleNotAssumable],
    async run(input, context) {
      if (input.projectName === undefined) throw invalidInput("Invalid input: projectName must be set");
      const { store, scope, clock, ids } = context;
      const project = requireOwnProject(context, input.projectName);
      const token = tokenOf(input.idempotencyToken, "StartSandbox", input);
      const records = recordsIn(store);
      const repeated = (): SandboxRecord | undefined => {
        const made = madeBefore(token, records.tokens, context);
        return made && records.sandboxes.get([scope.accountId, scope.region, made.projectName, made.uuid]);
      };
      const before = repeated();
      if (before) return { sandbox: sandboxShape(before) };
      const name = project.name ?? "";
      const settings = settingsFrom(
        project,
        { projectName: name, artifactsOverride: { type: "NO_ARTIFACTS" } },
        context,
      );
      requireUsableFleet(settings.environment, context);
      const uuid = ids.uuid();
      const session = runner.newSession(uuid, name, settings.serviceRole, scope);
      await requireAssumableRole(session);
      const folders = await runner.newFolders(uuid);
      const nowMs = clock.nowMs();
      const record: SandboxRecord = {
        scope,
        uuid,
        settings,
        ...newSandbox(settings, { scope, uuid, nowMs, logs: logsBeforeRun(settings, scope) }),
        owner: ownMark(),
        ...folders,
      };
      const written = await store.write(() => {
        const other = repeated();
        if (other) return other;
        records.sandboxes.put(keyOfSandbox(record), record);
        records.sandboxesByTime.put([scope.accountId, scope.region, sortable(nowMs), name, uuid], `${name}:${uuid}`);
        keepToken(token, records.tokens, { uuid, projectName: name }, context);
        return record;
      });
      if (written === record) runner.sandboxes.start(record, session);
      else await removeFolders(folders);
      return { sandbox: sandboxShape(written) };
    },
  }),

  operation<StopSandboxInput, StopSandboxOutput>({
    name: "StopSandbox",
    support: "supported",
    source: `${API}API_StopSandbox.html`,
    authorize: (input, context) => onSandboxes("StopSandbox", [input.id], context),
    errors: [invalidInput, sandboxNotFound],
    async run(input, context) {
      const record = findSandbox(context, input.id);
      if (!record) throw sandboxNotFound(input.id);
      await runner.sandboxes.stop(record);
      return { sandbox: sandboxShape(findSandbox(context, input.id) ?? record) };
    },
  }),

  operation<BatchGetSandboxesInput, BatchGetSandboxesOutput>({
    name: "BatchGetSandboxes",
    support: "supported",
    source: `${API}API_BatchGetSandboxes.html`,
    authorize: (input, context) => onSandboxes("BatchGetSandboxes", input.ids, context),
    errors: [invalidInput],
    run(input, context) {
      if (input.ids.length > MAX_IDS)
        throw invalidInput(`Invalid input: at most ${MAX_IDS} sandboxes can be asked for`);
      const ids = [...new Set(input.ids)];
      return {
        sandboxes: ids.flatMap((id) => {
          const record = findSandbox(context, id);
          return record ? [sandboxShape(record)] : [];
        }),
        sandboxesNotFound: ids.filter((id) => !findSandbox(context, id)),
      };
    },
  }),

  operation<ListSandboxesInput, ListSandboxesOutput>({
    name: "ListSandboxes",
    support: "supported",
    source: `${API}API_ListSandboxes.html`,
    authorize: () => [onAnything("ListSandboxes")],
    errors: [invalidInput],
    run(input, { store, scope }) {
      const { entries, ...more } = recordPage(recordsIn(store).sandboxesByTime, [scope.accountId, scope.region], input);
      return { ids: entries.map(({ value }) => value), ...more };
    },
  }),

  operation<ListSandboxesForProjectInput, ListSandboxesForProjectOutput>({
    name: "ListSandboxesForProject",
    support: "supported",
    source: `${API}API_ListSandboxesForProject.html`,
    authorize: (input, context) => [projectAccess(context, "ListSandboxesForProject", input.projectName)],
    errors: [invalidInput, projectNotFound],
    run(input, context) {
      requireProject(context, input.projectName);
      return projectPage(input.projectName, input, context);
    },
  }),
];

/** AWS: sandboxes are started, stopped and looked at under the project; their commands under the sandbox. */
const onSandboxes = (action: string, ids: readonly string[], context: OperationContext) =>
  ids.map((id) => {
    const { projectName } = parseBuildId(sandboxIdOf(id));
    return projectAccess(context, action, projectArn(scopeOf(id, context.scope), projectName));
  });

/** A project has few sandboxes: they are read and put in order. */
function projectPage(nameOrArn: string, input: PageInput, context: OperationContext): ListSandboxesForProjectOutput {
  const { scope, name } = projectAt(nameOrArn, context.scope);
  const { sandboxesByTime } = recordsIn(context.store);
  const all = sandboxesByTime
    .list([scope.accountId, scope.region], { reverse: input.sortOrder !== "ASCENDING" })
    .filter(({ key }) => key[3] === name)
    .map(({ value }) => value);
  const { items, ...more } = page(all, input.nextToken, input.maxResults);
  return { ids: items, ...more };
}
