/** Zip archives for tests; names that a writer refuses are put in afterwards, byte for byte. */
import { buffer } from "node:stream/consumers";
import yazl from "yazl";

export interface TestEntry {
  readonly name: string;
  readonly text?: string | Buffer;
  /** With file type bits, e.g. `0o120777` for a link. Default `0o100644`. */
  readonly mode?: number;
  readonly store?: boolean;
  readonly zip64?: boolean;
}

export async function zipOf(entries: readonly TestEntry[]): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  const names: { placeholder: string; name: string }[] = [];
  for (const [index, { name, text = "", mode = 0o100644, store, zip64 }] of entries.entries()) {
    const isPlain = /^[\w.-]+(?:\/[\w.-]+)*$/.test(name) && !name.split("/").includes("..");
    const placeholder = isPlain ? name : `@${index}`.padEnd(Buffer.byteLength(name), "@");
    names.push({ placeholder, name });
    zip.addBuffer(Buffer.from(text), placeholder, {
      mode,
      mtime: new Date(0),
      compress: store !== true,
      ...(zip64 ? { forceZip64Format: true } : {}),
    });
  }
  zip.end();
  let bytes: Buffer = await buffer(zip.outputStream as NodeJS.ReadableStream);
  for (const { placeholder, name } of names) if (placeholder !== name) bytes = replaced(bytes, placeholder, name);
  return bytes;
}

function replaced(bytes: Buffer, from: string, to: string): Buffer {
  const result = Buffer.from(bytes);
  for (let at = result.indexOf(from); at !== -1; at = result.indexOf(from, at + from.length)) result.write(to, at);
  return result;
}
