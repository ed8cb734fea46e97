/** Runs git for the source of a build: never asks for a password, never runs the repository's hooks, trusts the folder's owner. */
import { execFile } from "node:child_process";

export type GitOutcome =
  /** `bytes`: standard output as it was; `warnings`: standard error. */
  | { readonly ok: true; readonly text: string; readonly bytes: Buffer; readonly warnings: string }
  /** `missing`: there is no git on this machine. */
  | { readonly ok: false; readonly missing: boolean; readonly message: string };

export function git(directory: string, args: readonly string[], signal?: AbortSignal): Promise<GitOutcome> {
  return new Promise((resolve) => {
    execFile(
      "git",
      ["-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false", ...args],
      {
        cwd: directory,
        encoding: "buffer",
        maxBuffer: 2 ** 30,
        env: { ...withoutGitVariables(process.env), GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" },
        ...(signal ? { signal } : {}),
      },
      (error, stdout, stderr) => {
        const warnings = stderr.toString().trim();
        if (!error) return resolve({ ok: true, text: stdout.toString(), bytes: stdout, warnings });
        resolve({ ok: false, missing: error.code === "ENOENT", message: warnings || error.message });
      },
    );
  });
}

/** GIT_DIR and its kin, set while a hook runs, would point git at another repository. */
const withoutGitVariables = (variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(variables).filter(([name]) => !/^GIT_(?:DIR|WORK_TREE|INDEX_FILE|PREFIX)$/.test(name)),
  );
