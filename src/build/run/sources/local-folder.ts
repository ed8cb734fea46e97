/** `file:///folder` as a source's location: a folder or file of this machine. */
import { fileURLToPath } from "node:url";

/** Its path; undefined for every other location. */
export function localFolder(location: string | undefined): string | undefined {
  if (!location?.startsWith("file://")) return undefined;
  try {
    return fileURLToPath(location);
  } catch {
    return undefined;
  }
}
