/** Secondary artifacts of the buildspec and of the project that have no counterpart; only when the project is known. */
import { nearest } from "../../core/nearest.ts";
import type { Rule } from "../rule.ts";

export const artifactsSecondaryUnmatched: Rule = {
  id: "artifacts/secondary-unmatched",
  severity: "warning",
  title: "secondary artifacts without their counterpart in the project",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/sample-multi-in-out.html",
  *run({ buildspec: { artifacts }, project }) {
    if (!project.secondaryArtifacts || project.artifacts?.type === "CODEPIPELINE") return;
    const known = project.secondaryArtifacts.flatMap(({ artifactIdentifier }) => artifactIdentifier ?? []);
    const written = artifacts?.secondary ?? [];
    const names = new Set(written.map(({ identifier }) => identifier.value));
    const waiting = known.filter((name) => !names.has(name));
    for (const { identifier } of written) {
      if (known.includes(identifier.value)) continue;
      const guess = nearest(identifier.value, waiting);
      const has =
        known.length === 0
          ? "the project has none"
          : `the project has ${known.map((name) => `\`${name}\``).join(", ")}`;
      yield {
        message: `secondary artifacts \`${identifier.value}\` are not in the project; ${guess === undefined ? has : `did you mean \`${guess}\`?`}`,
        span: identifier.span,
        why: "the identifier has to be that of one of the project's `secondaryArtifacts`; these files are not collected",
      };
    }
    // What is misspelt is said once, above.
    if (!artifacts || written.some(({ identifier }) => !known.includes(identifier.value))) return;
    for (const name of waiting) {
      yield {
        message: `the project's secondary artifacts \`${name}\` are not in the buildspec`,
        span: artifacts.span,
        why: "nothing is collected for them",
      };
    }
  },
};
