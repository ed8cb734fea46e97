/**
 * A backslash at the end of a line in a scalar whose lines YAML joins: the newline becomes a blank, and the shell reads
 * `\ ` as a blank that belongs to the next word. `|` blocks and double quotes keep what was meant.
 */
import type { Located } from "../../build/buildspec/index.ts";
import type { Fix } from "../../core/diagnostics.ts";
import type { CheckContext, Rule } from "../rule.ts";

export const shellContinuationInPlainScalar: Rule = {
  id: "shell/continuation-in-plain-scalar",
  severity: "error",
  title: "a backslash before a line end that YAML turns into a blank",
  source: "https://yaml.org/spec/1.2.2/#line-folding",
  *run(context) {
    if (context.shell.dialect === "windows") return;
    for (const phase of context.buildspec.phases) {
      for (const command of [...phase.commands, ...phase.finally]) {
        const place = joinedBackslash(context, command);
        if (place === undefined) continue;
        const fix = fixOf(context, command);
        const next = /\\ +(\S+)/.exec(command.value)?.[1] ?? "";
        yield {
          ...(!isCertain(command.value) && { severity: "warning" as const }),
          message: `the backslash at the line's end becomes part of the next word, \`\\ ${next}\``,
          span: context.spanOf(place, place + 1),
          why: `YAML joins these lines with a blank, so the shell gets \`\\ ${next}\`: one word that begins with a blank`,
          ...(fix && { fix }),
        };
      }
    }
  },
};

/** Offset of the first such backslash; undefined when YAML keeps the line ends, or the shell does not read it so. */
function joinedBackslash({ text }: CheckContext, { value, span }: Located<string>): number | undefined {
  const source = text.slice(span.startOffset, span.endOffset);
  if (/^["|]/.test(source)) return undefined;
  const backslash = /(?<!\\)(?:\\\\)*\\(?=\r?\n)/g;
  const places = [...source.matchAll(backslash)].map((match) => match.index + match[0].length - 1);
  if (places.length === 0 || !/(?<!\\)(?:\\\\)*\\ \S/.test(value)) return undefined;
  // More-indented lines of a folded block keep their line ends.
  const kept = value.trimEnd().split("\n").length - 1;
  if (source.startsWith(">") && kept >= places.length) return undefined;
  return quoteAt(value, joinedIn(value)) === "'" ? undefined : span.startOffset + (places[0] ?? 0);
}

/** Where the first joined backslash stands in the shell's text. */
const joinedIn = (value: string): number => /(?<!\\)(?:\\\\)*\\ \S/.exec(value)?.index ?? 0;

/** The shell's quote around a place. In single ones a backslash is only a character, in double ones it stays in the text. */
function quoteAt(value: string, index: number): string {
  let quote = "";
  for (let at = 0; at < index; at++) {
    const char = value[at] ?? "";
    if (quote === "'") quote = char === "'" ? "" : quote;
    else if (char === "\\") at++;
    else if (quote === '"') quote = char === '"' ? "" : quote;
    else if (char === "'" || char === '"') quote = char;
  }
  return quote;
}

/** Programs that take an argument more, or a blank before their program text, and go on. */
const TOLERANT = /^(?:echo|printf|jq|yq|awk|sed|python3?|node|perl|ruby|sh|bash)$/;

/** Does one of the joined lines certainly break its command? */
const isCertain = (value: string): boolean =>
  [...value.matchAll(/(?<!\\)(?:\\\\)*\\ +(\S)/g)].some(({ index, 1: next }) => {
    const program = /(?:^|[;|&(\n])\s*(?:\w+=\S*\s+)*([\w./-]+)[^;|&(\n]*$/.exec(value.slice(0, index))?.[1] ?? "";
    return quoteAt(value, index) === "" && (next === "-" || !TOLERANT.test(program));
  });

/** A `|` block when every line but the last goes on; else the backslashes go, for YAML joins the lines anyway. */
function fixOf(context: CheckContext, { span }: Located<string>): Fix | undefined {
  const { text, file } = context;
  const source = text.slice(span.startOffset, span.endOffset);
  if (source.startsWith("'")) return undefined;
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = source.split(/\r?\n/);
  const goesOn = (line: string) => /\\$/.test(line);
  const isBlock = source.startsWith(">");
  const content = isBlock ? lines.slice(1) : lines;
  const indents = (isBlock ? content : content.slice(1)).map((line) => /^ */.exec(line)?.[0].length ?? 0);
  if (content.slice(0, -1).every(goesOn) && indents.length > 0 && indents.every((indent) => indent > 0)) {
    // Behind the last line it would be the shell's comment.
    const comment = isBlock ? "" : (/^[ \t]+#[^\r\n]*/.exec(text.slice(span.endOffset))?.[0] ?? "");
    const newText = isBlock ? "|" : `|${comment}${newline}${" ".repeat(Math.min(...indents))}${content[0] ?? ""}`;
    const length = isBlock ? 1 : (lines[0]?.length ?? 0);
    const header = { file, startOffset: span.startOffset, endOffset: span.startOffset + length, newText };
    const old = { file, startOffset: span.endOffset, endOffset: span.endOffset + comment.length, newText: "" };
    return {
      kind: "edit",
      title: "write the command as a `|` block, which keeps the line ends",
      edits: comment === "" ? [header] : [header, old],
    };
  }
  const edits = [...source.matchAll(/[ \t]*\\(?=\r?\n)/g)].map((match) => ({
    file,
    startOffset: span.startOffset + match.index,
    endOffset: span.startOffset + match.index + match[0].length,
    newText: "",
  }));
  return { kind: "edit", title: "remove the backslashes; YAML joins the lines", edits };
}
