/** A tar stream of a folder or file of a container, and the other way round. */
import { createReadStream, type Stats } from "node:fs";
import { readlink } from "node:fs/promises";
import type { LayerWriter } from "../../../images/layer-writer.ts";
import { metaOf } from "../../../images/layer-writer.ts";
import type { Found, LayeredRoot } from "../../../images/layered-root.ts";
import { readTar, TAR_END, tarHeader, tarPadding } from "../../../images/tar.ts";
import { subordinateIds } from "../../../images/user-namespace.ts";

/** `name` is what the top entry is called; other file systems mounted below it are left out when `oneFileSystem`. */
export async function* packTree(
  root: LayeredRoot,
  top: Found,
  name: string,
  options: { readonly oneFileSystem: boolean },
): AsyncGenerator<Buffer> {
  const ids = await subordinateIds();
  const links = new Map<string, string>();
  const pack = async function* (found: Found, at: string): AsyncGenerator<Buffer> {
    const { stats } = found;
    const base = { ...metaOf(stats, ids), name: at, sizeBytes: 0, linkName: "" };
    if (stats.isDirectory()) {
      // The root of an export has no entry of its own.
      if (at !== "") yield tarHeader({ ...base, type: "directory" });
      if (options.oneFileSystem && stats.dev !== top.stats.dev) return;
      for (const entry of await root.list(found)) {
        const own = entry.path.slice(entry.path.lastIndexOf("/") + 1);
        yield* pack(entry, at === "" ? own : `${at}/${own}`);
      }
    } else if (stats.isSymbolicLink()) {
      yield tarHeader({ ...base, mode: 0o777, type: "symlink", linkName: await readlink(found.hostPath) });
    } else if (stats.isFile()) {
      const inode = `${stats.dev}:${stats.ino}`;
      const first = stats.nlink > 1 ? links.get(inode) : undefined;
      if (first !== undefined) {
        yield tarHeader({ ...base, type: "hardlink", linkName: first });
        return;
      }
      links.set(inode, at);
      yield tarHeader({ ...base, type: "file", sizeBytes: stats.size });
      yield* bytesOf(found.hostPath, stats.size);
      yield tarPadding(stats.size);
    }
  };
  yield* pack(top, name);
  yield TAR_END;
}

/** As many bytes as were announced, whatever the container does to the file meanwhile. */
async function* bytesOf(path: string, sizeBytes: number): AsyncGenerator<Buffer> {
  let left = sizeBytes;
  if (sizeBytes === 0) return;
  for await (const chunk of createReadStream(path, { end: sizeBytes - 1 })) {
    left -= (chunk as Buffer).length;
    yield chunk as Buffer;
  }
  if (left > 0) yield Buffer.alloc(left);
}

/** Go's file mode, as docker's path statistics have it. */
export function goMode(stats: Stats): number {
  const bits: readonly [boolean, number][] = [
    [stats.isDirectory(), 31],
    [stats.isSymbolicLink(), 27],
    [stats.isBlockDevice() || stats.isCharacterDevice(), 26],
    [stats.isFIFO(), 25],
    [stats.isSocket(), 24],
    [(stats.mode & 0o4000) !== 0, 23],
    [(stats.mode & 0o2000) !== 0, 22],
    [stats.isCharacterDevice(), 21],
    [(stats.mode & 0o1000) !== 0, 20],
  ];
  return bits.reduce((mode, [isSet, bit]) => (isSet ? mode + 2 ** bit : mode), stats.mode & 0o777);
}

/** Unpacks a tar below `base`, a resolved path; `check` is asked before each entry. */
export async function unpackBelow(
  writer: LayerWriter,
  source: AsyncIterable<Uint8Array>,
  base: string,
  check: (path: string, isFolder: boolean) => Promise<void>,
): Promise<void> {
  for await (const entry of readTar(source)) {
    if (entry.name === "" || entry.name === "." || entry.name === "./") continue;
    const path = await writer.inside(entry.name, base);
    if (path === base || path === "") continue;
    await check(path, entry.type === "directory");
    await writer.entry(path, entry, entry.body, entry);
  }
  await writer.finish();
}
