/**
 * UpdateProjectVisibility. The setting, the alias and the role are kept and shown; nothing is published from this machine.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_UpdateProjectVisibility.html
 */
import { type OperationDefinition, operation } from "../../service.ts";
import type { BuildRunner } from "../builds/build-runner.ts";
import { invalidInput, projectNotFound, roleNotAssumable } from "../errors.ts";
import { projectKey, recordsIn } from "../records.ts";
import type { Project, UpdateProjectVisibilityInput, UpdateProjectVisibilityOutput } from "../shapes.gen.ts";
import { projectAccess, requireOwnProject } from "./find-project.ts";
import { passRole, requireAssumableRole } from "./project-access.ts";
import { withoutUndefined } from "./project-settings.ts";

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const visibilityOperations = (runner: BuildRunner): readonly OperationDefinition<any, object>[] => [
  operation<UpdateProjectVisibilityInput, UpdateProjectVisibilityOutput>({
    name: "UpdateProjectVisibility",
    support: "partial",
    gaps: ["builds of a public project are not served to people without credentials"],
    source: "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_UpdateProjectVisibility.html",
    authorize(input, context) {
      const { resourceAccessRole: role, projectVisibility } = input;
      const keys = { "codebuild:projectVisibility": projectVisibility };
      const update = projectAccess(context, "UpdateProjectVisibility", input.projectArn, keys);
      return role === undefined ? [update] : [update, passRole(role, update.resource)];
    },
    errors: [invalidInput, projectNotFound, roleNotAssumable],
    async run(input, context) {
      const { store, scope, ids } = context;
      const { name = "" } = requireOwnProject(context, input.projectArn);
      if (input.resourceAccessRole !== undefined) {
        await requireAssumableRole(runner.newSession(ids.uuid(), name, input.resourceAccessRole, scope));
      }
      const isPublic = input.projectVisibility === "PUBLIC_READ";
      const project = await store.write((): Project => {
        const current = requireOwnProject(context, input.projectArn);
        const changed = withoutUndefined<Project>({
          ...current,
          projectVisibility: input.projectVisibility,
          publicProjectAlias: current.publicProjectAlias ?? (isPublic ? ids.alphanumeric(32) : undefined),
          resourceAccessRole: input.resourceAccessRole ?? current.resourceAccessRole,
        });
        recordsIn(store).projects.put(projectKey(scope, name), changed);
        return changed;
      });
      return withoutUndefined({
        projectArn: project.arn,
        publicProjectAlias: project.publicProjectAlias,
        projectVisibility: project.projectVisibility,
      });
    },
  }),
];
