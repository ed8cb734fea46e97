/** What `kiln run` refuses by name before anything starts: flags, engines and builds that this version does not do. */
import type { Kiln } from "../../app.ts";
import type { Buildspec } from "../../build/buildspec/index.ts";
import { KilnError, usageError } from "../../core/errors.ts";

const NOT_YET = ["watch", "phase", "from", "shellOnFailure", "keep"] as const;

/** Flags that are announced and not written. */
export function refuseWhatIsNotDone(values: { readonly [name: string]: unknown }): void {
  const named = NOT_YET.find((name) => values[name] !== undefined);
  if (named !== undefined) {
    const flag =
      named.length === 1 ? `-${named}` : `--${named.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw usageError(`\`${flag}\` is not in this version of Kiln yet`, [
      "leave it away; `kiln help run` lists what there is",
    ]);
  }
}

/** Before anything starts: a build in this image has somewhere to run. */
export async function requireEngine(kiln: Pick<Kiln, "engineFor">, image: string): Promise<void> {
  const engine = await kiln.engineFor(image);
  if (!engine.ok) throw new KilnError({ code: "KILN_E_ENGINE", ...engine.error, exitCode: 4 });
}

/** A buildspec with a `batch` and no command of its own would be a build in which nothing runs. */
export function refuseBatchOnly(buildspec: Buildspec | undefined): void {
  if (!buildspec?.batch || buildspec.phases.some((phase) => phase.commands.length + phase.finally.length > 0)) return;
  throw usageError(
    `\`${buildspec.file}\` has a \`batch\` and no commands of its own, so that one build of it would run nothing`,
    ["run the batch: kiln run --batch", "or one of the builds it lists: kiln run -b BUILDSPEC"],
  );
}
