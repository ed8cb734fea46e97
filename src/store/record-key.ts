/**
 * How a record's key stands in the database: one sequence of bytes that sorts as its parts do, and the range of such
 * sequences that a prefix of parts means. Used by what asks SQLite, and by the cache.
 */
import type { Key, ListOptions } from "./store.ts";

/**
 * Each part is followed by U+0000: keys sort by parts, and a prefix of parts is a prefix of bytes. U+0000 and U+0001 inside
 * a part, which only a hostile caller writes, become two characters that sort where they did.
 */
export function encodeKey(key: Key): string {
  let text = "";
  for (const part of key) {
    const escaped = CONTROL.test(part)
      ? part.replace(CONTROLS, (c) => (c === "\u0000" ? "\u0001\u0001" : "\u0001\u0002"))
      : part;
    text += `${escaped}\u0000`;
  }
  // A lone surrogate has no UTF-8: what SQLite would store in its place is the key in the cache too.
  return text.isWellFormed() ? text : Buffer.from(text).toString();
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the two that the encoding uses itself
const CONTROL = /[\u0000\u0001]/;
const CONTROLS = new RegExp(CONTROL, "g");
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const ESCAPED = /\u0001[\u0001\u0002]/g;

export const decodeKey = (bytes: Uint8Array | ArrayBuffer): Key =>
  Buffer.from(bytes as ArrayBuffer)
    .toString()
    .split("\u0000")
    .slice(0, -1)
    .map((part) =>
      part.includes("\u0001") ? part.replace(ESCAPED, (pair) => (pair === "\u0001\u0001" ? "\u0000" : "\u0001")) : part,
    );

/** The half-open range of encoded keys: everything under `prefix`, beyond `after` in the direction of travel. */
export function rangeOf(prefix: Key, options: ListOptions): { from: Buffer; to: Buffer } {
  let from = Buffer.from(encodeKey(prefix));
  let to: Buffer;
  if (from.length === 0) to = Buffer.of(0xff);
  else {
    to = Buffer.from(from);
    to[to.length - 1] = 1;
  }
  if (options.after) {
    const after = Buffer.from(encodeKey(options.after));
    // A bound outside the prefix must not widen the range.
    if (options.reverse) to = Buffer.compare(after, to) < 0 ? after : to;
    else if (Buffer.compare(after, from) >= 0) from = Buffer.concat([after, Buffer.of(0)]);
  }
  return { from, to };
}
