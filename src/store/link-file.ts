/** Second names for files, where the file system has them. */
import { link } from "node:fs/promises";

/** What file systems without links answer, and ours when a link would leave the disk. */
const NO_LINK = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"];

/** Gives the file `from` the name `to`, too; false where that cannot be done. */
export async function linkFile(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (NO_LINK.includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}
