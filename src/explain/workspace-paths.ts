/** Paths inside a build as paths in the workspace. */
import type { BuildEvent } from "../build/run/events.ts";

const SRC_DIR = "CODEBUILD_SRC_DIR=";
/** Where CodeBuild puts a clone below `…/src<digits>/src`. */
const CLONE =
  /^(?:(?:github\.com|bitbucket\.org|gitlab\.com)\/[^/]+\/[^/]+|git-codecommit[^/]*\/v1\/repos\/[^/]+)(?:\/|$)/;

/**
 * A path of the build as one in the workspace: `""` for the root, undefined when it is outside the source. The log says
 * where the source lies; without that line the folders of CodeBuild's layout are taken off.
 */
export function pathInSource(path: string, events: readonly BuildEvent[]): string | undefined {
  const wanted = path.replace(/\/$/, "");
  const root = sourceRoot(events);
  if (root !== undefined) {
    if (wanted === root) return "";
    return wanted.startsWith(`${root}/`) ? wanted.slice(root.length + 1) : undefined;
  }
  const match = /\/src\d*\/src(?:\/(.*))?$/.exec(wanted);
  return match ? (match[1] ?? "").replace(CLONE, "") : undefined;
}

function sourceRoot(events: readonly BuildEvent[]): string | undefined {
  for (const event of events) {
    if (event.type === "log" && event.kind === "container" && event.text.startsWith(SRC_DIR)) {
      return event.text.slice(SRC_DIR.length);
    }
  }
  return undefined;
}
