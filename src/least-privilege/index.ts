/** Public face of least-privilege/: the smallest policy for a plan or for what a build really called, and how a role differs. */
export { batchRolePolicy } from "./batch-role-policy.ts";
export type { PolicyDifference, UnusedGrant } from "./diff-policy.ts";
export { diffPolicy } from "./diff-policy.ts";
export { policyFromDecisions, requirementsOfDecisions } from "./policy-from-decisions.ts";
export { policyFromPlan } from "./policy-from-plan.ts";
export type { ExplainedPolicy, LeastPrivilegePolicy, Requirement } from "./policy-from-requirements.ts";
export {
  attachable,
  explainedPolicy,
  policyFromRequirements,
  splitPolicy,
} from "./policy-from-requirements.ts";
export { type PolicyUsage, policyUsage } from "./policy-usage.ts";
export { toCloudFormation } from "./to-cloudformation.ts";
export { toTerraform } from "./to-terraform.ts";
export { toText } from "./to-text.ts";
