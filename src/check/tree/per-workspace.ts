/** What is worked out once of a tree: one command may check hundreds of buildspecs of the same source. */
import type { Workspace } from "./workspace.ts";

/** `compute`, remembered for each workspace as long as that is in use. A workspace describes one moment. */
export function perWorkspace<T>(compute: (workspace: Workspace) => T): (workspace: Workspace) => T {
  const known = new WeakMap<Workspace, { readonly value: T }>();
  return (workspace) => {
    const earlier = known.get(workspace);
    if (earlier) return earlier.value;
    const value = compute(workspace);
    known.set(workspace, { value });
    return value;
  };
}
