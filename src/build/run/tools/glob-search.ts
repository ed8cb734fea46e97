/**
 * What `codebuild-glob-search <glob>...` prints: the files below the current directory that match, one a line.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/parallel-test-tests-run.html. Its rules for dot files
 * and links are not published: here dot files match and links to folders are not followed, as for artifacts.
 */
import { glob } from "tinyglobby";

/** Paths relative to `folder`, each once, sorted by bytes. */
export async function globSearch(folder: string, patterns: readonly string[]): Promise<string[]> {
  const found = await glob(
    patterns.map((pattern) => pattern.replace(/^(?:\.\/)+/, "")),
    {
      cwd: folder,
      dot: true,
      onlyFiles: true,
      followSymbolicLinks: false,
      expandDirectories: false,
      ignore: ["**/.git/**"],
    },
  );
  return [...new Set(found)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
