/** Makes a created, renamed or linked name durable: fsync of the folder that holds it. */
import { closeSync, fsyncSync, openSync } from "node:fs";

export function syncFolder(path: string): void {
  // Windows cannot open a folder for this; its file system orders names itself.
  if (process.platform === "win32") return;
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
