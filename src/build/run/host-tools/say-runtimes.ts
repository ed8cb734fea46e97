/**
 * The log's lines about `runtime-versions`, as CodeBuild writes them: what is selected, then each runtime's own line.
 * The image's commands that switch versions (`pyenv global …`) are not run on this machine, so they are not in the log.
 * Source: published build logs; the lines from the images' runtimes.yml.
 */
import { curatedImage, type RuntimeSelection } from "../../plan/index.ts";
import type { BuildLog } from "../build-log.ts";

export function sayRuntimes(selection: RuntimeSelection, image: string, log: BuildLog): void {
  switch (selection.kind) {
    case "none":
      if (curatedImage(image)?.selectsRuntimes) log.container("No runtime version selected in buildspec.");
      return;
    case "skipped":
      log.container(selection.warning);
      return;
    case "selected":
      for (const { runtime, wanted } of selection.runtimes) {
        log.container(`Selecting '${runtime}' runtime version '${wanted}' based on manual selections...`);
      }
      for (const { installing, version } of selection.runtimes) {
        log.container(`Running command echo "${installing}"`);
        log.output(installing.replace("$VERSION", version));
        log.output("");
      }
  }
}
