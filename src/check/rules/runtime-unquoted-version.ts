/** `python: 3.10` without quotes: to a YAML parser a number, which is 3.1. Quoted it is a text everywhere. */
import type { Rule } from "../rule.ts";

export const runtimeUnquotedVersion: Rule = {
  id: "runtime/unquoted-version",
  severity: "info",
  title: "a version ending in 0 that YAML reads as a number",
  source:
    "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases.install.runtime-versions",
  *run({ buildspec, file, text }) {
    for (const { runtimeVersions } of buildspec.phases) {
      for (const { runtime, version } of runtimeVersions) {
        const { startOffset, endOffset } = version.span;
        const written = text.slice(startOffset, endOffset);
        if (!/^\d+\.\d*0$/.test(written) || /^\d+\.0$/.test(written)) continue;
        yield {
          message: `${runtime.value}: \`${written}\` is the number ${Number(written)} to YAML`,
          span: version.span,
          why: "CodeBuild takes the text as it stands; other tools that read the file, and those that write it again, do not",
          fix: {
            kind: "edit",
            title: "quote it",
            edits: [{ file, startOffset, endOffset, newText: `"${written}"` }],
          },
        };
      }
    }
  },
};
