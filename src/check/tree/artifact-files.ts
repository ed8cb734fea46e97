/**
 * Patterns of `artifacts.files` and `reports.*.files` against the source: which files they name, and whether a command may
 * make one that they name. A pattern with a variable or braces is not known.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts.files
 */
import { posix } from "node:path";
import type { Located } from "../../build/buildspec/index.ts";
import { globMatcher } from "../../dockerfile/index.ts";
import type { CheckContext } from "../rule.ts";
import { directoryOf, sourceRootsOf } from "./source-paths.ts";

export interface FileSection {
  readonly files: readonly Located<string>[];
  readonly baseDirectory?: Located<string>;
}

/** The base directory relative to the source's root; undefined when it is not known, a pattern, or outside. */
export function basePathOf({ baseDirectory }: FileSection): string | undefined {
  const written = baseDirectory?.value ?? "";
  if (written === "") return "";
  return isOpen(written) || /[*?[]/.test(written) ? undefined : directoryOf("", written);
}

/** Its text is not known before the build, or quotes in it are artifacts/quote-in-glob's. */
export const isOpen = (text: string): boolean => /[$`{}%"']/.test(text);

export type PatternState = "there" | "made" | "unknown" | "folder" | "missing";

/**
 * `there`: a file of the source; `made`: a command was seen to make one; `folder`: the pattern names a folder itself;
 * `missing`: neither the source has it nor was a command seen to make it.
 */
export function patternState(context: CheckContext, base: string, pattern: string): PatternState {
  if (isOpen(pattern) || pattern.startsWith("/") || pattern.startsWith("~")) return "unknown";
  const path = posix.join(base, pattern).replace(/\/$/, "");
  if (path === ".." || path.startsWith("../")) return "unknown";
  if (hasMatch(context, path)) return "there";
  if (/[*?[]/.test(path)) {
    const matches = globMatcher(path);
    const fixed = path.slice(0, path.search(/[*?[]/)).replace(/[^/]*$/, "");
    // A folder that was made may hold anything.
    const isMade = context.shell.madePaths.some(
      (made) => made === "" || matches(made) || fixed.startsWith(`${made}/`) || `${made}/`.startsWith(fixed),
    );
    return isMade ? "made" : "missing";
  }
  if (
    context.shell.madePaths.some(
      (made) => made === path || made === "" || path.startsWith(`${made}/`) || made.startsWith(`${path}/`),
    )
  )
    return "made";
  const isFolder = sourceRootsOf(context.file).some(
    (root) => context.workspace.exists(posix.join(root, path)) === "directory",
  );
  return isFolder ? "folder" : "missing";
}

/** Files of the source that the path or pattern matches. */
export const filesMatching = (context: CheckContext, path: string): readonly string[] =>
  candidatesFor(context, path).flatMap(({ files, matches }) => files.filter(matches));

/** The same question without the list: most patterns match one of the first files. */
const hasMatch = (context: CheckContext, path: string): boolean =>
  candidatesFor(context, path).some(({ files, matches }) => files.some(matches));

function candidatesFor({ workspace, file }: CheckContext, path: string) {
  return sourceRootsOf(file).map((root) => {
    const full = posix.join(root, path);
    return /[*?[]/.test(path)
      ? { files: workspace.files(), matches: globMatcher(full) }
      : { files: [full], matches: (one: string) => workspace.exists(one) === "file" && !workspace.isIgnored(one) };
  });
}
