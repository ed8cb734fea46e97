/**
 * A text and its fixed version as a unified diff, for `--diff` and for what a finding's fix would write.
 * Source: https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html
 */

/** Lines `start` to `end` (0-based, end exclusive) of the old text and what stands in their place. */
interface Change {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

const CONTEXT = 3;

/** The lines that change, `- old` and `+ new`, without context, headings and line ends. */
export function changedLines(before: string, after: string): string[] {
  const old = linesOf(before);
  return changesBetween(old, linesOf(after)).flatMap(({ start, end, lines }) => [
    ...old.slice(start, end).map((line) => `- ${bare(line)}`),
    ...lines.map((line) => `+ ${bare(line)}`),
  ]);
}

/** The diff of two versions of a file, or "" when they are equal. Ends with a line end. */
export function unifiedDiff(file: string, before: string, after: string): string {
  if (before === after) return "";
  const old = linesOf(before);
  const hunks: Change[][] = [];
  for (const change of changesBetween(old, linesOf(after))) {
    const last = hunks.at(-1);
    const previous = last?.at(-1);
    if (last && previous && change.start - previous.end <= 2 * CONTEXT) last.push(change);
    else hunks.push([change]);
  }
  let shift = 0;
  const out = [`--- a/${file}\n`, `+++ b/${file}\n`];
  for (const hunk of hunks) {
    const first = hunk[0]?.start ?? 0;
    const end = hunk.at(-1)?.end ?? 0;
    const from = Math.max(0, first - CONTEXT);
    const to = Math.min(old.length, end + CONTEXT);
    const growth = hunk.reduce((sum, change) => sum + change.lines.length - (change.end - change.start), 0);
    out.push(`@@ -${range(from, to - from)} +${range(from + shift, to - from + growth)} @@\n`);
    let at = from;
    for (const { start, end: stop, lines } of hunk) {
      out.push(...old.slice(at, start).map((line) => shown(" ", line)));
      out.push(...old.slice(start, stop).map((line) => shown("-", line)));
      out.push(...lines.map((line) => shown("+", line)));
      at = stop;
    }
    out.push(...old.slice(at, to).map((line) => shown(" ", line)));
    shift += growth;
  }
  return out.join("");
}

const range = (start: number, count: number): string =>
  count === 1 ? `${start + 1}` : `${count === 0 ? start : start + 1},${count}`;

const shown = (sign: string, line: string): string =>
  line.endsWith("\n") ? `${sign}${line}` : `${sign}${line}\n\\ No newline at end of file\n`;

const bare = (line: string): string => line.replace(/\r?\n$/, "");

/** Lines with their ends; a text that ends in a line end has no empty last line. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/** What changes between two lists of lines: a longest common subsequence of what is left between equal ends. */
function changesBetween(old: readonly string[], now: readonly string[]): Change[] {
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - head && old[old.length - 1 - tail] === now[now.length - 1 - tail])
    tail++;
  const [a, b] = [old.slice(head, old.length - tail), now.slice(head, now.length - tail)];
  if (a.length * b.length > MAX_CELLS) return [{ start: head, end: old.length - tail, lines: b }];
  const width = b.length + 1;
  // common[i * width + j]: length of the longest common subsequence of a from i and b from j.
  const common = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const changes: Change[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i++;
      j++;
      continue;
    }
    const [fromA, fromB] = [i, j];
    while ((i < a.length || j < b.length) && !(i < a.length && j < b.length && a[i] === b[j])) {
      if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) i++;
      else j++;
    }
    changes.push({ start: head + fromA, end: head + i, lines: b.slice(fromB, j) });
  }
  return changes;
}

/** Above it the lines between the equal ends are shown as one change. */
const MAX_CELLS = 4_000_000;
