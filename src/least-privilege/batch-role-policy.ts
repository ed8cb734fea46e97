/**
 * The policy of a batch role (`buildBatchConfig.serviceRole`): the three actions on builds of the project, nothing of
 * what the builds themselves do. Source: https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build.html
 */
import { type AwsScope, arnIn } from "../core/arn.ts";
import { type LeastPrivilegePolicy, policyFromRequirements } from "./policy-from-requirements.ts";

/** Known before any batch runs: it depends on the project's name alone. */
export function batchRolePolicy(scope: AwsScope, projectName: string): LeastPrivilegePolicy {
  const resource = arnIn(scope, "codebuild", `project/${projectName}`);
  return policyFromRequirements(
    ["StartBuild", "StopBuild", "RetryBuild"].map((action) => ({ action: `codebuild:${action}`, resource })),
  );
}
