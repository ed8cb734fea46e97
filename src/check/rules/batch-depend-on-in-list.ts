/** `depend-on` in a `build-list`: the tasks of a list all start at once, an order needs `build-graph`. */
import type { Rule } from "../rule.ts";

export const batchDependOnInList: Rule = {
  id: "batch/depend-on-in-list",
  severity: "error",
  title: "`depend-on` in a `build-list`, which has no order",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html",
  *run({ buildspec, file }) {
    const { batch } = buildspec;
    const kind = batch?.kinds.find(({ value }) => value === "build-list");
    if (!batch || !kind) return;
    const uses = batch.unknownKeys.flatMap(({ section, keys }) =>
      section.startsWith("batch.build-list") ? keys.filter(({ value }) => value === "depend-on") : [],
    );
    const [first, ...others] = uses;
    if (!first) return;
    const { startOffset, endOffset } = kind.span;
    yield {
      message: "`depend-on` has no effect in a `build-list`, expected in a `build-graph`",
      span: first.span,
      why: "all builds of a list start at once, so this one does not wait",
      ...(others.length > 0 && { related: others.map(({ span }) => ({ span, message: "and here" })) }),
      ...(batch.kinds.length === 1 && {
        fix: {
          kind: "edit" as const,
          title: "make it a `build-graph`",
          edits: [{ file, startOffset, endOffset, newText: "build-graph" }],
        },
      }),
    };
  },
};
