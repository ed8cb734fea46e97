/**
 * What git knows of a folder, in one `git ls-files`: tracked files with their committed mode, untracked ones, submodules.
 * Used by folder-workspace.ts alone. Undefined where there is no repository, no git, or git refuses the folder.
 */
import { execFileSync } from "node:child_process";
import { lstatSync } from "node:fs";
import { join, resolve } from "node:path";

export interface GitListing {
  /** Tracked and on disk, or left out of a sparse checkout; and untracked, not ignored. Not sorted. */
  readonly files: readonly string[];
  /** Committed mode by path: `100644`, `100755`, `120000`. */
  readonly modes: ReadonlyMap<string, string>;
  /** Tracked, and not on this disk because of a sparse checkout. */
  readonly sparse: ReadonlySet<string>;
  /** Paths of gitlinks, and of repositories nobody has added. */
  readonly repositories: readonly string[];
}

const timeoutMs = 20_000;

export function gitListing(root: string): GitListing | undefined {
  if (!isInGit(root)) return undefined;
  const listed = git(root, "-t", "-s", "-c", "-d", "-o", "--exclude-standard");
  if (listed === undefined) return undefined;
  const files = new Set<string>();
  const modes = new Map<string, string>();
  const sparse = new Set<string>();
  const repositories: string[] = [];
  for (const line of listed) {
    const tag = line[0];
    if (tag === "?") {
      const path = line.slice(2);
      if (path.endsWith("/")) repositories.push(path.slice(0, -1));
      else files.add(path);
      continue;
    }
    const tab = line.indexOf("\t");
    const path = line.slice(tab + 1);
    const mode = line.slice(2, 8);
    if (tag === "R") {
      files.delete(path);
      modes.delete(path);
    } else if (mode === "160000") repositories.push(path);
    else {
      files.add(path);
      modes.set(path, mode);
      if (tag === "S") sparse.add(path);
    }
  }
  return { files: [...files], modes, sparse, repositories };
}

/** Has the file CRLF line ends after a checkout on Linux? Undefined when git does not know the file. */
export function isCommittedWithCrlf(root: string, path: string): boolean | undefined {
  const [line] = git(root, "--eol", "--", path) ?? [];
  if (line === undefined) return undefined;
  return /^i\/(crlf|mixed)\b/.test(line) || /\battr\/[^\t]*\beol=crlf\b/.test(line);
}

/**
 * The repository is not trusted: its settings can name programs (a file-system monitor, a transport for blobs that a
 * partial clone left out), and a folder of the tree can look like a bare repository with settings of its own.
 */
const safeSettings = ["core.fsmonitor=false", "safe.bareRepository=explicit"].flatMap((line) => ["-c", line]);

/** Without what a surrounding git command or hook says: it would point git at another repository. */
function environment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^GIT_(?:DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE|(?:ICASE|GLOB|NOGLOB)_PATHSPECS)$/.test(
        name,
      ),
  );
  return {
    ...Object.fromEntries(inherited),
    GIT_OPTIONAL_LOCKS: "0",
    // Nothing is fetched: `none` is no transport, so there is none.
    GIT_ALLOW_PROTOCOL: "none",
    GIT_NO_LAZY_FETCH: "1",
    GIT_TERMINAL_PROMPT: "0",
    LC_ALL: "C",
  };
}

function git(root: string, ...args: string[]): string[] | undefined {
  try {
    return execFileSync("git", [...safeSettings, "-C", root, "--literal-pathspecs", "ls-files", "-z", ...args], {
      encoding: "utf8",
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      maxBuffer: 256 * 1024 * 1024,
      stdio: ["ignore", "pipe", "ignore"],
      env: environment(),
    })
      .split("\0")
      .filter((line) => line !== "");
  } catch {
    // No git on this machine, or git refuses (another owner's folder): the caller walks instead.
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
