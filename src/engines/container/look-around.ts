/** What an image has that a build's commands are run with, and the folders that it must have. */
import type { ExecShell } from "./exec-shell.ts";

/** Where things are in the image; absolute, because a command may leave any PATH. */
export interface Programs {
  readonly sh: string;
  readonly bash: string | undefined;
  readonly setsid: string | undefined;
  /** Processes that are not the build's. */
  readonly kept: readonly string[];
}

/** Makes the folders of a build and looks at what the image has; undefined when its shell does not answer. */
export async function lookAround(control: ExecShell): Promise<Programs | undefined> {
  const folders = ["output/tmp", "readonly", "work"].map((name) => `/codebuild/${name}`).join(" ");
  const text = await control.evaluate(
    `umask 022; mkdir -p ${folders}; umask 077
for kiln_name in sh bash setsid; do printf '%s\\n' "$(command -v $kiln_name)"; done
printf '%s' "$$"; for kiln_name in /proc/[0-9]*; do printf ' %s' "\${kiln_name#/proc/}"; done`,
  );
  if (text === undefined) return undefined;
  const [sh = "", bash = "", setsid = "", pids = ""] = text.split("\n");
  return { sh: sh || "sh", bash: bash || undefined, setsid: setsid || undefined, kept: pids.split(" ") };
}
