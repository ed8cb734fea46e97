/** Puts a `docker` command into a folder: a shell script that starts Kiln's small docker CLI with this Node. */
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Returns the folder, for PATH. */
export async function writeDockerWrapper(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  const entry = fileURLToPath(new URL("./main.js", import.meta.url));
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  await writeFile(join(dir, "docker"), `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(entry)} "$@"\n`);
  await chmod(join(dir, "docker"), 0o755);
  return dir;
}
