/** `CODEBUILD_SRC_DIR_<identifier>` of a secondary source that the project does not have; only when it is known. */
import { nearest } from "../../core/nearest.ts";
import type { Rule } from "../rule.ts";

export const sourcesSecondaryUnknown: Rule = {
  id: "sources/secondary-unknown",
  severity: "error",
  title: "a secondary source that the project does not have",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/sample-multi-in-out.html",
  *run({ buildspec, project, text, spanOf }) {
    // The input artifacts of a pipeline are no settings of the project.
    if (!project.secondarySources || project.source?.type === "CODEPIPELINE") return;
    const known = project.secondarySources.flatMap(({ sourceIdentifier }) => sourceIdentifier ?? []);
    const set = new Set(buildspec.env.variables.map(({ name }) => name.value));
    const places = [
      ...buildspec.phases.flatMap((phase) => [...phase.commands, ...phase.finally]),
      ...[buildspec.artifacts?.baseDirectory].flatMap((base) => base ?? []),
    ];
    for (const { span } of places) {
      const source = text.slice(span.startOffset, span.endOffset);
      for (const match of source.matchAll(/\$\{?(CODEBUILD_SRC_DIR_(\w+))/g)) {
        const [, variable = "", identifier = ""] = match;
        if (known.includes(identifier) || set.has(variable)) continue;
        const guess = nearest(identifier, known);
        const startOffset = span.startOffset + (match.index ?? 0);
        const has =
          known.length === 0
            ? "the project has none"
            : `the project has ${known.map((name) => `\`${name}\``).join(", ")}`;
        yield {
          message: `there is no secondary source \`${identifier}\`; ${guess === undefined ? has : `did you mean \`${guess}\`?`}`,
          span: spanOf(startOffset, startOffset + match[0].length),
          why: `\`${variable}\` is empty: CodeBuild sets one such variable for each secondary source of the project`,
        };
      }
    }
  },
};
