/**
 * Runs rules over one buildspec and the files around it. Pure: files come through the Workspace port, parameters through
 * the caller. Flow: text → parseBuildspec → rules → sorted findings (docs/checks.md lists the rules). It imports no rule:
 * check.ts gives it every one, needed-rules.ts those that may find something.
 */

import { posix } from "node:path";
import { type Buildspec, parseBuildspec } from "../build/buildspec/index.ts";
import { type Diagnostic, sortDiagnostics, type TextEditFix } from "../core/diagnostics.ts";
import { withEdits } from "./edits/apply-fixes.ts";
import { suppression, withFrameRules } from "./frame-rules.ts";
import type { Knowledge } from "./knowledge/knowledge.ts";
import { lineIndex } from "./line-index.ts";
import type { CheckContext, Rule } from "./rule.ts";
import { readCommands } from "./shell/read-commands.ts";
import type { ShellModel } from "./shell/shell-model.ts";
import { type SuppressedFinding, suppress } from "./suppressions.ts";
import { findBuildspec } from "./tree/find-buildspec.ts";
import { sourceRootsOf } from "./tree/source-paths.ts";
import type { Workspace } from "./tree/workspace.ts";

export interface CheckInput extends Knowledge {
  readonly workspace: Workspace;
  /** Relative to the workspace; default `buildspec.yml`, else what looks like a buildspec here. */
  readonly buildspecPath?: string | undefined;
  /** Text to check instead of the file's. */
  readonly text?: string | undefined;
  /** AWS's grammar only. */
  readonly strict?: boolean | undefined;
  /** Look for hard-coded secrets in every file, not only in those that usually have some. */
  readonly searchAllFiles?: boolean | undefined;
}

export interface CheckResult {
  /** In the order of {@link sortDiagnostics}. */
  readonly diagnostics: readonly Diagnostic[];
  /** What comments of the buildspec keep out of it, in the same order. */
  readonly suppressed: readonly SuppressedFinding[];
  /** The buildspec that was read, relative to the workspace; undefined when there is none. */
  readonly file?: string;
}

/** What these rules find. Suppressions are understood when the list is complete. */
export function runRules(rules: readonly Rule[], input: CheckInput): CheckResult {
  const found = findBuildspec(input);
  if (found.text === undefined || found.file === undefined) return { diagnostics: found.diagnostics, suppressed: [] };
  const { file, text } = found;
  const parsed = parseBuildspec(text, file);
  const context = createContext(input, file, text, parsed);
  const { diagnostics, suppressed } = suppress(
    sortDiagnostics(findings(rules, context)).map(withSafeFix(context)),
    {
      file,
      text,
      get ids() {
        return withFrameRules(rules).map(({ id }) => id);
      },
      spanOf: context.spanOf,
      couldFind: (id) => !parsed.isGuess && (isAskingOnlyFiles(id) || isAllKnown(input)),
    },
    suppression.source,
  );
  return { diagnostics: sortDiagnostics(diagnostics), suppressed, file };
}

/** What the rules are given, for those who look into a buildspec without checking it; undefined when there is no text. */
export function contextOf(input: CheckInput): CheckContext | undefined {
  const { file, text } = findBuildspec(input);
  return text === undefined || file === undefined
    ? undefined
    : createContext(input, file, text, parseBuildspec(text, file));
}

/**
 * Leaves out an edit after which CodeBuild could no longer read a buildspec that it can read now: a rule sees its own line,
 * and what a file holds besides is everybody's guess (a key that stands twice, a block in an unusual form).
 */
function withSafeFix({ file, text, parsed }: CheckContext): (diagnostic: Diagnostic) => Diagnostic {
  const verdicts = new Map<string, boolean>();
  const isSafe = (edits: TextEditFix["edits"]): boolean => {
    const own = edits.filter((edit) => edit.file === file);
    // A word for a word: nothing that YAML would look at.
    if (
      own.every(({ startOffset, endOffset, newText }) => isWord(newText) && isWord(text.slice(startOffset, endOffset)))
    )
      return true;
    const fixed = withEdits(text, own);
    const known = verdicts.get(fixed);
    if (known !== undefined) return known;
    const after = parseBuildspec(fixed, file);
    const verdict = !after.isGuess && (after.failure === undefined || parsed.failure !== undefined);
    verdicts.set(fixed, verdict);
    return verdict;
  };
  // Which of two equal keys counts is not known, so an edit below one of them may be one of nothing.
  const isAmbiguous = parsed.diagnostics.some(({ code }) => code === "buildspec/duplicate-key");
  return (diagnostic) => {
    if (diagnostic.fix?.kind !== "edit" || parsed.isGuess) return diagnostic;
    if (!isAmbiguous && isSafe(diagnostic.fix.edits)) return diagnostic;
    const { fix: _, ...rest } = diagnostic;
    return rest;
  };
}

const isWord = (text: string): boolean => /^[\w./@-]+$/.test(text);

function findings(rules: readonly Rule[], context: CheckContext): Diagnostic[] {
  const applicable = rules.filter((rule) => !context.parsed.isGuess || rule.needsNoYaml);
  for (const rule of applicable) {
    const only = rule.isAboutWholeFile ? run(rule, context) : [];
    if (only.length > 0) return only;
  }
  return applicable.flatMap((rule) => (rule.isAboutWholeFile ? [] : run(rule, context)));
}

/** Checks of these topics need nothing but the buildspec and the files around it, so their silence means something. */
const isAskingOnlyFiles = (id: string): boolean =>
  id !== "docker/privileged-mode" &&
  /^(?:buildspec|phases|env|commands|shell|docker|aws-cli|secrets|paths|files|dockerfile|node|python|make|artifacts|reports)\//.test(
    id,
  );

const isAllKnown = ({ project, parameters }: Knowledge): boolean => project !== undefined && parameters !== undefined;

function run(rule: Rule, context: CheckContext): Diagnostic[] {
  return [...rule.run(context)].map((finding) => ({
    code: rule.id,
    source: rule.source,
    ...finding,
    severity: finding.severity ?? rule.severity,
  }));
}

function createContext(
  input: CheckInput,
  file: string,
  text: string,
  parsed: ReturnType<typeof parseBuildspec>,
): CheckContext {
  const lines = lineIndex(file, text);
  const buildspec = parsed.buildspec ?? emptyBuildspec(file, text);
  const parameters = input.parameters?.list();
  const project = input.project ?? {};
  let shell: ShellModel | undefined;
  return {
    workspace: input.workspace,
    file,
    text,
    parsed,
    buildspec,
    project,
    parameters,
    known: input,
    strict: input.strict ?? false,
    searchesAllFiles: input.searchAllFiles ?? false,
    isChosenFile: input.buildspecPath !== undefined || input.text !== undefined,
    get shell() {
      shell ??= readCommands({
        buildspec,
        project,
        parameters,
        spanOf: lines.spanOf,
        isFolder: (path) => isFolder(input.workspace, file, path),
        readText: (path) => input.workspace.readText(path),
      });
      return shell;
    },
    spanOf: lines.spanOf,
  };
}

/** Is `path` a folder, seen from the workspace's root or from the buildspec's own folder? */
function isFolder(workspace: Workspace, file: string, path: string): boolean {
  return sourceRootsOf(file).some((root) => workspace.exists(posix.join(root, path)) === "directory");
}

const emptyBuildspec = (file: string, text: string): Buildspec => ({
  file,
  text,
  env: { variables: [], parameterStore: [], secretsManager: [], exportedVariables: [] },
  phases: [],
  reports: [],
  unknownKeys: [],
  ssmReferences: [],
});
