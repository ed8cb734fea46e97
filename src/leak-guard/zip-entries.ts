/** The files of a zip that is held in memory, each as a stream. Names are shown, never written to: none is refused. */
import { type Entry, fromBufferPromise } from "yauzl";

export interface ZipEntry {
  readonly name: string;
  readonly sizeBytes: number;
  /** Rejects for what is encrypted or packed in a way that is not known. */
  open(): Promise<AsyncIterable<Uint8Array>>;
}

/** In the order of the archive's directory. Throws for a damaged one. */
export async function* zipEntries(bytes: Buffer): AsyncGenerator<ZipEntry> {
  const zip = await fromBufferPromise(bytes, { lazyEntries: true, decodeStrings: false });
  for await (const entry of zip.eachEntry()) yield { ...factsOf(entry), open: () => zip.openReadStreamPromise(entry) };
}

/** Without decoding, the library gives the name's bytes, and does not refuse any. */
const factsOf = (entry: Entry): Pick<ZipEntry, "name" | "sizeBytes"> => ({
  name: (entry.fileName as unknown as Buffer).toString("utf8"),
  sizeBytes: entry.uncompressedSize,
});
