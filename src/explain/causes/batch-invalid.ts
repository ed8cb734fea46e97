/** The buildspec's `batch` is none that can run: the source build of a batch ends with what is wrong with it. */
import { planBatch } from "../../build/batch/index.ts";
import type { Cause, Finding } from "../cause.ts";
import { at } from "./finding-parts.ts";
import { fieldOf } from "./source-parts.ts";

export const batchInvalid: Cause = {
  id: "batch/invalid",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html"],
  match(failure, { build, buildspec }): Finding | undefined {
    const { message } = failure;
    if (failure.statusCode !== "YAML_FILE_ERROR" || build.buildBatchArn === undefined) return undefined;
    const restriction = /\((maximumBuildsAllowed|computeTypesAllowed|fleetsAllowed)\)$/.exec(message)?.[1];
    const base = { evidence: [message], confidence: "certain" as const };
    if (restriction !== undefined) {
      return {
        ...base,
        cause: `the project does not allow this batch: ${message.replace(/ \(\w+\)$/, "")}`,
        ...at(buildspec?.file, buildspec?.batch?.span.line),
        ...fieldOf(`buildBatchConfig.restrictions.${restriction}`, undefined),
        next: `change the \`batch\`, or \`${restriction}\` in the project's \`buildBatchConfig.restrictions\``,
      };
    }
    if (message === "the buildspec has no batch section") {
      return {
        ...base,
        cause: `the buildspec${buildspec ? ` \`${buildspec.file}\`` : ""} has no \`batch\`, so there is nothing to start`,
        ...fieldOf("source.buildspec", build.source?.buildspec),
        next: "add a `batch`, name the buildspec that has one, or start a build instead of a batch",
      };
    }
    if (!buildspec?.batch) return undefined;
    const failed = planBatch({ batch: buildspec.batch, buildspecFile: buildspec.file }).failure;
    if (failed?.message !== message) return undefined;
    return {
      ...base,
      cause: `the \`batch\` of the buildspec cannot run: ${message}`,
      ...at(buildspec.file, failed.span?.line),
      next: "`kiln check` shows every place; `kiln plan --graph` shows the builds once it can run",
    };
  },
};
