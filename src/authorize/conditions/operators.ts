/**
 * The comparisons of condition operators: each turns one value of a policy into a test of one value of a request.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 * Differs from other engines on purpose: negated operators are "none of the values", a value that cannot be parsed
 * matches nothing, ARN operators compare part by part.
 */
import type { ContextLookup } from "../context.ts";
import { arnPartsOf, compileArnPattern } from "../resource-pattern.ts";
import { compilePattern } from "../wildcard.ts";
import { parsePolicyDate } from "./dates.ts";
import { isInRange, parseIpRange } from "./ip-ranges.ts";

/** Does this one value of the request match the policy's value? */
export type ValueTest = (value: string, lookup: ContextLookup) => boolean;

interface Comparison {
  /** `variables`: the policy's Version allows `${…}`. */
  readonly compile: (policyValue: string, variables: boolean) => ValueTest;
}

interface Operator {
  readonly comparison: Comparison;
  readonly isNegated: boolean;
}

const never: ValueTest = () => false;

const stringEquals: Comparison = {
  compile: (text, variables) => {
    const pattern = compilePattern(text, { wildcards: false, variables });
    return (value, lookup) => pattern.matches(value, lookup);
  },
};

const stringEqualsIgnoreCase: Comparison = {
  compile: (text, variables) => {
    const pattern = compilePattern(text, { wildcards: false, variables, foldCase: true });
    return (value, lookup) => pattern.matches(value.toLowerCase(), lookup);
  },
};

const stringLike: Comparison = {
  compile: (text, variables) => {
    const pattern = compilePattern(text, { wildcards: true, variables });
    return (value, lookup) => pattern.matches(value, lookup);
  },
};

// AWS: ArnEquals and ArnLike are the same operator, wildcards included.
const arnLike: Comparison = {
  compile: (text, variables) => {
    const pattern = compileArnPattern(text, { variables, isCondition: true });
    return (value, lookup) => pattern.matches(value, arnPartsOf(value), lookup);
  },
};

const bool: Comparison = {
  compile: (text, variables) => {
    const pattern = compilePattern(text, { wildcards: false, variables, foldCase: true });
    return (value, lookup) => {
      const folded = value.toLowerCase();
      return (folded === "true" || folded === "false") && pattern.matches(folded, lookup);
    };
  },
};

const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?$/;

// Compared as bytes, because the padding may be left out; text that is no base64 matches nothing.
const binary: Comparison = {
  compile: (text) => {
    if (!BASE64.test(text)) return never;
    const bytes = Buffer.from(text, "base64");
    return (value) => BASE64.test(value) && bytes.equals(Buffer.from(value, "base64"));
  },
};

const ipAddress: Comparison = {
  compile: (text) => {
    const range = parseIpRange(text);
    if (!range) return never;
    return (value) => {
      const address = parseIpRange(value);
      return address !== undefined && isInRange(address, range);
    };
  },
};

const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)$/;
const parseNumber = (text: string): number | undefined => (DECIMAL.test(text) ? Number(text) : undefined);

/** request value OP policy value, after both were parsed. */
function ordered(
  parse: (text: string) => number | undefined,
  holds: (request: number, policy: number) => boolean,
): Comparison {
  return {
    compile: (text) => {
      const policy = parse(text);
      if (policy === undefined) return never;
      return (value) => {
        const request = parse(value);
        return request !== undefined && holds(request, policy);
      };
    },
  };
}

const equals = (request: number, policy: number): boolean => request === policy;

const relations: Readonly<Record<string, (request: number, policy: number) => boolean>> = {
  Equals: equals,
  LessThan: (request, policy) => request < policy,
  LessThanEquals: (request, policy) => request <= policy,
  GreaterThan: (request, policy) => request > policy,
  GreaterThanEquals: (request, policy) => request >= policy,
};

const positive = (comparison: Comparison): Operator => ({ comparison, isNegated: false });
const negated = (comparison: Comparison): Operator => ({ comparison, isNegated: true });

/** Every operator but `Null`, by its exact name (case-sensitive). */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ["StringEquals", positive(stringEquals)],
  ["StringNotEquals", negated(stringEquals)],
  ["StringEqualsIgnoreCase", positive(stringEqualsIgnoreCase)],
  ["StringNotEqualsIgnoreCase", negated(stringEqualsIgnoreCase)],
  ["StringLike", positive(stringLike)],
  ["StringNotLike", negated(stringLike)],
  ["ArnEquals", positive(arnLike)],
  ["ArnLike", positive(arnLike)],
  ["ArnNotEquals", negated(arnLike)],
  ["ArnNotLike", negated(arnLike)],
  ["Bool", positive(bool)],
  ["BinaryEquals", positive(binary)],
  ["IpAddress", positive(ipAddress)],
  ["NotIpAddress", negated(ipAddress)],
  ["NumericNotEquals", negated(ordered(parseNumber, equals))],
  ["DateNotEquals", negated(ordered(parsePolicyDate, equals))],
  ...Object.entries(relations).flatMap(([name, holds]): [string, Operator][] => [
    [`Numeric${name}`, positive(ordered(parseNumber, holds))],
    [`Date${name}`, positive(ordered(parsePolicyDate, holds))],
  ]),
]);

export interface OperatorName {
  readonly base: string;
  readonly quantifier: "ForAllValues" | "ForAnyValue" | undefined;
  readonly ifExists: boolean;
}

/** The parts of `ForAllValues:StringLikeIfExists`; undefined for a name that is no operator. */
export function parseOperator(name: string): OperatorName | undefined {
  const match = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(name);
  if (!match) return undefined;
  const base = match[2] as string;
  const ifExists = match[3] !== undefined;
  if (base === "Null") return ifExists ? undefined : { base, quantifier: undefined, ifExists };
  if (!OPERATORS.has(base)) return undefined;
  return { base, quantifier: match[1] as OperatorName["quantifier"], ifExists };
}
