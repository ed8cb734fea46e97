/**
 * Paths in commands that are not in the source, when nothing before them can have made them. Silent when the directory,
 * the path or what ran before is not known for certain; after commands whose doings are not seen only what no command
 * makes is reported, as a warning.
 */
import { posix } from "node:path";
import { nearestPath, type PathGuess } from "../nearest-path.ts";
import { failsThere, fromHere, isRootCertain, pathEdit, severityFor, spanOf } from "../path-findings.ts";
import { findPath, type PathLookup, pathLookupsOf } from "../path-lookup.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellCommand } from "../shell-model.ts";

export const pathsNotFound: Rule = {
  id: "paths/not-found",
  severity: "error",
  title: "a path that the source does not hold",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases",
  *run(context) {
    for (const lookup of pathLookupsOf(context)) {
      const { state, path } = lookup;
      if (path === undefined) continue;
      if (state === "missing") yield missing(context, lookup, path);
      if (state === "doubtful") yield* doubtful(context, lookup, path);
    }
  },
};

/** Files that people write and no build makes. */
const HANDWRITTEN =
  /^(requirements[\w.-]*\.txt|Dockerfile[\w.-]*|Makefile|pom\.xml|package\.json|manage\.py|setup\.py|buildspec[\w.-]*\.ya?ml|docker-compose[\w.-]*\.ya?ml|[\w.-]+\.sh)$/i;

/** A file that is only read into the shell, or made executable, often comes with another input of a pipeline. */
const COMES_FROM_ELSEWHERE = new Set(["source", ".", "chmod"]);

function missing(context: CheckContext, lookup: PathLookup, path: string): Finding {
  const { command, use } = lookup;
  const span = spanOf(lookup);
  const why = failsThere(command, use.user);
  const certainty = severityFor(context, command, path);
  if (use.isGlob) return { severity: "warning", message: `nothing matches \`${use.path}\``, span, why };
  const other = use.kind === "any" ? undefined : findPath(context, path, { kind: "any" });
  if (other !== undefined) {
    const [is, wanted] = use.kind === "file" ? ["folder", "file"] : ["file", "folder"];
    return { severity: certainty, message: `\`${use.path}\` is a ${is}, expected a ${wanted}`, span, why };
  }
  const guess = nearestPath(context.workspace, path, use.kind === "directory" ? "directory" : "file");
  const mayComeAlong = COMES_FROM_ELSEWHERE.has(use.user);
  const severity = mayComeAlong ? (guess ? "warning" : "info") : certainty;
  const noun = { directory: "folder ", file: "file ", any: "" }[use.kind];
  return {
    severity,
    message: `${noun}\`${use.path}\` does not exist${nearness(command, path, guess)}`,
    span,
    why,
    // Where the source's root is a guess, an edit would be one too.
    ...(severity === "error" || command.isStatusIgnored ? pathEdit(context, lookup, guess) : {}),
  };
}

function nearness(command: ShellCommand, path: string, guess: PathGuess | undefined): string {
  if (!guess) return "";
  if (guess.path.toLowerCase() === path.toLowerCase())
    return `; letter case counts, the source has \`${fromHere(command, guess.path)}\``;
  return `; the nearest is \`${fromHere(command, guess.path)}\``;
}

function* doubtful(context: CheckContext, lookup: PathLookup, path: string): Iterable<Finding> {
  const { use } = lookup;
  if (use.isGlob || use.kind === "directory") return;
  const guess = nearestPath(context.workspace, path, "file");
  if (!guess?.isUnique || !isRootCertain(context, path)) return;
  const isCase = guess.path.toLowerCase() === path.toLowerCase();
  const isElsewhere = posix.basename(guess.path) === posix.basename(path) && HANDWRITTEN.test(posix.basename(path));
  if (!isCase && !isElsewhere) return;
  yield {
    severity: "warning",
    message: `file \`${use.path}\` is not in the source${nearness(lookup.command, path, guess)}`,
    span: spanOf(lookup),
    why: `unless a command before makes it, ${failsThere(lookup.command, use.user)}`,
  };
}
