/**
 * Makes mounts of `RUN --mount=…`: caches kept between builds, folders of the context, of stages and images, secrets that
 * never touch a disk, empty folders in memory.
 */
import { createHash } from "node:crypto";
import { chmod, lchown, mkdir, rename } from "node:fs/promises";
import { join, posix } from "node:path";
import type { RunMount } from "../../../dockerfile/run-mounts.ts";
import type { LayerStore } from "../../../images/layer-store.ts";
import { LayerWriter } from "../../../images/layer-writer.ts";
import { components, type Found } from "../../../images/layered-root.ts";
import { removeTree } from "../../../images/remove-tree.ts";
import { giveOwnership } from "../../../images/user-namespace.ts";
import type { MountPoint, SecretFile } from "../mount-table.ts";
import { BuildError, type BuildRequest } from "./build-request.ts";
import { copySources } from "./copy-files.ts";
import { clean } from "./copy-sources.ts";
import { Locks } from "./locks.ts";
import type { Source } from "./sources.ts";

export interface RunBinds {
  readonly points: readonly MountPoint[];
  readonly secrets: readonly SecretFile[];
  /** Variables that hold secrets. */
  readonly environment: Readonly<Record<string, string>>;
  /** Gives back folders that only this command has. */
  release(): Promise<void>;
}

/** A mount whose source is known. */
export interface ResolvedMount {
  readonly mount: RunMount;
  /** Absolute. */
  readonly target: string;
  readonly source: Source | undefined;
  /** What it shows, of `source`. */
  readonly found: Found | undefined;
}

const caches = new Locks();

export async function bindMounts(request: BuildRequest, mounts: readonly ResolvedMount[]): Promise<RunBinds> {
  const points: MountPoint[] = [];
  const secrets: SecretFile[] = [];
  const environment: Record<string, string> = {};
  const releases: (() => Promise<void>)[] = [];
  const release = async (): Promise<void> => {
    for (const one of releases.splice(0).reverse()) await one();
  };
  try {
    for (const resolved of mounts) {
      const { mount, target } = resolved;
      if (mount.type === "tmpfs") {
        const size = mount.sizeBytes === undefined ? "" : `,size=${mount.sizeBytes}`;
        points.push({ kind: "tmpfs", target, options: `mode=1777,nosuid,nodev${size}` });
      } else if (mount.type === "secret") {
        const bytes = await secretBytes(request, mount);
        if (!bytes) continue;
        if (mount.env !== undefined) environment[mount.env] = Buffer.from(bytes).toString("utf8");
        if (mount.env !== undefined && mount.target === "") continue;
        const { mode = 0o400, uid = 0, gid = 0 } = mount;
        secrets.push({ target, bytes, mode, uid, gid });
      } else if (mount.type === "cache") {
        const cache = await openCache(request, resolved);
        releases.push(cache.release);
        points.push({ kind: "folder", source: cache.dir, target, isReadOnly: mount.isReadOnly });
      } else {
        points.push(await bindPoint(request.store, resolved, releases));
      }
    }
    return { points, secrets, environment, release };
  } catch (error) {
    await release();
    throw error;
  }
}

async function secretBytes(request: BuildRequest, mount: RunMount): Promise<Uint8Array | undefined> {
  const bytes = await request.secret(mount.id);
  if (!bytes && mount.isRequired) throw new BuildError(`secret ${mount.id}: not found`);
  return bytes;
}

/** A folder or file of the context, of a stage or an image; what is written there goes away with the command. */
async function bindPoint(
  store: LayerStore,
  { mount, target, source, found }: ResolvedMount,
  releases: (() => Promise<void>)[],
): Promise<MountPoint> {
  if (!source || !found) throw new Error("a bind mount without a source");
  const isFile = !found.stats.isDirectory();
  const holder = await store.temporary();
  releases.push(() => removeTree(holder));
  if (source.kind === "folder" && !source.ignore.isEmpty && !isFile) {
    // Ignored files may lie in the folder; the command gets a copy without them.
    const dir = join(holder, "d");
    await mkdir(dir);
    await copyContents(source, found, dir);
    return { kind: "folder", source: dir, target, isReadOnly: mount.isReadOnly };
  }
  const parts = isFile ? [found.layer] : found.layers;
  const [only] = parts;
  if (only && parts.length === 1 && mount.isReadOnly)
    return { kind: isFile ? "file" : "folder", source: join(only.dir, found.path), target, isReadOnly: true };
  if (isFile && !mount.isReadOnly) {
    const dir = join(holder, "f");
    await mkdir(dir);
    const writer = new LayerWriter(dir, []);
    await writer.copy("file", found, { mode: found.stats.mode & 0o7777, uid: 0, gid: 0, mtimeSeconds: 0 });
    return { kind: "file", source: join(dir, "file"), target, isReadOnly: false };
  }
  const lowerDirs = parts.map((layer) => join(layer.dir, found.path));
  if (mount.isReadOnly) return { kind: "view", lowerDirs, target, isReadOnly: true };
  const [upperDir, workDir] = [join(holder, "u"), join(holder, "w")];
  for (const dir of [upperDir, workDir]) await mkdir(dir);
  return { kind: "view", lowerDirs, upperDir, workDir, target, isReadOnly: false };
}

/** The folder of a cache mount; with `locked` nobody else has it meanwhile, with `private` nobody else sees it. */
async function openCache(
  request: BuildRequest,
  { mount, source, found }: ResolvedMount,
): Promise<{ dir: string; release(): Promise<void> }> {
  const { store, signal } = request;
  const name = createHash("sha256").update(mount.id).digest("hex").slice(0, 16);
  const whole = { dir: join(store.dir, "caches", name) };
  if (mount.sharing === "locked") {
    const unlock = await caches.take(whole.dir, signal);
    await makeCache(store, whole.dir, mount, source, found);
    return { ...whole, release: async () => unlock() };
  }
  if (mount.sharing === "private") {
    for (let at = 0; ; at++) {
      const dir = at === 0 ? whole.dir : `${whole.dir}-${at}`;
      const unlock = caches.takeIfFree(dir);
      if (!unlock) continue;
      await makeCache(store, dir, mount, source, found);
      return { dir, release: async () => unlock() };
    }
  }
  const unlock = caches.share(whole.dir);
  await makeCache(store, whole.dir, mount, source, found);
  return { ...whole, release: async () => unlock() };
}

/** Makes a cache's folder with its first contents; one that is there stays as it is. */
async function makeCache(
  store: LayerStore,
  dir: string,
  { mode = 0o755, uid = 0, gid = 0 }: RunMount,
  source: Source | undefined,
  found: Found | undefined,
): Promise<void> {
  const holder = await store.temporary();
  try {
    const made = join(holder, "d");
    await mkdir(made);
    await chmod(made, mode);
    if (process.geteuid?.() === 0) await lchown(made, uid, gid);
    else await giveOwnership(holder, new Map([["d", { uid, gid }]]));
    if (source && found?.stats.isDirectory()) await copyContents(source, found, made);
    // The first one wins: an existing folder is not empty, or as good as this one.
    await rename(made, dir).catch(() => undefined);
  } finally {
    await removeTree(holder);
  }
}

/** What a folder of a context, a stage or an image holds, into a folder of this machine. */
async function copyContents(source: Source, found: Found, dir: string): Promise<void> {
  const writer = new LayerWriter(dir, []);
  const isContext = source.kind === "folder";
  const query = {
    ...({ style: "buildkit", keyword: "COPY", patterns: [], exclude: undefined, parents: false } as const),
    origin: { root: source.root, ignore: isContext ? source.ignore : undefined, isContext },
  };
  const copy = { destination: "/", owner: undefined, mode: undefined, unpacks: false };
  await copySources(query, copy, [{ entry: found, under: undefined }], writer, new AbortController().signal);
  await writer.finish();
}

/** Where a mount's target is, seen from the working folder. Throws for the root folder. */
export function targetOf(mount: RunMount, workingDirectory: string): string {
  const written =
    mount.type === "secret" && mount.target === "" ? `/run/secrets/${posix.basename(mount.id)}` : mount.target;
  const target = `/${clean(written.startsWith("/") ? written : `${workingDirectory}/${written}`)}`;
  if (target === "/" || components(target).length === 0)
    throw new BuildError(`invalid mount target ${JSON.stringify(target)}`);
  return target;
}
