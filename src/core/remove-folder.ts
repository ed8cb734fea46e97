/**
 * Removes a folder with all that is in it, also where folders in it are closed even for their owner: Go's module cache is
 * made so, and the work folder of an overlay.
 */
import { chmod, lstat, readdir, rm } from "node:fs/promises";

const OPTIONS = { recursive: true, force: true, maxRetries: 3 } as const;

/** `beforeRetry` is for what else keeps this process from removing it. A link is removed itself, not what it leads to. */
export async function removeFolder(path: string, beforeRetry?: (path: string) => Promise<void>): Promise<void> {
  try {
    await rm(path, OPTIONS);
  } catch {
    await openFolders(path);
    await beforeRetry?.(path);
    await rm(path, OPTIONS);
  }
}

/** Passes over what is not there any more: a removal that failed somewhere may still be going on elsewhere. */
async function openFolders(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats?.isDirectory()) return;
  await chmod(path, 0o700).catch(() => undefined);
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await openFolders(`${path}/${entry.name}`);
  }
}
