/**
 * `- echo Result: ok` is a mapping, not a text: the best-known buildspec error. Quotes inside do not help, because the
 * value starts with `echo`.
 */
import type { Rule } from "../rule.ts";
import { parserFindings } from "./from-parser.ts";

export const phasesCommandIsMapping: Rule = {
  id: "phases/command-is-mapping",
  severity: "error",
  title: "a command with an unquoted `: `, which YAML reads as a mapping",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases",
  run: (context) =>
    parserFindings(context, "phases/command-is-mapping", ({ span }) => {
      if (!span || span.line !== span.endLine) return undefined;
      const source = context.text.slice(span.startOffset, span.endOffset).trimEnd();
      if (source === "" || source.startsWith("{")) return undefined;
      const newText = `'${source.replace(/'/g, "''")}'`;
      return {
        kind: "edit",
        title: "quote the whole command",
        edits: [
          { file: context.file, startOffset: span.startOffset, endOffset: span.startOffset + source.length, newText },
        ],
      };
    }),
};
