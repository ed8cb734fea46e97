/**
 * `cache.paths` on this machine. A relative path is below the source, `/root/…` and `~/…` are the build's HOME, and what
 * `$HOME` or `$CODEBUILD_SRC_DIR` led to lies in the build's folders. Every other absolute path is the user's machine,
 * which a build neither reads into a cache nor writes from one. Pure.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.cache
 */
import { createHash } from "node:crypto";
import { isAbsolute, join, normalize, relative, sep } from "node:path";

/** Which of the build's folders a path is below; `work` is everything that is neither source nor HOME. */
export type CacheRoot = "src" | "home" | "work";

export interface CacheRoots {
  readonly src: string;
  readonly home: string;
  /** Holds the other two, usually. */
  readonly work: string;
}

export interface CachePath {
  /** As the buildspec has it, variables filled in. */
  readonly written: string;
  readonly root: CacheRoot;
  /** Below the root; may be a pattern. Empty for the root itself. */
  readonly pattern: string;
}

/** HOME of a build on its image. */
const IMAGE_HOME = "/root";
/** The build's secrets, where the machine has no folder in memory for them. */
const PRIVATE = "private";

/** Where a path lies, or `undefined` when it is outside the build's folders. */
export function placeCachePath(written: string, roots: CacheRoots): CachePath | undefined {
  const absolute = absolutePath(written.trim(), roots);
  for (const root of ["src", "home"] as const) {
    const pattern = below(roots[root], absolute);
    if (pattern !== undefined) return { written, root, pattern };
  }
  // Among the build's folders is one with its secrets, so their common parent is no place for a cache.
  const pattern = below(roots.work, absolute) ?? "";
  const top = fixedPart(pattern).split("/")[0] ?? "";
  return top === "" || top === PRIVATE ? undefined : { written, root: "work", pattern };
}

function absolutePath(written: string, roots: CacheRoots): string {
  const path = isAbsolute(written) ? normalize(written) : written;
  const ofHome = /^(?:~|\/root)(?:\/(.*))?$/s.exec(path);
  if (ofHome && below(roots.work, path) === undefined) return normalize(join(roots.home, ofHome[1] ?? ""));
  return isAbsolute(path) ? path : normalize(join(roots.src, path));
}

function below(folder: string, path: string): string | undefined {
  const way = relative(folder, path);
  if (way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way)) return undefined;
  return way.split(sep).join("/");
}

/** The path as it is called in a build on AWS: for people, and for the log. */
export const imagePath = (root: CacheRoot, path: string): string =>
  root === "home" ? `${IMAGE_HOME}/${path}` : root === "src" ? path : `./../${path}`;

/** AWS: caches of different paths never match each other. The digest does not depend on the order of the paths. */
export function cacheVersion(paths: readonly string[]): string {
  const text = JSON.stringify([...new Set(paths)].sort());
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** True when an entry may come out of a cache with these paths: it is below what is fixed of one of them. */
export function isAllowed(paths: readonly CachePath[], root: CacheRoot, entry: string): boolean {
  return paths.some((path) => {
    if (path.root !== root) return false;
    const fixed = fixedPart(path.pattern);
    return fixed === "" || entry === fixed || entry.startsWith(`${fixed}/`);
  });
}

/** The folders in front of the first wildcard; the whole path where there is none. */
export function fixedPart(pattern: string): string {
  const parts = pattern.split("/");
  const wild = parts.findIndex((part) => /[*?[\]{}()!]/.test(part));
  return (wild === -1 ? parts : parts.slice(0, wild)).join("/");
}

// `dir`, `dir/`, `dir/*`, and the same with two stars, all mean the folder.
/** The folder that a path of a local cache names, if it names one. */
export function folderOf(pattern: string): string | undefined {
  const folder = pattern.replace(/(?:\/?\*{1,2})+$/, "").replace(/\/+$/, "");
  return folder !== "" && fixedPart(folder) === folder ? folder : undefined;
}
