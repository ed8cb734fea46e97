/**
 * Where in a container's root folder things are mounted: real paths, made where they are missing. An image and what is mounted
 * already are the build's: none of their symbolic links may lead a mount, or a folder made for one, out of the root folder.
 * Links of the image are resolved here (as docker does); a link of a folder that is mounted itself is refused. What mount(8)
 * then did is checked (`verifyMounts`) before anything of the container runs.
 */
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { chmod, lchown, mkdir, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { metaOfFound } from "../../images/layer-writer.ts";
import { components, LayeredRoot } from "../../images/layered-root.ts";
import type { MountPoint } from "./mount-table.ts";

/** A mount that cannot be where it was asked for. */
export class MountRefusal extends Error {
  override readonly name = "MountRefusal";
}

/** What every container has to mount on: not in any layer of the image, and hidden links included. */
const PLACEHOLDERS = {
  folder: ["/proc", "/sys", "/dev"],
  file: ["/etc/resolv.conf", "/etc/hosts", "/etc/hostname"],
} as const;

/** Of the mounts that every container has. Returns the real paths of the three files by their names. */
export async function makeBasePoints(initDir: string, root: LayeredRoot): Promise<ReadonlyMap<string, string>> {
  for (const path of PLACEHOLDERS.folder) await makePlaceholder(initDir, root, path, "folder", { hidesLink: true });
  const files = new Map<string, string>();
  for (const path of PLACEHOLDERS.file)
    files.set(path, await makePlaceholder(initDir, root, path, "file", { hidesLink: true }));
  return files;
}

export interface PointPlaces {
  /** What the container's root folder shows before these mounts. */
  readonly root: LayeredRoot;
  /** A layer of the container that gets what is missing. */
  readonly placeholderDir: string;
  /** The upper folder of /dev; undefined where nothing is mounted there. */
  readonly devDir: string | undefined;
}

/** The same mounts by real paths, outer ones first; what they are mounted on is there. */
export async function placePoints(places: PointPlaces, points: readonly MountPoint[]): Promise<MountPoint[]> {
  const resolved: MountPoint[] = [];
  for (const point of points) {
    const target = `/${(await places.root.resolve(point.target)).path}`;
    const closed = ["/proc", "/sys"].find((folder) => isBelow(target, folder));
    if (closed !== undefined)
      throw new MountRefusal(`${JSON.stringify(point.target)} cannot be mounted because it is inside ${closed}`);
    resolved.push({ ...point, target });
  }
  resolved.sort((a, b) => components(a.target).length - components(b.target).length);
  const placed: MountPoint[] = [];
  for (const point of resolved) {
    const kind = point.kind === "file" ? "file" : "folder";
    const outer = placed.findLast((other) => other.target !== point.target && isBelow(point.target, other.target));
    if (outer) placed.push(await placeInside(outer, point, kind));
    else if (places.devDir !== undefined && isBelow(point.target, "/dev") && point.target !== "/dev") {
      makeBelow(places.devDir, point.target.slice("/dev".length), kind);
      placed.push(point);
    } else {
      const target = await makePlaceholder(places.placeholderDir, places.root, point.target, kind);
      placed.push({ ...point, target });
    }
  }
  return placed;
}

/** On what is mounted already: nothing of it may be a link on the way. */
async function placeInside(outer: MountPoint, point: MountPoint, kind: "file" | "folder"): Promise<MountPoint> {
  const rest = point.target.slice(outer.target.length);
  // Nothing is in memory yet, so nothing can lead astray.
  if (outer.kind === "tmpfs" && kind === "folder") return { ...point, makesTarget: true };
  const problem =
    outer.kind === "folder"
      ? makeBelow(outer.source, rest, kind, outer.isReadOnly)
      : outer.kind === "view"
        ? await makeInView(outer, rest, kind)
        : `there is no ${rest}`;
  if (problem !== undefined)
    throw new MountRefusal(`cannot mount on ${point.target}, which is in the mount on ${outer.target}: ${problem}`);
  return point;
}

async function makeInView(
  view: Extract<MountPoint, { kind: "view" }>,
  path: string,
  kind: "file" | "folder",
): Promise<string | undefined> {
  const dirs = [...(view.upperDir === undefined ? [] : [view.upperDir]), ...view.lowerDirs];
  const root = new LayeredRoot(dirs.map((dir) => ({ dir, whiteouts: new Set(), opaque: new Set() })));
  const { path: real, found } = await root.resolve(path);
  if (`/${real}` !== path) return "a symbolic link is on the way";
  if (found) return found.stats.isDirectory() === (kind === "folder") ? undefined : inTheWay(path, kind);
  if (view.upperDir === undefined) return `there is no ${path}`;
  await makePlaceholder(view.upperDir, root, path, kind);
  return undefined;
}

/** Makes what is missing below a folder of this machine; returns why it cannot be. */
function makeBelow(dir: string, path: string, kind: "file" | "folder", isReadOnly = false): string | undefined {
  let current = dir;
  const parts = components(path);
  for (const [index, name] of parts.entries()) {
    current = join(current, name);
    const wanted = index === parts.length - 1 ? kind : "folder";
    const stats = lstatSync(current, { throwIfNoEntry: false });
    if (stats?.isSymbolicLink()) return "a symbolic link is on the way";
    if (stats && stats.isDirectory() !== (wanted === "folder"))
      return inTheWay(`/${parts.slice(0, index + 1).join("/")}`, wanted);
    if (stats) continue;
    if (isReadOnly) return `there is no ${path}`;
    if (wanted === "file") writeFileSync(current, "", { flag: "wx", mode: 0o644 });
    else mkdirSync(current, { mode: 0o755 });
  }
  return undefined;
}

const inTheWay = (path: string, wanted: "file" | "folder"): string =>
  `${path} is ${wanted === "folder" ? "no folder" : "a folder"}`;

const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/**
 * Makes what a mount is to be mounted on, in a layer that only this container has: folders on the way look as they do in
 * the image, so that nothing of it shows in what the command writes. Returns the target's real path in the image.
 * With `hidesLink` a symbolic link at the target is covered, not followed.
 */
async function makePlaceholder(
  initDir: string,
  root: LayeredRoot,
  target: string,
  kind: "folder" | "file",
  options: { readonly hidesLink: boolean } = { hidesLink: false },
): Promise<string> {
  const { path, found } = await root.resolve(target, { followLast: !options.hidesLink });
  if (found && !found.stats.isSymbolicLink()) {
    if (found.stats.isDirectory() !== (kind === "folder"))
      throw new MountRefusal(`cannot mount a ${kind} on /${path}, which is ${kind === "folder" ? "none" : "a folder"}`);
    return `/${path}`;
  }
  const parts = components(path);
  const changed: { dir: string; seconds: number }[] = [];
  for (let depth = 1; depth < parts.length + (kind === "folder" ? 1 : 0); depth++) {
    const current = parts.slice(0, depth).join("/");
    const dir = join(initDir, current);
    if (existsSync(dir)) continue;
    await mkdir(dir, { mode: 0o755 });
    const like = await root.lookup(current);
    if (!like) continue;
    const meta = await metaOfFound(like);
    if (process.geteuid?.() === 0) await lchown(dir, meta.uid, meta.gid);
    await chmod(dir, process.geteuid?.() === 0 ? meta.mode : meta.mode | 0o700);
    changed.push({ dir, seconds: like.stats.mtimeMs / 1000 });
  }
  if (kind === "file" && !existsSync(join(initDir, path))) {
    await mkdir(dirname(join(initDir, path)), { recursive: true });
    await writeFile(join(initDir, path), "", { mode: 0o644 });
  }
  for (const { dir, seconds } of changed.reverse()) await utimes(dir, seconds, seconds);
  return `/${path}`;
}

/** Throws unless each of the paths is a mount point of the process's namespace, as often as it is named. */
export function verifyMounts(pid: number, expected: readonly string[]): void {
  const left = [...expected];
  for (const line of readFileSync(`/proc/${pid}/mountinfo`, "utf8").split("\n")) {
    const point = line
      .split(" ")[4]
      ?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    const at = point === undefined ? -1 : left.indexOf(point);
    if (at >= 0) left.splice(at, 1);
  }
  if (left.length > 0)
    throw new MountRefusal(
      `a mount went elsewhere than to ${left[0]}: something in the container's files leads out of them`,
    );
}
