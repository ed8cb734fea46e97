/** What `kiln run` refuses by name before anything starts: flags, engines and builds that this version does not do. */
import type { Buildspec } from "../build/buildspec/index.ts";
import { KilnError } from "../core/errors.ts";

const NOT_YET = ["watch", "phase", "from", "P", "shellOnFailure", "keep"] as const;

export const usage = (message: string, fix: readonly string[] = []): KilnError =>
  new KilnError({ code: "KILN_E_USAGE", message, fix, exitCode: 2 });

/** Flags that are announced and not written. */
export function refuseWhatIsNotDone(values: { readonly engine?: string; readonly [name: string]: unknown }): void {
  const named = NOT_YET.find((name) => values[name] !== undefined);
  if (named !== undefined) {
    const flag =
      named.length === 1 ? `-${named}` : `--${named.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw usage(`\`${flag}\` is not in this version of Kiln yet`, [
      "leave it away; `kiln help run` lists what there is",
    ]);
  }
  if (values.engine !== undefined && values.engine !== "auto" && values.engine !== "host") {
    throw new KilnError({
      code: "KILN_E_ENGINE",
      message: `the engine \`${values.engine}\` is not in this version of Kiln`,
      why: "this version runs the commands of a build on this machine only",
      fix: ["use `--engine host`, or leave it away"],
      exitCode: 4,
    });
  }
}

/** An image that CodeBuild does not maintain needs a container engine, unless the user asks for this machine's tools. */
export function refuseImageWithoutEngine(image: string, engine: string | undefined): void {
  if (engine === "host" || isCuratedImage(image)) return;
  throw new KilnError({
    code: "KILN_E_ENGINE",
    message: `the image \`${image}\` needs a container engine, which this version of Kiln does not use for builds`,
    why: "the tools of a build are those of its image; this machine's may be others",
    fix: [
      "run it with this machine's tools: --engine host",
      "or name a curated image: --image aws/codebuild/standard:7.0",
    ],
    exitCode: 4,
  });
}

const isCuratedImage = (image: string): boolean =>
  /^(?:aws\/codebuild\/|public\.ecr\.aws\/codebuild\/amazonlinux|aws\/eb-)/.test(image);

/** A buildspec with a `batch` and no command of its own would be a build in which nothing runs. */
export function refuseBatchOnly(buildspec: Buildspec | undefined): void {
  if (!buildspec?.batch || buildspec.phases.some((phase) => phase.commands.length + phase.finally.length > 0)) return;
  throw usage(
    `\`${buildspec.file}\` has a \`batch\` and no commands of its own, so that one build of it would run nothing`,
    ["run the batch: kiln run --batch", "or one of the builds it lists: kiln run -b BUILDSPEC"],
  );
}
