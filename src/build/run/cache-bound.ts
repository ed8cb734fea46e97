/** How much the caches of this machine may hold: what was used longest ago goes first. */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

export interface CachedFolder {
  readonly path: string;
  readonly bytes: number;
  readonly usedMs: number;
}

/** Removes the oldest folders until the others fit. */
export async function evictOldest(
  folders: readonly CachedFolder[],
  maxBytes: number,
  remove: (path: string) => Promise<void>,
): Promise<void> {
  let total = folders.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes } of [...folders].sort((a, b) => a.usedMs - b.usedMs)) {
    if (total <= maxBytes) return;
    await remove(path);
    total -= bytes;
  }
}

/** Bytes of all files below a folder; none for one that is gone. */
export async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await sizeOf(path);
    else bytes += (await lstat(path).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}

/** Folders so many levels below one. */
export async function foldersAt(folder: string, depth: number): Promise<string[]> {
  if (depth === 0) return [folder];
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) found.push(...(await foldersAt(join(folder, entry.name), depth - 1)));
  }
  return found;
}
