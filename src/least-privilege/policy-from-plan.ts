/** The policy a build's service role needs, before the build runs: from plans' own references and commands, and the project. */
import { type BuildPlan, type RoleSettings, requiredPermissions } from "../build/plan/index.ts";
import type { AwsScope } from "../core/arn.ts";
import { type LeastPrivilegePolicy, policyFromRequirements } from "./policy-from-requirements.ts";

/** Gap: what commands call themselves (`aws s3 cp`, SDKs) is not in a plan; {@link policyFromDecisions} knows it. */
export function policyFromPlan(
  plan: BuildPlan,
  scope: AwsScope,
  projectName: string,
  settings?: RoleSettings,
): LeastPrivilegePolicy {
  return policyFromPlans([plan], scope, projectName, settings);
}

/** One role for several buildspecs: what any of them needs, as the builds of a batch share their service role. */
export function policyFromPlans(
  plans: readonly BuildPlan[],
  scope: AwsScope,
  projectName: string,
  settings?: RoleSettings,
): LeastPrivilegePolicy {
  return policyFromRequirements(plans.flatMap((plan) => requiredPermissions(plan, scope, projectName, settings)));
}
