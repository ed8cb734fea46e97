/**
 * A list item that is indented more than the one above it: YAML reads `- b` as a further line of `- a`, so the list has one
 * item, and the shell gets `a - b`.
 */
import type { Located } from "../../build/buildspec/index.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";

export const buildspecItemJoined: Rule = {
  id: "buildspec/item-joined",
  severity: "error",
  title: "a list item that YAML joins with the one above it",
  source: "https://yaml.org/spec/1.2.2/#733-plain-style",
  *run(context) {
    const { phases, artifacts, cache } = context.buildspec;
    for (const { commands, finally: last } of phases) {
      for (const item of [...commands, ...last]) yield* joined(context, item, "the shell gets both as one command");
    }
    for (const item of [...(artifacts?.files ?? []), ...(cache?.paths ?? [])])
      yield* joined(context, item, "the two are one path, which matches nothing");
  },
};

function* joined({ text, file, spanOf }: CheckContext, { span }: Located<string>, what: string): Iterable<Finding> {
  const source = text.slice(span.startOffset, span.endOffset);
  // Only a plain text ends where its lines are indented less.
  if (/^["'|>]/.test(source)) return;
  const lineStart = text.lastIndexOf("\n", span.startOffset - 1) + 1;
  const indent = /^( *)- +$/.exec(text.slice(lineStart, span.startOffset))?.[1];
  if (indent === undefined) return;
  const lines = [...source.matchAll(/\n([ ]+)(- +\S[^\r\n]*)/g)];
  const [first] = lines;
  // `- < file` and `- .` go on with a command.
  if (!first || !lines.every(([, , item]) => /^- +(?:["'$]?[A-Za-z_]{2}|\.{1,2}\/|\[ |\*)/.test(item ?? ""))) return;
  // Something else than items between them: a fix would be a guess.
  const isPlain = source
    .split("\n")
    .slice(1)
    .every((line) => /^ +- /.test(line) || line.trim() === "");
  const edits = lines.map(({ index, 1: blanks = "" }) => {
    const startOffset = span.startOffset + index + 1;
    return { file, startOffset, endOffset: startOffset + blanks.length, newText: indent };
  });
  const at = span.startOffset + first.index + 1 + (first[1]?.length ?? 0);
  yield {
    message: `\`${first[2]?.trimEnd()}\` is indented more than the item above, so YAML makes it a part of that`,
    span: spanOf(at, at + (first[2]?.trimEnd().length ?? 1)),
    why: `a list's items stand in one column; ${what}`,
    ...(isPlain && { fix: { kind: "edit" as const, title: "indent it like the item above", edits } }),
  };
}
