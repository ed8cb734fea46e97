/** No `version`: required by the reference. What CodeBuild answers has not been recorded. */
import { linesOf, rootIndent } from "../edits/env-edits.ts";
import type { Rule } from "../rule.ts";
import { parserFindings } from "./from-parser.ts";

export const buildspecMissingVersion: Rule = {
  id: "buildspec/missing-version",
  severity: "error",
  title: "a buildspec without `version`",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.version",
  run: (context) =>
    parserFindings(context, "buildspec/missing-version", () => {
      const newline = context.text.includes("\r\n") ? "\r\n" : "\n";
      const start = /^\uFEFF?(?:(?:%[^\n]*\n)*---[ \t]*(?:#[^\n]*)?\r?\n)?/.exec(context.text)?.[0].length ?? 0;
      const indent = " ".repeat(rootIndent(linesOf(context.text.slice(start))));
      return {
        kind: "edit",
        title: "add `version: 0.2`",
        edits: [
          {
            file: context.file,
            startOffset: start,
            endOffset: start,
            newText: `${indent}version: 0.2${newline}${newline}`,
          },
        ],
      };
    }),
};
