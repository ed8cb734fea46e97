/** What was probably meant: the nearest name, the nearest existing path. */
import { posix } from "node:path";
import type { Workspace } from "./workspace.ts";

/** The candidate with the fewest edits, if near enough (a third of the length, at least 2); else undefined. */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  const limit = Math.max(2, Math.floor(text.length / 3));
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - text.length) > limit) continue;
    const distance = editDistance(text.toLowerCase(), candidate.toLowerCase());
    if (distance <= limit && (!best || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** Levenshtein distance: insertions, deletions and replacements. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

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
  const scored = all
    .filter((candidate) => posix.basename(candidate).toLowerCase() === base)
    .map((candidate) => ({
      path: candidate,
      score: commonTail(candidate, wanted) * 1000 - candidate.split("/").length,
    }))
    .sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1));
  const [best, second] = scored;
  if (best) return { path: best.path, isUnique: best.score !== second?.score };
  if (kind === "directory" || base.length < 4) {
    const parent = posix.dirname(wanted);
    const siblings = all.filter((candidate) => posix.dirname(candidate) === parent);
    const similar = nearest(wanted, siblings);
    return similar === undefined ? undefined : { path: similar, isUnique: true };
  }
  const similar = nearest(wanted, all);
  return similar === undefined ? undefined : { path: similar, isUnique: true };
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
