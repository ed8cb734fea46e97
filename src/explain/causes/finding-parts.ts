/** Small parts that several causes build their findings from. */

/** `file` and `line` members, present only when known. */
export function at(file: string | undefined, line: number | undefined): { file?: string; line?: number } {
  if (file === undefined || !line) return {};
  return { file, line };
}

/** AWS appends `\n\tstatus code: 400, request id: …`; the first line says what happened. */
export const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

/** A test's title, or what an assertion compared: it quotes errors, it does not have them. */
const TEST_TALK =
  /^\s*(?:[✓✔√✕✗✘×●◯○›❯▶]|(?:not )?ok \d|(?:=== RUN|--- (?:PASS|FAIL|SKIP))\b|(?:PASSED|FAILED|PASS|FAIL)\b|E {2,}|[-+] |>\s|\d+\)|\d+ \||(?:Expected|Received|Actual|expected|got|want|assert)\b)|::test_|\b(?:expect|assert\w*)\(|\bgot:? ["'`]|\bwant:? ["'`]/;

/** True for a line that quotes an error without having it. */
export const isTestTalk = (line: string): boolean => TEST_TALK.test(line);

/** The first output line that matches and is no test's, trimmed. */
export const findLine = (lines: readonly string[], pattern: RegExp): string | undefined =>
  lines.find((line) => pattern.test(line) && !isTestTalk(line))?.trim();

/** `` `a`, `b` and `c` `` */
export function quotedList(items: readonly string[]): string {
  const quoted = items.map((item) => `\`${item}\``);
  return quoted.length < 2 ? (quoted[0] ?? "") : `${quoted.slice(0, -1).join(", ")} and ${quoted.at(-1)}`;
}

/** `2026-01-02 03:04:05 UTC` */
export const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
