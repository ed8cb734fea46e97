/**
 * Principal and NotPrincipal of resource policies: whom a statement names, and how strongly that grants.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html and
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
 */
import type { Principal } from "../core/aws.ts";

/**
 * What an Allow that names the caller does in the caller's own account.
 * `direct`: allows by itself. `role`: allows, but boundary and session policy must allow too.
 * `account`: hands the decision to the account's identity policies.
 */
export type Grant = "direct" | "role" | "account";

const STRENGTH: Readonly<Record<Grant, number>> = { account: 1, role: 2, direct: 3 };

export const stronger = (a: Grant | undefined, b: Grant): Grant => (a && STRENGTH[a] >= STRENGTH[b] ? a : b);

export interface PrincipalMatcher {
  /** The grant of a statement with this element to the caller; undefined when it does not apply to the caller. */
  grant(principal: Principal): Grant | undefined;
}

/** The named principals, by kind. Federated and canonical users are never callers here. */
interface Named {
  readonly everyone: boolean;
  readonly aws: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
}

/** A matcher for a `Principal` element. */
export function compilePrincipal(element: unknown): PrincipalMatcher {
  const named = namedBy(element);
  return {
    grant(principal) {
      if (named.everyone) return "direct";
      if (principal.type === "AWSService") return named.services.has(principal.serviceName) ? "direct" : undefined;
      if (named.aws.size === 0) return undefined;
      if (named.aws.has(principal.arn) || named.aws.has(principal.userId)) return "direct";
      if (principal.type === "AssumedRole") {
        const roleId = principal.userId.slice(0, principal.userId.indexOf(":"));
        if (named.aws.has(principal.roleArn) || named.aws.has(roleId)) return "role";
      }
      // AWS: naming the IAM user grants its federated sessions too, within their session policies.
      if (principal.type === "FederatedUser" && named.aws.has(principal.issuer.arn)) return "role";
      if (!namesAccount(named, principal)) return undefined;
      return principal.type === "Root" ? "direct" : "account";
    },
  };
}

/** A matcher for a `NotPrincipal` element of a statement with this effect. */
export function compileNotPrincipal(element: unknown, effect: "Allow" | "Deny"): PrincipalMatcher {
  const named = namedBy(element);
  return {
    grant(principal) {
      const isExempt = effect === "Deny" ? isExemptFromDeny(named, principal) : isNamed(named, principal);
      return isExempt ? undefined : "direct";
    },
  };
}

function isNamed(named: Named, principal: Principal): boolean {
  return identitiesOf(named, principal).some(Boolean);
}

// AWS: the caller escapes a Deny with NotPrincipal only when each identity that is checked is listed: for a role session
// the session, its role and the account.
function isExemptFromDeny(named: Named, principal: Principal): boolean {
  return identitiesOf(named, principal).every(Boolean);
}

/** For each identity the caller is checked as: is it named? */
function identitiesOf(named: Named, principal: Principal): boolean[] {
  if (named.everyone) return [true];
  if (principal.type === "AWSService") return [named.services.has(principal.serviceName)];
  const account = namesAccount(named, principal);
  if (principal.type === "Root") return [account];
  const self = named.aws.has(principal.arn);
  if (principal.type === "User") return [self, account];
  const of = principal.type === "AssumedRole" ? principal.roleArn : principal.issuer.arn;
  return [self, named.aws.has(of), account];
}

function namesAccount(named: Named, principal: Principal): boolean {
  if (named.aws.has(principal.accountId)) return true;
  const partition = principal.arn.split(":", 2)[1] ?? "aws";
  return named.aws.has(`arn:${partition}:iam::${principal.accountId}:root`);
}

function namedBy(element: unknown): Named {
  if (element === "*") return { everyone: true, aws: new Set(), services: new Set() };
  const map = typeof element === "object" && element !== null ? (element as Record<string, unknown>) : {};
  const aws = new Set(listOfStrings(map["AWS"]));
  return { everyone: aws.has("*"), aws, services: new Set(listOfStrings(map["Service"])) };
}

/** A string or an array of strings as an array; anything else is left out. */
export function listOfStrings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
