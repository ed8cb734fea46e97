/**
 * What `codebuild-hash-files <glob>...` prints: one SHA-256 for a set of files.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/caching-s3.html#caching-s3-dynamic.codebuild-hash-files
 * AWS does not publish its recipe. Kiln's: the files of all patterns, each once, sorted by the bytes of their paths below
 * the source folder; for each the line `<SHA-256 in hexadecimal>  <path>`, line end included, as sha256sum writes it; the
 * SHA-256 of these lines. A symbolic link counts with its text, not with what it leads to. So `sha256sum a b | sha256sum` gives the same for files sorted like that.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readlink } from "node:fs/promises";
import { isAbsolute, join, relative } from "node:path";
import { compareBytes, escapeGlob, globFiles } from "../glob-files.ts";

/** The hash in hexadecimal, or `undefined` when no pattern matches a file below `srcDir`. */
export async function hashFiles(srcDir: string, patterns: readonly string[]): Promise<string | undefined> {
  const paths = new Set<string>();
  for (const pattern of patterns) for (const path of await matching(srcDir, pattern)) paths.add(path);
  if (paths.size === 0) return undefined;
  const all = createHash("sha256");
  for (const path of [...paths].sort(compareBytes)) {
    const one = createHash("sha256");
    const link = await readlink(join(srcDir, path)).catch(() => undefined);
    if (link !== undefined) one.update(link);
    else for await (const chunk of createReadStream(join(srcDir, path))) one.update(chunk as Buffer);
    all.update(`${one.digest("hex")}  ${path}\n`);
  }
  return all.digest("hex");
}

async function matching(srcDir: string, pattern: string): Promise<string[]> {
  const inside = (isAbsolute(pattern) ? relative(srcDir, pattern) : pattern).replace(/^(?:\.\/)+/, "");
  if (inside.startsWith("..")) return [];
  const exact = await lstat(join(srcDir, inside)).catch(() => undefined);
  const escaped = exact?.isFile() ? escapeGlob(inside) : inside;
  return globFiles(srcDir, escaped);
}
