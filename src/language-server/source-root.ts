/**
 * Which folder is the source that CodeBuild would get, for a file in an editor: the nearest git work tree around the file
 * that is not further up than the workspace folder, else the workspace folder, else the file's own folder.
 */
import { existsSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

export interface SourceFile {
  /** Absolute. */
  readonly root: string;
  /** Relative to the root, with `/`. */
  readonly file: string;
}

export function sourceFileOf(path: string, folders: readonly string[]): SourceFile {
  const around = folders.filter((folder) => isInside(folder, path)).sort((a, b) => b.length - a.length)[0];
  const own = dirname(path);
  let root = around;
  for (let at = own; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) {
      root = at;
      break;
    }
    if (at === around || dirname(at) === at) break;
  }
  const found = root ?? own;
  return { root: found, file: relative(found, path).split(sep).join("/") };
}

const isInside = (folder: string, path: string): boolean =>
  path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
