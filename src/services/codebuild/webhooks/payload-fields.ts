/** Reads members of untrusted JSON by path: own members only, never throws. */

/** The member at `path`, or undefined where something on the way is no object or lacks it. */
export function member(value: unknown, ...path: readonly string[]): unknown {
  let current = value;
  for (const name of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, name)) return undefined;
    current = (current as Record<string, unknown>)[name];
  }
  return current;
}

/** Text or a whole number, as text. */
export function text(value: unknown, ...path: readonly string[]): string | undefined {
  const found = member(value, ...path);
  if (typeof found === "string") return found;
  return typeof found === "number" && Number.isSafeInteger(found) ? String(found) : undefined;
}

export function list(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = member(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** Paths that commits of GitHub's and GitLab's form added, changed or removed, each once. */
export function changedPaths(commits: readonly unknown[]): readonly string[] {
  const paths = new Set<string>();
  for (const commit of commits) {
    for (const kind of ["added", "modified", "removed"]) {
      for (const path of list(commit, kind)) if (typeof path === "string") paths.add(path);
    }
  }
  return [...paths];
}

/** `refs/heads/<name>`, or undefined. */
export const branchRef = (name: string | undefined): string | undefined =>
  name === undefined ? undefined : `refs/heads/${name}`;

/** A commit id of zeros: there is no commit (a ref was made or deleted). */
export const isNoCommit = (commit: string | undefined): boolean => commit !== undefined && /^0+$/.test(commit);
