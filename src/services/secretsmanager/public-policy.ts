/**
 * Whether a resource policy opens a secret to everybody, for BlockPublicPolicy and ValidateResourcePolicy. AWS reasons
 * about the whole policy; here a statement for everybody is narrowed by a condition that names fixed accounts,
 * principals, sources or networks. Pure.
 * Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html
 */
import type { PolicyDocument } from "../../core/aws.ts";

interface Statement {
  readonly Effect?: unknown;
  readonly Principal?: unknown;
  readonly NotPrincipal?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export function isPublic(policy: PolicyDocument): boolean {
  const statements = [policy["Statement"]].flat() as readonly Statement[];
  return statements.some(
    ({ Effect, Principal, NotPrincipal, Condition = {} }) =>
      Effect === "Allow" && (NotPrincipal !== undefined || isEverybody(Principal)) && !isNarrow(Condition),
  );
}

const isEverybody = (principal: unknown): boolean =>
  principal === "*" ||
  (typeof principal === "object" && principal !== null && [(principal as { AWS?: unknown }).AWS].flat().includes("*"));

/** Operators under which a request without the key, or with any other value, does not match. */
const NARROWING = /^(?:ForAnyValue:)?(?:StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike|IpAddress)$/i;

const FIXED_KEYS =
  /^(?:aws:(?:Principal(?:Account|Arn|OrgID|OrgPaths)|Source(?:Account|Arn|Ip|OrgID|OrgPaths|Owner|Vpc|Vpce)|userid|VpcSourceIp)|kms:CallerAccount)$/i;

const isNarrow = (condition: NonNullable<Statement["Condition"]>): boolean =>
  Object.entries(condition).some(
    ([operator, tests]) =>
      NARROWING.test(operator) &&
      Object.entries(tests).some(
        ([key, values]) => FIXED_KEYS.test(key) && [values].flat().every((value) => isFixed(String(value))),
      ),
  );

/** Not the whole world: `*`, an ARN of any account, `0.0.0.0/0`. */
const isFixed = (value: string): boolean => {
  if (value.startsWith("arn:")) return !/[*?]/.test(value.split(":")[4] ?? "*");
  return !/^\*|\/0$/.test(value);
};
