/**
 * COPY and ADD of files that the build context does not have: the wrong context, a path that counts from elsewhere, or
 * `.dockerignore`. Only stages that are built, and only where the context is a folder of the source.
 * Texts: BuildKit's.
 */
import { posix } from "node:path";
import { type IgnoreRules, parseIgnoreFile } from "../../dockerfile/index.ts";
import { type DockerBuildLookup, dockerBuildsOf, neededStages } from "../docker/docker-build-lookup.ts";
import { type ContextSource, contextSources } from "../docker/docker-context-sources.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import { nearestPath } from "../tree/nearest-path.ts";
import { pathEdit, severityFor } from "../tree/path-findings.ts";
import { findPath, isMadeBefore, matchesOf, type PathState, stateOf } from "../tree/path-lookup.ts";

export const dockerfileCopySourceNotFound: Rule = {
  id: "dockerfile/copy-source-not-found",
  severity: "error",
  title: "COPY or ADD of a file that the build context does not have",
  source: "https://docs.docker.com/reference/dockerfile/#copy",
  *run(context) {
    for (const lookup of dockerBuildsOf(context)) {
      const { dockerfile, contextPath, build } = lookup;
      if (!dockerfile || contextPath === undefined) continue;
      const args = new Map(build.buildArgs.map(({ name, value }) => [name, value]));
      const stages = neededStages(dockerfile.parsed, build.target?.name);
      const sources = contextSources(dockerfile.parsed, stages, args);
      const missing = sources.flatMap((source) => {
        const problem = problemOf(context, lookup, contextPath, source);
        return problem ? [{ source, problem }] : [];
      });
      const otherContext = contextThatHasAll(context, lookup, contextPath, sources, missing.length);
      for (const { source, problem } of missing) {
        yield finding(context, lookup, { file: dockerfile.file, contextPath, source, problem, otherContext });
      }
    }
  },
};

type Problem = "missing" | "ignored by git" | "left out by `.dockerignore`" | "doubtful";

function problemOf(
  context: CheckContext,
  lookup: DockerBuildLookup,
  contextPath: string,
  source: ContextSource,
): Problem | undefined {
  const { command } = lookup;
  if (source.path === "") return undefined;
  const path = posix.join(contextPath, source.path);
  if (isMadeBefore(command, path)) return undefined;
  if (source.isGlob) return globProblem(context, lookup, path);
  const state: PathState = stateOf(context, command, path, { kind: "any" }).state;
  if (state === "missing") return "missing";
  if (state === "ignored") return "ignored by git";
  if (state === "doubtful") return isElsewhere(context, path) ? "doubtful" : undefined;
  if (state !== "there" && state !== "untracked") return undefined;
  const rules = ignoreRulesOf(context, lookup, contextPath);
  return rules?.isIgnored(source.path) && !rules.hasExceptions ? "left out by `.dockerignore`" : undefined;
}

/** BuildKit takes a pattern that matches nothing for nothing to do; the classic builder fails. */
const globProblem = (context: CheckContext, { command }: DockerBuildLookup, path: string): Problem | undefined =>
  command.followsUnknown || /[[\]\\]/.test(path) || matchesOf(context, path).length > 0 ? undefined : "missing";

/** After commands that may make anything: a file that people write, and that the source has once, somewhere else. */
function isElsewhere(context: CheckContext, path: string): boolean {
  const guess = nearestPath(context.workspace, path, "file");
  const name = posix.basename(path);
  return (
    guess?.isUnique === true &&
    posix.basename(guess.path) === name &&
    /^(requirements[\w.-]*\.txt|pom\.xml|package\.json|go\.mod|Gemfile|Cargo\.toml|[\w-]+\.sh)$/.test(name)
  );
}

/** `<Dockerfile>.dockerignore` goes before the context's own. */
function ignoreRulesOf(
  { workspace, ...context }: CheckContext,
  { dockerfile }: DockerBuildLookup,
  contextPath: string,
): IgnoreRules | undefined {
  const own = dockerfile && workspace.readText(`${dockerfile.file}.dockerignore`);
  const found = findPath({ workspace, ...context }, posix.join(contextPath, ".dockerignore"), { kind: "file" });
  const text = own ?? (found === undefined ? undefined : workspace.readText(found));
  return text === undefined ? undefined : parseIgnoreFile(text);
}

/** The Dockerfile's own folder, or the source's root, when all that is missing here is there. */
function contextThatHasAll(
  context: CheckContext,
  { dockerfile, dockerfilePath, command, build }: DockerBuildLookup,
  contextPath: string,
  sources: readonly ContextSource[],
  missing: number,
): string | undefined {
  // Without `-f` the Dockerfile is looked for in the context: another context has another one, or none.
  if (!dockerfile || dockerfilePath === undefined || missing === 0 || !build.file) return undefined;
  const candidates = [posix.dirname(dockerfilePath).replace(/^\.$/, ""), ""];
  return candidates.find(
    (folder) =>
      folder !== contextPath &&
      sources.every(
        ({ path, isGlob }) =>
          isGlob ||
          path === "" ||
          stateOf(context, command, posix.join(folder, path), { kind: "any" }).state === "there",
      ),
  );
}

interface Missing {
  readonly file: string;
  readonly contextPath: string;
  readonly source: ContextSource;
  readonly problem: Problem;
  readonly otherContext: string | undefined;
}

function finding(
  context: CheckContext,
  { command, build }: DockerBuildLookup,
  { file, contextPath, source, problem, otherContext }: Missing,
): Finding {
  const path = posix.join(contextPath, source.path);
  const shown = contextPath === "" ? "the source's root" : `\`${contextPath}\``;
  const where = build.context ?? build.file;
  const severity = problem === "doubtful" || source.isGlob ? "warning" : severityFor(context, command, path);
  const guess = nearestPath(context.workspace, path, "file");
  const isThere = problem === "missing" || problem === "doubtful";
  const near = isThere && guess && otherContext === undefined ? `; the nearest is \`${guess.path}\`` : "";
  const says = isThere ? `is not in the build context, ${shown}${near}` : `is ${problem}`;
  const answer = source.isGlob
    ? `${source.keyword} failed: no source files were specified`
    : `failed to calculate checksum of ref …: "/${source.path}": not found`;
  const use = build.context && { ...build.context, kind: "directory" as const, user: "" };
  return {
    severity,
    message: `\`${source.written}\` of \`${file}:${source.line}\` ${says}`,
    span: where?.word.span ?? command.span,
    why: source.isGlob
      ? `a pattern that matches nothing copies nothing; docker's classic builder answers \`${answer}\``
      : `paths of ${source.keyword} count from the context: \`${build.program} build\` answers \`${answer}\``,
    ...(use && otherContext !== undefined
      ? pathEdit(context, { command, use }, { path: otherContext, isUnique: true })
      : {}),
  };
}
