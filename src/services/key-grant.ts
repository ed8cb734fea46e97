/**
 * Grants of KMS keys in the form that decisions take: one policy a grant, that names the grantee. Made by services/kms
 * for calls and by access/ for questions.
 * Sources: https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html (constraints, what a grant
 * that permits CreateGrant permits) and https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html
 */
import type { ResourceGrant } from "../authorize/decision.ts";
import type { Principal } from "../core/aws.ts";

export interface GrantConstraint {
  readonly type: "EncryptionContextSubset" | "EncryptionContextEquals";
  /** Never empty. */
  readonly pairs: Readonly<Record<string, string>>;
}

export interface KeyGrant {
  readonly id: string;
  readonly granteePrincipal: string;
  /** `Decrypt`, `CreateGrant`, … */
  readonly operations: readonly string[];
  readonly constraint?: GrantConstraint;
}

/** Ways in which a grant may name the principal: itself, the role or user of its session, its account. */
export function granteesOf(principal: Principal): string[] {
  if (principal.type === "AWSService") return [principal.serviceName];
  const partition = principal.arn.split(":", 2)[1] ?? "aws";
  const account = `arn:${partition}:iam::${principal.accountId}:root`;
  if (principal.type === "AssumedRole") return [principal.arn, principal.roleArn, account];
  if (principal.type === "FederatedUser") return [...new Set([principal.arn, principal.issuer.arn, account])];
  return principal.type === "Root" ? [account] : [principal.arn, account];
}

const policies = new WeakMap<KeyGrant, ResourceGrant>();

/** What the grant allows its grantee to do with the key; the same object for the same grant. */
export function grantPolicy(grant: KeyGrant): ResourceGrant {
  let policy = policies.get(grant);
  if (!policy) {
    policy = { name: grantName(grant.id), document: documentOf(grant) };
    policies.set(grant, policy);
  }
  return policy;
}

export const grantName = (grantId: string): string => `grant ${grantId}`;

/** Operations that have no encryption context of their own: constraints do not apply to them, or not as they stand. */
const WITHOUT_CONTEXT: ReadonlySet<string> = new Set(["DescribeKey", "CreateGrant", "RetireGrant"]);

function documentOf({ granteePrincipal, operations, constraint }: KeyGrant) {
  const allow = (names: readonly string[], condition: object): object[] =>
    names.length === 0
      ? []
      : [
          {
            Effect: "Allow",
            Principal: { AWS: granteePrincipal },
            Action: names.map((name) => `kms:${name}`),
            Resource: "*",
            ...(Object.keys(condition).length > 0 && { Condition: condition }),
          },
        ];
  const requires = constraint ? constraintCondition(constraint) : {};
  const permits = (name: string): readonly string[] => (operations.includes(name) ? [name] : []);
  return {
    // The older version of the language: a `${` in an encryption context is no variable.
    Version: "2008-10-17",
    Statement: [
      ...allow(
        operations.filter((name) => !WITHOUT_CONTEXT.has(name)),
        requires,
      ),
      ...allow(permits("DescribeKey"), {}),
      // RetireGrant is not here: it is about one grant, not about the key (services/kms/grants/end-grants.ts).
      ...allow(permits("CreateGrant"), childCondition(operations, requires, constraint)),
    ],
  };
}

interface ConstraintCondition {
  readonly StringEquals?: Readonly<Record<string, string>>;
  readonly "ForAllValues:StringEqualsIgnoreCase"?: Readonly<Record<string, readonly string[]>>;
}

/** AWS: of the pairs of a constraint the keys are compared without regard to case, the values exactly. */
function constraintCondition({ type, pairs }: GrantConstraint): ConstraintCondition {
  const values = Object.entries(pairs).map(([key, value]) => [`kms:EncryptionContext:${key}`, value] as const);
  return {
    StringEquals: Object.fromEntries(values),
    ...(type === "EncryptionContextEquals" && {
      "ForAllValues:StringEqualsIgnoreCase": { "kms:EncryptionContextKeys": Object.keys(pairs) },
    }),
  };
}

/**
 * AWS: who may create grants by a grant may give what that grant permits or less, under constraints at least as strict. The
 * encryption context of CreateGrant is that of the new grant's constraint.
 */
function childCondition(
  operations: readonly string[],
  requires: ConstraintCondition,
  constraint: GrantConstraint | undefined,
): object {
  const isExact = constraint?.type === "EncryptionContextEquals";
  return {
    ...requires,
    ...(isExact && { StringEquals: { ...requires.StringEquals, "kms:GrantConstraintType": constraint.type } }),
    "ForAllValues:StringEquals": { "kms:GrantOperations": operations },
  };
}
