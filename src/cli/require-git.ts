/** Stops a command that reads a repository where there is no git. */
import { KilnError } from "../core/errors.ts";
import { findOnPath } from "./find-on-path.ts";

/** `what` needs it, e.g. `--source head names a commit`; `instead` is another way out. */
export function requireGit(path: string | undefined, what: string, instead?: string): void {
  if (findOnPath("git", path) !== undefined) return;
  throw new KilnError({
    code: "KILN_E_NO_GIT",
    message: `${what}, which needs git, and there is no \`git\` on PATH`,
    fix: ["install git", ...(instead === undefined ? [] : [instead])],
    exitCode: 4,
  });
}
