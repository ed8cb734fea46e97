/** A request in the form that statements are tested against, and those tests. */
import type { Principal } from "../core/aws.ts";
import type { ContextLookup } from "./context.ts";
import type { EvaluationInput } from "./decision.ts";
import type { ActionName, CompiledStatement } from "./policy.ts";
import { type ArnParts, arnPartsOf } from "./resource-pattern.ts";

export interface EvaluatedRequest {
  readonly principal: Principal;
  /** As the caller wrote it, for explanations. */
  readonly actionText: string;
  readonly action: ActionName;
  readonly resource: string;
  readonly resourceParts: ArnParts;
  readonly lookup: ContextLookup;
}

export function evaluatedRequest({ principal, request }: EvaluationInput, lookup: ContextLookup): EvaluatedRequest {
  return {
    principal,
    actionText: request.action,
    action: parseAction(request.action),
    resource: request.resource,
    resourceParts: arnPartsOf(request.resource),
    lookup,
  };
}

const actions = new Map<string, ActionName>();
const MAX_ACTIONS = 5_000;

/** Service and name in lower case; remembered, because the same few hundred are asked again and again. */
function parseAction(text: string): ActionName {
  let action = actions.get(text);
  if (!action) {
    const folded = text.toLowerCase();
    const colon = folded.indexOf(":");
    action = { service: folded.slice(0, Math.max(0, colon)), name: folded.slice(colon + 1) };
    if (actions.size < MAX_ACTIONS) actions.set(text, action);
  }
  return action;
}

/** Resource and Condition of a statement whose action matches. */
export function appliesTo(statement: CompiledStatement, request: EvaluatedRequest): boolean {
  if (!matchesResource(statement, request)) return false;
  for (const condition of statement.conditions) if (!condition.holds(request.lookup)) return false;
  return true;
}

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
