/**
 * From a name in a failure to the place in the buildspec that wrote it, and edits of that place. Spans are the
 * parser's; offsets count in the buildspec's text.
 */
import type { Buildspec, Located, Variable } from "../build/buildspec/buildspec.ts";
import type { Span, TextEditFix } from "../core/diagnostics.ts";
import type { BuildFacts } from "./build-facts.ts";
import type { FailedCommand } from "./failures.ts";

/** A variable of the build that takes its value from a parameter. */
export interface ParameterUse {
  readonly variableName: string;
  /** As written, without `ssm:`. */
  readonly parameterName: string;
  readonly line: number;
  /** Place of the name in the buildspec; absent for project variables. */
  readonly span?: Span;
}

/** Every parameter the build reads, in buildspec order. */
export function parameterUses(facts: BuildFacts): ParameterUse[] {
  const { buildspec, plan } = facts;
  const uses: ParameterUse[] = [];
  const add = (variable: Variable, parameterName: string) =>
    uses.push({
      variableName: variable.name.value,
      parameterName,
      line: variable.value.span.line,
      span: variable.value.span,
    });
  for (const variable of buildspec?.env.parameterStore ?? []) add(variable, variable.value.value);
  for (const reference of buildspec?.ssmReferences ?? []) add(reference.variable, reference.parameterName);
  for (const variable of [...(plan?.variables ?? []), ...(plan?.phaseVariables ?? [])]) {
    if (variable.type !== "PARAMETER_STORE" || uses.some((use) => use.variableName === variable.name)) continue;
    uses.push({
      variableName: variable.name,
      parameterName: variable.value.replace(/^ssm:/, ""),
      line: variable.source === "buildspec" || variable.source === "phase" ? (variable.line ?? 0) : 0,
    });
  }
  return uses;
}

/** Name without leading slash and without `:version` or `:label`. */
export const bareParameterName = (name: string): string => name.replace(/^\/+/, "").replace(/:[^:/]*$/, "");

/** The use that reads this parameter, however the slash is written. */
export const findParameterUse = (facts: BuildFacts, name: string): ParameterUse | undefined =>
  parameterUses(facts).find((use) => bareParameterName(use.parameterName) === bareParameterName(name));

/** Where a failing command stands: `file` and `line`, if known. */
export function placeOfCommand(
  facts: BuildFacts,
  command: FailedCommand | undefined,
): { file?: string; line?: number } {
  const file = facts.buildspec?.file ?? facts.plan?.buildspecFile;
  if (!command || file === undefined) return {};
  const line = command.line || locateCommand(facts.buildspec, command)?.span.line;
  return line ? { file, line } : { file };
}

/** The located command of the buildspec that is this command. */
export function locateCommand(buildspec: Buildspec | undefined, command: FailedCommand): Located<string> | undefined {
  const all = buildspec?.phases.flatMap((phase) => [...phase.commands, ...phase.finally]) ?? [];
  const sameText = all.filter((located) => located.value.trim() === command.text.trim());
  return sameText.find((located) => located.span.line === command.line) ?? sameText[0];
}

/** Replaces `oldText` inside a command, or undefined when the command's source does not hold it exactly once. */
export function editInCommand(
  buildspec: Buildspec | undefined,
  command: FailedCommand | undefined,
  oldText: string,
  newText: string,
  title: string,
): TextEditFix | undefined {
  const located = command && locateCommand(buildspec, command);
  if (!buildspec || !located) return undefined;
  return editInSpan(buildspec, located.span, oldText, newText, title);
}

/** Replaces `oldText` inside a span of the buildspec, when it stands there exactly once. */
export function editInSpan(
  buildspec: Buildspec,
  span: Span,
  oldText: string,
  newText: string,
  title: string,
): TextEditFix | undefined {
  const source = buildspec.text.slice(span.startOffset, span.endOffset);
  const at = source.indexOf(oldText);
  if (at < 0 || source.indexOf(oldText, at + 1) >= 0) return undefined;
  const startOffset = span.startOffset + at;
  const edit = { file: buildspec.file, startOffset, endOffset: startOffset + oldText.length, newText };
  return { kind: "edit", title, edits: [edit] };
}

/** Variables (`$NAME`, `${NAME}`) that a command mentions, in order, once each. */
export const variablesIn = (command: string): string[] => [
  ...new Set([...command.matchAll(/\$\{?([A-Za-z_][A-Za-z0-9_]*)/g)].map((match) => match[1] ?? "")),
];
