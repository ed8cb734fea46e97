/** Small parts that several causes build their findings from. */

/** `file` and `line` members, present only when known. */
export function at(file: string | undefined, line: number | undefined): { file?: string; line?: number } {
  if (file === undefined || !line) return {};
  return { file, line };
}

/** AWS appends `\n\tstatus code: 400, request id: …`; the first line says what happened. */
export const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

/** The first output line that matches, trimmed. */
export const findLine = (lines: readonly string[], pattern: RegExp): string | undefined =>
  lines.find((line) => pattern.test(line))?.trim();

/** `` `a`, `b` and `c` `` */
export function quotedList(items: readonly string[]): string {
  const quoted = items.map((item) => `\`${item}\``);
  return quoted.length < 2 ? (quoted[0] ?? "") : `${quoted.slice(0, -1).join(", ")} and ${quoted.at(-1)}`;
}

/** `2026-01-02 03:04:05 UTC` */
export const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
