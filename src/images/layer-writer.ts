/**
 * Writes the files of one new layer into its own folder, seen on top of the layers below.
 * Parents are made or copied up as overlayfs would; no write ever goes through a symbolic link.
 * Ownership is set when this process may (root); else it is remembered in `extras` and put into the layer's tar.
 * Synchronous calls where a layer has thousands of files: each takes microseconds, a turn of the event loop much more.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  openSync,
  type Stats,
  symlinkSync,
  writeSync,
} from "node:fs";
import { chmod, lchown, mkdir, readlink, rm, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type FileExtras, keptXattrs } from "./layer-extras.ts";
import { components, type Found, LayeredRoot, lstatOrUndefined, type RootLayer } from "./layered-root.ts";
import type { TarEntry } from "./tar.ts";
import { idInside, type SubordinateIds, subordinateIds } from "./user-namespace.ts";

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

export interface FileMeta extends FileOwner {
  readonly mode: number;
  readonly mtimeSeconds: number;
}

export const ROOT_OWNER: FileOwner = { uid: 0, gid: 0 };

/** A path of an archive that points outside of where it is unpacked. */
export class PathEscape extends Error {
  override readonly name = "PathEscape";
}

/** A file where a folder would have to be. */
export class NotADirectory extends Error {
  override readonly name = "NotADirectory";
  readonly path: string;

  constructor(path: string) {
    super(`not a directory: /${path}`);
    this.path = path;
  }
}

export class LayerWriter {
  readonly dir: string;
  readonly root: LayeredRoot;
  /** What the tar must say where the disk cannot. */
  readonly extras = new Map<string, FileExtras>();
  readonly whiteouts = new Set<string>();
  readonly opaque = new Set<string>();
  /** Bytes of the files written. */
  sizeBytes = 0;
  /** Time of folders nobody gave a time to. */
  readonly #newFolderSeconds: number;
  readonly #mayChown = process.geteuid?.() === 0;
  readonly #realFolders = new Set<string>();
  readonly #folderTimes = new Map<string, FileMeta>();

  /** `dir` exists and is empty; `below` topmost first. */
  constructor(dir: string, below: readonly RootLayer[], newFolderSeconds = 0) {
    this.dir = dir;
    this.#newFolderSeconds = newFolderSeconds;
    this.root = new LayeredRoot([
      { dir, whiteouts: this.whiteouts, opaque: this.opaque, extras: this.extras },
      ...below,
    ]);
  }

  /** Makes a folder and its missing parents at a resolved path; existing ones keep what they are. */
  async folder(path: string, meta: FileOwner & { mode?: number; mtimeSeconds?: number } = ROOT_OWNER): Promise<void> {
    if (this.#realFolders.has(path)) return;
    const parts = components(path);
    for (let depth = 1; depth <= parts.length; depth++) {
      const current = parts.slice(0, depth).join("/");
      if (this.#realFolders.has(current)) continue;
      const found = await this.root.lookup(current);
      const own = await lstatOrUndefined(join(this.dir, current));
      if (!own?.isDirectory()) {
        if (own) await this.#clear(current);
        if (found && !found.stats.isDirectory() && depth < parts.length) throw new NotADirectory(current);
        await mkdir(join(this.dir, current));
        if (this.whiteouts.delete(current)) this.opaque.add(current);
        const like = found?.stats.isDirectory() ? await metaOfFound(found) : undefined;
        await this.#applyFolder(
          current,
          like ?? { mode: 0o755, mtimeSeconds: this.#newFolderSeconds, ...meta },
          // As on overlayfs, a folder that gets an entry has the time of that.
          like !== undefined && this.#newFolderSeconds > 0 ? this.#newFolderSeconds : undefined,
        );
      }
      this.#realFolders.add(current);
    }
  }

  /** Makes the folders above a path; throws where one of them is a file. */
  async parents(path: string, owner: FileOwner = ROOT_OWNER): Promise<void> {
    const parts = components(path).slice(0, -1);
    if (this.#realFolders.has(parts.join("/"))) return;
    for (let depth = 1; depth <= parts.length; depth++) {
      const folder = parts.slice(0, depth).join("/");
      const found = await this.root.lookup(folder);
      if (!found) break;
      if (!found.stats.isDirectory()) throw new NotADirectory(folder);
    }
    if (parts.length > 0) await this.folder(parts.join("/"), owner);
  }

  /** Sets what an archive or a source says about a folder. */
  async folderMeta(path: string, meta: FileMeta, xattrs: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.folder(path, meta);
    if (path === "") return;
    await this.#applyFolder(path, meta);
    this.#remember(path, { xattrs });
  }

  /** Writes one entry of an archive at `path`, whose parents are resolved. */
  async entry(path: string, entry: TarEntry, body: AsyncIterable<Uint8Array>, owner: FileOwner): Promise<void> {
    const meta = { mode: entry.mode, mtimeSeconds: entry.mtimeSeconds, ...owner };
    if (entry.type === "directory") return this.folderMeta(path, meta, entry.xattrs);
    await this.#parentOf(path);
    this.extras.delete(path);
    switch (entry.type) {
      case "symlink":
        await this.#replacing(path, (hostPath) => symlinkSync(entry.linkName, hostPath));
        return this.#applyLink(path, meta);
      case "hardlink": {
        const target = await this.inside(entry.linkName);
        const found = await lstatOrUndefined(join(this.dir, target));
        if (!found || found.isDirectory()) throw new Error(`hard link to a missing file: ${entry.linkName}`);
        if (target === path) return;
        await this.#replacing(path, (hostPath) => linkSync(join(this.dir, target), hostPath));
        const extras = this.extras.get(target);
        if (extras) this.extras.set(path, extras);
        return;
      }
      case "file": {
        const fd = await this.#create(path);
        try {
          for await (const chunk of body) writeAll(fd, chunk);
          this.sizeBytes += entry.sizeBytes;
          this.#applyFile(path, fd, meta);
        } finally {
          closeSync(fd);
        }
        return this.#remember(path, { xattrs: entry.xattrs });
      }
      default: {
        const fd = await this.#create(path);
        this.#applyFile(path, fd, meta);
        closeSync(fd);
        this.#remember(path, {
          special: { type: entry.type, ...(entry.device && { device: entry.device }) },
          xattrs: entry.xattrs,
        });
      }
    }
  }

  /** Copies one file, symbolic link or device of another view. */
  async copy(path: string, source: Found, meta: FileMeta): Promise<void> {
    await this.#parentOf(path);
    this.extras.delete(path);
    if (source.stats.isSymbolicLink()) {
      const target = await readlink(source.hostPath);
      await this.#replacing(path, (hostPath) => symlinkSync(target, hostPath));
      return this.#applyLink(path, meta);
    }
    await this.#replacing(path, (hostPath) =>
      copyFileSync(source.hostPath, hostPath, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE),
    );
    const fd = openSync(join(this.dir, path), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      this.#applyFile(path, fd, meta);
    } finally {
      closeSync(fd);
    }
    this.sizeBytes += source.stats.size;
    const { xattrs, special } = source.layer.extras?.get(source.path) ?? {};
    this.#remember(path, { ...(xattrs && { xattrs }), ...(special && { special }) });
  }

  async write(path: string, bytes: Buffer, meta: FileMeta): Promise<void> {
    const entry: TarEntry = { name: path, type: "file", sizeBytes: bytes.length, linkName: "", xattrs: {}, ...meta };
    await this.entry(path, entry, [bytes] as unknown as AsyncIterable<Uint8Array>, meta);
  }

  /**
   * Where a name of an archive goes: its parents made and resolved inside this layer alone, `..` refused.
   * Used for archives that are unpacked below `base`.
   */
  async inside(name: string, base = ""): Promise<string> {
    const parts = components(name);
    if (parts.includes("..")) throw new PathEscape(`invalid path in archive: ${name}`);
    const last = parts.pop();
    const parent = [...components(base), ...parts].join("/");
    if (last === undefined) return parent;
    if (!this.#realFolders.has(parent)) {
      const resolved = await this.root.resolve(parent);
      if (resolved.found && !resolved.found.stats.isDirectory()) await this.#clear(resolved.path);
      await this.folder(resolved.path);
      return resolved.path === "" ? last : `${resolved.path}/${last}`;
    }
    return parent === "" ? last : `${parent}/${last}`;
  }

  /** Takes back what this layer wrote; absent paths are ignored. */
  async remove(path: string): Promise<void> {
    this.#forget(path);
    await rm(join(this.dir, path), { recursive: true, force: true });
  }

  /** Hides a path of the layers below; what this layer has there stays. */
  async whiteout(path: string): Promise<void> {
    const own = await lstatOrUndefined(join(this.dir, path));
    if (!own) this.whiteouts.add(path);
    else if (own.isDirectory()) this.opaque.add(path);
  }

  /** Sets times of folders last: writing into them changed them. */
  async finish(): Promise<void> {
    for (const [path, meta] of [...this.#folderTimes].reverse()) {
      await utimes(join(this.dir, path), meta.mtimeSeconds, meta.mtimeSeconds);
      if (!this.#mayChown) await chmod(join(this.dir, path), meta.mode | 0o700);
    }
  }

  /** Makes the parents of what is to be written; hidden below, it is not hidden itself. */
  async #parentOf(path: string): Promise<void> {
    this.whiteouts.delete(path);
    const parent = dirname(path);
    if (parent !== "." && !this.#realFolders.has(parent)) await this.folder(parent);
  }

  async #create(path: string): Promise<number> {
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
    return this.#replacing(path, (hostPath) => openSync(hostPath, flags, 0o600));
  }

  /** Makes something new at a path; what is there goes only when it is in the way. */
  async #replacing<T>(path: string, make: (hostPath: string) => T): Promise<T> {
    const hostPath = join(this.dir, path);
    try {
      return make(hostPath);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    await this.#clear(path);
    return make(hostPath);
  }

  async #clear(path: string): Promise<void> {
    await this.#parentOf(path);
    if (!(await lstatOrUndefined(join(this.dir, path)))) return;
    this.#forget(path);
    await rm(join(this.dir, path), { recursive: true });
  }

  /**
   * What is known of a path that goes, and of all below it: a link in its place would lead what is still to be done there
   * (times, marks, attributes, owners) to wherever the link leads.
   */
  #forget(path: string): void {
    this.#realFolders.clear();
    for (const known of [this.extras, this.whiteouts, this.opaque, this.#folderTimes])
      for (const one of known.keys()) if (one === path || one.startsWith(`${path}/`)) known.delete(one);
  }

  #applyFile(path: string, fd: number, meta: FileMeta): void {
    if (this.#mayChown) fchownSync(fd, meta.uid, meta.gid);
    else this.#remember(path, { uid: meta.uid, gid: meta.gid });
    // After chown, which clears the set-id bits.
    fchmodSync(fd, meta.mode);
    futimesSync(fd, meta.mtimeSeconds, meta.mtimeSeconds);
  }

  #applyLink(path: string, meta: FileMeta): void {
    const hostPath = join(this.dir, path);
    if (this.#mayChown) lchownSync(hostPath, meta.uid, meta.gid);
    else this.#remember(path, { uid: meta.uid, gid: meta.gid });
    lutimesSync(hostPath, meta.mtimeSeconds, meta.mtimeSeconds);
  }

  async #applyFolder(path: string, meta: FileMeta, mtimeSeconds = meta.mtimeSeconds): Promise<void> {
    const hostPath = join(this.dir, path);
    if (this.#mayChown) await lchown(hostPath, meta.uid, meta.gid);
    else this.#remember(path, { uid: meta.uid, gid: meta.gid });
    await chmod(hostPath, this.#mayChown ? meta.mode : meta.mode | 0o700);
    this.#folderTimes.set(path, { ...meta, mtimeSeconds });
  }

  #remember(path: string, extras: FileExtras): void {
    const xattrs = extras.xattrs && keptXattrs(extras.xattrs);
    const { xattrs: _, ...rest } = extras;
    if (xattrs === undefined && Object.keys(rest).length === 0) return;
    this.extras.set(path, { ...this.extras.get(path), ...rest, ...(xattrs && { xattrs }) });
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

/** As an ordinary user, files are root's in the image but for those of the user's range of ids. */
export const metaOf = (stats: Stats, ids?: SubordinateIds): FileMeta => ({
  mode: stats.mode & 0o7777,
  uid: process.geteuid?.() === 0 ? stats.uid : idInside(stats.uid, ids?.users),
  gid: process.geteuid?.() === 0 ? stats.gid : idInside(stats.gid, ids?.groups),
  mtimeSeconds: Math.floor(stats.mtimeMs / 1000),
});

/** What the image says of a file: the disk's word, then the layer's record. */
export async function metaOfFound(found: Found): Promise<FileMeta> {
  const meta = metaOf(found.stats, await subordinateIds());
  const { uid = meta.uid, gid = meta.gid } = found.layer.extras?.get(found.path) ?? {};
  return { ...meta, uid, gid };
}
