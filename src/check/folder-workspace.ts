/**
 * A Workspace over a real folder: what CodeBuild would get once everything not ignored is committed.
 * In a git work tree the answer is git's (`git ls-files`); elsewhere the folder is walked and its `.gitignore` files are
 * honoured. Symbolic links that leave the folder are not followed. At most `maxFiles` files are listed.
 * Lazy and cached: one object describes one moment.
 */
import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join, posix, resolve, sep } from "node:path";
import ignore, { type Ignore } from "ignore";
import type { Workspace } from "./workspace.ts";

const maxFiles = 200_000;
const maxTextBytes = 1024 * 1024;
const gitTimeoutMs = 20_000;

export function createFolderWorkspace(dir: string): Workspace {
  const root = realpathSync(resolve(dir));
  const kinds = new Map<string, "file" | "directory" | undefined>();
  let listed: { files: readonly string[]; known: ReadonlySet<string> } | undefined;

  /** Absolute path of something inside the folder, or undefined when it is, or leads, outside. */
  const inside = (path: string): string | undefined => {
    const absolute = resolve(root, path);
    if (absolute !== root && !absolute.startsWith(root + sep)) return undefined;
    try {
      const real = realpathSync(absolute);
      return real === root || real.startsWith(root + sep) ? real : undefined;
    } catch {
      return undefined;
    }
  };

  const list = () => {
    if (listed) return listed;
    const files = (gitFiles(root) ?? walk(root)).slice(0, maxFiles).sort();
    const known = new Set<string>(files);
    for (const file of files) {
      for (let at = posix.dirname(file); at !== "." && !known.has(at); at = posix.dirname(at)) known.add(at);
    }
    listed = { files, known };
    return listed;
  };

  const exists = (path: string): "file" | "directory" | undefined => {
    const clean = cleanPath(path);
    if (!kinds.has(clean)) {
      const real = inside(clean);
      const stat = real === undefined ? undefined : statSync(real, { throwIfNoEntry: false });
      kinds.set(clean, stat?.isDirectory() ? "directory" : stat ? "file" : undefined);
    }
    return kinds.get(clean);
  };

  return {
    root,
    exists,
    readText(path) {
      const real = inside(path);
      if (real === undefined) return undefined;
      try {
        const stat = statSync(real);
        if (!stat.isFile() || stat.size > maxTextBytes) return undefined;
        const bytes = readFileSync(real);
        return bytes.includes(0) ? undefined : bytes.toString("utf8");
      } catch {
        return undefined;
      }
    },
    files: () => list().files,
    isIgnored(path) {
      const clean = cleanPath(path);
      return (
        clean !== "" && exists(clean) !== undefined && !list().known.has(clean) && !isEmptyFolder(join(root, clean))
      );
    },
  };
}

const cleanPath = (path: string): string =>
  posix
    .normalize(path || ".")
    .replace(/\/$/, "")
    .replace(/^\.$/, "");

function isEmptyFolder(path: string): boolean {
  try {
    return lstatSync(path).isDirectory() && readdirSync(path).length === 0;
  } catch {
    return false;
  }
}

/** Tracked files and untracked ones that git does not ignore; undefined when `root` is not in a git work tree. */
function gitFiles(root: string): string[] | undefined {
  const git = (...args: string[]): string[] =>
    execFileSync("git", ["-C", root, "ls-files", "-z", ...args], {
      encoding: "utf8",
      timeout: gitTimeoutMs,
      maxBuffer: 256 * 1024 * 1024,
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C" },
    })
      .split("\0")
      .filter((path) => path !== "");
  try {
    if (!isInGit(root)) return undefined;
    const files = new Set(git("--cached", "--others", "--exclude-standard"));
    for (const path of git("--deleted")) files.delete(path);
    return [...files].filter((path) => !path.startsWith(".kiln/"));
  } catch {
    // No git on this machine, or git refuses (another owner's folder): walk instead.
    return undefined;
  }
}

/** Looks for `.git` up the tree first: asking git in a folder without one costs a process for nothing. */
function isInGit(root: string): boolean {
  for (let at = root; ; at = resolve(at, "..")) {
    if (lstatSync(join(at, ".git"), { throwIfNoEntry: false })) return true;
    if (at === resolve(at, "..")) return false;
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
