/** `docker build --target` of a stage that the Dockerfile does not have. */
import { nearest } from "../../core/nearest.ts";
import type { Dockerfile } from "../../dockerfile/index.ts";
import { isSourceSettled } from "../commands/source-edits.ts";
import type { DockerBuild } from "../docker/docker-build.ts";
import { dockerBuildsOf, neededStages, stageIndex } from "../docker/docker-build-lookup.ts";
import type { Finding, Rule } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";
import { severityFor, wordEdit } from "../tree/path-findings.ts";

export const dockerfileTargetNotFound: Rule = {
  id: "dockerfile/target-not-found",
  severity: "error",
  title: "`--target` of a stage that the Dockerfile does not have",
  source: "https://docs.docker.com/reference/cli/docker/buildx/build/#target",
  *run(context) {
    for (const { build, command, dockerfile, dockerfilePath } of dockerBuildsOf(context)) {
      if (!dockerfile || dockerfilePath === undefined) continue;
      const { stages } = dockerfile.parsed;
      yield* copiesFromNowhere(build, command, dockerfilePath, dockerfile.parsed);
      if (!build.target) continue;
      const { name, word } = build.target;
      if (name === "" || stageIndex(stages, name, stages.length) >= 0) continue;
      const known = stages.flatMap((stage) => stage.name ?? []);
      const guess = nearest(name, known);
      const has = known.length === 0 ? "it names no stage" : `it has ${known.map((one) => `\`${one}\``).join(", ")}`;
      yield {
        severity: !isSourceSettled(context, command) ? "warning" : severityFor(context, command, dockerfilePath),
        message: `\`${dockerfilePath}\` has no stage \`${name}\`; ${guess === undefined ? has : `did you mean \`${guess}\`?`}`,
        span: word.span ?? command.span,
        why: `\`${build.program} build\` answers \`target stage "${name}" could not be found\``,
        ...(guess === undefined ? {} : wordEdit(context, word, name, guess)),
      };
    }
  },
};

/** `COPY --from=bulider`: BuildKit takes what is no stage for an image, and finds none. */
function* copiesFromNowhere(
  build: DockerBuild,
  command: ShellCommand,
  path: string,
  dockerfile: Dockerfile,
): Iterable<Finding> {
  const { stages } = dockerfile;
  for (const stage of neededStages(dockerfile, build.target?.name)) {
    const before = stages.indexOf(stage);
    for (const { flags, line } of stage.instructions) {
      const name = flags.find((flag) => flag.name === "from")?.value ?? "";
      if (!/^[A-Za-z][\w-]*$/.test(name) || build.contexts.includes(name) || stageIndex(stages, name, before) >= 0)
        continue;
      const guess = nearest(
        name,
        stages.slice(0, before).flatMap((one) => one.name ?? []),
      );
      if (guess === undefined) continue;
      yield {
        severity: "warning",
        message: `\`${path}:${line}\` copies from \`${name}\`, which is no stage; did you mean \`${guess}\`?`,
        span: (build.file ?? build.context)?.word.span ?? command.span,
        why: "BuildKit takes the name for an image of Docker Hub, and answers `pull access denied, repository does not exist`",
      };
    }
  }
}
