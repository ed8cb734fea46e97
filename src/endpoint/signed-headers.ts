/** The value of a header as its signer saw it: repeated ones joined, as they came over the wire. */
import type { IncomingMessage } from "node:http";

export function headerOf({ headers, rawHeaders }: IncomingMessage): (name: string) => string {
  // Node joins repeated headers with `, ` and drops some; then the raw list is the truth.
  const isPlain = Object.keys(headers).length === rawHeaders.length / 2;
  return isPlain ? (name) => String(headers[name] ?? "") : (name) => joinRepeated(rawHeaders, name);
}

function joinRepeated(rawHeaders: readonly string[], name: string): string {
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === name) values.push((rawHeaders[i + 1] ?? "").trim());
  }
  return values.join(",");
}
