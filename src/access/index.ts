/** Whether a role or user may do something, and why. See README.md. */
export {
  type AccessAnswer,
  type AccessCheck,
  type AccessCheckDependencies,
  type AccessQuestion,
  createAccessCheck,
} from "./access-check.ts";
