/** The policy engine: the only place that decides allow or deny. Pure: no I/O, no clock. See README.md. */
export { principalContext } from "./context-keys.ts";
export type * from "./decision.ts";
export { evaluate } from "./evaluate.ts";
export { type NearMiss, nearestMisses } from "./nearest-misses.ts";
export { contextKeysUsed } from "./policy.ts";
export { type PolicyKind, policySize, validatePolicy } from "./validate-policy.ts";
