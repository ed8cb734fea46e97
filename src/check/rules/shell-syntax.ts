/**
 * A command that no shell can parse, most often an `if` or a loop spread over several list items: each item is a script
 * of its own.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases
 */
import type { Located } from "../../build/buildspec/index.ts";
import type { Fix } from "../../core/diagnostics.ts";
import type { CheckContext, Rule } from "../rule.ts";
import { parseScript } from "../shell/parse-script.ts";

export const shellSyntax: Rule = {
  id: "shell/syntax",
  severity: "error",
  title: "a command that the shell cannot parse",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases",
  *run(context) {
    const done = new Set<Located<string>>();
    for (const problem of context.shell.problems) {
      // `<NAME>` at a line's end; commands/placeholder-left says what it is.
      if (done.has(problem.within) || /<[A-Z][A-Z0-9_-]*>/.test(problem.within.value)) continue;
      done.add(problem.within);
      const items = itemsUntilClosed(context, problem.within);
      for (const item of items ?? []) done.add(item);
      const last = items?.at(-1);
      const fix = items && joinFix(context, items);
      yield items && last
        ? {
            message: `\`${firstWords(problem.within.value)}\` goes on in the next list items, but each item is a command of its own`,
            span: problem.within.span,
            related: [{ span: last.span, message: "it ends here" }],
            why: "the shell gets the first item alone and stops with a syntax error, exit status 2",
            ...(fix && { fix }),
          }
        : {
            message: `the shell cannot parse this command: ${problem.message}`,
            span: problem.span,
            why: "it stops with a syntax error before anything of the command runs, exit status 2",
          };
    }
  },
};

const firstWords = (text: string): string => {
  const line = text.split("\n")[0] ?? "";
  return line.length > 40 ? `${line.slice(0, 39)}…` : line;
};

/** The items of the same list that, read together, are one correct script. */
function itemsUntilClosed({ buildspec }: CheckContext, first: Located<string>): readonly Located<string>[] | undefined {
  const list = buildspec.phases
    .flatMap((phase) => [phase.commands, phase.finally])
    .find((items) => items.includes(first));
  const start = list?.indexOf(first) ?? -1;
  for (let end = start + 2; list && end <= list.length; end++) {
    const items = list.slice(start, end);
    const { errors } = parseScript(items.map(({ value }) => value).join("\n"));
    if ((errors ?? []).length === 0) return items;
  }
  return undefined;
}

/** One `|` block of all of them, when each is a line of its own in block style. */
function joinFix(context: CheckContext, items: readonly Located<string>[]): Fix | undefined {
  const [first] = items;
  const last = items.at(-1);
  if (!first || !last) return undefined;
  const { text } = context;
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const lineStart = text.lastIndexOf("\n", first.span.startOffset - 1) + 1;
  const lead = text.slice(lineStart, first.span.startOffset);
  const column = /^( *)-( +)$/.exec(lead);
  if (!column) return undefined;
  const lines = text.slice(lineStart, last.span.endOffset).split(/\r?\n/);
  // Anything between the items (a line of comment, a blank line, a block) would be lost.
  if (lines.length !== items.length || items.some(({ value }) => value.includes("\n"))) return undefined;
  const indent = " ".repeat(lead.length);
  // The shell's comments from now on, each where it stood; the last one stays in any case.
  const commentOf = ({ span }: Located<string>) => /^[ \t]+#[^\r\n]*/.exec(text.slice(span.endOffset))?.[0] ?? "";
  const contents = items.map((item) => `${indent}${item.value}${item === last ? "" : commentOf(item)}`);
  return {
    kind: "edit",
    title: `write the ${items.length} items as one command`,
    edits: [
      {
        file: context.file,
        startOffset: first.span.startOffset,
        endOffset: last.span.endOffset,
        newText: ["|", ...contents].join(newline),
      },
    ],
  };
}
