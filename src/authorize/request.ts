/** A request in the form that statements are tested against, and those tests. */
import type { Principal } from "../core/aws.ts";
import { type ActionName, actionNameOf } from "./action-pattern.ts";
import type { ContextLookup } from "./context.ts";
import type { EvaluationInput } from "./decision.ts";
import type { Caller } from "./principals.ts";
import { type ArnParts, arnPartsOf } from "./resource-pattern.ts";
import type { CompiledStatement } from "./statement.ts";

export interface EvaluatedRequest extends Caller {
  /** As the caller wrote it, for explanations. */
  readonly actionText: string;
  readonly action: ActionName;
  readonly resource: string;
  readonly resourceParts: ArnParts;
  readonly lookup: ContextLookup;
  /** Keys whose values no explanation shows. */
  readonly secretKeys: readonly string[];
}

// AWS: the account's root user and service principals have no identity policies, boundary or session policies.
export const hasOwnPolicies = (principal: Principal): boolean =>
  principal.type !== "Root" && principal.type !== "AWSService";

const NO_KEYS: readonly string[] = [];

/** Splits action and resource once for all statements. */
export function evaluatedRequest(
  { principal, policies, request }: EvaluationInput,
  lookup: ContextLookup,
): EvaluatedRequest {
  return {
    principal,
    hasBoundary: policies.boundary !== undefined && hasOwnPolicies(principal),
    actionText: request.action,
    action: actionNameOf(request.action),
    resource: request.resource,
    resourceParts: arnPartsOf(request.resource),
    lookup,
    secretKeys: request.secretKeys ?? NO_KEYS,
  };
}

/** Resource and Condition of a statement whose action matches. */
export function appliesTo(statement: CompiledStatement, request: EvaluatedRequest): boolean {
  if (!matchesResource(statement, request)) return false;
  for (const condition of statement.conditions) if (!condition.holds(request.lookup)) return false;
  return true;
}

/** True also for a statement without Resource and NotResource. */
export function matchesResource(statement: CompiledStatement, request: EvaluatedRequest): boolean {
  if (!statement.resources) return true;
  let isListed = false;
  for (const pattern of statement.resources) {
    if (pattern.matches(request.resource, request.resourceParts, request.lookup)) {
      isListed = true;
      break;
    }
  }
  return isListed !== statement.isNotResource;
}
