/** The policy a build's service role needs, before the build runs: from the plan's own references and commands. */
import type { BuildPlan } from "../build/plan/index.ts";
import { requiredPermissions, type S3Settings } from "../build/plan/index.ts";
import type { AwsScope } from "../core/arn.ts";
import { type LeastPrivilegePolicy, policyFromRequirements } from "./policy-from-requirements.ts";

/** Gap: what commands call themselves (`aws s3 cp`, SDKs) is not in a plan; {@link policyFromDecisions} knows it. */
export function policyFromPlan(
  plan: BuildPlan,
  scope: AwsScope,
  projectName: string,
  s3?: S3Settings,
): LeastPrivilegePolicy {
  return policyFromRequirements(requiredPermissions(plan, scope, projectName, s3));
}
