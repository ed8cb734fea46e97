/** Which existing path was probably meant by one that does not exist. Paths are POSIX, relative to the workspace. */
import { posix } from "node:path";
import type { Workspace } from "../check/workspace.ts";

/**
 * The file (or folder) nearest to `path`: the same path further down or up first, then the same base name with the
 * most folders in common. Undefined when nothing has its base name.
 */
export function nearestPath(
  workspace: Workspace,
  path: string,
  kind: "file" | "directory" = "file",
): string | undefined {
  const wanted = posix
    .normalize(path)
    .replace(/^(\.\.?\/)+/, "")
    .replace(/\/$/, "");
  const all = kind === "file" ? workspace.files() : foldersOf(workspace);
  const base = posix.basename(wanted);
  const same = all.filter((candidate) => posix.basename(candidate) === base);
  const score = (candidate: string) => commonTail(candidate, wanted) * 100 - candidate.split("/").length;
  return same.toSorted((a, b) => score(b) - score(a) || (a < b ? -1 : 1))[0];
}

/** Every folder that holds a file of the workspace. */
export function foldersOf(workspace: Workspace): string[] {
  const folders = new Set<string>();
  for (const file of workspace.files()) {
    for (let folder = posix.dirname(file); folder !== "."; folder = posix.dirname(folder)) folders.add(folder);
  }
  return [...folders].sort();
}

/** How many trailing parts two paths share. */
function commonTail(a: string, b: string): number {
  const left = a.split("/").reverse();
  const right = b.split("/").reverse();
  let count = 0;
  while (count < left.length && left[count] === right[count]) count++;
  return count;
}

/**
 * A directory inside the build, as a path in the workspace: the part after `…/src<digits>/src`; `""` for the root,
 * undefined when it is outside the source.
 */
export function workspaceDirectory(workingDirectory: string): string | undefined {
  const match = /\/src\d+\/src(?:\/(.*))?$/.exec(workingDirectory.replace(/\/$/, ""));
  return match ? (match[1] ?? "") : undefined;
}
