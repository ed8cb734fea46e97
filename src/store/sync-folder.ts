/** Makes a created, renamed or linked name durable: fsync of the folder that holds it. */
import { closeSync, fsyncSync, openSync } from "node:fs";
import { open } from "node:fs/promises";

// Windows cannot open a folder for this; its file system orders names itself.
const isNeeded = process.platform !== "win32";

/** Does not block the event loop; the name is durable when the promise resolves. */
export async function syncFolder(path: string): Promise<void> {
  if (!isNeeded) return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** For the opening of the store, which is synchronous and happens once. */
export function syncFolderNow(path: string): void {
  if (!isNeeded) return;
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
