/** Values as Go's fmt package prints them: docker's histories and messages are made with it. Pure. */
import { editDistance } from "../core/nearest.ts";

/** `%q` of a string. */
export const goQuoted = (text: string): string =>
  `"${[...text].map((char) => (char === '"' || char === "\\" ? `\\${char}` : isPlain(char) ? char : escaped(char))).join("")}"`;

const isPlain = (char: string): boolean => char >= " " && char !== "\u007f";

/** `%q` of a list of strings. */
export const goQuotedList = (items: readonly string[]): string => `[${items.map(goQuoted).join(" ")}]`;

/** `%v` of a list of strings. */
export const goList = (items: readonly string[]): string => `[${items.join(" ")}]`;

/** `%v` of a set: a map to empty structs, which Go prints sorted. */
export const goSet = (items: readonly string[]): string =>
  `map[${[...new Set(items)]
    .sort()
    .map((item) => `${item}:{}`)
    .join(" ")}]`;

/** `%q` of a small number, which Go takes for a character. */
export function goQuotedRune(code: number): string {
  const char = String.fromCodePoint(Math.max(0, Math.min(code, 0x10ffff)));
  if (char === "'" || char === "\\") return `'\\${char}'`;
  return `'${isPlain(char) ? char : escaped(char)}'`;
}

const NAMED: Readonly<Record<string, string>> = {
  ...{ "\u0007": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v" },
};
const escaped = (char: string): string => NAMED[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;

/** A `time.Duration` as it prints itself: `1m30s`, `0s`, `1.5s`, `100ms`. */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  if (nanoseconds < 1e3) return `${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${nanoseconds / 1e3}µs`;
  if (nanoseconds < 1e9) return `${nanoseconds / 1e6}ms`;
  const seconds = nanoseconds / 1e9;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = Number((seconds % 60).toFixed(9));
  return `${hours > 0 ? `${hours}h` : ""}${hours + minutes > 0 ? `${minutes}m` : ""}${rest}s`;
}

const UNIT_NS: Readonly<Record<string, number>> = {
  ...{ ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12 },
};

/** What `time.ParseDuration` reads, or undefined. */
export function parseGoDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, value = "0", unit = ""] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g))
    total += Number(value) * (UNIT_NS[unit] ?? 0);
  return Math.round(text.startsWith("-") ? -total : total);
}

/** ` (did you mean X?)` for the nearest of some words when it is near, else nothing. */
export function didYouMean(word: string, options: readonly string[], isCaseSensitive: boolean): string {
  const fold = (text: string): string => (isCaseSensitive ? text : text.toLowerCase());
  let best: string | undefined;
  let least = 3;
  for (const option of options) {
    if (fold(word) === fold(option)) return "";
    const apart = editDistance(fold(word), fold(option));
    if (apart < least) [best, least] = [option, apart];
  }
  if (best === undefined) return "";
  const isLower = !isCaseSensitive && word === word.toLowerCase();
  return ` (did you mean ${isLower ? best.toLowerCase() : best}?)`;
}
