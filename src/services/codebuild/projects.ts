/**
 * CreateProject, UpdateProject, DeleteProject, BatchGetProjects, ListProjects, InvalidateProjectCache.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/
 */
import type { OperationContext } from "../service.ts";
import { type OperationDefinition, operation } from "../service.ts";
import type { BuildRunner } from "./build-runner.ts";
import { invalidInput, notOffered, projectAlreadyExists, projectNotFound, roleNotAssumable } from "./errors.ts";
import { page } from "./pages.ts";
import {
  fieldKeys,
  onAnything,
  onProject,
  passRole,
  requestTags,
  requireAssumableRole,
  resourceTags,
} from "./project-access.ts";
import { projectFrom, withoutUndefined } from "./project-settings.ts";
import { projectArn, projectKey, projectNameOf, recordsIn } from "./records.ts";
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
} from "./shapes.gen.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";
const GAPS = [
  "secondary sources and artifacts, VPC, EFS, batch builds and Windows are refused",
  "badges and webhooks are not made",
];

/** The project, or undefined. */
export const findProject = (context: OperationContext, nameOrArn: string): Project | undefined =>
  recordsIn(context.store).projects.get(projectKey(context.scope, projectNameOf(nameOrArn)));

/** The project; throws ResourceNotFoundException. */
export function requireProject(context: OperationContext, nameOrArn: string): Project {
  const project = findProject(context, nameOrArn);
  if (!project) throw projectNotFound(projectArn(context.scope, projectNameOf(nameOrArn)));
  return project;
}

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const projectOperations = (runner: BuildRunner): readonly OperationDefinition<any, object>[] => [
  operation<CreateProjectInput, CreateProjectOutput>({
    name: "CreateProject",
    support: "partial",
    gaps: GAPS,
    source: `${API}API_CreateProject.html`,
    authorize: (input, { scope }) => [
      onProject("CreateProject", input.name, scope, { ...requestTags(input.tags), ...keysOf(input) }),
      passRole(input.serviceRole),
    ],
    errors: [invalidInput, notOffered, projectAlreadyExists, roleNotAssumable],
    async run(input, context) {
      const { store, scope, clock, ids } = context;
      const project = projectFrom(input, scope, clock.nowMs());
      const { projects } = recordsIn(store);
      const key = projectKey(scope, input.name);
      if (projects.has(key)) throw projectAlreadyExists(projectArn(scope, input.name));
      await requireAssumableRole(runner.newSession(ids.uuid(), input.name, input.serviceRole, scope));
      await store.write(() => {
        if (projects.has(key)) throw projectAlreadyExists(projectArn(scope, input.name));
        projects.put(key, project);
      });
      return { project };
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
      const keys = { ...requestTags(input.tags), ...resourceTags(project), ...keysOf(input) };
      return [
        onProject("UpdateProject", input.name, context.scope, keys),
        ...(role === undefined ? [] : [passRole(role)]),
      ];
    },
    errors: [invalidInput, notOffered, projectNotFound, roleNotAssumable],
    async run(input, context) {
      const { store, scope, clock, ids } = context;
      const old = requireProject(context, input.name);
      const { concurrentBuildLimit, ...given } = withoutUndefined(input);
      const limit = concurrentBuildLimit ?? old.concurrentBuildLimit;
      const project: Project = {
        ...projectFrom(
          {
            ...(old as CreateProjectInput),
            ...(given as Partial<CreateProjectInput>),
            name: old.name ?? "",
            // AWS: -1 takes the limit away.
            concurrentBuildLimit: limit === -1 ? undefined : limit,
          },
          scope,
          clock.nowMs(),
        ),
        created: old.created,
      };
      if (input.serviceRole !== undefined) {
        await requireAssumableRole(runner.newSession(ids.uuid(), project.name ?? "", input.serviceRole, scope));
      }
      await store.write(() => recordsIn(store).projects.put(projectKey(scope, project.name ?? ""), project));
      return { project };
    },
  }),

  operation<DeleteProjectInput, object>({
    name: "DeleteProject",
    support: "supported",
    source: `${API}API_DeleteProject.html`,
    authorize: (input, context) => [
      onProject("DeleteProject", input.name, context.scope, resourceTags(findProject(context, input.name))),
    ],
    errors: [invalidInput],
    // AWS: the builds stay, and an unknown name is no error.
    async run(input, { store, scope }) {
      await store.write(() => recordsIn(store).projects.delete(projectKey(scope, projectNameOf(input.name))));
      return {};
    },
  }),

  operation<BatchGetProjectsInput, BatchGetProjectsOutput>({
    name: "BatchGetProjects",
    support: "supported",
    source: `${API}API_BatchGetProjects.html`,
    authorize: (input, context) =>
      input.names.map((name) =>
        onProject("BatchGetProjects", name, context.scope, resourceTags(findProject(context, name))),
      ),
    errors: [invalidInput],
    run(input, context) {
      const names = [...new Set(input.names)];
      return {
        projects: names.flatMap((name) => findProject(context, name) ?? []),
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
    support: "partial",
    gaps: ["no cache is kept between builds, so there is none to invalidate"],
    source: `${API}API_InvalidateProjectCache.html`,
    authorize: (input, context) => [
      onProject(
        "InvalidateProjectCache",
        input.projectName,
        context.scope,
        resourceTags(findProject(context, input.projectName)),
      ),
    ],
    errors: [invalidInput, projectNotFound],
    run(input, context) {
      requireProject(context, input.projectName);
      return {};
    },
  }),
];

const keysOf = (input: CreateProjectInput | UpdateProjectInput): ReturnType<typeof fieldKeys> =>
  fieldKeys({
    serviceRole: input.serviceRole,
    environment: input.environment,
    environmentVariables: input.environment?.environmentVariables,
    sourceLocation: input.source?.location,
    buildspec: input.source?.buildspec,
    encryptionKey: input.encryptionKey,
    artifactsLocation: input.artifacts?.location,
  });
