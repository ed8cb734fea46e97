/**
 * Whether a file of a tree is meant as a buildspec of CodeBuild. Most have other names than `buildspec.yml`, so it goes by
 * the text: `phases` with one of CodeBuild's phases, or `batch` with one of its kinds, at the top level. A file that is
 * named `buildspec…` counts whatever is in it: what is wrong with it is for the rules to say.
 */
import { posix } from "node:path";

const VERSION = /^\uFEFF?(?:["']?version["']?|\{\s*"version")\s*:\s*["']?0\.[12]\b/m;
const PHASES =
  /^(?:["']?phases["']?)\s*:\s*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*[ \t]+["']?(?:install|pre_build|build|post_build)["']?\s*:/m;
const BATCH =
  /^(?:["']?batch["']?)\s*:\s*(?:#.*)?\r?\n(?:.*\r?\n)*?[ \t]+["']?build-(?:graph|list|matrix|fanout)["']?\s*:/m;

/** `file` is the path in the tree. Cheap: nothing is parsed. */
export function isBuildspecLike(file: string, text: string): boolean {
  if (/^buildspec[^/]*\.(?:ya?ml|json)$/i.test(posix.basename(file))) return true;
  if (/\.json$/i.test(file))
    return /^\s*\{/.test(text) && /"phases"\s*:/.test(text) && /"version"\s*:\s*"?0\.[12]/.test(text);
  const outdented = withoutIndentation(text);
  if (PHASES.test(outdented)) return true;
  return VERSION.test(outdented) && (BATCH.test(outdented) || /^["']?(?:phases|batch)["']?\s*:/m.test(outdented));
}

/** YAML's top level may be indented, as in a buildspec that was copied out of a document. */
function withoutIndentation(text: string): string {
  const indentation = /^\uFEFF?(?:[ \t]*(?:#.*)?\r?\n)*( +)[^\s#]/.exec(text)?.[1];
  return indentation === undefined ? text : text.replace(new RegExp(`^\uFEFF?${indentation}`, "gm"), "");
}
