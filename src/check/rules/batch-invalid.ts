/** A `batch` that cannot run: build/batch says why, in the words of the failure in DOWNLOAD_BATCHSPEC. */
import { planBatch } from "../../build/batch/index.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import { findingsIn } from "./from-parser.ts";

export const batchInvalid: Rule = {
  id: "batch/invalid",
  severity: "error",
  title: "a `batch` that cannot run: kinds, identifiers, dependencies, limits",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html",
  run: (context) => batchFindings(context, "batch/invalid"),
};

/** The findings of the batch's planner under one code. */
export function batchFindings({ buildspec, file, project }: CheckContext, code: string): Iterable<Finding> {
  if (!buildspec.batch) return [];
  const planned = planBatch({
    batch: buildspec.batch,
    buildspecFile: file,
    environment: { computeType: project.computeType },
    restrictions: project.batchRestrictions,
  });
  return findingsIn(planned.diagnostics, code);
}
