/** Small texts of a build's source after its commands, which may have put links anywhere: none is followed out of it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withHeld } from "../../core/held-path.ts";
import { globFiles } from "./glob-files.ts";
import { OwnFiles } from "./own-files.ts";

const MAX_BYTES = 256 * 1024;

/** Files that the pattern matches, relative to the source, up to a number of them. */
export async function textsInSource(
  srcDir: string,
  pattern: string,
  most: number,
): Promise<{ readonly file: string; readonly text: string }[]> {
  const own = new OwnFiles({ workDir: srcDir, isApart: true });
  const files = await globFiles(srcDir, pattern, { own, ignore: ["**/node_modules/**", "**/.git/**"] });
  return files
    .sort()
    .slice(0, most)
    .flatMap((file) => {
      const text = withHeld(own.holdEntry(join(srcDir, file)), ({ path, stats }) =>
        stats.isFile() && stats.size <= MAX_BYTES ? readFileSync(path, "utf8") : undefined,
      );
      return text === undefined ? [] : [{ file, text }];
    });
}
