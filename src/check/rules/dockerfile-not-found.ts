/** `docker build` without its Dockerfile or its context: wrong folder after a `cd`, wrong `-f`, which counts from the command's directory. */
import { posix } from "node:path";
import type { DockerBuild } from "../docker/docker-build.ts";
import { type DockerBuildLookup, dockerBuildsOf } from "../docker/docker-build-lookup.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import { filesNamed, inOtherCase, nearestPath, type PathGuess } from "../tree/nearest-path.ts";
import { failsThere, fromHere, here, isRootCertain, pathEdit, severityFor } from "../tree/path-findings.ts";
import { isMadeBefore, stateOf } from "../tree/path-lookup.ts";

export const dockerfileNotFound: Rule = {
  id: "dockerfile/not-found",
  severity: "error",
  title: "`docker build` without its Dockerfile or its context",
  source: "https://docs.docker.com/reference/cli/docker/buildx/build/#file",
  *run(context) {
    for (const lookup of dockerBuildsOf(context)) {
      const noContext = withoutContext(context, lookup);
      if (noContext) yield noContext;
      else yield* withoutDockerfile(context, lookup);
    }
  },
};

function withoutContext(context: CheckContext, lookup: DockerBuildLookup): Finding | undefined {
  const { build, command, contextPath } = lookup;
  if (!build.context || contextPath === undefined || contextPath === "" || isMadeBefore(command, contextPath)) return;
  const { state } = stateOf(context, command, contextPath, { kind: "directory" });
  if (state !== "missing") return;
  const guess = nearestPath(context.workspace, contextPath, "directory");
  const { word, path } = build.context;
  return {
    severity: severityFor(context, command, contextPath),
    message: `the build context \`${path}\` does not exist${guess ? `; the nearest folder is \`${fromHere(command, guess.path)}\`` : ""}`,
    span: word.span ?? command.span,
    why: failsThere(command, `${build.program} build`),
    ...pathEdit(context, { command, use: { word, path, kind: "directory", user: "" } }, guess),
  };
}

function* withoutDockerfile(context: CheckContext, lookup: DockerBuildLookup): Iterable<Finding> {
  const { build, command, dockerfileState: state, dockerfilePath: path } = lookup;
  if (path === undefined || (state !== "missing" && state !== "ignored" && state !== "doubtful")) return;
  // A name in another letter case is dockerfile/name-case's.
  if (!build.file && inOtherCase(context.workspace, path) !== undefined) return;
  const where = build.file ?? build.context;
  if (!where) return;
  const written = build.file?.path ?? "Dockerfile";
  const span = where.word.span ?? command.span;
  const severity = state === "doubtful" ? "warning" : severityFor(context, command, path);
  const why = `\`${build.program} build\` runs in ${here(command)} and answers \`failed to read dockerfile: open ${posix.basename(written)}: no such file or directory\``;
  if (state === "ignored") {
    yield { severity, message: `\`${written}\` is ignored by git, so CodeBuild does not get it`, span, why };
    return;
  }
  const guess = guessFor(context, build, path);
  if (state === "doubtful" && (!guess || !isRootCertain(context, path))) return;
  const certain = severity === "error" || command.isStatusIgnored;
  if (build.file) {
    const near = guess ? `; the nearest is \`${fromHere(command, guess.path)}\`` : "";
    const use = { word: build.file.word, path: written, kind: "file", user: "" } as const;
    yield {
      severity,
      message: `\`${written}\` does not exist${near}`,
      span,
      why: `${why}; \`-f\` counts from there, not from the context`,
      ...(certain ? pathEdit(context, { command, use }, guess) : {}),
    };
    return;
  }
  // No Dockerfile anywhere, and the buildspec is not at the root: an example of another repository's, as likely as not.
  const isElsewhere = !guess && severity === "warning" && !command.isStatusIgnored;
  const folder = guess && { ...guess, path: posix.dirname(guess.path).replace(/^\.$/, "") };
  const use = { word: where.word, path: build.context?.path ?? "", kind: "directory", user: "" } as const;
  yield {
    severity: isElsewhere ? "info" : severity,
    message: `\`${use.path}\` has no \`Dockerfile\`, which \`${build.program} build\` reads${folder ? `; there is one in \`${fromHere(command, folder.path) || "."}\`` : ""}`,
    span,
    why,
    ...(certain ? pathEdit(context, { command, use }, folder) : {}),
  };
}

/** With `-f` the nearest path; without, the only file of that name. */
function guessFor(context: CheckContext, build: DockerBuild, path: string): PathGuess | undefined {
  if (build.file) return nearestPath(context.workspace, path, "file");
  const [only, ...others] = filesNamed(context.workspace, "Dockerfile");
  return only === undefined || others.length > 0 ? undefined : { path: only, isUnique: true };
}
