/** Where the state lives: the nearest `.kiln` folder up the tree, else `.kiln` here. */
import { statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

export function findStateDir(from: string): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const candidate = join(folder, ".kiln");
    if (statSync(candidate, { throwIfNoEntry: false })?.isDirectory()) return candidate;
    if (dirname(folder) === folder) return join(resolve(from), ".kiln");
  }
}
