/** The outline of a buildspec: sections, phases, each command by its first line, builds of a batch. */
import type { DocumentSymbol, SymbolKind } from "vscode-languageserver-protocol";
import type { Located, Variable } from "../build/buildspec/index.ts";
import type { Span } from "../core/diagnostics.ts";
import type { Analysis } from "./buildspecs.ts";
import { rangeOf } from "./ranges.ts";

const KIND = { section: 2, phase: 12, command: 24, variable: 13, key: 20, file: 1 } as const satisfies Record<
  string,
  SymbolKind
>;

export function symbolsOf(analysis: Analysis): DocumentSymbol[] {
  const { env, phases, artifacts, cache, reports, batch } = analysis.context.buildspec;
  const { document, text } = analysis;

  const symbol = (
    name: string,
    kind: SymbolKind,
    span: Span,
    children: DocumentSymbol[] = [],
    detail?: string,
  ): DocumentSymbol => {
    const range = rangeOf(document, span);
    return {
      name: name === "" ? "(empty)" : name,
      kind,
      range,
      selectionRange: range,
      ...(detail !== undefined && { detail }),
      ...(children.length > 0 && { children }),
    };
  };
  const spanning = (from: Span, to: Span | undefined): Span => ({
    ...from,
    endOffset: Math.max(from.endOffset, to?.endOffset ?? 0),
  });
  const variables = (name: string, list: readonly Variable[]): DocumentSymbol[] =>
    list.map(({ name: variable, value }) =>
      symbol(variable.value, KIND.variable, spanning(variable.span, value.span), [], name),
    );
  const commands = (name: string, list: readonly Located<string>[]): DocumentSymbol[] =>
    list.map(({ value, span }) => symbol(firstLine(value), KIND.command, span, [], name));
  const texts = (list: readonly Located<string>[]): DocumentSymbol[] =>
    list.map(({ value, span }) => symbol(value, KIND.file, span));

  const found: DocumentSymbol[] = [];
  if (env.span) {
    found.push(
      symbol("env", KIND.section, env.span, [
        ...variables("variables", env.variables),
        ...variables("parameter-store", env.parameterStore),
        ...variables("secrets-manager", env.secretsManager),
      ]),
    );
  }
  if (batch) {
    const tasks = [...(batch.list ?? []), ...(batch.graph ?? [])];
    found.push(
      symbol(
        "batch",
        KIND.section,
        batch.span,
        tasks.map(({ identifier, span }) => symbol(identifier?.value ?? "", KIND.key, span)),
      ),
    );
  }
  for (const phase of phases) {
    found.push(
      symbol(phase.name, KIND.phase, phase.span, [
        ...commands("commands", phase.commands),
        ...commands("finally", phase.finally),
      ]),
    );
  }
  for (const { group, files } of reports) {
    found.push(symbol(group.value, KIND.section, spanning(group.span, files.at(-1)?.span), texts(files), "report"));
  }
  if (artifacts) found.push(symbol("artifacts", KIND.section, artifacts.span, texts(artifacts.files)));
  if (cache) found.push(symbol("cache", KIND.section, cache.span, texts(cache.paths)));
  return text === "" ? [] : withParents(found);
}

const MAX_NAME = 80;

function firstLine(command: string): string {
  const line = command.trim().split("\n")[0] ?? "";
  return line.length > MAX_NAME ? `${line.slice(0, MAX_NAME - 1)}…` : line;
}

/** The protocol wants a child's range inside its parent's. */
function withParents(symbols: DocumentSymbol[]): DocumentSymbol[] {
  return symbols
    .map((symbol) => {
      const children = withParents(symbol.children ?? []);
      const last = children.reduce(
        (end, child) => (isAfter(child.range.end, end) ? child.range.end : end),
        symbol.range.end,
      );
      return { ...symbol, range: { start: symbol.range.start, end: last }, ...(children.length > 0 && { children }) };
    })
    .sort((a, b) => (isAfter(a.range.start, b.range.start) ? 1 : -1));
}

const isAfter = (a: { line: number; character: number }, b: { line: number; character: number }): boolean =>
  a.line > b.line || (a.line === b.line && a.character > b.character);
