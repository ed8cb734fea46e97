/** `--build-arg` of a name that no ARG of the Dockerfile declares: docker warns and builds without it. */
import { nearest } from "../../core/nearest.ts";
import type { Dockerfile } from "../../dockerfile/index.ts";
import { dockerBuildsOf } from "../docker/docker-build-lookup.ts";
import type { Rule } from "../rule.ts";
import { wordEdit } from "../tree/path-findings.ts";

/** Taken without an ARG: https://docs.docker.com/reference/dockerfile/#predefined-args */
const PREDEFINED =
  /^((HTTP|HTTPS|FTP|NO|ALL)_PROXY|SOURCE_DATE_EPOCH|BUILDKIT_\w+|DOCKER_\w+|BUILDPLATFORM|TARGET\w+)$/i;

export const dockerfileBuildArgUnused: Rule = {
  id: "dockerfile/build-arg-unused",
  severity: "warning",
  title: "`--build-arg` that no ARG of the Dockerfile takes",
  source: "https://docs.docker.com/reference/dockerfile/#arg",
  *run(context) {
    for (const { build, dockerfile, command } of dockerBuildsOf(context)) {
      if (!dockerfile) continue;
      const declared = argNames(dockerfile.parsed);
      for (const { name, word } of build.buildArgs) {
        if (declared.has(name) || PREDEFINED.test(name)) continue;
        const given = new Set(build.buildArgs.map((one) => one.name));
        const guess = nearest(
          name,
          [...declared].filter((one) => !given.has(one)),
        );
        yield {
          message: `\`${dockerfile.file}\` has no \`ARG ${name}\`${guess === undefined ? "" : `; did you mean \`${guess}\`?`}`,
          span: word.span ?? command.span,
          why: `docker warns that build-args were not consumed, and builds without the value`,
          ...(guess?.toLowerCase() === name.toLowerCase() ? wordEdit(context, word, name, guess) : {}),
        };
      }
    }
  },
};

const argNames = ({ globalArgs, stages }: Dockerfile): ReadonlySet<string> =>
  new Set(
    [...globalArgs, ...stages.flatMap(({ instructions }) => instructions)]
      .filter(({ keyword }) => keyword === "ARG")
      .flatMap(({ text }) => [...text.matchAll(/(?:^|\s)([A-Za-z_]\w*)/g)].map(([, name = ""]) => name)),
  );
