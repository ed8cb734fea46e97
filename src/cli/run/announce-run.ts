/** What `kiln run` says before a build of the default project: source, project, engine, roles, what is not done. */
import { graphTitle } from "../../build/batch/index.ts";
import type { BuildPlan } from "../../build/plan/index.ts";
import type { CommandContext } from "../command-context.ts";
import type { ProjectBatch } from "../project/batch-project.ts";
import type { ProjectSettings } from "../project/default-project.ts";
import type { GeneratedRole } from "../project/generated-role.ts";
import type { ProjectFiles } from "../project/project-files.ts";
import { type RunValues, sourceText } from "./run-values.ts";

/** What is taken as source, project, role and engine, and what Kiln will not do: said before the build. */
export function announceBuild(
  context: CommandContext,
  files: ProjectFiles,
  settings: ProjectSettings,
  plan: BuildPlan | undefined,
  role: { readonly name: string; readonly policy: unknown },
  values: RunValues,
): void {
  context.note(`source   ${sourceText(files.dir, values)}`);
  context.note(`project  ${settings.name} (default project) · image ${settings.image}`);
  if (values.privileged === undefined && settings.isPrivileged) {
    context.note(
      "         privileged mode on, because the buildspec uses docker; in AWS set `environment.privilegedMode` too",
    );
  }
  if (role.policy === undefined) context.note(`role     ${role.name}: its policies decide`);
  else {
    context.note(`role     ${role.name}, generated with exactly these permissions:`);
    for (const line of policyLines(role.policy)) context.note(`         ${line}`);
  }
  if (plan?.phases.every((phase) => phase.commands.length + phase.finally.length === 0))
    context.warn("commands none: the buildspec has no command, so nothing will run");
  for (const notDone of plan?.notDone ?? []) context.note(`not done ${notDone}`);
}

/** What the batch is, and the role that starts its builds; or that there is one which this run leaves alone. */
export function announceBatch(
  context: CommandContext,
  files: ProjectFiles,
  batch: ProjectBatch | undefined,
  role: GeneratedRole | undefined,
): void {
  if (!batch && files.buildspec?.batch) {
    context.note("batch    not started: this is one build of the phases; `kiln run --batch` runs the batch");
  }
  if (!batch || !role) return;
  if (batch.plan) context.note(`batch    ${graphTitle(batch.plan)}`);
  context.note(`         role ${role.name}, generated with exactly these permissions:`);
  for (const line of policyLines(role.policy)) context.note(`         ${line}`);
  for (const note of batch.plan?.notes ?? []) context.note(`         ${note}`);
}

function policyLines(policy: unknown): string[] {
  const { Statement = [] } = policy as { Statement?: { Action?: string | string[]; Resource?: string | string[] }[] };
  return Statement.map(
    (statement) => `${[statement.Action].flat().join(", ")} on ${[statement.Resource].flat().join(", ")}`,
  );
}
