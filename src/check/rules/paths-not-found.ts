/**
 * Paths in commands that are not in the source, when nothing before them can have made them. Silent when the directory,
 * the path or what ran before is not known for certain; after commands whose doings are not seen only what no command
 * makes is reported, as a warning.
 */
import { posix } from "node:path";
import { editDistance } from "../../core/nearest.ts";
import type { PathUse } from "../commands/path-uses.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";
import { nearestPath, type PathGuess } from "../tree/nearest-path.ts";
import { failsThere, fromHere, isRootCertain, pathEdit, severityFor, spanOf } from "../tree/path-findings.ts";
import { findPath, type PathLookup, pathLookupsOf } from "../tree/path-lookup.ts";

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
  const guess = guessFor(context, use, path);
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

function guessFor({ workspace }: CheckContext, { kind, path: written }: PathUse, path: string): PathGuess | undefined {
  const isFolder = kind === "directory" || (kind === "any" && written.endsWith("/"));
  const guess = nearestPath(workspace, path, isFolder ? "directory" : "file");
  return guess ?? (kind === "any" && !isFolder ? nearestPath(workspace, path, "directory") : undefined);
}

function nearness(command: ShellCommand, path: string, guess: PathGuess | undefined): string {
  if (!guess) return "";
  if (guess.path.toLowerCase() === path.toLowerCase())
    return `; letter case counts, the source has \`${fromHere(command, guess.path)}\``;
  return `; the nearest is \`${fromHere(command, guess.path)}\``;
}

/** Names of what builds make, so near to another name or not. */
const MADE =
  /^(artifacts?|assets|bin|build|coverage|deploy(ment)?s?|dist|out(put)?s?|packages?|public|releases?|reports?|results?|static|target|vendor)$/i;

/**
 * One part of the path differs by a letter or two. Not so two versions (`app1`, `app2`), and of folders singular and
 * plural: a build makes `package` beside `packages`.
 */
function isTypo(path: string, near: string, isFolder: boolean): boolean {
  const parts = posix.normalize(path).replace(/\/$/, "").split("/");
  const others = near.split("/");
  const [at, ...more] = parts.flatMap((part, index) => (part === others[index] ? [] : [index]));
  if (at === undefined || more.length > 0 || parts.length !== others.length) return false;
  const [wrong = "", right = ""] = [parts[at], others[at]];
  const least = Math.min(wrong.length, right.length);
  if (wrong.replace(/\d/g, "") === right.replace(/\d/g, "") || least < 6 || MADE.test(wrong)) return false;
  if (isFolder && (right.startsWith(wrong) || wrong.startsWith(right))) return false;
  const hasSameLetters = [...wrong].sort().join("") === [...right].sort().join("");
  return editDistance(wrong, right, 2) <= (least >= 8 || hasSameLetters ? 2 : 1);
}

function* doubtful(context: CheckContext, lookup: PathLookup, path: string): Iterable<Finding> {
  const { use } = lookup;
  if (use.isGlob) return;
  const isFolder = use.kind === "directory";
  const guess = nearestPath(context.workspace, path, isFolder ? "directory" : "file");
  if (!guess?.isUnique || !isRootCertain(context, path)) return;
  const isScript =
    /\.(sh|bash|py|[cm]?js|rb|php)$/.test(guess.path) && posix.extname(guess.path) === posix.extname(path);
  const isCase = guess.path.toLowerCase() === path.toLowerCase();
  const isHandwritten = !isFolder && HANDWRITTEN.test(posix.basename(guess.path));
  const isElsewhere = isHandwritten && posix.basename(guess.path) === posix.basename(path);
  if (!isCase && !isElsewhere && !((isFolder || isHandwritten || isScript) && isTypo(path, guess.path, isFolder)))
    return;
  yield {
    severity: "warning",
    message: `${isFolder ? "folder" : "file"} \`${use.path}\` is not in the source${nearness(lookup.command, path, guess)}`,
    span: spanOf(lookup),
    why: `unless a command before makes it, ${failsThere(lookup.command, use.user)}`,
  };
}
