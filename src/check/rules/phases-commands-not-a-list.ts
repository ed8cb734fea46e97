/** `commands: one text`: run as one command here; the reference wants a list. */
import type { Rule } from "../rule.ts";
import { parserFindings } from "./from-parser.ts";

export const phasesCommandsNotAList: Rule = {
  id: "phases/commands-not-a-list",
  severity: "warning",
  title: "`commands` or `finally` that is a text instead of a list",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases",
  run: (context) => parserFindings(context, "phases/commands-not-a-list"),
};
