/**
 * Copies files from one folder to another: copy-on-write where the file system can, links as links, nothing else. A path
 * is text, or bytes where its name is no UTF-8 (names on Linux may be any bytes).
 */
import { constants, type Dirent } from "node:fs";
import { copyFile, lstat, mkdir, readdir, readlink, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";

const CONCURRENT_COPIES = 32;
const SLASH = 0x2f;

/** Relative, with `/` between its parts. */
export type TreePath = string | Buffer;

export interface CopiedTree {
  /** Files and links that were copied. */
  readonly count: number;
  /** What may not be read, to be shown to a person. */
  readonly unreadable: readonly string[];
  /** Sockets, pipes, devices: nothing that could be copied. */
  readonly special: readonly string[];
}

/** Copies `paths`, relative to `from`. Absent ones and folders are skipped. */
export async function copyPaths(
  from: string,
  to: string,
  paths: readonly TreePath[],
  signal?: AbortSignal,
): Promise<CopiedTree> {
  const folders = new Map(paths.map((path) => [folderOf(path).toString("latin1"), folderOf(path)]));
  for (const [, folder] of [...folders].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await mkdir(below(to, asPath(folder)), { recursive: true });
  }
  let count = 0;
  const unreadable: string[] = [];
  const special: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) {
      signal?.throwIfAborted();
      const outcome = await copyPath(below(from, path), below(to, path));
      if (outcome === "copied") count++;
      else if (outcome === "unreadable") unreadable.push(path.toString());
      else if (outcome === "special") special.push(path.toString());
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENT_COPIES, paths.length) }, worker));
  return { count, unreadable: unreadable.sort(), special: special.sort() };
}

async function copyPath(source: TreePath, target: TreePath): Promise<"copied" | "absent" | "unreadable" | "special"> {
  try {
    const found = await lstat(source);
    if (found.isSymbolicLink()) {
      await symlink(await readlink(source, { encoding: "buffer" }), target);
      return "copied";
    }
    if (!found.isFile()) return found.isDirectory() ? "absent" : "special";
    await copyFile(source, target, constants.COPYFILE_FICLONE);
    return "copied";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return "absent";
    if (code === "EACCES" || code === "EPERM") return "unreadable";
    throw error;
  }
}

/** Every file and link below `root`, in order; `skip` names entries of the top folder. Links are not followed. */
export async function listTree(
  root: string,
  skip: ReadonlySet<string>,
): Promise<{ readonly paths: TreePath[]; readonly unreadable: string[] }> {
  const paths: TreePath[] = [];
  const unreadable: string[] = [];
  const walk = async (folder: TreePath | undefined): Promise<void> => {
    const where = folder === undefined ? root : below(root, folder);
    const entries: Dirent<Buffer>[] | undefined = await readdir(where, {
      withFileTypes: true,
      encoding: "buffer",
    }).catch((error: NodeJS.ErrnoException) => {
      if (folder === undefined || error.code !== "EACCES") throw error;
      unreadable.push(`${folder}/`);
      return undefined;
    });
    for (const entry of entries ?? []) {
      const name = asPath(entry.name);
      if (folder === undefined && skip.has(name.toString())) continue;
      const path = folder === undefined ? name : below(folder, name);
      if (entry.isDirectory()) await walk(path);
      else paths.push(path);
    }
  };
  await walk(undefined);
  return { paths: paths.sort((a, b) => (a.toString() < b.toString() ? -1 : 1)), unreadable };
}

/** Text where the bytes are UTF-8. */
export function asPath(bytes: Buffer): TreePath {
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : bytes;
}

function below(folder: TreePath, path: TreePath): TreePath {
  if (typeof folder === "string" && typeof path === "string") return join(folder, path);
  return Buffer.concat([Buffer.from(folder), Buffer.of(SLASH), Buffer.from(path)]);
}

function folderOf(path: TreePath): Buffer {
  if (typeof path === "string") return Buffer.from(dirname(path));
  const slash = path.lastIndexOf(SLASH);
  return slash === -1 ? Buffer.from(".") : path.subarray(0, slash);
}
