/** Public face of least-privilege/: the smallest policy for a plan or for what a build really called, and how a role differs. */
export { batchRolePolicy } from "./batch-role-policy.ts";
export type { PolicyDifference, UnusedGrant } from "./diff-policy.ts";
export { diffPolicy } from "./diff-policy.ts";
export { policyFromDecisions } from "./policy-from-decisions.ts";
export { policyFromPlan, policyFromPlans } from "./policy-from-plan.ts";
export type { LeastPrivilegePolicy, Requirement } from "./policy-from-requirements.ts";
export { policyFromRequirements, splitPolicy } from "./policy-from-requirements.ts";
