/** What the aws commands of one or several buildspecs need the service role to be allowed: for plans and policies. */
import type { Buildspec } from "../../build/buildspec/index.ts";
import type { EnvironmentVariable } from "../../build/plan/index.ts";
import type { CommandPermissions, Workspace } from "../../check/index.ts";
import { commandPermissions } from "../../check/role/command-permissions.ts";
import type { AwsScope } from "../../core/arn.ts";

/** `variables` are the project's and those of this build. */
export function commandCalls(
  workspace: Workspace,
  buildspecs: readonly Buildspec[],
  scope: AwsScope,
  variables: readonly EnvironmentVariable[] = [],
): CommandPermissions {
  const all = buildspecs.map(({ file, text }) =>
    commandPermissions({ workspace, buildspecPath: file, text, scope, project: { environmentVariables: variables } }),
  );
  return {
    permissions: all.flatMap(({ permissions }) => permissions),
    open: [...new Set(all.flatMap(({ open }) => open))],
  };
}
