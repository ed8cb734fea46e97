/**
 * Files and links as one ZIP file, the same bytes for the same contents: entries in the order given, one fixed time,
 * permission bits kept, nothing of this machine in it. Streamed, and zip64 where sizes need it.
 * Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT; links as Info-ZIP stores them.
 */
import { createHash } from "node:crypto";
import { createWriteStream, readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import { withHeld } from "../../../core/held-path.ts";
import type { OwnFiles } from "../own-files.ts";
import type { SelectedFile } from "./select-files.ts";

export interface PackedZip {
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly md5sum: string;
  readonly sha256sum: string;
}

const REGULAR_FILE = 0o100000;
const SYMBOLIC_LINK = 0o120000;
/** Sizes from here on do not fit into the plain format's fields. */
const ZIP64_FROM_BYTES = 0xffffffff;

/** Files up to here are read at once: most of their time would go into opening a stream. */
const SMALL_BYTES = 64 * 1024;

function smallFile(path: string, own: OwnFiles): Readable {
  return new Readable({
    read() {
      try {
        this.push(withHeld(own.file(path), (held) => readFileSync(held.path)));
        this.push(null);
      } catch (error) {
        this.destroy(error as Error);
      }
    },
  });
}

/** Writes `zipPath`, which must not exist. Rejects when a file cannot be read. */
export async function packZip(
  files: readonly SelectedFile[],
  zipPath: string,
  own: OwnFiles,
  signal: AbortSignal,
): Promise<PackedZip> {
  const zip = new ZipFile();
  // ZIP's own clock is local time: the same wall time is the same bytes in every time zone.
  const time = { mtime: new Date(2000, 0, 1), forceDosTimestamp: true };
  const fail = (error: unknown): void => void zip.emit("error", error);
  for (const { source, path, mode, sizeBytes, link } of files) {
    if (link !== undefined) {
      zip.addBuffer(Buffer.from(link), path, { ...time, mode: SYMBOLIC_LINK | 0o777, compress: false });
      continue;
    }
    const options = { ...time, mode: REGULAR_FILE | mode, forceZip64Format: sizeBytes >= ZIP64_FROM_BYTES };
    zip.addReadStreamLazy(path, options, (give) => {
      const stream =
        sizeBytes <= SMALL_BYTES ? smallFile(source, own) : Readable.from(own.chunks(source), { objectMode: false });
      stream.on("error", fail);
      give(null, stream);
    });
  }
  zip.end();
  const md5 = createHash("md5");
  const sha256 = createHash("sha256");
  let sizeBytes = 0;
  const broken = new AbortController();
  zip.on("error", (error: unknown) => broken.abort(error));
  try {
    await pipeline(
      zip.outputStream,
      async function* (chunks: AsyncIterable<string | Buffer>) {
        for await (const piece of chunks) {
          const chunk = piece as Buffer;
          md5.update(chunk);
          sha256.update(chunk);
          sizeBytes += chunk.length;
          yield chunk;
        }
      },
      createWriteStream(zipPath, { flags: "wx", mode: 0o600 }),
      { signal: AbortSignal.any([signal, broken.signal]) },
    );
  } catch (error) {
    throw broken.signal.aborted ? broken.signal.reason : error;
  }
  return { sizeBytes, md5sum: md5.digest("hex"), sha256sum: sha256.digest("hex") };
}
