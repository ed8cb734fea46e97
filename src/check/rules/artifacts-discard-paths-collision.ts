/** `discard-paths: yes` where two files of the source have one name: there is one place for both. AWS says nothing about which is kept. */
import { posix } from "node:path";
import { globMatcher } from "../../dockerfile/index.ts";
import type { CheckContext, Rule } from "../rule.ts";
import { basePathOf, filesMatching, isOpen } from "../tree/artifact-files.ts";

export const artifactsDiscardPathsCollision: Rule = {
  id: "artifacts/discard-paths-collision",
  severity: "warning",
  title: "two files of one name under `discard-paths`",
  source:
    "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts.discard-paths",
  *run(context) {
    const { artifacts } = context.buildspec;
    for (const one of [artifacts, ...(artifacts?.secondary.map((secondary) => secondary.artifacts) ?? [])]) {
      if (one?.discardPaths?.value !== true) continue;
      const base = basePathOf(one);
      const excluded = one.excludePaths.map(({ value }) => value);
      if (base === undefined || excluded.some(isOpen)) continue;
      const isExcluded = excluded.map((pattern) => globMatcher(pattern.replace(/^\.\//, "")));
      const paths = new Set(
        one.files
          .filter(({ value }) => !isOpen(value) && !value.startsWith("/"))
          .flatMap(({ value }) => filesMatching(context, posix.join(base, value)))
          .filter((path) => !isExcluded.some((matches) => matches(base === "" ? path : path.slice(base.length + 1)))),
      );
      const pair = firstPair(paths, context);
      if (!pair) continue;
      yield {
        message: `\`discard-paths\` puts \`${pair[0]}\` and \`${pair[1]}\` in one place`,
        span: one.discardPaths.span,
        why: "every file lands in one folder under its bare name; of two with one name one is lost, or the upload fails",
      };
    }
  },
};

function firstPair(paths: ReadonlySet<string>, { file }: CheckContext): readonly [string, string] | undefined {
  const byName = new Map<string, string>();
  for (const path of [...paths].filter((one) => one !== file).sort()) {
    const name = posix.basename(path);
    const other = byName.get(name);
    if (other !== undefined) return [other, path];
    byName.set(name, path);
  }
  return undefined;
}
