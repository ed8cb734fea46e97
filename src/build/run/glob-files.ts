/**
 * Glob patterns over a folder, with symbolic links as entries of their own: listed, never followed. What a link means is
 * for the caller to say. Patterns match dot files; `*` stays within a component, `**` does not.
 */
import { type Dirent, readdir } from "node:fs";
import { glob } from "tinyglobby";

/** Files and links below `cwd` that `pattern` matches and `ignore` does not, relative to it, in no order. */
export function globFiles(
  cwd: string,
  pattern: string,
  options: { readonly ignore?: readonly string[]; readonly signal?: AbortSignal } = {},
): Promise<string[]> {
  return glob(pattern, {
    cwd,
    dot: true,
    onlyFiles: true,
    expandDirectories: false,
    followSymbolicLinks: false,
    ignore: [...(options.ignore ?? [])],
    fs: { readdir: readdirWithLinks as unknown as typeof readdir },
    ...(options.signal ? { signal: options.signal } : {}),
  });
}

/** A path as a pattern that matches nothing else. */
export const escapeGlob = (path: string): string => path.replace(/[()[\]{}!*?+@\\]/g, "\\$&");

/** One order on every machine, whatever its language. */
export const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

type Listed = (error: NodeJS.ErrnoException | null, entries?: Dirent[]) => void;

/** The library leaves links out unless it follows them, so it is shown files in their place. */
function readdirWithLinks(path: string, options: { withFileTypes: true }, done: Listed): void {
  readdir(path, options, (error, entries) => {
    if (error) done(error);
    else
      done(
        null,
        entries.map((entry) => (entry.isSymbolicLink() ? asFile(entry) : entry)),
      );
  });
}

const asFile = (entry: Dirent): Dirent =>
  Object.assign(Object.create(entry) as Dirent, {
    name: entry.name,
    isFile: () => true,
    isSymbolicLink: () => false,
    isDirectory: () => false,
  });
