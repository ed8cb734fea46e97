/** `kiln check`: findings about buildspecs before a run, with `--fix`. Needs no running Kiln. */
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Command } from "commander";
import type { Kiln } from "../app.ts";
import {
  applyFixes,
  type CheckProject,
  check,
  createFolderWorkspace,
  type KnownParameter,
  renderDiagnostics,
  toGithub,
  toJson,
  toSarif,
} from "../check/index.ts";
import type { Diagnostic } from "../core/diagnostics.ts";
import { KilnError } from "../core/errors.ts";
import { kilnVersion } from "../core/kiln-version.ts";
import { type CommandContext, commandContext, openKiln } from "./command-context.ts";
import { requireProject } from "./default-project.ts";
import type { CliIo } from "./io.ts";
import { listParameters } from "./parameters.ts";
import { plural } from "./plural.ts";
import { DEFAULT_BUILDSPEC } from "./project-files.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";

export interface CheckValues {
  readonly buildspec?: string;
  readonly fix?: boolean;
  readonly project?: string;
  readonly strict?: boolean;
  readonly output?: string;
  readonly [name: string]: unknown;
}

export function checkCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command("check")
    .description("find mistakes in buildspecs before a run; exit code 3 on errors")
    .argument("[paths...]", "folders, or buildspec files", ["."])
    .addOption(option("-b, --buildspec <file>", "buildspec in the folder (default: buildspec.yml)"))
    .addOption(option("--fix", "apply the fixes that are safe"))
    .addOption(option("--project <name>", "check against this project's settings and variables"))
    .addOption(option("--strict", "AWS's grammar only"));
  addCommonOptions(command, ["text", "json", "sarif", "github"]);
  command.addHelpText("after", "\nExample:\n  kiln check --fix");
  return command.action(async (paths: string[], values: CheckValues) => {
    const context = commandContext(io, settingsOf(values, io));
    exit(await checkPaths(context, paths, values));
  });
}

const MAX_FIX_PASSES = 10;

interface Target {
  readonly dir: string;
  readonly buildspec: string | undefined;
}

/** Checks each path; answers 0, or 3 when an error is left whose code is not tolerated. */
export async function checkPaths(
  context: CommandContext,
  paths: readonly string[],
  values: CheckValues,
  toleratedCodes: readonly string[] = [],
): Promise<number> {
  const known = await knownToKiln(context, values.project);
  const all: Diagnostic[] = [];
  const texts = new Map<string, string>();
  for (const target of paths.map((path) => targetOf(path, context.io.cwd, values.buildspec ?? known.buildspec))) {
    const prefix = relative(context.io.cwd, target.dir);
    const checkOnce = () =>
      check({
        workspace: createFolderWorkspace(target.dir),
        ...(target.buildspec === undefined ? {} : { buildspecPath: target.buildspec }),
        parameters: { list: () => known.parameters },
        ...(known.project === undefined ? {} : { project: known.project }),
        strict: values.strict === true,
      });
    let found = checkOnce();
    // One fix may uncover the next finding, or touch what another one wanted to change.
    for (let pass = 0; values.fix && pass < MAX_FIX_PASSES && fix(context, target, found); pass++) found = checkOnce();
    for (const diagnostic of found) {
      const file = diagnostic.span?.file;
      const text = file === undefined ? undefined : readIfThere(join(target.dir, file));
      if (file !== undefined && text !== undefined) texts.set(join(prefix, file), text);
      all.push(withPrefix(diagnostic, prefix));
    }
  }
  print(context, all, texts, values.output);
  return all.some(({ severity, code }) => severity === "error" && !toleratedCodes.includes(code)) ? 3 : 0;
}

function targetOf(path: string, cwd: string, buildspec: string | undefined): Target {
  const full = resolve(cwd, path);
  const stat = statSync(full, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return { dir: full, buildspec };
  if (stat?.isFile()) return { dir: dirname(full), buildspec: basename(full) };
  throw new KilnError({
    code: "KILN_E_NO_FILE",
    message: `there is no \`${path}\``,
    fix: ["name folders or buildspec files"],
    exitCode: 2,
  });
}

/** Parameters (values only of types that are not secret) and the project, when there is a state folder. */
async function knownToKiln(
  context: CommandContext,
  projectName: string | undefined,
): Promise<{ parameters: readonly KnownParameter[]; project?: CheckProject; buildspec?: string }> {
  if (!existsSync(context.settings.stateDir)) {
    if (projectName !== undefined) {
      throw new KilnError({
        code: "KILN_E_NO_PROJECT",
        message: `there is no project \`${projectName}\`: no state folder yet`,
        exitCode: 2,
      });
    }
    return { parameters: [] };
  }
  // Somebody else's folder, a full disk, a newer Kiln's: most findings need none of it.
  const kiln = await openKiln(context).catch((error: unknown) => {
    if (projectName !== undefined || !(error instanceof KilnError)) throw error;
    context.note(`checked without parameters and projects: ${error.message}`);
  });
  if (!kiln) return { parameters: [] };
  try {
    const parameters = await knownParameters(kiln);
    if (projectName === undefined) return { parameters };
    const project = (await requireProject(kiln.root, projectName)) as {
      name?: string;
      environment?: Record<string, unknown>;
      source?: { buildspec?: string; type?: string };
      artifacts?: CheckProject["artifacts"];
      secondaryArtifacts?: CheckProject["secondaryArtifacts"];
      secondarySources?: CheckProject["secondarySources"];
      cache?: CheckProject["cache"];
      buildBatchConfig?: { restrictions?: CheckProject["batchRestrictions"] };
    };
    const { buildspec } = project.source ?? {};
    return {
      parameters,
      project: {
        ...(project.environment as CheckProject),
        name: project.name,
        source: project.source,
        artifacts: project.artifacts,
        secondaryArtifacts: project.secondaryArtifacts ?? [],
        secondarySources: project.secondarySources ?? [],
        cache: project.cache,
        batchRestrictions: project.buildBatchConfig?.restrictions,
      },
      // A buildspec written into the project, or kept in S3, is no file here.
      ...(buildspec && !/[\n{]|^arn:/.test(buildspec) ? { buildspec } : {}),
    };
  } finally {
    await kiln.close();
  }
}

async function knownParameters(kiln: Kiln): Promise<KnownParameter[]> {
  const metadata = await listParameters(kiln.root);
  const readable = metadata.filter((parameter) => parameter.type !== "SecureString").map((parameter) => parameter.name);
  const values = new Map<string, string>();
  for (let start = 0; start < readable.length; start += 10) {
    const page: { Parameters?: { Name?: string; Value?: string }[] } = await kiln.root.call("ssm", "GetParameters", {
      Names: readable.slice(start, start + 10),
    });
    for (const parameter of page.Parameters ?? []) values.set(parameter.Name ?? "", parameter.Value ?? "");
  }
  return metadata.map(({ name, type }) => ({ name, type: type as KnownParameter["type"], value: values.get(name) }));
}

/** Writes the fixed files; true when something changed. */
function fix(context: CommandContext, { dir, buildspec }: Target, found: readonly Diagnostic[]): boolean {
  const misnamed = found.find(({ code }) => code === "buildspec/file-name")?.span?.file;
  if (buildspec === undefined && misnamed !== undefined && !existsSync(join(dir, DEFAULT_BUILDSPEC))) {
    renameSync(join(dir, misnamed), join(dir, DEFAULT_BUILDSPEC));
    context.note(`fixed ${misnamed}  renamed to ${DEFAULT_BUILDSPEC}`);
    return true;
  }
  const files = new Set(
    found.flatMap((diagnostic) =>
      diagnostic.fix?.kind === "edit" ? diagnostic.fix.edits.map((edit) => edit.file) : [],
    ),
  );
  let changed = false;
  for (const file of files) {
    const path = join(dir, file);
    const text = readFileSync(path, "utf8");
    const fixed = applyFixes(text, found, file);
    if (fixed.text === text) continue;
    writeFileSync(path, fixed.text);
    changed = true;
    for (const diagnostic of fixed.applied)
      context.note(
        `fixed ${file}${diagnostic.span ? `:${diagnostic.span.line}` : ""}  ${diagnostic.fix?.title ?? diagnostic.code}`,
      );
  }
  return changed;
}

function withPrefix(diagnostic: Diagnostic, prefix: string): Diagnostic {
  if (prefix === "" || !diagnostic.span) return diagnostic;
  return { ...diagnostic, span: { ...diagnostic.span, file: join(prefix, diagnostic.span.file) } };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function print(
  context: CommandContext,
  all: readonly Diagnostic[],
  texts: ReadonlyMap<string, string>,
  output: string | undefined,
): void {
  if (output === "json" || output === "sarif") {
    context.printJson(output === "json" ? toJson(all) : toSarif(all, kilnVersion()));
    return;
  }
  if (output === "github") {
    const text = toGithub(all);
    if (text !== "") context.print(text);
    return;
  }
  if (all.length > 0) context.print(renderDiagnostics(all, { texts, color: context.settings.hasColor }));
  const errors = all.filter((diagnostic) => diagnostic.severity === "error").length;
  const warnings = all.filter((diagnostic) => diagnostic.severity === "warning").length;
  context.note(
    errors + warnings === 0 ? "no problem found" : `${plural(errors, "error")}, ${plural(warnings, "warning")}`,
  );
}
