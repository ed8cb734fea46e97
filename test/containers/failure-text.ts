/** The message of a failed build without what belongs to the run: ids, folders, progress. */
import type { Ran } from "../support/docker-fixture.ts";

/** Docker 20.10's words, and those of the engines that AWS's images have, which are ours. */
const NEWER_WORDS: readonly (readonly [older: RegExp, newer: string])[] = [
  [/Unknown flag: ([\w-]+)/, "unknown flag: --$1"],
  [/Invalid (containerPort|signal): /, "invalid $1: "],
  [/repository name must be lowercase/, "repository name (Base) must be lowercase"],
  [/^target stage (\w+) could not be found/, 'target stage "$1" could not be found'],
  [/^secret (\w+) not found: not found/, "secret $1: not found"],
  [/open DAEMON\//, "open "],
  [
    /^(failed to create shim task: .* unable to start container process: )exec:/,
    "failed to create task for container: $1error during container init: exec:",
  ],
  [/^executor failed running \[([\s\S]*)\]: (exit code|unable)/, 'process "$1" did not complete successfully: $2'],
  [
    /^failed to compute cache key: ("[^"]*") not found: not found$/,
    "failed to compute cache key: failed to calculate checksum of ref REF: $1: not found",
  ],
  [
    /^lstat \S*\/merged(\S+): no such file or directory$/,
    'failed to compute cache key: failed to calculate checksum of ref REF: "$1": not found',
  ],
];

const asNewer = (text: string): string =>
  NEWER_WORDS.reduce((words, [older, newer]) => words.replace(older, newer), text);

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
export const classicFailure = ({ err }: Ran, dir: string): string =>
  asNewer(withoutRun(err.replace(/^DEPRECATED:[\s\S]*?\n\n/, "").trim(), dir));

/** The lines from `failed to solve` on, without the prefixes, which depend on the client's version. */
export function buildkitFailure({ err }: Ran, dir: string): string {
  const at = err.lastIndexOf("failed to solve");
  const line = at < 0 ? (err.trim().split("\n").at(-1) ?? "") : err.slice(at).trim();
  const text = withoutRun(line, dir)
    .replaceAll(/rpc error: code = \w+ desc = /g, "")
    .replace(/^(?:failed to solve(?: with frontend [\w.]+)?:\s*)+/, "")
    .replace(/^failed to create LLB definition: /, "");
  return asNewer(text);
}
