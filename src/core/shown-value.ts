/** What somebody gave, in a message about it: no longer than a line, and nothing in it that ends its backticks. */

const MAX_CHARACTERS = 60;

/** Stands between backticks. */
export function shownText(text: string): string {
  const line = text.replace(/[\p{Cc}`]/gu, "?");
  return line.length > MAX_CHARACTERS ? `${line.slice(0, MAX_CHARACTERS)}…` : line;
}

/** Of JSON or of JavaScript: simple values in backticks, the others by what they are. */
export function shownValue(value: unknown): string {
  if (value === null) return "null";
  if (value === "") return "an empty text";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "function" ? "a function" : `\`${shownText(String(value))}\``;
}
