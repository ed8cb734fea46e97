/** What was probably meant: the nearest existing path. */
import { posix } from "node:path";
import { editDistance, nearest } from "../../core/nearest.ts";
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
  if (path.length > MAX_LENGTH) return undefined;
  const all = kind === "file" ? workspace.files() : foldersOf(workspace);
  const known = guesses.get(all) ?? { byPath: new Map(), compared: 0 };
  guesses.set(all, known);
  if (known.byPath.has(path)) return known.byPath.get(path);
  if (known.compared > MAX_COMPARED) return undefined;
  known.compared += all.length;
  const guess = search(all, path, kind);
  known.byPath.set(path, guess);
  return guess;
}

/** No path that somebody mistyped is longer. */
const MAX_LENGTH = 1024;
/** Of a tree of 100,000 files these are 100 searches; who has more wrong paths has another problem than their spelling. */
const MAX_COMPARED = 10_000_000;

interface Guesses {
  readonly byPath: Map<string, PathGuess | undefined>;
  /** Paths that were looked at for them. */
  compared: number;
}

const guesses = new WeakMap<readonly string[], Guesses>();

function search(all: readonly string[], path: string, kind: "file" | "directory"): PathGuess | undefined {
  const wanted = posix
    .normalize(path)
    .replace(/^(\.\.?\/)+/, "")
    .replace(/\/$/, "");
  const base = posix.basename(wanted).toLowerCase();
  let best: { path: string; score: number } | undefined;
  let isUnique = true;
  let distance: number | undefined;
  let ties = 0;
  const tails = tailsOf(wanted.toLowerCase());
  for (const candidate of namesakes(all, base)) {
    const score = commonTail(candidate.toLowerCase(), tails) * 1000 - depthOf(candidate);
    if (best && score < best.score) continue;
    if (best?.score === score) {
      // Of several in folders of their own the one whose folder is spelt most alike, and then the first.
      if (ties++ > MAX_TIES) continue;
      const known = distance ?? editDistance(wanted, best.path, 3);
      const other = editDistance(wanted, candidate, 3);
      if (known === other) isUnique = false;
      distance = Math.min(known, other);
      if (known < other || (known === other && best.path < candidate)) continue;
      if (known > other) isUnique = true;
    } else {
      isUnique = true;
      distance = undefined;
    }
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

/** Of many files of one name none is near. */
const MAX_TIES = 20;

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

/** The files of that base name, letter case and all. */
export const filesNamed = (workspace: Workspace, name: string): readonly string[] =>
  namesakes(workspace.files(), name.toLowerCase()).filter((path) => posix.basename(path) === name);

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

/** `a/b/c` → `c`, `b/c`, `a/b/c`. */
function tailsOf(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_, index) => parts.slice(parts.length - 1 - index).join("/"));
}

/** How many of the last parts are the same. */
function commonTail(path: string, tails: readonly string[]): number {
  let count = 0;
  for (const tail of tails) {
    if (path !== tail && !(path.endsWith(tail) && path[path.length - tail.length - 1] === "/")) break;
    count++;
  }
  return count;
}

function depthOf(path: string): number {
  let depth = 1;
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) depth++;
  return depth;
}

/** The file whose path differs in letter case alone. */
export const inOtherCase = (workspace: Workspace, path: string): string | undefined =>
  namesakes(workspace.files(), posix.basename(path).toLowerCase()).find(
    (file) => file !== path && file.toLowerCase() === path.toLowerCase(),
  );
