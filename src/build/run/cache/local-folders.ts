/**
 * The folders of LOCAL_CUSTOM_CACHE. A build takes a folder out of the cache by renaming it, works in it through a
 * symbolic link, and puts it back at its end: no copy, and two builds never work in one folder. Whoever finds it taken
 * starts with an empty one, as a build on another host does on AWS; the last to end leaves its state.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/caching-local.html ("cached items override source items")
 * Layout: `<cache>/<account>/<region>/<project>/<generation>/<hash of path>/current`, taken as `taken-<owner>-<uuid>/<hash of
 * path>` beside it (core/owned-folders.ts): of the cache a build reaches that one folder only, and may have put anything there.
 * Bound: 20 GiB for all projects of a state; what was put back longest ago goes first.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { holdEntry, holdFolderBelow, withHeld } from "../../../core/held-path.ts";
import { debug } from "../../../core/log.ts";
import { isOrphan, ownerName } from "../../../core/owned-folders.ts";
import type { BuildRequest } from "../build-request.ts";
import { type CachedFolder, evictOldest, foldersAt, sizeOf } from "../cache-bound.ts";

const MAX_BYTES = 20 * 1024 ** 3;

export interface TakenFolder {
  readonly folder: string;
  /** True when an earlier build left it. */
  readonly isWarm: boolean;
}

/** Whose folders they are: account, region, project, generation. */
const ownerOf = ({ scope, projectName, cache }: Pick<BuildRequest, "scope" | "projectName" | "cache">): string[] => [
  scope.accountId,
  scope.region,
  projectName,
  String(cache.generation ?? 0),
];

/** Where all local folders of a project are, below the cache of the state. */
const projectFolder = (cacheDir: string, request: Parameters<typeof ownerOf>[0]): string =>
  join(cacheDir, "custom", ...ownerOf(request).map(encodeURIComponent));

/** Where a build has what it takes. */
export const takenFolder = ({ cacheDir, request, uuid }: LocalFoldersInput): string =>
  join(projectFolder(cacheDir, request), `${TAKEN}${ownerName()}-${uuid}`);

export interface LocalFoldersInput {
  /** Of the cache of the state. */
  readonly cacheDir: string;
  readonly request: Parameters<typeof ownerOf>[0];
  readonly uuid: string;
  /** For tests; default 20 GiB. */
  readonly maxBytes?: number;
}

export class LocalFolders {
  readonly #input: LocalFoldersInput;
  readonly #taken: { readonly name: string; readonly slot: string; readonly folder: string }[] = [];

  constructor(input: LocalFoldersInput) {
    this.#input = input;
  }

  /**
   * Puts the cached folder called `name` at `way` below a folder of the build. What was there becomes the first content, or
   * is replaced. Undefined where a link is on the way: it may lead anywhere.
   */
  async take(name: string, root: string, way: string): Promise<TakenFolder | undefined> {
    const project = projectFolder(this.#input.cacheDir, this.#input.request);
    const slot = join(project, hash(name));
    const folder = join(takenFolder(this.#input), hash(name));
    const parent = holdFolderBelow(root, dirname(way), true);
    if (!parent) return undefined;
    try {
      const link = join(parent.path, basename(way));
      await mkdir(slot, { recursive: true, mode: 0o700 });
      await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
      const isWarm = (await renamed(join(slot, "current"), folder)) || (await adoptAbandoned(project, folder));
      const isFolder = isRealFolder(link);
      if (isWarm || !isFolder) {
        await rm(link, { recursive: true, force: true });
        await mkdir(folder, { recursive: true });
      } else await moveFolder(link, folder);
      await symlink(folder, link);
      this.#taken.push({ name, slot, folder });
      return { folder, isWarm };
    } finally {
      parent.close();
    }
  }

  /** Puts back what was taken, then takes away the oldest folders above the bound; answers where it is. Never throws. */
  async release(nowMs: number): Promise<{ readonly name: string; readonly folder: string }[]> {
    const kept: { name: string; folder: string }[] = [];
    for (const { name, slot, folder } of this.#taken.splice(0)) {
      try {
        if (!isRealFolder(folder)) continue;
        const bytes = await sizeOf(folder);
        const old = join(slot, `old-${this.#input.uuid}`);
        await renamed(join(slot, "current"), old);
        await renamed(folder, join(slot, "current"));
        kept.push({ name, folder: join(slot, "current") });
        await writeFile(join(slot, "bytes"), String(bytes));
        await utimes(slot, nowMs / 1000, nowMs / 1000);
        await rm(old, { recursive: true, force: true });
      } catch (error) {
        debug("run", () => `local cache: ${String(error)}`);
      }
    }
    await rm(takenFolder(this.#input), { recursive: true, force: true }).catch((error: unknown) =>
      debug("run", () => `local cache: ${String(error)}`),
    );
    await evict(join(this.#input.cacheDir, "custom"), this.#input.maxBytes ?? MAX_BYTES).catch((error: unknown) =>
      debug("run", () => `local cache: ${String(error)}`),
    );
    return kept;
  }
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** A link is none. */
const isRealFolder = (path: string): boolean => withHeld(holdEntry(path), ({ stats }) => stats.isDirectory()) === true;

/** Takes over a folder whose process is gone: its build never came to put it back. */
async function adoptAbandoned(project: string, folder: string): Promise<boolean> {
  for (const name of (await readdir(project)).sort()) {
    if (!name.startsWith(TAKEN) || !isOrphan(name.slice(TAKEN.length))) continue;
    const left = join(project, name, basename(folder));
    const isAdopted = isRealFolder(left) && (await renamed(left, folder));
    // Fails while there is more in it.
    await rmdir(join(project, name)).catch(() => {});
    if (isAdopted) return true;
  }
  return false;
}

const TAKEN = "taken-";

/** Moves a folder of the build into the cache, which may be on another file system. */
async function moveFolder(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    const { copyPaths, listTree } = await import("../copy-tree.ts");
    await mkdir(to, { recursive: true });
    await copyPaths(from, to, (await listTree(from, new Set())).paths);
    await rm(from, { recursive: true, force: true });
  }
}

/** Slots lie five folders deep: account, region, project, generation, path. */
const SLOT_DEPTH = 5;

async function evict(cacheDir: string, maxBytes: number): Promise<void> {
  const slots: CachedFolder[] = [];
  for (const path of await foldersAt(cacheDir, SLOT_DEPTH)) {
    if (basename(path).startsWith(TAKEN)) continue;
    const bytes = Number(await readFile(join(path, "bytes"), "utf8").catch(() => "0"));
    slots.push({ path, bytes, usedMs: (await stat(path)).mtimeMs });
  }
  await evictOldest(slots, maxBytes, async (path) => {
    await rm(join(path, "current"), { recursive: true, force: true });
    await rm(join(path, "bytes"), { force: true });
  });
}
