/** Puts a `docker` command into a folder: a shell script that starts Kiln's small docker CLI with this Node. */
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Set by the wrapper of a build without docker: a daemon of the machine must not be reached by accident. */
export const NO_DAEMON = "KILN_NO_DOCKER_DAEMON";

/** Returns the folder, for PATH. */
export async function writeDockerWrapper(dir: string, hasDaemon: boolean): Promise<string> {
  await mkdir(dir, { recursive: true });
  // Run from its TypeScript sources, Kiln takes the CLI from its last build.
  const isSource = import.meta.url.endsWith(".ts");
  const entry = fileURLToPath(
    new URL(isSource ? "../../../dist/docker-api/cli/main.js" : "./main.js", import.meta.url),
  );
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  await writeFile(
    join(dir, "docker"),
    `#!/bin/sh\n${hasDaemon ? "" : `export ${NO_DAEMON}=1\n`}exec ${quoted(process.execPath)} ${quoted(entry)} "$@"\n`,
  );
  await chmod(join(dir, "docker"), 0o755);
  return dir;
}
