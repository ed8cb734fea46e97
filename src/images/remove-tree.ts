/** Removes folders that an overlay has worked in. */
import { chmod, lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { removeInNamespace } from "./user-namespace.ts";

/** Removes a folder also where sub-folders are not writable, as overlayfs leaves its work folder. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await openFolders(path);
    // Files of a range of ids are removable as root of their namespace only; what is left then is the error's.
    await removeInNamespace(path).catch(() => undefined);
    await rm(path, { recursive: true, force: true });
  }
}

async function openFolders(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats?.isDirectory()) return;
  await chmod(path, 0o700).catch(() => undefined);
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await openFolders(join(path, entry.name));
  }
}
