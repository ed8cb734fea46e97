/** Retries that never happen: of builds that a pipeline starts, and `on-failure: RETRY` where CodeBuild does not know it. */
import { parseOnFailure } from "../../build/plan/index.ts";
import { isLambda } from "../knowledge/environments.ts";
import type { Rule } from "../rule.ts";

export const projectRetryIgnored: Rule = {
  id: "project/retry-ignored",
  severity: "warning",
  title: "retries that the project's settings rule out",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/auto-retry-build.html",
  *run({ project, buildspec }) {
    const isPipeline = project.source?.type === "CODEPIPELINE";
    if (isPipeline && (project.autoRetryLimit ?? 0) > 0) {
      yield {
        message: `autoRetryLimit is ${project.autoRetryLimit}, and the project is built by a pipeline`,
        why: "builds that CodePipeline starts are not retried; the pipeline retries its stage",
      };
    }
    const isFleet = project.fleet?.fleetArn !== undefined;
    if (!isLambda(project.type) && !isFleet) return;
    for (const { onFailure } of buildspec.phases) {
      const parsed = onFailure && parseOnFailure(onFailure.value);
      if (!onFailure || !parsed?.ok) continue;
      yield {
        message: `\`on-failure: ${onFailure.value}\` is not supported ${isFleet ? "on reserved capacity" : "on Lambda compute"}`,
        span: onFailure.span,
        why: "CodeBuild's reference excludes it there",
      };
    }
  },
};
