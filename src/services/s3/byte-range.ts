/**
 * The `Range` header of GetObject: one range of bytes. Several ranges, and texts that are none, count as no range, as
 * on AWS.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, RFC 9110 section 14
 */
import type { ByteRange } from "./content-store.ts";
import { invalidRange } from "./errors.ts";

const RANGE = /^bytes=(\d*)-(\d*)$/;

/** Half open; undefined for the whole object. Throws InvalidRange when nothing of it is there. */
export function parseByteRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = RANGE.exec(header?.trim() ?? "");
  if (!match || header === undefined) return undefined;
  const [first = "", last = ""] = match.slice(1);
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    if (length === 0) throw invalidRange(header, size);
    return { start: size - length, end: size };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= size) throw invalidRange(header, size);
  return { start, end: last === "" ? size : Math.min(Number(last) + 1, size) };
}

/** The `Content-Range` header. */
export const contentRange = ({ start, end }: ByteRange, size: number): string => `bytes ${start}-${end - 1}/${size}`;
