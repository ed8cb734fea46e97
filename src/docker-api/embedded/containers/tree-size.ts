/** Bytes of the files in a folder. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { lstatOrUndefined } from "../../../images/layered-root.ts";

/** Unreadable parts count nothing. */
export async function treeSizeBytes(dir: string): Promise<number> {
  let total = 0;
  for (const entry of await readdir(dir, { withFileTypes: true }).catch(() => [])) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) total += await treeSizeBytes(path);
    else if (entry.isFile()) total += (await lstatOrUndefined(path).catch(() => undefined))?.size ?? 0;
  }
  return total;
}
