/**
 * The one rewrite that turns `ssm:/name` values and `environment` blocks under phases into what CodeBuild reads:
 * parameters under `env.parameter-store`, plain values under `env.variables`. All findings about them carry the same
 * edits, so that applying one applies all. Comments on the moved lines and between them go along.
 */
import type { Variable } from "../../build/buildspec/index.ts";
import { parameterNameIn } from "../../build/buildspec/index.ts";
import type { CheckContext } from "../rule.ts";
import { existingName } from "../shell/variables.ts";
import { blockEnd, type Edit, envEdits, indentOf, linesOf, type TextLines } from "./env-edits.ts";

const cache = new WeakMap<CheckContext, { readonly edits: readonly Edit[] | undefined }>();

/** The edits, or undefined when the text is in a form that is not edited (flow style, names that clash). */
export function phaseEnvironmentEdits(context: CheckContext): readonly Edit[] | undefined {
  const known = cache.get(context);
  if (known) return known.edits;
  const edits = compute(context);
  cache.set(context, { edits });
  return edits;
}

function compute(context: CheckContext): readonly Edit[] | undefined {
  const lines = linesOf(context.text);
  const { env, phases } = context.buildspec;
  const removals: Edit[] = [];
  const parameters: string[] = [];
  const plain: string[] = [];
  const names = new Map<string, string>();
  for (const { name, value } of [...env.parameterStore, ...env.secretsManager]) names.set(name.value, value.value);

  const moved = env.variables.filter(({ value }) => parameterNameIn(value.value) !== undefined);
  for (const variable of env.variables)
    if (!moved.includes(variable)) names.set(variable.name.value, variable.value.value);
  const remove = (from: number, to: number) => {
    const start = lines.at(from)?.start ?? 0;
    removals.push({ file: context.file, startOffset: start, endOffset: lines.at(to)?.end ?? start, newText: "" });
  };
  const add = (variable: Variable, comments: readonly string[] = []): boolean => {
    const name = variable.name.value;
    const earlier = names.get(name);
    if (earlier !== undefined) return earlier === variable.value.value;
    const line = entryLine(context, lines, variable);
    if (line === undefined) return false;
    names.set(name, variable.value.value);
    (parameterNameIn(variable.value.value) === undefined ? plain : parameters).push(...comments, line);
    return true;
  };

  for (const variable of moved) {
    if (!add(variable)) return undefined;
    remove(variable.name.span.line, variable.value.span.endLine);
  }
  for (const phase of phases) {
    const key = context.buildspec.unknownKeys
      .find(({ section }) => section === `phases.${phase.name}`)
      ?.keys.find(({ value }) => value === "environment");
    if (!key) continue;
    if (phase.environmentVariables.length === 0 && isEmptyEnvironment(lines, key.span.line)) {
      if (headingComments(lines, key.span.line, key.span.line + 1).length > 0) return undefined;
      remove(key.span.line, key.span.line);
      continue;
    }
    const block = environmentBlock(lines, key.span.line);
    if (!block) return undefined;
    const inside = phase.environmentVariables;
    let comments = headingComments(lines, key.span.line, block.first);
    for (let at = block.first; at <= block.last; at++) {
      const variable = inside.find(({ name }) => name.span.line === at);
      if (variable) {
        if (!add(variable, comments)) return undefined;
        comments = [];
        continue;
      }
      const text = lines.at(at)?.text.trim() ?? "";
      if (text === "") continue;
      if (!text.startsWith("#")) return undefined;
      comments.push(text);
    }
    remove(key.span.line, block.last);
  }
  const first = env.variables[0];
  if (first && moved.length === env.variables.length && plain.length === 0) {
    const parent = parentLine(lines, first.name.span.line);
    if (parent === undefined || !/^\s*variables:\s*$/.test(lines.at(parent)?.text ?? "")) return undefined;
    remove(parent, parent);
  }

  if (removals.length === 0) return undefined;
  const additions = envEdits(context, { variables: plain, "parameter-store": parameters });
  return additions && [...additions, ...removals];
}

/** `NAME: /name  # comment`, from a variable that stands on one line of its own. */
function entryLine(context: CheckContext, lines: TextLines, { name, value }: Variable): string | undefined {
  const line = lines.at(name.span.line);
  if (!line || value.span.endLine !== name.span.line) return undefined;
  if (line.text.slice(0, name.span.column - 1).trim() !== "") return undefined;
  const rest = line.text.slice(value.span.endColumn - 1);
  if (!/^\s*(#.*)?$/.test(rest)) return undefined;
  const parameterName = parameterNameIn(value.value);
  const key = context.text.slice(name.span.startOffset, name.span.endOffset);
  const text =
    parameterName === undefined
      ? context.text.slice(value.span.startOffset, value.span.endOffset)
      : existingName(context.parameters, parameterName);
  return `${key}: ${text}${rest.trimEnd()}`;
}

const isEmptyEnvironment = (lines: TextLines, line: number): boolean =>
  /^\s*environment:\s*(\{\s*\})?\s*(#.*)?$/.test(lines.at(line)?.text ?? "") && blockEnd(lines, line) === line;

/** `environment:` with only a `variables:` block in it: the lines of its entries. */
function environmentBlock(lines: TextLines, line: number): { first: number; last: number } | undefined {
  const last = blockEnd(lines, line);
  if (!/^\s*environment:\s*(#.*)?$/.test(lines.at(line)?.text ?? "")) return undefined;
  let variables = line + 1;
  while (variables < last && (lines.at(variables)?.text.trim() ?? "") === "") variables++;
  if (!/^\s*variables:\s*(#.*)?$/.test(lines.at(variables)?.text ?? "")) return undefined;
  return blockEnd(lines, variables) === last ? { first: variables + 1, last } : undefined;
}

/** What is remarked beside the keys that go away: `environment: # for docker`. */
function headingComments(lines: TextLines, first: number, end: number): string[] {
  const comments: string[] = [];
  for (let at = first; at < end; at++) {
    const comment = /\s(#.*)$/.exec(lines.at(at)?.text ?? "")?.[1];
    if (comment !== undefined) comments.push(comment.trimEnd());
  }
  return comments;
}

function parentLine(lines: TextLines, line: number): number | undefined {
  const indent = indentOf(lines.at(line)?.text ?? "");
  for (let at = line - 1; at >= 1; at--) {
    const text = lines.at(at)?.text ?? "";
    if (text.trim() !== "" && !text.trim().startsWith("#") && indentOf(text) < indent) return at;
  }
  return undefined;
}
