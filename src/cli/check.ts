/** `kiln check`: findings about buildspecs before a run, with `--fix`. Needs no running Kiln. */
import { statSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { Command } from "commander";
import type { CheckInput, CheckResult, Knowledge, Workspace } from "../check/index.ts";
import { neededRules } from "../check/needed-rules.ts";
import { runRules } from "../check/run-rules.ts";
import { createFolderWorkspace } from "../check/tree/folder-workspace.ts";
import type { Diagnostic, Fix, Severity, Span } from "../core/diagnostics.ts";
import { KilnError, usageError } from "../core/errors.ts";
import { visibleText } from "../core/visible-text.ts";
import { type CheckReport, printReport } from "./check/check-print.ts";
import { type CheckTarget, type TargetRequest, targetsOf } from "./check/check-targets.ts";
import { type CommandContext, commandContext } from "./command-context.ts";
import type { CliIo } from "./io.ts";
import { addKnowledgeOptions, type KnowledgeFlags } from "./knowledge/knowledge-flags.ts";
import { plural } from "./plural.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";

const DEFAULT_BUILDSPEC = "buildspec.yml";

export interface CheckValues extends KnowledgeFlags {
  readonly buildspec?: string;
  readonly all?: boolean;
  readonly allFiles?: boolean;
  readonly fix?: boolean;
  readonly diff?: boolean;
  readonly dryRun?: boolean;
  readonly watch?: boolean;
  readonly strict?: boolean;
  readonly only?: readonly string[];
  readonly severity?: Severity;
  readonly maxWarnings?: number;
  readonly list?: boolean;
  readonly explain?: string;
  readonly output?: string;
  readonly [name: string]: unknown;
}

export function checkCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command("check")
    .description("find mistakes in buildspecs before a run; exit code 3 on errors")
    .argument("[paths...]", "folders, or buildspec files; `-` is standard input", ["."])
    .addOption(option("-b, --buildspec <file>", "buildspec in the folder (default: buildspec.yml)"))
    .addOption(option("--all", "every buildspec in the folders, recognised by what is in it"))
    .addOption(option("--all-files", "look for hard-coded secrets in every file, not only where they usually are"))
    .addOption(option("--fix", "apply the fixes that are safe"))
    .addOption(option("--diff", "show what --fix would change, and change nothing (also --fix --dry-run)"))
    .addOption(option("--dry-run", "with --fix: as --diff").hideHelp())
    .addOption(option("--watch", "check again whenever something changes"))
    .addOption(option("--only <check>", "only these checks, or topics (repeatable, or with commas)").argParser(names))
    .addOption(option("--severity <level>", "the least to report").choices(["error", "warning", "info"]))
    .addOption(option("--max-warnings <number>", "exit code 3 on more warnings than this").argParser(wholeNumber))
    .addOption(option("--list", "list the checks"))
    .addOption(option("--explain <check>", "print a check's page: example, why, fix"))
    .addOption(option("--strict", "AWS's grammar only"));
  addKnowledgeOptions(command);
  addCommonOptions(command, ["text", "json", "sarif", "github"]);
  command.addHelpText(
    "after",
    "\nExample:\n  kiln check --fix\n  kiln check --all --max-warnings 0\n  kiln check --explain paths/not-found",
  );
  return command.action(async (paths: string[], values: CheckValues) => {
    const context = commandContext(io, settingsOf(values, io));
    exit(await runCheck(context, paths, values));
  });
}

async function runCheck(context: CommandContext, paths: readonly string[], values: CheckValues): Promise<number> {
  if (values.list || values.explain !== undefined) {
    const { explainCheck, listChecks } = await import("./check/check-pages.ts");
    if (values.list) listChecks(context);
    else explainCheck(context, values.explain ?? "");
    return 0;
  }
  if (values.watch) return watch(context, paths, values);
  return checkPaths(context, paths, values);
}

/** Checks each path; answers 0, or 3 when an error is left whose code is not tolerated. */
export async function checkPaths(
  context: CommandContext,
  paths: readonly string[],
  values: CheckValues,
  toleratedCodes: readonly string[] = [],
): Promise<number> {
  const report = await makeReport(context, paths, values);
  if (!showsDiff(values)) await printReport(context, report, values.output);
  const isError = ({ severity, code }: Diagnostic) => severity === "error" && !toleratedCodes.includes(code);
  if (report.diagnostics.some(isError)) return 3;
  const warnings = report.diagnostics.filter(({ severity }) => severity === "warning").length;
  if (values.maxWarnings === undefined || warnings <= values.maxWarnings) return 0;
  context.note(`more than ${plural(values.maxWarnings, "warning")} (--max-warnings)`);
  return 3;
}

const showsDiff = ({ diff, dryRun }: CheckValues): boolean => diff === true || dryRun === true;

/** One object a folder, so that its tree is listed once however many buildspecs it has. */
class Workspaces {
  readonly #byDir = new Map<string, Workspace>();

  of(dir: string): Workspace {
    const workspace = this.#byDir.get(dir) ?? createFolderWorkspace(dir);
    this.#byDir.set(dir, workspace);
    return workspace;
  }
}

const requestFor = (
  { io }: CommandContext,
  paths: readonly string[],
  values: CheckValues,
  workspaces: Workspaces,
): TargetRequest => ({
  paths,
  cwd: io.cwd,
  buildspec: values.buildspec,
  isAll: values.all === true,
  workspaceOf: (dir) => workspaces.of(dir),
  readStdin: async () => Buffer.concat(await io.stdin.toArray()).toString("utf8"),
});

async function makeReport(
  context: CommandContext,
  paths: readonly string[],
  values: CheckValues,
): Promise<CheckReport> {
  refuseImpossible(paths, values);
  const { cwd } = context.io;
  const workspaces = new Workspaces();
  const workspaceOf = (dir: string): Workspace => workspaces.of(dir);
  let targets = await targetsOf(requestFor(context, paths, values, workspaces));
  const known = await knowledgeFor(context, values, targets, workspaceOf);
  if (values.buildspec === undefined && known.buildspec !== undefined) {
    targets = targets.map((target) => ({ ...target, buildspec: target.buildspec ?? known.buildspec }));
  }
  const only = values.only && new Set((await import("./check/check-pages.ts")).checkIds(values.only));
  const report = { diagnostics: [] as Diagnostic[], suppressed: [] as CheckReport["suppressed"][number][] };
  const texts = new Map<string, string>();
  const fixes = { findings: 0, files: 0 };
  const isFixing = values.fix === true || showsDiff(values);
  // A fix may make a key of what was none, and so give work to rules that had none.
  const rules = isFixing
    ? (await import("../check/index.ts")).rules
    : await neededRules(targets.map((target) => inputFor(target, workspaceOf(target.dir), known.knowledge, values)));
  for (const target of targets) {
    const workspace = workspaceOf(target.dir);
    const checkIn = (shown: Workspace) =>
      filtered(runRules(rules, inputFor(target, shown, known.knowledge, values)), only, values.severity);
    const prefix = prefixOf(target.dir, cwd);
    const fixed = isFixing ? await fix(context, target, workspace, checkIn, prefix, values) : undefined;
    fixes.findings += fixed?.findings ?? 0;
    fixes.files += fixed?.files ?? 0;
    const result = fixed?.result ?? checkIn(workspace);
    const place = (diagnostic: Diagnostic): Diagnostic => {
      for (const file of filesOf(diagnostic)) {
        const isHere = target.text !== undefined && file === target.buildspec;
        const text = fixed?.texts.get(file) ?? (isHere ? target.text : workspace.readText(file));
        if (text !== undefined) texts.set(join(prefix, file), text);
      }
      return withPrefix(diagnostic, prefix);
    };
    report.diagnostics.push(...result.diagnostics.map(place));
    report.suppressed.push(...result.suppressed.map((each) => ({ ...each, diagnostic: place(each.diagnostic) })));
  }
  if (fixes.findings > 0) {
    const verb = showsDiff(values) ? "would fix" : "fixed";
    context.note(`${verb} ${plural(fixes.findings, "finding")} in ${plural(fixes.files, "file")}`);
  }
  return { ...report, texts, files: targets.length };
}

function inputFor(
  target: CheckTarget,
  workspace: Workspace,
  knowledge: Knowledge,
  { strict, allFiles }: CheckValues,
): CheckInput {
  return {
    workspace,
    ...(target.buildspec === undefined ? {} : { buildspecPath: target.buildspec }),
    ...(target.text === undefined ? {} : { text: target.text }),
    ...knowledge,
    strict: strict === true,
    searchAllFiles: allFiles === true,
  };
}

/** Loaded only when there is something to know: Kiln's stores and project files cost more than the check. */
async function knowledgeFor(
  context: CommandContext,
  values: CheckValues,
  targets: readonly CheckTarget[],
  workspaceOf: (dir: string) => Workspace,
): Promise<{ readonly knowledge: Knowledge; readonly buildspec?: string }> {
  const { project, template, role, rolePolicy, parameterNames } = values;
  const isAsked = [project, template, role, rolePolicy, parameterNames].some((flag) => flag !== undefined);
  if (!isAsked && !statSync(context.settings.stateDir, { throwIfNoEntry: false })) {
    const { region, accountId } = context.settings;
    return { knowledge: { scope: { region, accountId } } };
  }
  const { gatherKnowledge } = await import("./knowledge/check-knowledge.ts");
  const texts = targets.flatMap(
    ({ dir, buildspec = DEFAULT_BUILDSPEC, text }) => text ?? workspaceOf(dir).readText(buildspec) ?? [],
  );
  return gatherKnowledge(context, values, texts);
}

const RANK = { error: 2, warning: 1, info: 0 } as const;

function filtered(
  result: CheckResult,
  only: ReadonlySet<string> | undefined,
  severity: Severity = "info",
): CheckResult {
  const isWanted = (diagnostic: Diagnostic): boolean =>
    RANK[diagnostic.severity] >= RANK[severity] && (only?.has(diagnostic.code) ?? true);
  return {
    ...result,
    diagnostics: result.diagnostics.filter(isWanted),
    suppressed: result.suppressed.filter(({ diagnostic }) => isWanted(diagnostic)),
  };
}

async function fix(
  context: CommandContext,
  target: CheckTarget,
  workspace: Workspace,
  checkIn: (workspace: Workspace) => CheckResult,
  prefix: string,
  values: CheckValues,
) {
  const { diffOf, fixInMemory, renameBuildspec, writeFixed } = await import("./check/check-fix.ts");
  const fixed = fixInMemory(workspace, checkIn);
  const texts = new Map([...fixed.changes].map(([file, { after }]) => [file, after]));
  const misnamed = fixed.result.diagnostics.find(({ code }) => code === "buildspec/file-name")?.span?.file;
  const isRenamed =
    target.buildspec === undefined && misnamed !== undefined && workspace.exists(DEFAULT_BUILDSPEC) === undefined;
  const counts = {
    findings: fixed.applied.length + (isRenamed ? 1 : 0),
    files: texts.size + (isRenamed && !texts.has(misnamed) ? 1 : 0),
  };
  if (showsDiff(values)) {
    const diff = diffOf(fixed, prefix);
    // A patch is applied as it is; a terminal only shows it.
    if (diff !== "") context.print(context.io.stdout.isTTY ? visibleText(diff.trimEnd()) : diff.trimEnd());
    if (isRenamed) context.note(`would rename ${join(prefix, misnamed)} to ${DEFAULT_BUILDSPEC}`);
    return { ...counts, result: checkIn(workspace), texts: new Map<string, string>() };
  }
  writeFixed(target.dir, fixed);
  for (const { file, diagnostic } of fixed.applied) {
    const line = diagnostic.span ? `:${diagnostic.span.line}` : "";
    context.note(`fixed ${join(prefix, file)}${line}  ${diagnostic.fix?.title ?? diagnostic.code}`);
  }
  if (!isRenamed || !renameBuildspec(target.dir, misnamed, DEFAULT_BUILDSPEC))
    return { ...counts, result: fixed.result, texts };
  context.note(`fixed ${join(prefix, misnamed)}  renamed to ${DEFAULT_BUILDSPEC}`);
  // A workspace describes one moment, and that has passed.
  return { ...counts, result: checkIn(createFolderWorkspace(target.dir)), texts };
}

async function watch(context: CommandContext, paths: readonly string[], values: CheckValues): Promise<number> {
  refuseImpossible(paths, values);
  const { stateFilesOf, watchChecks } = await import("./check/check-watch.ts");
  let shown: string | undefined;
  // A file may be away for the moment in which an editor replaces it; what is wrong from the beginning ends it.
  const unlessGone = async <T>(work: () => Promise<T>, fallback: T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (shown === undefined || !(error instanceof KilnError)) throw error;
      context.warn(`error: ${error.message}`);
      return fallback;
    }
  };
  const { cwd } = context.io;
  return watchChecks({
    files: () =>
      unlessGone(async () => {
        const workspaces = new Workspaces();
        const targets = await targetsOf(requestFor(context, paths, values, workspaces));
        return targets.flatMap(({ dir, buildspec = DEFAULT_BUILDSPEC }) => {
          const files = workspaces.of(dir).files();
          return [buildspec, ...files].map((file) => join(dir, file));
        });
      }, [...paths.map((path) => join(cwd, path)), join(cwd, DEFAULT_BUILDSPEC)]),
    check: () =>
      unlessGone(async () => {
        const report = await makeReport(context, paths, values);
        const key = JSON.stringify([report.diagnostics, report.suppressed]);
        if (key !== shown) await printReport(context, report, values.output);
        shown = key;
      }, undefined),
    stateFiles: stateFilesOf(context.settings.stateDir),
  });
}

function refuseImpossible(paths: readonly string[], values: CheckValues): void {
  const refuse = (message: string, fix: string): never => {
    throw usageError(message, [fix]);
  };
  const output = values.output ?? "text";
  if (values.dryRun && !values.fix) refuse("`--dry-run` goes with `--fix`", "kiln check --fix --dry-run");
  if (showsDiff(values) && output !== "text") {
    refuse(`\`--diff\` prints a diff, \`-o ${output}\` findings`, "leave one away: the findings hold their edits");
  }
  if (paths.includes("-") && values.fix) refuse("standard input cannot be fixed in place", "name the file");
  if (paths.includes("-") && (values.watch || showsDiff(values))) {
    refuse("standard input is read once, to be checked", "name the file");
  }
}

/** How paths below the folder are shown: relative to where the command runs; absolute when they are elsewhere. */
function prefixOf(dir: string, cwd: string): string {
  const prefix = relative(cwd, dir);
  return isAbsolute(prefix) ? dir : prefix;
}

const filesOf = ({ span, fix }: Diagnostic): string[] => [
  ...(span ? [span.file] : []),
  ...(fix?.kind === "edit" ? fix.edits.map(({ file }) => file) : []),
];

function withPrefix(diagnostic: Diagnostic, prefix: string): Diagnostic {
  if (prefix === "") return diagnostic;
  const { span, related, fix } = diagnostic;
  const placed = <T extends { readonly file: string }>(at: T): T => ({ ...at, file: join(prefix, at.file) });
  return {
    ...diagnostic,
    ...(span && { span: placed<Span>(span) }),
    ...(related && { related: related.map((each) => ({ ...each, span: placed<Span>(each.span) })) }),
    ...(fix?.kind === "edit" && { fix: { ...fix, edits: fix.edits.map(placed) } satisfies Fix }),
  };
}

const names = (value: string, earlier: readonly string[] = []): readonly string[] => [
  ...earlier,
  ...value.split(",").map((name) => name.trim()),
];

function wholeNumber(value: string): number {
  if (/^\d+$/.test(value)) return Number(value);
  throw usageError(`\`--max-warnings\` is \`${value}\`, expected a whole number`);
}
