/**
 * The ways in which a secret's value turns up in text: as it is and as tools write it. Each form is a sequence of bytes that
 * a search can look for, without line ends: the search passes over them (pattern-search.ts), so that a value that is
 * wrapped, or one of several lines, is found whatever the line ends are.
 * Sources: RFC 4648 (base64, base64url, hex), RFC 3986 and https://url.spec.whatwg.org/#application/x-www-form-urlencoded
 * (percent, plus), RFC 8259 (JSON), https://www.w3.org/TR/xml/#syntax (XML).
 * Gaps: one encoding at a time (a docker config within a base64 text is two), encrypted, compressed beyond what archives
 * are, reversed, or cut in pieces by the program itself.
 */
import type { LeakForm } from "../build/run/events.ts";

export interface SecretForm {
  readonly form: LeakForm;
  /** Without line ends. */
  readonly bytes: Buffer;
}

/** What is shorter turns up by chance: in half a gigabyte of random base64 text six characters do. */
export const MIN_FORM_BYTES = 8;
/** Of a longer form the middle is looked for: enough to be sure, and it finds pieces, too. */
const MAX_FORM_BYTES = 192;

/** The forms of a value, each byte sequence once; none that is shorter than {@link MIN_FORM_BYTES}. */
export function secretForms(value: string): SecretForm[] {
  const found = new Map<string, SecretForm>();
  const add = (form: LeakForm, bytes: Buffer): void => {
    const shown = middleOf(withoutLineEnds(bytes));
    const key = shown.toString("latin1");
    if (shown.length >= MIN_FORM_BYTES && !found.has(key)) found.set(key, { form, bytes: shown });
  };
  const text = (form: LeakForm, ...forms: readonly string[]): void => {
    for (const one of forms) add(form, Buffer.from(one));
  };
  for (const one of spellings(value)) {
    text("raw", one);
    text("json-escaped", ...jsonForms(one));
    text("url-encoded", ...urlForms(one));
    text("xml-escaped", ...xmlForms(one));
    text("shell-quoted", ...shellForms(one));
    const bytes = Buffer.from(one);
    text("hex", bytes.toString("hex"), bytes.toString("hex").toUpperCase());
    for (const encoded of base64Forms(bytes)) {
      text("base64", encoded);
      text("base64url", encoded.replaceAll("+", "-").replaceAll("/", "_"));
    }
    add("utf-16", Buffer.from(one, "utf16le"));
  }
  return [...found.values()];
}

/** As given, without space around, and with the other line ends. */
function spellings(value: string): Set<string> {
  const trimmed = value.trim();
  const lf = trimmed.replaceAll("\r\n", "\n");
  return new Set([trimmed, lf, lf.replaceAll("\n", "\r\n")]);
}

const withoutLineEnds = (bytes: Buffer): Buffer =>
  bytes.includes(0x0a) ? Buffer.from(bytes.toString("latin1").replace(/\r?\n[ \t]*/g, ""), "latin1") : bytes;

function middleOf(bytes: Buffer): Buffer {
  if (bytes.length <= MAX_FORM_BYTES) return bytes;
  const start = (bytes.length - MAX_FORM_BYTES) >> 1;
  return bytes.subarray(start, start + MAX_FORM_BYTES);
}

/**
 * The characters that depend on the value alone, for each of the three places at which it may begin in what is encoded:
 * three bytes become four characters, so one or two characters at the ends are mixed with the neighbours' bits.
 */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const from = before === 0 ? 0 : before + 1;
    const isMixedAtEnd = (before + bytes.length) % 3 !== 0;
    return encoded.slice(from, isMixedAtEnd ? -1 : undefined);
  });
}

function jsonForms(value: string): string[] {
  const plain = JSON.stringify(value).slice(1, -1);
  const slashes = plain.replaceAll("/", "\\/");
  // As programs write it that keep JSON out of HTML's way, or keep to ASCII.
  const forms = [plain, slashes].flatMap((text) => [
    text,
    unicodeEscaped(text, /[^\x20-\x7e]/g),
    unicodeEscaped(text, /[<>&]|[^\x20-\x7e]/g),
    unicodeEscaped(text, /[<>&'+]|[^\x20-\x7e]/g),
  ]);
  return forms.flatMap((text) => [
    text,
    text.replace(/\\u[0-9a-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`),
  ]);
}

const unicodeEscaped = (text: string, pattern: RegExp): string =>
  text.replace(pattern, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

function urlForms(value: string): string[] {
  if (!value.isWellFormed()) return [];
  const component = encodeURIComponent(value);
  const strict = component.replace(/[!'()*]/g, (sign) => percent(sign));
  // What a form makes of it; `*` stays, `~` does not.
  const form = new URLSearchParams([["", value]]).toString().slice(1);
  // Only what no part of an address may have, and what it may not have before an `@`.
  const reserved = encodeURI(value);
  // A path keeps its slashes: Python's `quote`, Go's `PathEscape` in part.
  const path = [component, strict].map((text) => text.replaceAll("%2F", "/"));
  const every = strict.replace(/[-_.~]/g, (sign) => percent(sign));
  const forms = [component, strict, form, strict.replaceAll("%20", "+"), reserved, every, ...path];
  return forms.flatMap((text) => [text, text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())]);
}

const percent = (sign: string): string => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;

/** `<`, `>`, `&` and, as programs differ, the quotes: left, named, decimal, hexadecimal. */
function xmlForms(value: string): string[] {
  const text = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const lenient = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const quoted = (double: string, single: string): string => text.replaceAll('"', double).replaceAll("'", single);
  return [
    text,
    lenient,
    lenient.replaceAll('"', "&quot;"),
    quoted("&quot;", "'"),
    quoted("&quot;", "&apos;"),
    quoted("&quot;", "&#39;"),
    quoted("&#34;", "&#39;"),
    quoted("&quot;", "&#x27;"),
    quoted("&#x22;", "&#x27;"),
    quoted('"', "&#039;"),
    quoted("&quot;", "&#039;"),
  ];
}

/** As shells print it (`set -x`, `printf %q`, `declare -p`, `export -p`). */
const shellForms = (value: string): string[] => [
  value.replaceAll("'", "'\\''"),
  value.replaceAll("'", `'"'"'`),
  value.replace(/[^A-Za-z0-9_@%+=:,./-]/g, (sign) => `\\${sign}`),
  value.replace(/["\\$`]/g, (sign) => `\\${sign}`),
];
