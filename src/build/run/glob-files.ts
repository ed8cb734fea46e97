/**
 * Glob patterns over a folder, with symbolic links as entries of their own: listed, never followed. What a link means is
 * for the caller to say. Patterns match dot files; `*` stays within a component, `**` does not.
 */
import { type Dirent, type readdir, readdirSync } from "node:fs";
import { glob } from "tinyglobby";
import type { OwnFiles } from "./own-files.ts";

/** Files and links below `cwd` that `pattern` matches and `ignore` does not, relative to it, in no order. */
export function globFiles(
  cwd: string,
  pattern: string,
  options: {
    readonly ignore?: readonly string[];
    readonly signal?: AbortSignal;
    /** For folders that commands can change. */
    readonly own?: Pick<OwnFiles, "list">;
  } = {},
): Promise<string[]> {
  return glob(pattern, {
    cwd,
    dot: true,
    onlyFiles: true,
    expandDirectories: false,
    followSymbolicLinks: false,
    ignore: [...(options.ignore ?? [])],
    fs: { readdir: ownReaddir(options.own ?? PLAIN, (entry) => (entry.isSymbolicLink() ? asFile(entry) : entry)) },
    ...(options.signal ? { signal: options.signal } : {}),
  });
}

/** A path as a pattern that matches nothing else. */
export const escapeGlob = (path: string): string => path.replace(/[()[\]{}!*?+@\\]/g, "\\$&");

/** One order on every machine, whatever its language. */
export const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

const PLAIN: Pick<OwnFiles, "list"> = {
  list(path) {
    try {
      return readdirSync(path, { withFileTypes: true });
    } catch {
      return [];
    }
  },
};

type Listed = (error: NodeJS.ErrnoException | null, entries?: Dirent[]) => void;

/**
 * Lists folders of the build's own, for the library. It leaves links out unless it follows them, so it may be shown files in
 * their place.
 */
export const ownReaddir = (
  own: Pick<OwnFiles, "list">,
  show: (entry: Dirent) => Dirent = (entry) => entry,
): typeof readdir =>
  ((path: string, _options: unknown, done: Listed) => {
    const entries = own.list(path).map(show);
    setImmediate(done, null, entries);
  }) as unknown as typeof readdir;

const asFile = (entry: Dirent): Dirent =>
  Object.assign(Object.create(entry) as Dirent, {
    name: entry.name,
    isFile: () => true,
    isSymbolicLink: () => false,
    isDirectory: () => false,
  });
