/** Quotes inside a pattern: `"'**\/*'"` looks for names with quotes in them. */
import type { Located } from "../../build/buildspec/index.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";

export const artifactsQuoteInGlob: Rule = {
  id: "artifacts/quote-in-glob",
  severity: "warning",
  title: "quotes that are part of a pattern",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts.files",
  *run(context) {
    const { artifacts, reports, cache } = context.buildspec;
    const sections = [artifacts, ...(artifacts?.secondary.map((one) => one.artifacts) ?? []), ...reports];
    const values = [
      ...sections.flatMap((one) => (one ? [...one.files, ...(one.baseDirectory ? [one.baseDirectory] : [])] : [])),
      ...(artifacts?.excludePaths ?? []),
      ...(cache?.paths ?? []),
    ];
    for (const value of values) if (/["']/.test(value.value)) yield* finding(context, value);
  },
};

function* finding(context: CheckContext, { value, span }: Located<string>): Iterable<Finding> {
  const bare = value.replace(/["']/g, "");
  // A shell's quotes inside `$(…)` are its own; an apostrophe in a file's name may be meant.
  if (/[$`]/.test(value) || context.workspace.files().some((file) => /["']/.test(file))) return;
  const newText = /^[\w./-]+$/.test(bare) ? bare : `"${bare}"`;
  const isSafe = /^[\w./*?[\]-]+$/.test(bare);
  yield {
    message: `\`${value}\` has quotes in it, expected \`${bare}\``,
    span,
    why: "a quote that YAML does not take away is part of the name that is looked for: nothing matches",
    ...(isSafe && {
      fix: {
        kind: "edit" as const,
        title: `use \`${newText}\``,
        edits: [{ file: context.file, startOffset: span.startOffset, endOffset: span.endOffset, newText }],
      },
    }),
  };
}
