/**
 * LOCAL_SOURCE_CACHE: a bare copy of each remote repository in the project's cache folder, brought up to date before a
 * build takes from it. One build at a time updates a copy (within this process; git's own locks keep others out). What
 * cannot be used is left alone or dropped, and the build clones from the server. A build gets the objects as hard links (or
 * copies), so a copy may go at any moment: with InvalidateProjectCache, or when all copies of the state exceed 20 GiB, the
 * one used longest ago first.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-caching.html#caching-local
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, link, mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Clock } from "../../../core/clock.ts";
import { debug } from "../../../core/log.ts";
import { ownerName } from "../../../core/owned-folders.ts";
import { evictOldest, foldersAt, sizeOf } from "../cache-bound.ts";
import type { Git } from "./git.ts";
import { isFullCommit, type Revision } from "./revision.ts";

interface MirrorInput {
  readonly git: Git;
  /** The project's folder for copies; its name is the cache's generation. */
  readonly folder: string;
  /** Without credentials. */
  readonly url: string;
  readonly config: readonly string[];
  readonly revision: Revision;
}

const MAX_BYTES = 20 * 1024 ** 3;
/** Copies lie five folders deep: account, region, project, generation, URL. */
const MIRROR_DEPTH = 5;

/** HEAD of a copy leads here, whatever the server calls its default branch. */
const DEFAULT_BRANCH = "refs/kiln/default";
const updates = new Map<string, Promise<unknown>>();

/** The copy's folder, with the revision in it; undefined when it could not be brought up to date. */
export async function updateMirror(input: MirrorInput): Promise<string | undefined> {
  const name = createHash("sha256").update(input.url).digest("hex").slice(0, 32);
  const mirror = join(input.folder, `${name}.git`);
  const before = updates.get(mirror) ?? Promise.resolve();
  const update = before.catch(() => {}).then(() => updateNow(input, mirror));
  updates.set(mirror, update);
  try {
    return await update;
  } finally {
    if (updates.get(mirror) === update) updates.delete(mirror);
  }
}

export async function dropMirror(mirror: string): Promise<void> {
  // A git at work in it may add files meanwhile.
  await rm(mirror, { recursive: true, force: true, maxRetries: 3 });
}

/** Gives a new repository the objects of a copy. They stay when the copy goes. */
export async function shareObjects(mirror: string, gitDir: string): Promise<void> {
  const from = join(mirror, "objects");
  const to = join(gitDir, "objects");
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !/^tmp_|\.lock$|^info$/.test(entry.name));
  // An index without its pack would be an error, the other way round is none.
  files.sort((a, b) => Number(a.name.endsWith(".idx")) - Number(b.name.endsWith(".idx")));
  for (const { parentPath, name } of files) {
    const folder = join(to, parentPath.slice(from.length));
    await mkdir(folder, { recursive: true });
    await linkOrCopy(join(parentPath, name), join(folder, name));
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Packed or dropped meanwhile: what is missing is fetched.
    if (code === "ENOENT" || code === "EEXIST") return;
    await copyFile(from, to);
  }
}

/** Notes that a copy was used, and keeps all copies of the state below the bound. Never throws. */
export async function boundMirrors(mirror: string, clock: Clock, maxBytes: number = MAX_BYTES): Promise<void> {
  try {
    const usedSeconds = clock.nowMs() / 1000;
    await utimes(mirror, usedSeconds, usedSeconds);
    let root = mirror;
    for (let level = 0; level < MIRROR_DEPTH; level++) root = dirname(root);
    const mirrors = await Promise.all(
      (await foldersAt(root, MIRROR_DEPTH)).map(async (path) => ({
        path,
        bytes: await sizeOf(path),
        usedMs: (await stat(path)).mtimeMs,
      })),
    );
    await evictOldest(mirrors, maxBytes, dropMirror);
  } catch (error) {
    debug("run", () => `source cache: ${String(error)}`);
  }
}

async function updateNow(input: MirrorInput, mirror: string): Promise<string | undefined> {
  const { git, folder, url, config, revision } = input;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await removeOldGenerations(folder);
  const isNew = !existsSync(mirror);
  const place = isNew ? `${mirror}.${ownerName()}.new` : mirror;
  let isDone = false;
  try {
    if (isNew) {
      await git(folder, ["init", "-q", "--bare", place]);
      await git(place, ["symbolic-ref", "HEAD", DEFAULT_BRANCH]);
      await git(place, ["config", "uploadpack.allowAnySHA1InWant", "true"]);
      // Packs only: few files to hand on.
      await git(place, ["config", "fetch.unpackLimit", "1"]);
    }
    const special =
      revision.kind === "reference" ? revision.names.slice(0, 1) : revision.kind === "pinned" ? [revision.name] : [];
    const refspecs = [
      `+HEAD:${DEFAULT_BRANCH}`,
      "+refs/heads/*:refs/heads/*",
      ...special.filter((ref) => !ref.startsWith("refs/heads/")).map((ref) => `+${ref}:${ref}`),
    ];
    const fetched = await git(place, ["fetch", "-q", "--prune", "--tags", "--", url, ...refspecs], { config });
    if (!fetched.ok) {
      debug("run", () => `source cache: ${fetched.message}`);
      return undefined;
    }
    const commit = revision.kind === "pinned" ? revision.commit : revision.kind === "name" ? revision.name : "";
    if (isFullCommit(commit) && !(await git(place, ["cat-file", "-e", `${commit}^{commit}`])).ok) {
      await git(place, ["fetch", "-q", "--no-tags", "--", url, commit], { config });
    }
    if (isNew && !existsSync(mirror)) await rename(place, mirror);
    isDone = true;
    return mirror;
  } finally {
    if (place !== mirror) await rm(place, { recursive: true, force: true });
    else if (!isDone) await removeHalves(mirror);
  }
}

/** Copies that a build made after an InvalidateProjectCache which came while it ran. */
async function removeOldGenerations(folder: string): Promise<void> {
  const current = Number(basename(folder));
  for (const name of await readdir(dirname(folder))) {
    if (Number(name) < current) await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

/** What a killed git leaves: half packs, and locks that would keep every later fetch out. */
async function removeHalves(mirror: string): Promise<void> {
  const names = await readdir(mirror, { recursive: true }).catch(() => []);
  const halves = names.filter((name) => /(?:^|\/)(?:tmp_\w+|[^/]+\.lock)$/.test(name));
  await Promise.all(halves.map((name) => rm(join(mirror, name), { force: true })));
}
