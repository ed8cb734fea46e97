/** The message of a failed build without what belongs to the run: ids, folders, progress. */
import type { Ran } from "../support/docker-fixture.ts";

/** Newer engines, whose words are ours, say `on line` and suggest what was meant. */
const withoutRun = (text: string, dir: string): string =>
  text
    .replaceAll(/parse error on line/g, "parse error line")
    .replaceAll(/ \(did you mean [^)]*\)/g, "")
    .replaceAll(/\/[^\s"']*\/context(?=[/\s:"']|$)/g, "CONTEXT")
    .replaceAll(dir, "DIR")
    .replaceAll(/\/var\/lib\/docker\/tmp\/[\w-]+|\/[^\s"']*\/data\/tmp\/[\w-]+/g, "DAEMON")
    .replaceAll(/[0-9a-f]{64}/g, "ID")
    .replaceAll(/\bref \w+::\w+/g, "ref REF")
    .replaceAll(/\b[0-9a-f]{12}\b/g, "ID");

/** All of standard error but the CLI's own remark about the builder. */
export function classicFailure({ err }: Ran, dir: string): string {
  return withoutRun(err.replace(/^DEPRECATED:[\s\S]*?\n\n/, "").trim(), dir);
}

/**
 * The lines from `failed to solve` on, without the prefixes, which depend on the client's version, and with an older
 * BuildKit's words (docker 20.10) turned into those of the one that AWS's images have.
 */
export function buildkitFailure({ err }: Ran, dir: string): string {
  const at = err.lastIndexOf("failed to solve");
  const line = at < 0 ? (err.trim().split("\n").at(-1) ?? "") : err.slice(at).trim();
  return withoutRun(line, dir)
    .replaceAll(/rpc error: code = \w+ desc = /g, "")
    .replace(/^(?:failed to solve(?: with frontend [\w.]+)?:\s*)+/, "")
    .replace(/^failed to create LLB definition: /, "")
    .replace(
      /^executor failed running \[([\s\S]*)\]: exit code/,
      'process "$1" did not complete successfully: exit code',
    )
    .replace(
      /^failed to compute cache key: ("[^"]*") not found: not found$/,
      "failed to compute cache key: failed to calculate checksum of ref REF: $1: not found",
    );
}
