/** `docker build --target` of a stage that the Dockerfile does not have. */
import { nearest } from "../../core/nearest.ts";
import { dockerBuildsOf, stageIndex } from "../docker-build-lookup.ts";
import { severityFor, wordEdit } from "../path-findings.ts";
import type { Rule } from "../rule.ts";
import { isSourceSettled } from "../source-edits.ts";

export const dockerfileTargetNotFound: Rule = {
  id: "dockerfile/target-not-found",
  severity: "error",
  title: "`--target` of a stage that the Dockerfile does not have",
  source: "https://docs.docker.com/reference/cli/docker/buildx/build/#target",
  *run(context) {
    for (const { build, command, dockerfile, dockerfilePath } of dockerBuildsOf(context)) {
      if (!build.target || !dockerfile || dockerfilePath === undefined) continue;
      const { stages } = dockerfile.parsed;
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
