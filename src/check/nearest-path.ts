/** What was probably meant: the nearest existing path. */
import { posix } from "node:path";
import { nearest } from "../core/nearest.ts";
import type { Workspace } from "./workspace.ts";

/** An existing path that was probably meant. */
export interface PathGuess {
  readonly path: string;
  /** No other path is as good. */
  readonly isUnique: boolean;
}

/**
 * The existing path nearest to `path`: the same base name (case aside) with the most trailing parts in common, then the
 * shortest; for folders also a sibling with a similar name. Undefined when nothing comes near.
 */
export function nearestPath(workspace: Workspace, path: string, kind: "file" | "directory"): PathGuess | undefined {
  const wanted = posix
    .normalize(path)
    .replace(/^(\.\.?\/)+/, "")
    .replace(/\/$/, "");
  const base = posix.basename(wanted).toLowerCase();
  const all = kind === "file" ? workspace.files() : foldersOf(workspace);
  let best: { path: string; score: number } | undefined;
  let isUnique = true;
  for (const candidate of namesakes(all, base)) {
    const score = commonTail(candidate, wanted) * 1000 - candidate.split("/").length;
    if (best && score < best.score) continue;
    if (best?.score === score) {
      isUnique = false;
      if (best.path < candidate) continue;
    } else isUnique = true;
    best = { path: candidate, score };
  }
  if (best) return { path: best.path, isUnique };
  if (kind === "directory" || base.length < 4) {
    const parent = posix.dirname(wanted);
    const siblings = all.filter((candidate) => posix.dirname(candidate) === parent);
    const similar = nearest(wanted, siblings);
    return similar === undefined ? undefined : { path: similar, isUnique: true };
  }
  const similar = nearest(wanted, all);
  return similar === undefined ? undefined : { path: similar, isUnique: true };
}

const byBaseName = new WeakMap<readonly string[], ReadonlyMap<string, readonly string[]>>();

/** The paths with that base name in lower case. */
function namesakes(paths: readonly string[], base: string): readonly string[] {
  let index = byBaseName.get(paths) as Map<string, string[]> | undefined;
  if (!index) {
    index = new Map();
    for (const path of paths) {
      const name = posix.basename(path).toLowerCase();
      const same = index.get(name);
      if (same) same.push(path);
      else index.set(name, [path]);
    }
    byBaseName.set(paths, index);
  }
  return index.get(base) ?? [];
}

const folders = new WeakMap<readonly string[], readonly string[]>();

/** Every folder that holds a file of the workspace, sorted. */
export function foldersOf(workspace: Workspace): readonly string[] {
  const files = workspace.files();
  const known = folders.get(files);
  if (known) return known;
  const found = new Set<string>();
  for (const file of files) {
    for (let folder = posix.dirname(file); folder !== "." && !found.has(folder); folder = posix.dirname(folder)) {
      found.add(folder);
    }
  }
  const sorted = [...found].sort();
  folders.set(files, sorted);
  return sorted;
}

function commonTail(a: string, b: string): number {
  const left = a.toLowerCase().split("/").reverse();
  const right = b.toLowerCase().split("/").reverse();
  let count = 0;
  while (count < left.length && left[count] === right[count]) count++;
  return count;
}
