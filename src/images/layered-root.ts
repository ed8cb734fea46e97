/**
 * One file system view over the unpacked layers of an image, for reading without a mount.
 * Every path is walked component by component below the layer folders; symbolic links are resolved inside the view, so
 * neither an image nor a build context can lead outside. Whiteouts and opaque folders come from the layers' records.
 * Used by COPY and ADD, by /etc/passwd look-ups and by pulls; RUN sees the same layers through overlayfs.
 */
import { lstatSync, type Stats } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { ExtrasByPath } from "./layer-extras.ts";
import { lstatInNamespace, subordinateIds } from "./user-namespace.ts";

export interface RootLayer {
  /** Unpacked files on this machine. */
  readonly dir: string;
  /** Paths (without leading slash) that this layer deletes from those below. */
  readonly whiteouts: ReadonlySet<string>;
  /** Folders whose lower contents this layer hides. */
  readonly opaque: ReadonlySet<string>;
  /** What the files cannot say for themselves. */
  readonly extras?: ExtrasByPath;
}

export interface Found {
  /** Path in the view without leading slash; empty for the root. */
  readonly path: string;
  /** Where the topmost version is on this machine. */
  readonly hostPath: string;
  readonly stats: Stats;
  /** The one that has the topmost version. */
  readonly layer: RootLayer;
  /** For a folder: every layer that has a part of it, topmost first. */
  readonly layers: readonly RootLayer[];
}

export interface Resolved {
  /** After all symbolic links, without leading slash. */
  readonly path: string;
  readonly found: Found | undefined;
}

const MAX_LINKS = 40;

export class TooManyLinks extends Error {
  override readonly name = "TooManyLinks";
}

export class LayeredRoot {
  /** Topmost first. */
  readonly layers: readonly RootLayer[];

  constructor(layers: readonly RootLayer[]) {
    this.layers = layers;
  }

  /** The entry at a path that holds no symbolic link but perhaps as its last part. */
  async lookup(path: string): Promise<Found | undefined> {
    let found = await this.#root();
    for (const name of components(path)) {
      if (!found?.stats.isDirectory()) return undefined;
      found = await child(found, name);
    }
    return found;
  }

  /** Follows symbolic links inside the view; what does not exist is appended as written, `..` never leaves the root. */
  async resolve(path: string, options: { readonly followLast: boolean } = { followLast: true }): Promise<Resolved> {
    const trail: Found[] = [];
    const missing: string[] = [];
    const pending = components(path).reverse();
    const root = await this.#root();
    let links = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === "..") {
        if (missing.length > 0) missing.pop();
        else trail.pop();
        continue;
      }
      if (missing.length > 0) {
        missing.push(name);
        continue;
      }
      const parent = trail.at(-1) ?? root;
      const found = parent?.stats.isDirectory() ? await child(parent, name) : undefined;
      if (!found) {
        missing.push(name);
      } else if (found.stats.isSymbolicLink() && (pending.length > 0 || options.followLast)) {
        if (++links > MAX_LINKS) throw new TooManyLinks(`too many links at /${found.path}`);
        const target = await readlink(found.hostPath);
        if (target.startsWith("/")) trail.length = 0;
        pending.push(...components(target).reverse());
      } else {
        trail.push(found);
      }
    }
    const last = trail.at(-1) ?? root;
    const base = last?.path ?? "";
    const all = [...(base === "" ? [] : [base]), ...missing].join("/");
    return { path: all, found: missing.length > 0 ? undefined : last };
  }

  /** Names in a folder, sorted bytewise. */
  async list(folder: Found): Promise<Found[]> {
    const names = new Set<string>();
    for (const layer of folder.layers) for (const name of await readdir(join(layer.dir, folder.path))) names.add(name);
    const entries: Found[] = [];
    for (const name of [...names].sort()) {
      const found = await child(folder, name);
      if (found) entries.push(found);
    }
    return entries;
  }

  async #root(): Promise<Found | undefined> {
    const top = this.layers[0];
    return top && { path: "", hostPath: top.dir, stats: await lstat(top.dir), layer: top, layers: this.layers };
  }
}

async function child(parent: Found, name: string): Promise<Found | undefined> {
  const path = parent.path === "" ? name : `${parent.path}/${name}`;
  const parts: RootLayer[] = [];
  let top: { hostPath: string; stats: Stats; layer: RootLayer } | undefined;
  for (const layer of parent.layers) {
    if (layer.whiteouts.has(path)) break;
    const hostPath = join(layer.dir, path);
    const stats = await lstatOrUndefined(hostPath);
    if (!stats) continue;
    if (!stats.isDirectory()) {
      if (top) break;
      return { path, hostPath, stats, layer, layers: [] };
    }
    top ??= { hostPath, stats, layer };
    parts.push(layer);
    if (layer.opaque.has(path)) break;
  }
  return top && { path, ...top, layers: parts };
}

/** Undefined when nothing is there. */
export async function lstatOrUndefined(path: string): Promise<Stats | undefined> {
  try {
    // Synchronous: a look-up takes microseconds, a turn of the event loop much more.
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // In a folder that the image gives to another user.
    if (code === "EACCES" && (await subordinateIds())) return lstatInNamespace(path);
    throw error;
  }
}

/** The parts of a path; `.` and empty parts dropped, `..` kept. */
export const components = (path: string): string[] => path.split("/").filter((part) => part !== "" && part !== ".");

/** Bytes of a regular file of an image, or undefined. */
export async function findFile(root: LayeredRoot, path: string): Promise<Found | undefined> {
  const { found } = await root.resolve(path);
  return found?.stats.isFile() ? found : undefined;
}
