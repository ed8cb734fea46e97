/** `kiln plan`: what a run would do; names of parameters and secrets, never values. Needs no running Kiln. */
import { Command } from "commander";
import { GRAPH_FORMATS, type GraphFormat, renderGraph } from "../build/batch/index.ts";
import {
  type BuildPlan,
  type PlannedVariable,
  type RequiredPermission,
  requiredPermissions,
  type VariableOrigin,
} from "../build/plan/index.ts";
import type { AwsScope } from "../core/arn.ts";
import { MINUTE_MS } from "../core/clock.ts";
import { KilnError } from "../core/errors.ts";
import { batchRolePolicy } from "../least-privilege/index.ts";
import { type CommandContext, commandContext } from "./command-context.ts";
import type { CliIo } from "./io.ts";
import { requireBatch } from "./project/batch-project.ts";
import { type PlannedProject, type PlanValues, planProject, scopeFrom } from "./project/planned-project.ts";
import { type ProjectFiles, sourceDir } from "./project/project-files.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";
import { table } from "./table.ts";

interface Values extends PlanValues {
  readonly role?: string;
  readonly graph?: GraphFormat | true;
}

export function planCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command("plan")
    .description("what a run would do: phases, variables by name, role, image, engine, permissions needed")
    .argument("[dir]", "source folder", ".")
    .addOption(option("-b, --buildspec <file>", "buildspec in the source (default: buildspec.yml)"))
    .addOption(
      option("-e, --env <name=value>", "variable of this build (repeatable)").argParser(
        (value: string, earlier: readonly string[] = []) => [...earlier, value],
      ),
    )
    .addOption(option("--project <name>", "in this project: its settings, variables and buildspec"))
    .addOption(option("--template <file>", "in the project that this CreateProject input describes"))
    .addOption(option("--image <image>", "image of the build environment"))
    .addOption(option("--role <name>", "service role"))
    .addOption(option("--graph [format]", "only the graph of the batch (default: text)").choices([...GRAPH_FORMATS]))
    .addOption(option("--strict", "as AWS does"));
  addCommonOptions(command);
  command.addHelpText("after", "\nExample:\n  kiln plan -o json");
  return command.action(async (dir: string, values: Values) => {
    const source = sourceDir(dir, io.cwd);
    exit(await printPlan(commandContext(io, settingsOf(values, io, source)), source, values));
  });
}

/** What any build of the project needs: with a batch, also those of the buildspecs that it names. */
function permissionsOf({ plans, name, settings, commands }: PlannedProject, scope: AwsScope): RequiredPermission[] {
  const ofCodeBuild = plans.flatMap((plan) => requiredPermissions(plan, scope, name, settings));
  const all = [...commands.permissions, ...ofCodeBuild];
  return [...new Map(all.map((one) => [`${one.action} ${one.resource}`, one])).values()];
}

/** Only the batch's graph, for people, for a page or for programs. */
function printGraph(context: CommandContext, files: ProjectFiles, format: GraphFormat): number {
  const batch = requireBatch(files);
  if (batch?.plan) {
    context.print(renderGraph(batch.plan, format));
    return 0;
  }
  throw new KilnError({
    code: "KILN_E_BUILDSPEC",
    message: `the batch of \`${files.buildspecFile}\` cannot be planned: ${batch?.failure ?? "it cannot be read"}`,
    fix: ["`kiln check` shows the place and what was expected there"],
    exitCode: 3,
  });
}

async function printPlan(context: CommandContext, dir: string, values: Values): Promise<number> {
  const planned = await planProject(context, dir, values);
  const { plan, files, batch, name } = planned;
  const isJson = context.settings.output === "json";
  if (values.graph)
    return printGraph(context, files, values.graph === true ? (isJson ? "json" : "text") : values.graph);
  const scope = scopeFrom(context.settings);
  const permissions = permissionsOf(planned, scope);
  // The batch role's: it depends on the project alone.
  const batchPermissions = batch ? batchRolePolicy(scope, name).Statement : [];
  const ownRole = values.role ?? planned.serviceRole?.split("/").at(-1);
  const roleName = ownRole ?? `kiln-${name}-service-role`;
  const { createEngines, engineFor } = await import("../app.ts");
  const found = await engineFor(createEngines(context.settings), { requested: "auto", image: plan.image });
  const engine = found.ok ? found.value : "none";
  if (context.settings.output === "json") {
    context.printJson({
      project: name,
      serviceRole: roleName,
      engine,
      source: dir,
      plan: withoutValues(plan),
      ...(batch?.plan ? { batch: JSON.parse(renderGraph(batch.plan, "json")) } : {}),
      permissions,
      ...(batch ? { batchPermissions } : {}),
    });
    return 0;
  }
  context.print(
    table([
      ["project", name],
      ["source", dir],
      ["buildspec", `${plan.buildspecFile} (version ${plan.version})`],
      ["image", `${plan.image}, privileged mode ${plan.privilegedMode ? "on" : "off"}`],
      ["engine", engine],
      ["shell", plan.shell],
      ["role", `${roleName}${ownRole === undefined ? " (generated)" : ""}`],
      ["timeout", `${plan.timeoutMs / MINUTE_MS} minutes`],
    ]),
  );
  section(
    context,
    "runtimes",
    plan.runtimeVersions.map((r) => [`${r.runtime} ${r.version}`, `line ${r.line}`]),
  );
  section(context, "variables", [...plan.variables, ...plan.phaseVariables].map(variableRow));
  for (const phase of plan.phases) {
    const commands = [
      ...phase.commands.map((c) => ["", c] as const),
      ...phase.finally.map((c) => ["finally ", c] as const),
    ];
    section(
      context,
      `phase ${phase.phaseType}`,
      commands.map(([label, c]) => [`${label}line ${c.line}`, c.text.split("\n", 1)[0] ?? ""]),
    );
  }
  if (batch) {
    context.print("\nbatch (kiln run --batch)");
    context.print((batch.plan ? renderGraph(batch.plan, "text") : `cannot run: ${batch.failure}`).replace(/^/gm, "  "));
    for (const note of batch.plan?.notes ?? []) context.print(`  ${note}`);
  }
  section(
    context,
    "artifacts",
    [plan.artifacts, ...plan.secondaryArtifacts].flatMap((artifacts) =>
      (artifacts?.files ?? []).map((file) => [
        file,
        artifacts?.baseDirectory ?? "",
        ...(artifacts && "identifier" in artifacts ? [`secondary artifacts ${artifacts.identifier}`] : []),
      ]),
    ),
  );
  section(
    context,
    "cache",
    (plan.cache?.paths ?? []).map((path) => [path, plan.cache?.key === undefined ? "" : `key ${plan.cache.key}`]),
  );
  section(
    context,
    "reports",
    plan.reports.map((report) => [report.group, report.fileFormat, report.files.join(", ")]),
  );
  section(
    context,
    "permissions the role needs",
    permissions.map((p) => [p.action, p.resource, p.why]),
  );
  section(
    context,
    "permissions the batch role needs",
    batchPermissions.flatMap(({ Action, Resource }) => [Action].flat().map((action) => [action, String(Resource)])),
  );
  section(
    context,
    "not done by this version of Kiln",
    plan.notDone.map((text) => [text]),
  );
  return 0;
}

function section(context: CommandContext, title: string, rows: readonly (readonly string[])[]): void {
  if (rows.length === 0) return;
  context.print(`\n${title}`);
  context.print(table(rows).replace(/^/gm, "  "));
}

const variableRow = (variable: PlannedVariable): string[] => [
  variable.name,
  variable.type === "PLAINTEXT"
    ? "plain text"
    : `${variable.type === "PARAMETER_STORE" ? "parameter" : "secret"} ${variable.value}`,
  `from ${place(variable)}${variable.overrides === undefined ? "" : `; overrides ${variable.overrides.map(place).join("; ")}`}`,
];

const place = ({ source, line, phase }: VariableOrigin): string =>
  [
    source === "start-build" ? "StartBuild" : source === "phase" ? "buildspec" : source,
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(phase === undefined ? [] : [`phase ${phase}`]),
  ].join(", ");

/** Plain-text values may be secrets that somebody should not have written there: they are left out. */
function withoutValues(plan: BuildPlan): unknown {
  const hide = (variable: PlannedVariable) =>
    variable.type === "PLAINTEXT" ? { ...variable, value: undefined } : variable;
  return { ...plan, variables: plan.variables.map(hide), phaseVariables: plan.phaseVariables.map(hide) };
}
