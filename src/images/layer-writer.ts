/**
 * Writes the files of one new layer into its own folder, seen on top of the layers below.
 * Parents are made or copied up as overlayfs would; no write ever goes through a symbolic link.
 * Ownership is set when this process may (root); else it is remembered in `owners` and put into the layer's tar.
 */
import { constants, type Stats } from "node:fs";
import { chmod, copyFile, lchown, link, lutimes, mkdir, open, readlink, rm, symlink, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
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
/** Time of folders nobody gave a time to, so that equal builds give equal layers. */
const NO_TIME_SECONDS = 0;

/** A path of an archive that points outside of where it is unpacked. */
export class PathEscape extends Error {
  override readonly name = "PathEscape";
}

export class LayerWriter {
  readonly dir: string;
  readonly root: LayeredRoot;
  /** What the tar must say where the disk cannot. */
  readonly owners = new Map<string, FileOwner>();
  readonly whiteouts = new Set<string>();
  readonly opaque = new Set<string>();
  readonly #mayChown = process.geteuid?.() === 0;
  readonly #realFolders = new Set<string>();
  readonly #folderTimes = new Map<string, { meta: FileMeta }>();

  /** `dir` exists and is empty; `below` topmost first. */
  constructor(dir: string, below: readonly RootLayer[]) {
    this.dir = dir;
    this.root = new LayeredRoot([{ dir, whiteouts: this.whiteouts, opaque: this.opaque }, ...below]);
  }

  /** Makes a folder and its missing parents at a resolved path; existing ones keep what they are. */
  async folder(path: string, meta: FileOwner & { mode?: number; mtimeSeconds?: number } = ROOT_OWNER): Promise<void> {
    const parts = components(path);
    for (let depth = 1; depth <= parts.length; depth++) {
      const current = parts.slice(0, depth).join("/");
      if (this.#realFolders.has(current)) continue;
      const found = await this.root.lookup(current);
      const own = await lstatOrUndefined(join(this.dir, current));
      if (!own?.isDirectory()) {
        if (own) await rm(join(this.dir, current));
        if (found && !found.stats.isDirectory() && depth < parts.length)
          throw new Error(`not a directory: /${current}`);
        await mkdir(join(this.dir, current));
        const like = found?.stats.isDirectory() ? metaOf(found.stats, await subordinateIds()) : undefined;
        await this.#apply(current, like ?? { mode: 0o755, mtimeSeconds: NO_TIME_SECONDS, ...meta }, "folder");
      }
      this.#realFolders.add(current);
    }
  }

  /** Sets what an archive or a source says about a folder. */
  async folderMeta(path: string, meta: FileMeta): Promise<void> {
    await this.folder(path, meta);
    if (path !== "") await this.#apply(path, meta, "folder");
  }

  /** Writes one entry of an archive at `path`, whose parents are resolved. Devices and pipes are left out. */
  async entry(path: string, entry: TarEntry, body: AsyncIterable<Uint8Array>, owner: FileOwner): Promise<void> {
    const meta = { mode: entry.mode, mtimeSeconds: entry.mtimeSeconds, ...owner };
    if (entry.type === "directory") return this.folderMeta(path, meta);
    await this.#clear(path);
    const hostPath = join(this.dir, path);
    switch (entry.type) {
      case "file": {
        const file = await open(
          hostPath,
          constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW,
          0o600,
        );
        try {
          for await (const chunk of body) await file.writeFile(chunk);
        } finally {
          await file.close();
        }
        return this.#apply(path, meta, "file");
      }
      case "symlink":
        await symlink(entry.linkName, hostPath);
        return this.#apply(path, meta, "link");
      case "hardlink": {
        const target = await this.inside(entry.linkName);
        const found = await lstatOrUndefined(join(this.dir, target));
        if (!found || found.isDirectory()) throw new Error(`hard link to a missing file: ${entry.linkName}`);
        return link(join(this.dir, target), hostPath);
      }
      case "character-device":
      case "block-device":
      case "fifo":
        return;
    }
  }

  /** Copies one file or symbolic link of another view. */
  async copy(path: string, source: Found, meta: FileMeta): Promise<void> {
    await this.#clear(path);
    const hostPath = join(this.dir, path);
    if (source.stats.isSymbolicLink()) {
      await symlink(await readlink(source.hostPath), hostPath);
      return this.#apply(path, meta, "link");
    }
    await copyFile(source.hostPath, hostPath, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await this.#apply(path, meta, "file");
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
    this.#realFolders.clear();
    await rm(join(this.dir, path), { recursive: true, force: true });
  }

  /** Hides a path of the layers below. */
  whiteout(path: string): void {
    this.whiteouts.add(path);
  }

  /** Sets times of folders last: writing into them changed them. */
  async finish(): Promise<void> {
    for (const [path, { meta }] of [...this.#folderTimes].reverse()) {
      await utimes(join(this.dir, path), meta.mtimeSeconds, meta.mtimeSeconds);
      if (!this.#mayChown) await chmod(join(this.dir, path), meta.mode | 0o700);
    }
  }

  async #clear(path: string): Promise<void> {
    const parent = dirname(path);
    if (parent !== "." && !this.#realFolders.has(parent)) await this.folder(parent);
    const own = await lstatOrUndefined(join(this.dir, path));
    if (!own) return;
    if (own.isDirectory()) this.#realFolders.clear();
    await rm(join(this.dir, path), { recursive: true });
  }

  async #apply(path: string, meta: FileMeta, kind: "file" | "folder" | "link"): Promise<void> {
    const hostPath = join(this.dir, path);
    if (this.#mayChown) await lchown(hostPath, meta.uid, meta.gid);
    else this.owners.set(path, { uid: meta.uid, gid: meta.gid });
    if (kind === "link") return lutimes(hostPath, meta.mtimeSeconds, meta.mtimeSeconds);
    // After chown, which clears the set-id bits.
    await chmod(hostPath, kind === "folder" && !this.#mayChown ? meta.mode | 0o700 : meta.mode);
    if (kind === "folder") this.#folderTimes.set(path, { meta });
    else await utimes(hostPath, meta.mtimeSeconds, meta.mtimeSeconds);
  }
}

/** As an ordinary user, files are root's in the image but for those of the user's range of ids. */
export const metaOf = (stats: Stats, ids?: SubordinateIds): FileMeta => ({
  mode: stats.mode & 0o7777,
  uid: process.geteuid?.() === 0 ? stats.uid : idInside(stats.uid, ids?.users),
  gid: process.geteuid?.() === 0 ? stats.gid : idInside(stats.gid, ids?.groups),
  mtimeSeconds: Math.floor(stats.mtimeMs / 1000),
});
