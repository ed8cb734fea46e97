/**
 * ADD of local archives: what is one, by its bytes and not its name, and unpacking into a layer. xz, bzip2 and zstd are
 * unpacked by the machine's tools of these names; without the tool the archive is refused by name.
 * Entries go through layer-writer.ts, so that none leaves the folder; an archive that grows beyond measure is stopped.
 */
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { decompressed } from "../../../images/layer-store.ts";
import { type LayerWriter, PathEscape } from "../../../images/layer-writer.ts";
import { components } from "../../../images/layered-root.ts";
import { isTarHeader, readTar, TarError } from "../../../images/tar.ts";
import { CopyError, join } from "./copy-sources.ts";

type ArchiveKind = "tar" | "xz" | "bzip2" | "zstd";

const MAGIC: readonly { readonly kind: Exclude<ArchiveKind, "tar">; readonly bytes: readonly number[] }[] = [
  { kind: "xz", bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0] },
  { kind: "bzip2", bytes: [0x42, 0x5a, 0x68] },
  { kind: "zstd", bytes: [0x28, 0xb5, 0x2f, 0xfd] },
];

export async function archiveKind(path: string): Promise<ArchiveKind | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    const packed = MAGIC.find(({ bytes }) => bytes.every((byte, at) => buffer[at] === byte));
    if (packed) return packed.kind;
    if (bytesRead === 512 && isTarHeader(buffer)) return "tar";
    if (buffer[0] !== 0x1f || buffer[1] !== 0x8b) return undefined;
  } finally {
    await file.close();
  }
  let head = Buffer.alloc(0);
  try {
    for await (const chunk of decompressed(createReadStream(path))) {
      head = Buffer.concat([head, chunk]);
      if (head.length >= 512) break;
    }
  } catch {
    return undefined;
  }
  return isTarHeader(head) ? "tar" : undefined;
}

/** Bytes that any archive may grow to, and how many times its size a large one may. */
const MAX_UNPACKED_BYTES = 4 * 1024 ** 3;
const MAX_GROWTH = 200;

export async function unpackArchive(
  path: string,
  base: string,
  writer: LayerWriter,
  signal: AbortSignal,
): Promise<void> {
  const kind = await archiveKind(path);
  const mostBytes = Math.max(MAX_UNPACKED_BYTES, (await stat(path)).size * MAX_GROWTH);
  const source = kind === undefined || kind === "tar" ? createReadStream(path) : unpacker(kind, path);
  try {
    for await (const entry of readTar(limited(decompressed(source), mostBytes))) {
      signal.throwIfAborted();
      const target = await writer.inside(entry.name, base);
      if (components(entry.name).length === 0) continue;
      const named =
        entry.type === "hardlink" ? { ...entry, linkName: join(base, components(entry.linkName).join("/")) } : entry;
      await writer.entry(target, named, entry.body, entry);
    }
  } catch (error) {
    if (error instanceof TarError || error instanceof PathEscape) throw new CopyError(`ADD failed: ${error.message}`);
    throw error;
  }
}

async function* limited(source: AsyncIterable<Uint8Array>, mostBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > mostBytes)
      throw new CopyError(
        `ADD failed: the archive unpacks to more than ${mostBytes} bytes, which kiln takes for an attack`,
      );
    yield chunk;
  }
}

async function* unpacker(tool: Exclude<ArchiveKind, "tar">, path: string): AsyncGenerator<Uint8Array> {
  const child = spawn(tool, ["-dc", path], { stdio: ["ignore", "pipe", "ignore"] });
  let isMissing = false;
  const ended = new Promise<number | null>((resolve) =>
    child
      .on("error", () => {
        isMissing = true;
        resolve(null);
      })
      .on("close", resolve),
  );
  try {
    yield* child.stdout;
    const code = await ended;
    if (isMissing) throw new CopyError(`ADD failed: this machine has no \`${tool}\` to unpack the archive with`);
    if (code !== 0) throw new CopyError(`ADD failed: \`${tool}\` could not unpack the archive`);
  } finally {
    child.kill("SIGKILL");
  }
}
