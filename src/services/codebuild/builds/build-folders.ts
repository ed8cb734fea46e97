/** The private folders of a build on this machine: one for its work, one (in memory where possible) for its saved environment. */
import { accessSync, constants, mkdirSync } from "node:fs";
import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { debug } from "../../../core/log.ts";
import { removeFolder } from "../../../core/remove-folder.ts";

export interface BuildFolders {
  readonly workDir: string;
  readonly privateDir: string;
}

export async function makeFolders(root: string, uuid: string): Promise<BuildFolders> {
  await mkdir(root, { recursive: true });
  const workDir = await mkdtemp(join(root, "kiln-"));
  const privateDir = memoryFolder(uuid) ?? join(workDir, "private");
  await mkdir(privateDir, { recursive: true, mode: 0o700 });
  return { workDir, privateDir };
}

export async function removeFolders({ workDir, privateDir }: BuildFolders): Promise<void> {
  for (const folder of [workDir, privateDir])
    await removeFolder(folder).catch((error: unknown) => debug("run", () => `left behind: ${String(error)}`));
}

/** A folder in memory, where the machine has one: the saved environment of a build holds its secrets. */
function memoryFolder(uuid: string): string | undefined {
  const place = "/dev/shm";
  try {
    if (process.platform !== "linux") return undefined;
    accessSync(place, constants.W_OK | constants.X_OK);
    const folder = join(place, `kiln-${uuid}`);
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  } catch {
    return undefined;
  }
}
