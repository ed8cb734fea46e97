/**
 * Why each statement did or did not match: the first of Action, Resource, Principal, Condition that failed, with the
 * pattern and the value. Built on demand, from the same matchers that decided.
 */
import type { ConditionTest } from "./conditions/condition.ts";
import type { ContextValue, StatementTrace } from "./decision.ts";
import type { PolicyInPlay } from "./evaluate.ts";
import { type CompiledStatement, matchesAction } from "./policy.ts";
import { type EvaluatedRequest, matchesResource } from "./request.ts";

export function explainStatements(policies: readonly PolicyInPlay[], request: EvaluatedRequest): StatementTrace[] {
  return policies.flatMap(({ type, policy, compiled }) =>
    compiled.statements.map((statement) => {
      const hasPrincipal = type === "resource" || type === "trust";
      const failure = firstFailure(statement, request, hasPrincipal);
      return {
        policyName: policy.name,
        policyType: type,
        index: statement.index,
        ...(statement.sid === undefined ? {} : { sid: statement.sid }),
        effect: statement.effect,
        matched: failure === undefined,
        ...failure,
      };
    }),
  );
}

type Failure = Required<Pick<StatementTrace, "failed" | "detail">>;

function firstFailure(
  statement: CompiledStatement,
  request: EvaluatedRequest,
  hasPrincipal: boolean,
): Failure | undefined {
  if (!matchesAction(statement, request.action)) {
    const patterns = statement.actions.map((action) => action.source);
    return { failed: "Action", detail: mismatch(patterns, request.actionText, statement.isNotAction, "NotAction") };
  }
  if (!matchesResource(statement, request)) {
    const patterns = (statement.resources ?? []).map((resource) => resource.source);
    return { failed: "Resource", detail: mismatch(patterns, request.resource, statement.isNotResource, "NotResource") };
  }
  if (hasPrincipal && !statement.principal?.grant(request.principal)) {
    return { failed: "Principal", detail: principalMismatch(statement, request) };
  }
  const condition = statement.conditions.find((test) => !test.holds(request.lookup));
  return condition && { failed: "Condition", detail: conditionMismatch(condition, request.lookup(condition.key)) };
}

/** More patterns than this are counted, not printed. */
const MAX_PATTERNS = 4;

function mismatch(patterns: readonly string[], value: string, isNot: boolean, element: string): string {
  if (isNot) return `\`${value}\` is excluded by ${element} ${listed(patterns)}`;
  const [first] = patterns;
  if (first === undefined) return `no pattern to match \`${value}\``;
  if (patterns.length > 1) return `none of ${listed(patterns)} matches \`${value}\``;
  return /[*?]|\$\{/.test(first) ? `\`${first}\` does not match \`${value}\`` : `\`${first}\` is not \`${value}\``;
}

function listed(patterns: readonly string[]): string {
  const shown = patterns.slice(0, MAX_PATTERNS).map((pattern) => `\`${pattern}\``);
  const more = patterns.length - shown.length;
  return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}

function principalMismatch(statement: CompiledStatement, { principal }: EvaluatedRequest): string {
  if (!statement.principal) return "the statement names no principal";
  return `\`${JSON.stringify(statement.principalElement)}\` does not name \`${principal.arn}\``;
}

function conditionMismatch(test: ConditionTest, value: ContextValue | undefined): string {
  const wanted = `${test.operator} ${test.key} ${listed(test.values)}`;
  if (value === undefined) return `${wanted}: the request has no \`${test.key}\``;
  return `${wanted}: the request has ${listed(typeof value === "string" ? [value] : value)}`;
}
