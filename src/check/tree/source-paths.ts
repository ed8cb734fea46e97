/** Paths of a build as paths in the workspace. Everything is POSIX; the source's root is `""`. */
import { posix } from "node:path";

/** Stands for the value of CODEBUILD_SRC_DIR, whose digits differ in every build. */
export const sourceRoot = "/codebuild/output/src0/src";

/**
 * `path`, seen from `directory`, relative to the source's root. Undefined when it is outside the source, or when the
 * directory is not known and the path is relative.
 */
export function directoryOf(directory: string | undefined, path: string): string | undefined {
  if (path === "" || path.startsWith("~")) return undefined;
  if (path === sourceRoot || path.startsWith(`${sourceRoot}/`)) return tidy(path.slice(sourceRoot.length + 1));
  if (path.startsWith("/") || directory === undefined) return undefined;
  return tidy(posix.join(directory, path));
}

const MAX_PATH = 4096;

function tidy(path: string): string | undefined {
  // No system opens a longer one, and `cd a`, again and again, would cost the square of its length.
  if (path.length > MAX_PATH) return undefined;
  const clean = posix.normalize(path === "" ? "." : path).replace(/\/$/, "");
  if (clean === ".") return "";
  return clean === ".." || clean.startsWith("../") ? undefined : clean;
}

/**
 * Where the source's root may be: the workspace, or a folder on the way to the buildspec (samples that are pushed on
 * their own, seed code of pipelines). The likeliest first.
 */
export function sourceRootsOf(buildspecFile: string): readonly string[] {
  const above: string[] = [];
  for (let at = posix.dirname(buildspecFile); at !== "." && at !== "/" && at !== ".."; at = posix.dirname(at))
    above.push(at);
  return ["", ...above];
}
