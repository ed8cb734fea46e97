/**
 * The Condition element: operators, keys and values compiled into tests of a request's condition keys.
 * Operators AND, keys AND, values OR (for negated operators: none of them).
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_multi-value-conditions.html,
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
 */
import type { ContextLookup } from "../context.ts";
import type { ContextValue } from "../decision.ts";
import { OPERATORS, type OperatorName, parseOperator, type ValueTest } from "./operators.ts";

/** One operator with one key. */
export interface ConditionTest {
  readonly operator: string;
  readonly key: string;
  readonly values: readonly string[];
  holds(lookup: ContextLookup): boolean;
}

/**
 * The tests of a Condition element; all must hold. `variables`: the policy's Version allows `${…}`. Undefined for an
 * element that is no condition at all (a list, a text): a statement with such a thing must never apply.
 */
export function compileCondition(element: unknown, variables: boolean): ConditionTest[] | undefined {
  if (element === undefined) return [];
  if (!isMap(element)) return undefined;
  const tests: ConditionTest[] = [];
  for (const [operator, keys] of Object.entries(element)) {
    if (!isMap(keys)) return undefined;
    for (const [key, raw] of Object.entries(keys)) {
      const values = (Array.isArray(raw) ? raw : [raw]).filter(isScalar).map(String);
      tests.push({ operator, key, values, holds: compileTest(operator, key, values, variables) });
    }
  }
  return tests;
}

/** AWS: JSON booleans and numbers are taken as their text; nothing else but text is a value. */
const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

function compileTest(name: string, key: string, values: readonly string[], variables: boolean): ConditionTest["holds"] {
  const operator = parseOperator(name);
  // A statement with an operator that AWS does not know never applies.
  if (!operator) return () => false;
  if (operator.base === "Null") return compileNull(key, values);
  const { comparison, isNegated } = OPERATORS.get(operator.base) as NonNullable<ReturnType<typeof OPERATORS.get>>;
  const tests = values.map((value) => comparison.compile(value, variables));
  return (lookup) => {
    const value = lookup(key);
    if (isAbsent(value)) return holdsWhenAbsent(operator, isNegated);
    // AWS: a set operator takes a value that is an empty text for an empty set.
    if (operator.quantifier && isEmptyText(value)) return operator.quantifier === "ForAllValues";
    return holdsFor(value, tests, operator, isNegated, lookup);
  };
}

/** `"true"`: the key is absent; `"false"`: it is present. */
function compileNull(key: string, values: readonly string[]): ConditionTest["holds"] {
  const folded = values.map((value) => value.toLowerCase());
  return (lookup) => folded.includes(String(isAbsent(lookup(key))));
}

const isAbsent = (value: ContextValue | undefined): value is undefined =>
  value === undefined || (typeof value !== "string" && value.length === 0);

const isEmptyText = (value: ContextValue): boolean =>
  typeof value === "string" ? value === "" : value.every((one) => one === "");

function holdsWhenAbsent(operator: OperatorName, isNegated: boolean): boolean {
  if (operator.ifExists || operator.quantifier === "ForAllValues") return true;
  return operator.quantifier === undefined && isNegated;
}

function holdsFor(
  value: ContextValue,
  tests: readonly ValueTest[],
  operator: OperatorName,
  isNegated: boolean,
  lookup: ContextLookup,
): boolean {
  const matchesAny = (one: string): boolean => {
    for (const test of tests) if (test(one, lookup)) return true;
    return false;
  };
  if (typeof value === "string") return matchesAny(value) !== isNegated;
  if (operator.quantifier === "ForAllValues") return value.every((one) => matchesAny(one) !== isNegated);
  if (operator.quantifier === "ForAnyValue") return value.some((one) => matchesAny(one) !== isNegated);
  if (value.length === 1) return matchesAny(value[0] as string) !== isNegated;
  // A multi-valued key without ForAllValues or ForAnyValue: a positive operator never matches, a negated one holds
  // only when no value matches.
  return isNegated && !value.some(matchesAny);
}

const isMap = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);
