/**
 * Principal and NotPrincipal of resource policies: whom a statement names, and how strongly that grants.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html,
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html and
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
 */

import type { Principal } from "../core/aws.ts";
import { listOfStrings } from "./document-lists.ts";

/**
 * What an Allow that names the caller does in the caller's own account.
 * `direct`: allows by itself. `role`: allows, but boundary and session policy must allow too.
 * `account`: hands the decision to the account's identity policies.
 */
export type Grant = "direct" | "role" | "account";

const STRENGTH: Readonly<Record<Grant, number>> = { account: 1, role: 2, direct: 3 };

/** True when `grant` gives more than the best one so far. */
export const isStronger = (grant: Grant, than: Grant | undefined): boolean =>
  than === undefined || STRENGTH[grant] > STRENGTH[than];

/** Who calls, as far as Principal and NotPrincipal look at it. */
export interface Caller {
  readonly principal: Principal;
  readonly hasBoundary: boolean;
}

export interface PrincipalMatcher {
  /** The element's name and content, shortened, for explanations. */
  readonly element: "Principal" | "NotPrincipal";
  readonly source: string;
  /** The grant of a statement with this element to the caller; undefined when it does not apply to the caller. */
  grant(caller: Caller): Grant | undefined;
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
    element: "Principal",
    source: describe(element),
    grant({ principal }) {
      // AWS: a `*` names the caller itself, so that neither boundary nor session policy has to allow what it grants.
      if (named.everyone) return "direct";
      if (principal.type === "AWSService") return named.services.has(principal.serviceName) ? "direct" : undefined;
      if (named.aws.size === 0) return undefined;
      if (namesItself(named, principal)) return "direct";
      // AWS: naming the role, or the IAM user of a federated session, grants to the session within its policies.
      if (issuersOf(principal).some((id) => named.aws.has(id))) return "role";
      if (!namesAccount(named, principal)) return undefined;
      return principal.type === "Root" ? "direct" : "account";
    },
  };
}

/** A matcher for a `NotPrincipal` element of a statement with this effect. */
export function compileNotPrincipal(element: unknown, effect: "Allow" | "Deny"): PrincipalMatcher {
  const named = namedBy(element);
  return {
    element: "NotPrincipal",
    source: describe(element),
    grant({ principal, hasBoundary }) {
      // AWS: a Deny hits whoever has a permissions boundary, whatever NotPrincipal lists.
      if (effect === "Deny" && hasBoundary) return "direct";
      const identities = identitiesOf(named, principal);
      // AWS: the caller escapes a Deny only when each identity that is checked is listed: for a role session the
      // session, its role and the account. An Allow is for those of whom no identity is listed.
      const isExempt = effect === "Deny" ? identities.every(Boolean) : identities.some(Boolean);
      return isExempt ? undefined : "direct";
    },
  };
}

/** For each identity the caller is checked as: is it named? */
function identitiesOf(named: Named, principal: Principal): boolean[] {
  if (named.everyone) return [true];
  if (principal.type === "AWSService") return [named.services.has(principal.serviceName)];
  const account = namesAccount(named, principal);
  if (principal.type === "Root") return [account];
  const self = namesItself(named, principal);
  const issuers = issuersOf(principal);
  return issuers.length === 0 ? [self, account] : [self, issuers.some((id) => named.aws.has(id)), account];
}

/** By ARN, or a user by its unique id; a session has no id that a policy could name. */
const namesItself = ({ aws }: Named, principal: Principal): boolean =>
  aws.has(principal.arn) || (principal.type === "User" && aws.has(principal.userId));

/** ARN and unique id of the role or IAM user that a session was issued for; none for who is no session. */
function issuersOf(principal: Principal): string[] {
  if (principal.type === "AssumedRole") {
    return [principal.roleArn, principal.userId.slice(0, principal.userId.indexOf(":"))];
  }
  if (principal.type !== "FederatedUser" || principal.issuer.type !== "User") return [];
  return [principal.issuer.arn, principal.issuer.userId];
}

function namesAccount(named: Named, principal: Principal): boolean {
  if (named.aws.has(principal.accountId)) return true;
  const partition = principal.arn.split(":", 2)[1] ?? "aws";
  return named.aws.has(`arn:${partition}:iam::${principal.accountId}:root`);
}

function namedBy(element: unknown): Named {
  if (element === "*") return { everyone: true, aws: new Set(), services: new Set() };
  const aws = new Set(listOfStrings(member(element, "AWS")));
  return { everyone: aws.has("*"), aws, services: new Set(listOfStrings(member(element, "Service"))) };
}

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;

const KINDS = ["AWS", "Service", "Federated", "CanonicalUser"] as const;
const MAX_DESCRIBED = 4;

/** The element as JSON: of each kind the first few, so that neither size nor depth of a document can do harm. */
function describe(element: unknown): string {
  if (typeof element === "string") return JSON.stringify(element);
  const kinds = KINDS.flatMap((kind) => {
    const value = member(element, kind);
    const names = listOfStrings(value);
    if (names.length === 0) return [];
    const shown = names.length > MAX_DESCRIBED ? [...names.slice(0, MAX_DESCRIBED), "…"] : names;
    return [[kind, typeof value === "string" ? value : shown]];
  });
  return JSON.stringify(Object.fromEntries(kinds));
}
