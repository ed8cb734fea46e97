/** `on-failure` with a value that is none of AWS's: the build ends in DOWNLOAD_SOURCE. */
import type { Located } from "../../build/buildspec/index.ts";
import { parseOnFailure } from "../../build/plan/on-failure.ts";
import type { Fix } from "../../core/diagnostics.ts";
import { nearest } from "../../core/nearest.ts";
import type { CheckContext, Rule } from "../rule.ts";

export const phasesOnFailureUnknown: Rule = {
  id: "phases/on-failure-unknown",
  severity: "error",
  title: "an `on-failure` that CodeBuild does not know",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases",
  *run(context) {
    for (const { onFailure } of context.buildspec.phases) {
      const parsed = onFailure && parseOnFailure(onFailure.value);
      if (!onFailure || !parsed || parsed.ok) continue;
      const guess = guessFor(onFailure.value);
      yield {
        message: parsed.error,
        span: onFailure.span,
        why: "Kiln ends the build in DOWNLOAD_SOURCE; what CodeBuild makes of it is not published",
        ...(guess === undefined ? {} : { fix: write(context, onFailure, guess) }),
      };
    }
  },
};

/** `continue`, `retry-3`, `ABORTED`; an expression after `RETRY-` is nobody's to guess. */
function guessFor(value: string): string | undefined {
  const upper = value.trim().toUpperCase();
  const retry = /^RETRY[-_ :]*(\d{1,3})?$/.exec(upper);
  const guess = retry
    ? retry[1] === undefined
      ? "RETRY"
      : `RETRY-${retry[1]}`
    : nearest(upper, ["ABORT", "CONTINUE", "RETRY"]);
  return guess !== undefined && parseOnFailure(guess).ok ? guess : undefined;
}

const write = (context: CheckContext, { span }: Located<string>, to: string): Fix => ({
  kind: "edit",
  title: `write \`${to}\``,
  edits: [{ file: context.file, startOffset: span.startOffset, endOffset: span.endOffset, newText: to }],
});
