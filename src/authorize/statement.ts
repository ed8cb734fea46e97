/**
 * One statement of a policy with ready matchers. A statement that cannot be read keeps its place, so that explanations
 * can name it, and never applies.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */

import { type ActionName, type ActionPattern, compileActionPattern } from "./action-pattern.ts";
import { type ConditionTest, compileCondition } from "./conditions/condition.ts";
import type { StatementTrace } from "./decision.ts";
import { listOfStrings } from "./document-lists.ts";
import { compileNotPrincipal, compilePrincipal, type PrincipalMatcher } from "./principals.ts";
import { type ArnPattern, compileArnPattern } from "./resource-pattern.ts";

export interface CompiledStatement {
  /** 0-based, in the document. */
  readonly index: number;
  readonly sid: string | undefined;
  readonly effect: "Allow" | "Deny";
  readonly actions: readonly ActionPattern[];
  readonly isNotAction: boolean;
  /** Undefined when the statement has neither Resource nor NotResource, as in trust policies. */
  readonly resources: readonly ArnPattern[] | undefined;
  readonly isNotResource: boolean;
  /** Undefined when the statement has neither Principal nor NotPrincipal. */
  readonly principal: PrincipalMatcher | undefined;
  readonly conditions: readonly ConditionTest[];
  /** Why the statement never applies; AWS refuses to save such a statement. */
  readonly defect: Required<Pick<StatementTrace, "failed" | "detail">> | undefined;
}

/** Undefined for what is no statement: no object, or no Effect. */
export function compileStatement(raw: unknown, index: number, variables: boolean): CompiledStatement | undefined {
  if (typeof raw !== "object" || raw === null) return undefined;
  // Own members only: what an object inherits is not in the document.
  const statement = new Map<string, unknown>(Object.entries(raw));
  const effect = statement.get("Effect");
  if (effect !== "Allow" && effect !== "Deny") return undefined;
  const isNotAction = statement.has("NotAction");
  const isNotResource = statement.has("NotResource");
  const actions = listOfStrings(statement.get(isNotAction ? "NotAction" : "Action"));
  const hasResource = isNotResource || statement.has("Resource");
  const resources = listOfStrings(statement.get(isNotResource ? "NotResource" : "Resource"));
  const conditions = compileCondition(statement.get("Condition"), variables);
  const sid = statement.get("Sid");
  return {
    index,
    sid: typeof sid === "string" && sid !== "" ? sid : undefined,
    effect,
    actions: actions.map(compileActionPattern),
    isNotAction,
    resources: hasResource
      ? resources.map((source) => compileArnPattern(source, { variables, isCondition: false }))
      : undefined,
    isNotResource,
    principal: statement.has("NotPrincipal")
      ? compileNotPrincipal(statement.get("NotPrincipal"), effect)
      : statement.has("Principal")
        ? compilePrincipal(statement.get("Principal"))
        : undefined,
    conditions: conditions ?? [],
    defect:
      isNotAction && actions.length === 0
        ? { failed: "Action", detail: "the statement's NotAction names no action" }
        : isNotResource && resources.length === 0
          ? { failed: "Resource", detail: "the statement's NotResource names no resource" }
          : conditions === undefined
            ? { failed: "Condition", detail: "the statement's Condition cannot be read" }
            : undefined,
  };
}

/** The Action or NotAction of a statement, whatever else it says. */
export function matchesAction(statement: CompiledStatement, action: ActionName): boolean {
  return statement.actions.some((pattern) => pattern.matches(action)) !== statement.isNotAction;
}
