/** Copies files from one folder to another: copy-on-write where the file system can, links as links, nothing else. */
import { constants, type Dirent } from "node:fs";
import { copyFile, lstat, mkdir, readdir, readlink, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";

const CONCURRENT_COPIES = 32;

/** Copies `paths` (relative to `from`). Absent ones are skipped; sockets, devices and folders are not taken. Returns how many were. */
export async function copyPaths(
  from: string,
  to: string,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<number> {
  const folders = [...new Set(paths.map((path) => dirname(path)))].sort();
  for (const folder of folders) await mkdir(join(to, folder), { recursive: true });
  let taken = 0;
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) {
      signal?.throwIfAborted();
      if (await copyPath(join(from, path), join(to, path))) taken++;
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENT_COPIES, paths.length) }, worker));
  return taken;
}

async function copyPath(source: string, target: string): Promise<boolean> {
  const found = await lstat(source).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (found?.isSymbolicLink()) {
    await symlink(await readlink(source), target);
    return true;
  }
  if (!found?.isFile()) return false;
  await copyFile(source, target, constants.COPYFILE_FICLONE);
  return true;
}

/** Every file and link below `root`, relative; `skip` names entries of the top folder. Links are not followed. */
export async function listTree(root: string, skip: ReadonlySet<string>): Promise<string[]> {
  const found: string[] = [];
  const walk = async (relative: string): Promise<void> => {
    const entries: Dirent[] = await readdir(join(root, relative), { withFileTypes: true });
    for (const entry of entries) {
      if (relative === "" && skip.has(entry.name)) continue;
      const path = relative === "" ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) await walk(path);
      else found.push(path);
    }
  };
  await walk("");
  return found.sort();
}
