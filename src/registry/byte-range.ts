/** HTTP byte ranges of one blob (RFC 9110 section 14), as the distribution specification's pull tests use them. */

/** Bytes `[start, end)`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The range a `Range` header asks of `sizeBytes` bytes: undefined when there is none to honour (absent, not `bytes`,
 * several ranges: the whole is sent), `"unsatisfiable"` when nothing of it exists.
 */
export function parseByteRange(header: string | undefined, sizeBytes: number): ByteRange | "unsatisfiable" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "");
  if (!match) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const suffix = Number(last);
    return suffix === 0 || sizeBytes === 0
      ? "unsatisfiable"
      : { start: Math.max(0, sizeBytes - suffix), end: sizeBytes };
  }
  const start = Number(first);
  const end = last === "" ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  return start >= end ? "unsatisfiable" : { start, end };
}

/** First and last byte of an upload's `Content-Range: <first>-<last>`; undefined when the header is no range. */
export function parseContentRange(header: string): { readonly first: number; readonly last: number } | undefined {
  const match = /^(?:bytes[ =])?(\d+)-(\d+)(?:\/(?:\d+|\*))?$/.exec(header.trim());
  if (!match) return undefined;
  return { first: Number(match[1]), last: Number(match[2]) };
}
