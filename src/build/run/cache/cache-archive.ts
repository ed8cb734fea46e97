/**
 * The archive of a cache: a gzipped tar (POSIX.1-2017 pax) whose entries begin with the folder they belong to, `src/…`,
 * `home/…` or `work/…`, so that they fit any build of the project, wherever its folders are. Files with mode and time,
 * links as links, folders only when empty ones matter to nobody: they are made as needed.
 * What comes out of a bucket is not trusted: an entry outside the paths of the cache, or behind a link, is left out by
 * name, and nothing is ever written through a link.
 */
import { constants, createWriteStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { withHeld } from "../../../core/held-path.ts";
import { readTar, TAR_END, tarHeader } from "../../../images/tar.ts";
import { fileBlocks, TreeWriter } from "../archived-files.ts";
import { compareBytes, escapeGlob, globFiles } from "../glob-files.ts";
import type { OwnFiles } from "../own-files.ts";
import { type CachePath, type CacheRoot, type CacheRoots, imagePath, isAllowed } from "./cache-paths.ts";

export interface CacheFile {
  readonly root: CacheRoot;
  /** Below the root. */
  readonly path: string;
}

export interface PackedCache {
  readonly files: number;
  readonly bytes: number;
}

const ROOTS: readonly CacheRoot[] = ["src", "home", "work"];
/** Speed counts more than size: the archive is read back within the hour, mostly from this machine. */
const COMPRESSION_LEVEL = 1;

/** Every file and link that the paths name, each once, in one order. Links are not followed. */
export async function filesOfCache(
  paths: readonly CachePath[],
  roots: CacheRoots,
  own: OwnFiles,
): Promise<CacheFile[]> {
  const found = new Map<string, CacheFile>();
  for (const { root, pattern } of paths) {
    const isFolder = withHeld(own.holdEntry(join(roots[root], pattern)), ({ stats }) => stats.isDirectory());
    // A folder by its name is what is in it, as `folder/**/*`.
    const asGlob = isFolder === undefined ? pattern : `${escapeGlob(pattern)}${isFolder ? "/**/*" : ""}`;
    const names = await globFiles(roots[root], asGlob.replace(/^\//, ""), { own });
    for (const path of names) found.set(`${root}/${path}`, { root, path });
  }
  return [...found.values()].sort((a, b) => compareBytes(`${a.root}/${a.path}`, `${b.root}/${b.path}`));
}

/** Writes the archive to `archivePath`. Files that vanish meanwhile are left out. */
export async function packCache(
  files: readonly CacheFile[],
  roots: CacheRoots,
  archivePath: string,
  own: OwnFiles,
  signal: AbortSignal,
): Promise<PackedCache> {
  let packed = 0;
  async function* blocks(): AsyncGenerator<Buffer> {
    for (const { root, path } of files) {
      const source = join(roots[root], path);
      const held = own.holdEntry(source);
      if (!held) continue;
      try {
        const { stats } = held;
        const common = {
          name: `${root}/${path}`,
          mode: stats.mode & 0o777,
          uid: 0,
          gid: 0,
          mtimeSeconds: Math.floor(stats.mtimeMs / 1000),
        };
        if (stats.isSymbolicLink()) {
          const target = own.linkTarget(source);
          if (target === undefined) continue;
          yield tarHeader({ ...common, type: "symlink", sizeBytes: 0, linkName: portableLink(source, target, roots) });
        } else if (stats.isFile()) {
          // The file itself is asked again: its size must be that of the bytes that follow.
          const handle = await open(held.path, constants.O_RDONLY).catch(() => undefined);
          if (!handle) continue;
          yield* fileBlocks(handle, common);
        } else continue;
      } finally {
        held.close();
      }
      packed++;
    }
    yield TAR_END;
  }
  await pipeline(
    Readable.from(blocks(), { objectMode: false }),
    createGzip({ level: COMPRESSION_LEVEL }),
    createWriteStream(archivePath, { flags: "wx", mode: 0o600 }),
    { signal },
  );
  return { files: packed, bytes: (await stat(archivePath)).size };
}

/** A link into the build's own folders is made relative: the next build has others. */
function portableLink(source: string, target: string, roots: CacheRoots): string {
  if (!isAbsolute(target)) return target;
  const isOwn = ROOTS.some((root) => target.startsWith(`${roots[root]}/`));
  return isOwn ? relative(dirname(source), target) : target;
}

/** Reads an archive into the build's folders; what is left out is told to `onSkipped` by its path. */
export async function unpackCache(input: {
  readonly archive: AsyncIterable<Uint8Array>;
  readonly paths: readonly CachePath[];
  readonly roots: CacheRoots;
  readonly signal: AbortSignal;
  onSkipped(path: string): void;
}): Promise<PackedCache> {
  const { paths, roots, signal } = input;
  let bytes = 0;
  let files = 0;
  const count = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      bytes += chunk.length;
      yield chunk;
    }
  };
  const gunzip = createGunzip();
  const feeding = pipeline(input.archive, count, gunzip, { signal });
  feeding.catch(() => {}); // its failure reaches the reader below
  const links: { root: CacheRoot; path: string; target: string }[] = [];
  const writers = {
    src: new TreeWriter(roots.src),
    home: new TreeWriter(roots.home),
    work: new TreeWriter(roots.work),
  };
  for await (const entry of readTar(gunzip)) {
    signal.throwIfAborted();
    if (entry.type === "directory") continue;
    const at = splitEntry(entry.name);
    if (!at || !isAllowed(paths, at.root, at.path) || !(entry.type === "file" || entry.type === "symlink")) {
      input.onSkipped(at ? imagePath(at.root, at.path) : entry.name);
    } else if (entry.type === "symlink") links.push({ ...at, target: entry.linkName });
    else if (await writers[at.root].write(at.path, entry)) files++;
    else input.onSkipped(imagePath(at.root, at.path));
  }
  await feeding;
  // Links last: no file of the archive can be written through one.
  for (const { root, path, target } of links) {
    if (writers[root].link(path, target)) files++;
    else input.onSkipped(imagePath(root, path));
  }
  for (const writer of Object.values(writers)) writer.close();
  return { files, bytes };
}

function splitEntry(name: string): { readonly root: CacheRoot; readonly path: string } | undefined {
  const slash = name.indexOf("/");
  const root = ROOTS.find((known) => known === name.slice(0, slash));
  const path = name.slice(slash + 1);
  if (root === undefined || path.includes("\0")) return undefined;
  return path.split("/").some((part) => part === "" || part === "." || part === "..") ? undefined : { root, path };
}
