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
  "\r": "&#xD;",
};
const NEEDS_ESCAPE = /[&<>"\r]/;
const ALL_TO_ESCAPE = /[&<>"\r]/g;

export const escapeText = (text: string): string =>
  NEEDS_ESCAPE.test(text) ? text.replace(ALL_TO_ESCAPE, (c) => ESCAPES[c] as string) : text;

export const xmlTimestamp = isoSeconds;
