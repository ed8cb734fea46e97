/** The same key twice in one mapping: only one of them counts. */
import type { Rule } from "../rule.ts";
import { findingsIn, parserFindings } from "./from-parser.ts";

export const buildspecDuplicateKey: Rule = {
  id: "buildspec/duplicate-key",
  severity: "warning",
  title: "a key that stands twice in one mapping",
  source: "https://yaml.org/spec/1.2.2/#3213-node-comparison",
  *run(context) {
    yield* parserFindings(context, "buildspec/duplicate-key");
    // The section is read apart.
    yield* findingsIn(context.buildspec.batch?.diagnostics ?? [], "buildspec/duplicate-key");
  },
};
