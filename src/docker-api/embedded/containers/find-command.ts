/**
 * Whether a command can be started in a container, asked before it is: with the texts of docker's runtime, by which
 * clients choose their exit code (127 not found, 126 not executable).
 * Texts: runc 1.3 as `docker run` shows them.
 */
import { posix } from "node:path";
import type { Found, LayeredRoot } from "../../../images/layered-root.ts";
import { ApiError } from "../api.ts";

/** Throws the runtime's answer for a command that is not there or cannot be run. `path` is $PATH. */
export async function requireCommand(
  root: LayeredRoot,
  command: string,
  place: { readonly path: string; readonly workingDirectory: string },
  wrap: (reason: string) => string,
): Promise<void> {
  const fail = (reason: string): never => {
    throw new ApiError(400, wrap(`exec: ${JSON.stringify(command)}: ${reason}`));
  };
  if (command === "") fail("executable file not found in $PATH");
  if (command.includes("/")) {
    const { found } = await root.resolve(posix.resolve(place.workingDirectory, command));
    if (!found) fail(`stat ${command}: no such file or directory`);
    else if (found.stats.isDirectory()) fail("is a directory");
    else if (!isExecutable(found)) fail("permission denied");
    return;
  }
  let isThere = false;
  for (const folder of place.path.split(":")) {
    const { found } = await root.resolve(posix.resolve(place.workingDirectory, folder, command));
    if (!found || found.stats.isDirectory()) continue;
    if (isExecutable(found)) return;
    isThere = true;
  }
  fail(isThere ? "permission denied" : "executable file not found in $PATH");
}

const isExecutable = (found: Found): boolean => (found.stats.mode & 0o111) !== 0;

export const startRefusal = (reason: string): string =>
  `failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ${reason}: unknown`;

export const execRefusal = (reason: string): string =>
  `OCI runtime exec failed: exec failed: unable to start container process: ${reason}: unknown`;

/** What clients end with for such a text. */
export const exitCodeOfRefusal = (message: string): number => {
  if (/executable file not found|no such file or directory/.test(message)) return 127;
  return /permission denied|is a directory/.test(message) ? 126 : 128;
};
