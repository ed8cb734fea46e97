/**
 * A Workspace over a real folder: what CodeBuild would get once everything not ignored is committed.
 * In a git work tree the answer is git's (git-listing.ts); elsewhere the folder is walked and its `.gitignore` files are
 * honoured. Symbolic links that leave the folder are not followed. At most `maxFiles` files are listed.
 * Lazy and cached: one object describes one moment.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { join, posix, relative, resolve, sep } from "node:path";
import ignore, { type Ignore } from "ignore";
import { type GitListing, gitListing, isCommittedWithCrlf } from "./git-listing.ts";
import { submodulePaths } from "./submodule-paths.ts";
import { maxTextBytes, type Workspace } from "./workspace.ts";

const maxFiles = 200_000;
/** Enough of a script to see its first lines' ends. */
const crlfProbeBytes = 64 * 1024;
/** Disks of these ignore letter case; CodeBuild's do not. */
const ignoresCase = process.platform === "darwin" || process.platform === "win32";

interface Listing {
  readonly files: readonly string[];
  /** Files and the folders that hold them. */
  readonly known: ReadonlySet<string>;
  readonly git: GitListing | undefined;
}

export function createFolderWorkspace(dir: string): Workspace {
  const root = realpathSync.native(resolve(dir));
  const kinds = new Map<string, "file" | "directory" | undefined>();
  let listing: Listing | undefined;
  let tracked: ReadonlySet<string> | undefined;
  let modules: readonly string[] | undefined;

  /** Absolute path of something inside the folder, or undefined when it is, or leads, outside. */
  const inside = (path: string): string | undefined => {
    const absolute = resolve(root, path);
    if (absolute !== root && !absolute.startsWith(root + sep)) return undefined;
    try {
      const real = realpathSync.native(absolute);
      if (real !== root && !real.startsWith(root + sep)) return undefined;
      if (ignoresCase && isOnlyCaseApart(relative(root, real), relative(root, absolute))) return undefined;
      return real;
    } catch {
      return undefined; // absent, a loop of links, or a folder that may not be read
    }
  };

  const list = (): Listing => {
    if (listing) return listing;
    const git = gitListing(root);
    const files = (git?.files.filter((path) => !path.startsWith(".kiln/")) ?? walk(root)).slice(0, maxFiles).sort();
    listing = { files, known: withFolders(files), git };
    return listing;
  };

  const statOf = (path: string): Stats | undefined => {
    const real = inside(path);
    return real === undefined ? undefined : statSync(real, { throwIfNoEntry: false });
  };

  const exists = (path: string): "file" | "directory" | undefined => {
    const clean = cleanPath(path);
    if (!kinds.has(clean)) {
      const stat = statOf(clean);
      kinds.set(clean, stat ? (stat.isDirectory() ? "directory" : "file") : sparseKind(list().git, clean));
    }
    return kinds.get(clean);
  };

  const readText = (path: string, maxBytes = maxTextBytes): string | undefined => {
    const real = inside(path);
    if (real === undefined) return undefined;
    try {
      const stat = statSync(real);
      if (!stat.isFile() || stat.size > maxBytes) return undefined;
      const bytes = readFileSync(real);
      return bytes.includes(0) ? undefined : bytes.toString("utf8");
    } catch {
      return undefined;
    }
  };

  const submodules = (): readonly string[] => {
    modules ??= [...new Set([...submodulePaths(readText(".gitmodules")), ...(list().git?.repositories ?? [])])].sort();
    return modules;
  };

  return {
    root,
    exists,
    readText,
    files: () => list().files,
    isIgnored(path) {
      const clean = cleanPath(path);
      if (clean === "" || /^\.git(\/|$)/.test(clean) || exists(clean) === undefined || list().known.has(clean))
        return false;
      if (submodules().some((module) => clean === module || clean.startsWith(`${module}/`))) return false;
      // Below a link to a folder of the source nothing is listed, and yet everything is there.
      const real = toPosix(relative(root, inside(clean) ?? root));
      return (real === clean || !list().known.has(real)) && !isEmptyFolder(join(root, clean));
    },
    isTracked(path) {
      const modes = list().git?.modes;
      if (!modes || modes.size === 0) return undefined;
      tracked ??= withFolders([...modes.keys()]);
      return tracked.has(cleanPath(path));
    },
    isExecutable(path) {
      const clean = cleanPath(path);
      const mode = list().git?.modes.get(clean);
      if (mode === "100755" || mode === "100644") return mode === "100755";
      if (process.platform === "win32") return undefined; // the disk has no such mode
      const stat = statOf(clean);
      return stat?.isFile() ? (stat.mode & 0o111) !== 0 : undefined;
    },
    hasCrlf(path) {
      const clean = cleanPath(path);
      const text = readText(clean, maxTextBytes)?.slice(0, crlfProbeBytes);
      if (text === undefined || !text.includes("\r\n")) return false;
      return (list().git?.modes.has(clean) ? isCommittedWithCrlf(root, clean) : undefined) ?? true;
    },
    linkTarget(path) {
      const parts = cleanPath(path).split("/");
      if (parts.includes("..")) return undefined;
      for (let count = 1; count <= parts.length; count++) {
        const at = join(root, ...parts.slice(0, count));
        const stat = lstatSync(at, { throwIfNoEntry: false });
        if (!stat) return undefined;
        if (stat.isSymbolicLink()) return readlinkSync(at);
      }
      return undefined;
    },
    submodules,
  };
}

const cleanPath = (path: string): string =>
  posix
    .normalize(path || ".")
    .replace(/\/$/, "")
    .replace(/^\.$/, "");

/** What a sparse checkout left out is there for CodeBuild. */
function sparseKind(git: GitListing | undefined, path: string): "file" | "directory" | undefined {
  if (!git || git.sparse.size === 0) return undefined;
  if (git.sparse.has(path)) return "file";
  return [...git.sparse].some((file) => file.startsWith(`${path}/`)) ? "directory" : undefined;
}

const toPosix = (path: string): string => (sep === "/" ? path : path.split(sep).join("/"));

const isOnlyCaseApart = (a: string, b: string): boolean => a !== b && a.toLowerCase() === b.toLowerCase();

function withFolders(files: readonly string[]): ReadonlySet<string> {
  const known = new Set<string>(files);
  for (const file of files) {
    for (let at = posix.dirname(file); at !== "." && !known.has(at); at = posix.dirname(at)) known.add(at);
  }
  return known;
}

function isEmptyFolder(path: string): boolean {
  try {
    return lstatSync(path).isDirectory() && readdirSync(path).length === 0;
  } catch {
    return false;
  }
}

function walk(root: string): string[] {
  const files: string[] = [];
  const pending: { path: string; rules: readonly { base: string; rules: Ignore }[] }[] = [{ path: "", rules: [] }];
  for (let next = pending.pop(); next && files.length < maxFiles; next = pending.pop()) {
    const { path } = next;
    let entries: import("node:fs").Dirent[];
    try {
      entries = readdirSync(join(root, path), { withFileTypes: true });
    } catch {
      continue; // unreadable folder: nothing of it would be sent either
    }
    let rules = next.rules;
    if (entries.some((entry) => entry.name === ".gitignore" && entry.isFile())) {
      rules = [...rules, { base: path, rules: ignore().add(readFileSync(join(root, path, ".gitignore"), "utf8")) }];
    }
    for (const entry of entries) {
      const child = path === "" ? entry.name : `${path}/${entry.name}`;
      if (entry.name === ".git" || entry.name === ".kiln") continue;
      const isFolder = entry.isDirectory();
      const isIgnored = rules.some(({ base, rules: at }) => {
        const relative = base === "" ? child : child.slice(base.length + 1);
        return at.ignores(isFolder ? `${relative}/` : relative);
      });
      if (isIgnored) continue;
      if (isFolder) pending.push({ path: child, rules });
      else files.push(child);
    }
  }
  return files;
}
