/**
 * A Workspace held in memory: paths and, where they are known, texts. Used by tests and by callers without a folder. A
 * path without a text is a file that cannot be read.
 */
import { posix } from "node:path";
import { submodulePaths } from "./submodule-paths.ts";
import { maxTextBytes, type Workspace } from "./workspace.ts";

export interface MemoryWorkspaceOptions {
  readonly root?: string;
  /** There, and ignored by git. */
  readonly ignored?: readonly string[];
  /** In a repository, and not committed. */
  readonly untracked?: readonly string[];
  /** Makes modes known: these may be run, the others not. */
  readonly executable?: readonly string[];
  /** Symbolic links by path. */
  readonly links?: Readonly<Record<string, string>>;
}

/** `files` are texts by path, or paths alone: then no text is known, as of files that cannot be read. */
export function createMemoryWorkspace(
  files: Readonly<Record<string, string | undefined>> | readonly string[],
  options: MemoryWorkspaceOptions = {},
): Workspace {
  const { ignored = [], untracked, executable, links = {} } = options;
  const texts = new Map<string, string | undefined>(
    Array.isArray(files) ? files.map((path: string) => [path, undefined]) : Object.entries(files),
  );
  const paths = [...new Set([...texts.keys(), ...Object.keys(links)])].sort();
  const folders = foldersOf(paths);
  const ignoredFolders = foldersOf(ignored);
  const tracked = untracked && paths.filter((path) => !untracked.includes(path));
  const trackedFolders = foldersOf(tracked ?? []);
  const all = new Set([...texts.keys(), ...ignored]);
  const clean = (path: string) =>
    posix
      .normalize(path || ".")
      .replace(/\/$/, "")
      .replace(/^\.$/, "");
  return {
    root: options.root ?? "/workspace",
    exists: (path) =>
      all.has(clean(path))
        ? "file"
        : folders.has(clean(path)) || ignoredFolders.has(clean(path))
          ? "directory"
          : undefined,
    readText(path, maxBytes = maxTextBytes) {
      const text = texts.get(clean(path));
      return text === undefined || text.length > maxBytes || text.includes("\0") ? undefined : text;
    },
    files: () => paths,
    isIgnored(path) {
      const at = clean(path);
      return ignored.includes(at) || (ignoredFolders.has(at) && !folders.has(at));
    },
    isTracked: (path) => tracked && (tracked.includes(clean(path)) || trackedFolders.has(clean(path))),
    isExecutable: (path) => (executable && all.has(clean(path)) ? executable.includes(clean(path)) : undefined),
    hasCrlf: (path) => texts.get(clean(path))?.includes("\r\n") ?? false,
    linkTarget: (path) =>
      Object.entries(links).find(([link]) => clean(path) === link || clean(path).startsWith(`${link}/`))?.[1],
    submodules: () => submodulePaths(texts.get(".gitmodules")),
  };
}

function foldersOf(paths: readonly string[]): ReadonlySet<string> {
  const directories = new Set<string>([""]);
  for (const path of paths) {
    for (let at = posix.dirname(path); at !== "."; at = posix.dirname(at)) directories.add(at);
  }
  return directories;
}
