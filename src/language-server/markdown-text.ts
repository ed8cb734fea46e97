/**
 * Texts with other people's words in them (names, values, messages about both) as Markdown for hovers and completions:
 * code spans stay, and nothing else in them becomes a link, an image that is fetched, or HTML.
 * Source: https://spec.commonmark.org/0.31.2/#code-spans (6.1), https://spec.commonmark.org/0.31.2/#fenced-code-blocks (4.5)
 */

/** One line at a time: a code span that a value's line end breaks is none. */
export const markdownText = (text: string): string => text.split(/\r?\n/).map(lineText).join("\n");

function lineText(line: string): string {
  let shown = "";
  let at = 0;
  const closers = new Map<number, number>();
  const runs = [...line.matchAll(/`+/g)];
  // Behind the last run of a length, none of that length closes a span.
  for (const { 0: run, index } of runs) closers.set(run.length, index);
  for (const { 0: run, index } of runs) {
    if (index < at) continue;
    shown += escaped(line.slice(at, index));
    const last = closers.get(run.length) ?? -1;
    const close = last <= index ? undefined : runs.find((next) => next.index > index && next[0].length === run.length);
    at = close ? close.index + run.length : index + run.length;
    shown += close ? line.slice(index, at) : run.replaceAll("`", "\\`");
  }
  return shown + escaped(line.slice(at));
}

const escaped = (text: string): string => text.replace(/[\\<[\]]/g, "\\$&");

/** A block of code that nothing in the text ends. */
export function fencedCode(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}
