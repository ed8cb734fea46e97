/**
 * CreateProject, UpdateProject, DeleteProject, BatchGetProjects, ListProjects, InvalidateProjectCache.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/
 */
import type { RequestContext } from "../../../authorize/decision.ts";
import { type OperationDefinition, operation } from "../../service.ts";
import { requireUsableFleet } from "../builds/build-limits.ts";
import type { BuildRunner } from "../builds/build-runner.ts";
import {
  fleetNotFound,
  invalidInput,
  limitAboveAccount,
  notOffered,
  projectAlreadyExists,
  projectNotFound,
  roleNotAssumable,
} from "../errors.ts";
import { page } from "../pages.ts";
import { projectArn, projectAt, projectKey, recordsIn } from "../records.ts";
import type {
  BatchGetProjectsInput,
  BatchGetProjectsOutput,
  CreateProjectInput,
  CreateProjectOutput,
  DeleteProjectInput,
  InvalidateProjectCacheInput,
  ListProjectsInput,
  ListProjectsOutput,
  Project,
  UpdateProjectInput,
  UpdateProjectOutput,
} from "../shapes.gen.ts";
import { policyKey } from "../sharing/resource-policy-of.ts";
import { removeWebhook } from "../webhooks/webhook-records.ts";
import { enableBadge, removeBadge } from "./badge.ts";
import { requestFieldKeys } from "./condition-keys.ts";
import { findProject, projectAccess, requireOwnProject } from "./find-project.ts";
import { onAnything, onProject, passRole, requestTags, requireAssumableRole } from "./project-access.ts";
import { invalidateCache } from "./project-cache.ts";
import { projectFrom, withoutUndefined } from "./project-settings.ts";
import { projectShape } from "./project-shape.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";
const GAPS = [
  "Windows, macOS, EFS file systems and docker servers are refused",
  "a VPC is kept and each build says that it has no effect",
];

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const projectOperations = (runner: BuildRunner): readonly OperationDefinition<any, object>[] => [
  operation<CreateProjectInput, CreateProjectOutput>({
    name: "CreateProject",
    support: "partial",
    gaps: GAPS,
    source: `${API}API_CreateProject.html`,
    authorize: (input, { scope }) => [
      onProject("CreateProject", input.name, scope, { ...requestTags(input.tags), ...keysOf(input) }),
      passRole(input.serviceRole, projectArn(scope, input.name)),
      ...passBatchRole(input, projectArn(scope, input.name)),
    ],
    errors: [invalidInput, notOffered, limitAboveAccount, fleetNotFound, projectAlreadyExists, roleNotAssumable],
    async run(input, context) {
      const { store, scope, clock, ids } = context;
      const project = projectFrom(input, { scope, nowMs: clock.nowMs(), accountLimit: runner.accountLimit });
      requireUsableFleet(input.environment, context);
      const { projects } = recordsIn(store);
      const key = projectKey(scope, input.name);
      if (projects.has(key)) throw projectAlreadyExists(projectArn(scope, input.name));
      for (const role of new Set([input.serviceRole, project.buildBatchConfig?.serviceRole ?? input.serviceRole])) {
        await requireAssumableRole(runner.newSession(ids.uuid(), input.name, role, scope));
      }
      await store.write(() => {
        if (projects.has(key)) throw projectAlreadyExists(projectArn(scope, input.name));
        projects.put(key, project);
        if (project.badge?.badgeEnabled === true) enableBadge(store, ids, scope, input.name);
      });
      return { project: projectShape(project, store, runner.endpointUrl) };
    },
  }),

  operation<UpdateProjectInput, UpdateProjectOutput>({
    name: "UpdateProject",
    support: "partial",
    gaps: GAPS,
    source: `${API}API_UpdateProject.html`,
    authorize(input, context) {
      const project = findProject(context, input.name);
      const role = input.serviceRole ?? project?.serviceRole;
      const update = projectAccess(context, "UpdateProject", input.name, {
        ...requestTags(input.tags),
        ...keysOf(input),
      });
      return [
        update,
        ...(role === undefined ? [] : [passRole(role, update.resource)]),
        ...passBatchRole(input, update.resource),
      ];
    },
    errors: [invalidInput, notOffered, limitAboveAccount, fleetNotFound, projectNotFound, roleNotAssumable],
    async run(input, context) {
      const { store, scope, clock, ids } = context;
      const old = requireOwnProject(context, input.name);
      const changed = changedProject(old, input);
      const project: Project = {
        ...projectFrom(changed, { scope, nowMs: clock.nowMs(), accountLimit: runner.accountLimit }),
        ...keptMembers(old),
      };
      requireUsableFleet(changed.environment, context);
      for (const role of [input.serviceRole, input.buildBatchConfig?.serviceRole]) {
        if (role !== undefined) {
          await requireAssumableRole(runner.newSession(ids.uuid(), project.name ?? "", role, scope));
        }
      }
      await store.write(() => {
        recordsIn(store).projects.put(projectKey(scope, project.name ?? ""), project);
        if (project.badge?.badgeEnabled === true) enableBadge(store, ids, scope, project.name ?? "");
      });
      return { project: projectShape(project, store, runner.endpointUrl) };
    },
  }),

  operation<DeleteProjectInput, object>({
    name: "DeleteProject",
    support: "supported",
    source: `${API}API_DeleteProject.html`,
    authorize: (input, context) => [projectAccess(context, "DeleteProject", input.name)],
    errors: [invalidInput],
    // AWS: the builds stay, and an unknown name is no error.
    async run(input, { store, scope }) {
      const at = projectAt(input.name, scope);
      await store.write(() => {
        recordsIn(store).projects.delete(projectKey(at.scope, at.name));
        removeWebhook(store, at.scope, at.name);
        removeBadge(store, at.scope, at.name);
        // A project made anew under the name is not shared.
        recordsIn(store).policies.delete(policyKey(projectArn(at.scope, at.name)));
      });
      return {};
    },
  }),

  operation<BatchGetProjectsInput, BatchGetProjectsOutput>({
    name: "BatchGetProjects",
    support: "supported",
    source: `${API}API_BatchGetProjects.html`,
    authorize: (input, context) => input.names.map((name) => projectAccess(context, "BatchGetProjects", name)),
    errors: [invalidInput],
    run(input, context) {
      const names = [...new Set(input.names)];
      return {
        projects: names.flatMap((name) => {
          const project = findProject(context, name);
          return project ? [projectShape(project, context.store, runner.endpointUrl)] : [];
        }),
        projectsNotFound: names.filter((name) => !findProject(context, name)),
      };
    },
  }),

  operation<ListProjectsInput, ListProjectsOutput>({
    name: "ListProjects",
    support: "supported",
    source: `${API}API_ListProjects.html`,
    authorize: () => [onAnything("ListProjects")],
    errors: [invalidInput],
    run(input, { store, scope }) {
      const projects = recordsIn(store)
        .projects.list([scope.accountId, scope.region])
        .map(({ value }) => value);
      const order = (project: Project): number =>
        (input.sortBy === "CREATED_TIME"
          ? project.created
          : input.sortBy === "LAST_MODIFIED_TIME"
            ? project.lastModified
            : 0) ?? 0;
      projects.sort((a, b) => order(a) - order(b) || ((a.name ?? "") < (b.name ?? "") ? -1 : 1));
      if (input.sortOrder === "DESCENDING") projects.reverse();
      const { items, nextToken } = page(
        projects.map((project) => project.name ?? ""),
        input.nextToken,
      );
      return { projects: items, ...(nextToken === undefined ? {} : { nextToken }) };
    },
  }),

  operation<InvalidateProjectCacheInput, object>({
    name: "InvalidateProjectCache",
    support: "supported",
    source: `${API}API_InvalidateProjectCache.html`,
    authorize: (input, context) => [projectAccess(context, "InvalidateProjectCache", input.projectName)],
    errors: [invalidInput, projectNotFound],
    async run(input, context) {
      const { name = "" } = requireOwnProject(context, input.projectName);
      await invalidateCache(context.store, context.scope, name, runner.cacheDir);
      return {};
    },
  }),
];

/** AWS: a given member replaces the old one as a whole, an empty list clears, -1 takes the limit away. */
function changedProject(old: Project, input: UpdateProjectInput): CreateProjectInput {
  const { concurrentBuildLimit = old.concurrentBuildLimit, ...given } = withoutUndefined(input);
  return {
    ...(old as CreateProjectInput),
    ...(given as Partial<CreateProjectInput>),
    name: old.name ?? "",
    concurrentBuildLimit: concurrentBuildLimit === -1 ? undefined : concurrentBuildLimit,
    badgeEnabled: given.badgeEnabled ?? old.badge?.badgeEnabled,
    // The old version list speaks of the old sources.
    secondarySourceVersions:
      given.secondarySourceVersions ??
      (given.secondarySources === undefined
        ? old.secondarySourceVersions
        : old.secondarySourceVersions?.filter(({ sourceIdentifier }) =>
            given.secondarySources?.some((source) => source.sourceIdentifier === sourceIdentifier),
          )),
  };
}

/** Members that UpdateProject does not set. */
const keptMembers = (old: Project): Partial<Project> =>
  withoutUndefined({
    created: old.created,
    webhook: old.webhook,
    projectVisibility: old.projectVisibility,
    publicProjectAlias: old.publicProjectAlias,
    resourceAccessRole: old.resourceAccessRole,
  });

const passBatchRole = ({ buildBatchConfig }: CreateProjectInput | UpdateProjectInput, project: string) =>
  buildBatchConfig?.serviceRole === undefined ? [] : [passRole(buildBatchConfig.serviceRole, project)];

const keysOf = (input: CreateProjectInput | UpdateProjectInput): RequestContext =>
  requestFieldKeys({ ...input, environmentVariables: input.environment?.environmentVariables });
