/** The private folders of a build on this machine: one for its work, one (in memory where possible) for its saved environment. */
import { accessSync, constants, mkdirSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { debug } from "../../../core/log.ts";

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
  for (const folder of [workDir, privateDir]) await removeFolder(folder);
}

/** Removes a folder also when a build made folders in it read-only (Go's module cache is). */
async function removeFolder(folder: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 3 } as const;
  try {
    await rm(folder, options);
  } catch {
    await makeWritable(folder)
      .then(() => rm(folder, options))
      .catch((error: unknown) => debug("run", () => `left behind: ${String(error)}`));
  }
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
  }
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
