/** The first executable of a name on PATH, as an absolute path. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

export function findOnPath(name: string, path: string | undefined): string | undefined {
  const names = process.platform === "win32" ? [`${name}.exe`, `${name}.cmd`, name] : [name];
  for (const folder of (path ?? "").split(delimiter).filter((part) => isAbsolute(part))) {
    for (const file of names.map((each) => join(folder, each))) {
      try {
        accessSync(file, constants.X_OK);
        if (statSync(file).isFile()) return file;
      } catch {
        // Not there, or not executable: the next folder decides.
      }
    }
  }
  return undefined;
}
