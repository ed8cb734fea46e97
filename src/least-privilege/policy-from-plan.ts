/** The policy a build's service role needs, before the build runs: from a plan's own references and commands, and the project. */
import { type BuildPlan, type RoleSettings, requiredPermissions } from "../build/plan/index.ts";
import type { AwsScope } from "../core/arn.ts";
import { type LeastPrivilegePolicy, policyFromRequirements } from "./policy-from-requirements.ts";

/** Gap: what commands call themselves (`aws s3 cp`, SDKs) is not in a plan; `requirementsOfDecisions` knows it after a run. */
export const policyFromPlan = (
  plan: BuildPlan,
  scope: AwsScope,
  projectName: string,
  settings?: RoleSettings,
): LeastPrivilegePolicy => policyFromRequirements(requiredPermissions(plan, scope, projectName, settings));
