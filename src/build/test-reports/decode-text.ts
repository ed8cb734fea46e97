/** Bytes of a report file → text: byte order mark, else the XML declaration's encoding, else UTF-8. */
import { err, ok, type Result } from "../../core/result.ts";

export function decodeText(bytes: Uint8Array): Result<string, string> {
  const label = markedEncoding(bytes) ?? declaredEncoding(bytes) ?? "utf-8";
  try {
    // The decoder drops a byte order mark of its own encoding.
    return ok(new TextDecoder(label).decode(bytes));
  } catch {
    return err(`unsupported encoding \`${label}\``);
  }
}

function markedEncoding(bytes: Uint8Array): string | undefined {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first === 0x3c && second === 0) return "utf-16le";
  if (first === 0 && second === 0x3c) return "utf-16be";
  return undefined;
}

function declaredEncoding(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 200));
  const label = /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']/.exec(head)?.[1];
  // A file that says UTF-16 and has no mark was written by a program that then wrote something else (NUnit in .NET strings).
  return label !== undefined && /^utf-?16/i.test(label) ? undefined : label;
}
