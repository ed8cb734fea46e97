/** `kiln plan`: what a run would do; names of parameters and secrets, never values. Needs no running Kiln. */
import { Command } from "commander";
import { GRAPH_FORMATS, type GraphFormat, renderGraph } from "../build/batch/index.ts";
import { type BuildPlan, type PlannedVariable, requiredPermissions } from "../build/plan/index.ts";
import { KilnError } from "../core/errors.ts";
import { batchOf, requireBatch } from "./batch-project.ts";
import { type CommandContext, commandContext } from "./command-context.ts";
import { DEFAULT_IMAGE, DEFAULT_TIMEOUT_MINUTES, type ProjectSettings, planOf, usesDocker } from "./default-project.ts";
import { parseVariable } from "./env-file.ts";
import type { CliIo } from "./io.ts";
import { type ProjectFiles, projectNameOf, readProject, sourceDir } from "./project-files.ts";
import { addCommonOptions, option, type Settings, settingsOf } from "./settings.ts";
import { table } from "./table.ts";

interface PlanValues {
  readonly buildspec?: string;
  readonly env?: readonly string[];
  readonly image?: string;
  readonly strict?: boolean;
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
    .addOption(option("--image <image>", "image of the build environment"))
    .addOption(option("--role <name>", "service role"))
    .addOption(option("--graph [format]", "only the graph of the batch (default: text)").choices([...GRAPH_FORMATS]))
    .addOption(option("--strict", "as AWS does"));
  addCommonOptions(command);
  command.addHelpText("after", "\nExample:\n  kiln plan -o json");
  return command.action(async (dir: string, values: PlanValues) => {
    const source = sourceDir(dir, io.cwd);
    exit(printPlan(commandContext(io, settingsOf(values, io, source)), source, values));
  });
}

/** Plan and project settings of a folder's default project; a buildspec that cannot be read is an error. */
export function requirePlan(
  dir: string,
  values: {
    readonly buildspec?: string;
    readonly image?: string;
    readonly strict?: boolean;
    readonly env?: readonly string[];
  },
): { plan: BuildPlan; settings: ProjectSettings; files: ProjectFiles } {
  const files = readProject(dir, values.buildspec);
  const settings: ProjectSettings = {
    name: projectNameOf(dir),
    image: values.image ?? DEFAULT_IMAGE,
    isPrivileged: usesDocker(files.buildspec),
    timeoutMinutes: DEFAULT_TIMEOUT_MINUTES,
  };
  if (!files.buildspec || files.failure) {
    throw new KilnError({
      code: "KILN_E_BUILDSPEC",
      message: `the buildspec \`${files.buildspecFile}\` cannot be read: ${files.failure?.message ?? "it is empty"}`,
      fix: ["`kiln check` shows the place and what was expected there"],
      exitCode: 3,
    });
  }
  const variables = (values.env ?? []).map((text) => parseVariable(text));
  return { plan: planOf(files.buildspec, settings, { strict: values.strict === true, variables }), settings, files };
}

export const scopeFrom = (settings: Settings) => ({
  partition: "aws",
  region: settings.region ?? "us-east-1",
  accountId: settings.accountId ?? "000000000000",
});

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

function printPlan(context: CommandContext, dir: string, values: PlanValues): number {
  const { plan, settings, files } = requirePlan(dir, values);
  const isJson = context.settings.output === "json";
  if (values.graph)
    return printGraph(context, files, values.graph === true ? (isJson ? "json" : "text") : values.graph);
  const batch = batchOf(files);
  const permissions = requiredPermissions(plan, scopeFrom(context.settings), settings.name);
  const roleName = values.role ?? `kiln-${settings.name}-service-role`;
  if (context.settings.output === "json") {
    context.printJson({
      project: settings.name,
      serviceRole: roleName,
      engine: "host",
      source: dir,
      plan: withoutValues(plan),
      ...(batch?.plan ? { batch: JSON.parse(renderGraph(batch.plan, "json")) } : {}),
      permissions,
    });
    return 0;
  }
  context.print(
    table([
      ["project", settings.name],
      ["source", dir],
      ["buildspec", `${plan.buildspecFile} (version ${plan.version})`],
      ["image", `${plan.image}, privileged mode ${plan.privilegedMode ? "on" : "off"}`],
      ["engine", "host"],
      ["shell", plan.shell],
      ["role", `${roleName}${values.role === undefined ? " (generated)" : ""}`],
      ["timeout", `${plan.timeoutMs / 60_000} minutes`],
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
    (plan.artifacts?.files ?? []).map((file) => [file, plan.artifacts?.baseDirectory ?? ""]),
  );
  section(
    context,
    "permissions the role needs",
    permissions.map((p) => [p.action, p.resource, p.why]),
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
  `from ${variable.source}${variable.line === undefined ? "" : `, line ${variable.line}`}${variable.phase === undefined ? "" : `, phase ${variable.phase}`}`,
];

/** Plain-text values may be secrets that somebody should not have written there: they are left out. */
function withoutValues(plan: BuildPlan): unknown {
  const hide = (variable: PlannedVariable) =>
    variable.type === "PLAINTEXT" ? { ...variable, value: undefined } : variable;
  return { ...plan, variables: plan.variables.map(hide), phaseVariables: plan.phaseVariables.map(hide) };
}
