/**
 * LOCAL_SOURCE_CACHE: a bare copy of each remote repository in the project's cache folder, brought up to date before a
 * build takes from it. One build at a time updates a copy (within this process; git's own locks keep others out). What
 * cannot be used is left alone or dropped, and the build clones from the server.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-caching.html#caching-local
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { debug } from "../../../core/log.ts";
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
  await rm(mirror, { recursive: true, force: true });
}

async function updateNow(input: MirrorInput, mirror: string): Promise<string | undefined> {
  const { git, folder, url, config, revision } = input;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await removeOldGenerations(folder);
  const isNew = !existsSync(mirror);
  const place = isNew ? `${mirror}.${process.pid}.new` : mirror;
  let isDone = false;
  try {
    if (isNew) {
      await git(folder, ["init", "-q", "--bare", place]);
      await git(place, ["symbolic-ref", "HEAD", DEFAULT_BRANCH]);
      await git(place, ["config", "uploadpack.allowAnySHA1InWant", "true"]);
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

/** Copies of before the last InvalidateProjectCache; those of the one before it may still be in use by a build. */
async function removeOldGenerations(folder: string): Promise<void> {
  const current = Number(basename(folder));
  for (const name of await readdir(dirname(folder))) {
    if (Number(name) < current - 1) await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

/** What a killed git leaves: half packs, and locks that would keep every later fetch out. */
async function removeHalves(mirror: string): Promise<void> {
  const names = await readdir(mirror, { recursive: true }).catch(() => []);
  const halves = names.filter((name) => /(?:^|\/)(?:tmp_\w+|[^/]+\.lock)$/.test(name));
  await Promise.all(halves.map((name) => rm(join(mirror, name), { force: true })));
}
