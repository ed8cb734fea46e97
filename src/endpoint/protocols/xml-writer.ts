/** Writes XML for the query services and S3-shaped errors: elements and text, nothing more. */
import { isoSeconds } from "../../core/clock.ts";

const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** `<name xmlns="…">content</name>`; `content` is XML already, escape text with {@link escapeText}. */
export function element(name: string, content: string, namespace?: string): string {
  const start = namespace === undefined ? name : `${name} xmlns="${namespace}"`;
  return content === "" ? `<${start}/>` : `<${start}>${content}</${name}>`;
}

/** A whole document with its declaration. */
export const document = (root: string): string => XML_DECLARATION + root;

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
const NEEDS_ESCAPE = /[&<>"\u0000-\u0008\u000b-\u001f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
const ALL_TO_ESCAPE = /[&<>"\u0000-\u0008\u000b-\u001f]/g;

/** Control characters become references: XML 1.0 has no way to carry most of them (keys of S3 may have any). */
export const escapeText = (text: string): string =>
  NEEDS_ESCAPE.test(text)
    ? text.replace(ALL_TO_ESCAPE, (c) => ESCAPES[c] ?? `&#x${c.charCodeAt(0).toString(16).toUpperCase()};`)
    : text;

export const xmlTimestamp = isoSeconds;
