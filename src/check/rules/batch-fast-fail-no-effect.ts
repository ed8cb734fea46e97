/** `fast-fail: true` that can stop nothing: one build only, or builds that all may fail. */
import { planBatch } from "../../build/batch/index.ts";
import type { Rule } from "../rule.ts";

export const batchFastFailNoEffect: Rule = {
  id: "batch/fast-fail-no-effect",
  severity: "info",
  title: "`fast-fail` that stops nothing",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html",
  *run({ buildspec, file }) {
    const { batch } = buildspec;
    if (!batch?.fastFail?.value) return;
    const { plan } = planBatch({ batch, buildspecFile: file });
    if (!plan) return;
    const isSingle = plan.tasks.length === 1;
    if (!isSingle && !plan.tasks.every(({ ignoreFailure }) => ignoreFailure)) return;
    yield {
      message: `\`fast-fail\` has no effect: ${isSingle ? "the batch has one build" : "every build has `ignore-failure`"}`,
      span: batch.fastFail.span,
      why: "it stops the other builds as soon as one fails that may not",
    };
  },
};
