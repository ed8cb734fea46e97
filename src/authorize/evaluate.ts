/**
 * The decision: explicit deny first, then service control policies, resource policy, identity policies, boundary and
 * session policies, as AWS documents the order for one account and across accounts.
 * Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html,
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html,
 * https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
 * Gaps: no resource control policies and VPC endpoint policies (the service control policies are the caller's to give).
 */
import type { Principal } from "../core/aws.ts";
import { isOfOtherAccount, isRootByDefault } from "./account-relation.ts";
import { contextLookup } from "./context.ts";
import type {
  Decision,
  Effect,
  EvaluationInput,
  NamedPolicy,
  PolicyType,
  RequestContext,
  StatementTrace,
  TypeVerdict,
} from "./decision.ts";
import { explainStatements, traceOf } from "./explain.ts";
import { denialMessage } from "./message.ts";
import { type CompiledPolicy, compilePolicy } from "./policy.ts";
import { type Grant, isStronger } from "./principals.ts";
import { appliesTo, type EvaluatedRequest, evaluatedRequest, hasOwnPolicies } from "./request.ts";
import type { CompiledStatement } from "./statement.ts";

const NO_STATEMENTS: readonly StatementTrace[] = [];
const NO_POLICIES: readonly PolicyInPlay[] = [];
const NO_CONTEXT: RequestContext = {};

/** A policy taking part in a decision. */
export interface PolicyInPlay {
  readonly type: PolicyType;
  readonly policy: Pick<NamedPolicy, "name" | "arn" | "document">;
  readonly compiled: CompiledPolicy;
  /** Of a service control policy: 1 for the organisation's root. */
  readonly level?: number;
}

interface Verdict {
  readonly effect: Effect;
  readonly policyType: Decision["policyType"];
  readonly decidedBy: readonly Match[];
}

interface Match {
  readonly inPlay: PolicyInPlay;
  readonly statement: CompiledStatement;
}

/**
 * Decides one authorization request. Pure; the same input gives the same decision. Documents are compiled once per
 * object and once per text, so pass the same parsed object for the same policy and do not change it afterwards. Never
 * throws, whatever the documents hold; what is no valid statement never applies.
 */
export function evaluate(input: EvaluationInput): Decision {
  if (isRootByDefault(input)) return new DecisionByDefault(input);
  const request = evaluatedRequest(input, contextLookup(input.context, input.request.context));
  const sets = policySets(input);
  const isCrossAccount = isOfOtherAccount(input, request.resourceParts);
  const verdict = decide(input, request, sets, isCrossAccount);
  const isAllowed = verdict.effect === "allowed";
  let traces: readonly StatementTrace[] | undefined;
  return {
    effect: verdict.effect,
    action: input.request.action,
    resource: input.request.resource,
    principalArn: input.principal.arn,
    context: input.request.context ?? NO_CONTEXT,
    policyType: verdict.policyType,
    decidedBy: verdict.decidedBy.map(({ inPlay, statement }) => traceOf(inPlay, statement)),
    message: isAllowed
      ? ""
      : denialMessage({
          principalArn: input.principal.arn,
          request: input.request,
          isExplicit: verdict.effect === "explicitDeny",
          policyType: verdict.policyType,
          policyArn: input.namePolicyInDenial === false || isCrossAccount ? undefined : denyingArn(verdict),
        }),
    isCrossAccount,
    byType: () => verdictsByType(input, request, sets),
    explain: () => (traces ??= explainStatements(sets.all, request)),
  };
}

/** Root in its own account: no statement decides, so there is none to explain. */
class DecisionByDefault implements Decision {
  readonly effect = "allowed";
  readonly action: string;
  readonly resource: string;
  readonly principalArn: string;
  readonly context = NO_CONTEXT;
  readonly policyType = "none";
  readonly decidedBy = NO_STATEMENTS;
  readonly message = "";
  readonly isCrossAccount = false;

  constructor({ principal, request }: EvaluationInput) {
    this.action = request.action;
    this.resource = request.resource;
    this.principalArn = principal.arn;
  }

  byType(): readonly TypeVerdict[] {
    return [ROOT_VERDICT];
  }

  explain(): readonly StatementTrace[] {
    return NO_STATEMENTS;
  }
}

const ROOT_VERDICT: TypeVerdict = { policyType: "identity", effect: "allowed" };

interface PolicySets {
  readonly identity: readonly PolicyInPlay[];
  readonly boundary: readonly PolicyInPlay[];
  /** Undefined when the principal has no session policies; empty when none of them allows anything. */
  readonly session: readonly PolicyInPlay[] | undefined;
  /** Service control policies, a list a level. */
  readonly scp: readonly (readonly PolicyInPlay[])[];
  readonly resource: readonly PolicyInPlay[];
  /** What the resource allows beside its policy. */
  readonly grants: readonly PolicyInPlay[];
  /** The two of them. */
  readonly ofResource: readonly PolicyInPlay[];
  /** In the order of explanations. */
  readonly all: readonly PolicyInPlay[];
}

function policySets({ principal, policies, request }: EvaluationInput): PolicySets {
  const inPlay =
    (type: PolicyType) =>
    (policy: PolicyInPlay["policy"]): PolicyInPlay => ({
      type,
      policy,
      compiled: compilePolicy(policy.document),
    });
  const inLevel = (policy: PolicyInPlay["policy"], i: number): PolicyInPlay => ({
    ...inPlay("scp")(policy),
    level: i + 1,
  });
  const hasOwn = hasOwnPolicies(principal);
  const identity = hasOwn ? policies.identity.map(inPlay("identity")) : [];
  const boundary = hasOwn && policies.boundary ? [inPlay("boundary")(policies.boundary)] : [];
  const session = hasOwn ? policies.session?.map(inPlay("session")) : undefined;
  const levels = isLimitedByOrganization(principal) ? (policies.organization ?? []) : [];
  const scp = levels.map((level, i) => level.map((policy) => inLevel(policy, i)));
  const own = request.resourcePolicy
    ? [inPlay(isTrustRequest(request.action) ? "trust" : "resource")(request.resourcePolicy)]
    : NO_POLICIES;
  const resource = request.furtherResourcePolicies
    ? [...own, ...request.furtherResourcePolicies.map(inPlay("resource"))]
    : own;
  const grants = request.grants?.map(inPlay("resource")) ?? NO_POLICIES;
  const ofResource = grants.length === 0 ? resource : [...resource, ...grants];
  const all = [...scp.flat(), ...identity, ...boundary, ...(session ?? []), ...ofResource];
  return { identity, boundary, session, scp, resource, grants, ofResource, all };
}

// AWS: service control policies limit the root users of member accounts too, but neither services nor the roles that are
// linked to services.
const isLimitedByOrganization = (principal: Principal): boolean =>
  principal.type !== "AWSService" &&
  !(principal.type === "AssumedRole" && principal.roleArn.includes(":role/aws-service-role/"));

const isTrustRequest = (action: string): boolean => action.slice(0, 4).toLowerCase() === "sts:";

function decide(input: EvaluationInput, request: EvaluatedRequest, sets: PolicySets, isCrossAccount: boolean): Verdict {
  // AWS: always allowed, even under an explicit deny.
  if (request.action.service === "sts" && request.action.name === "getcalleridentity") return allowed("none", []);

  for (const set of [...sets.scp, sets.resource, sets.identity, sets.boundary, sets.session ?? []]) {
    const deny = firstMatch(set, "denies", request);
    if (deny) return { effect: "explicitDeny", policyType: deny.inPlay.type, decidedBy: [deny] };
  }

  if (!sets.scp.every((level) => firstMatch(level, "allows", request))) return implicitDeny("scp");
  const granted = decideByGrants(request, sets);
  if (granted) return granted;
  const named = strongestAllow(sets.ofResource, request);
  const resourceType = sets.resource[0]?.type ?? "resource";
  const isMandatory = input.request.resourcePolicy?.mandatory ?? false;
  if (input.principal.type === "AWSService") {
    return named ? allowed(resourceType, [named.match]) : implicitDeny(resourceType);
  }
  if (isCrossAccount) {
    if (isMandatory && !named) return implicitDeny(resourceType);
    const own = decideByOwnPolicies(input, request, sets);
    if (own.effect !== "allowed") return own;
    return named ? allowed(own.policyType, [...own.decidedBy, named.match]) : implicitDeny(resourceType);
  }
  if (named?.grant === "direct") return allowed(resourceType, [named.match]);
  if (named?.grant === "role") {
    const silent = silentLimit(sets, request);
    return silent ? implicitDeny(silent) : allowed(resourceType, [named.match]);
  }
  if (isMandatory && !named) return implicitDeny(resourceType);
  const own = decideByOwnPolicies(input, request, sets);
  return own.effect === "allowed" && named ? allowed(own.policyType, [...own.decidedBy, named.match]) : own;
}

/**
 * AWS: a grant gives its grantee what a resource's policy gives to whom it names, in any account: no identity policy has to
 * agree. A role's sessions stay within their limits; a grant to an account leaves the decision to that account's policies.
 * Whether a boundary limits what another account grants is not documented; decided as in one account.
 */
function decideByGrants(request: EvaluatedRequest, sets: PolicySets): Verdict | undefined {
  const granted = strongestAllow(sets.grants, request);
  if (!granted || granted.grant === "account") return undefined;
  const isLimited = granted.grant === "role" && silentLimit(sets, request) !== undefined;
  return isLimited ? undefined : allowed("resource", [granted.match]);
}

/** Identity policies within boundary and session policies; root and its federated sessions have all rights instead. */
function decideByOwnPolicies(input: EvaluationInput, request: EvaluatedRequest, sets: PolicySets): Verdict {
  const silent = silentLimit(sets, request);
  if (silent) return implicitDeny(silent);
  if (hasRightsOfRoot(input.principal)) return allowed("none", []);
  const allow = firstMatch(sets.identity, "allows", request);
  return allow ? allowed("identity", [allow]) : implicitDeny("identity");
}

// AWS: a federated session of root has no user's policies to stay within, only its own session policies.
const hasRightsOfRoot = (principal: Principal): boolean =>
  principal.type === "Root" || (principal.type === "FederatedUser" && principal.issuer.type === "Root");

/** The session policy or boundary that does not allow the request; sessions are named first. */
function silentLimit(sets: PolicySets, request: EvaluatedRequest): "session" | "boundary" | undefined {
  if (sets.session && !firstMatch(sets.session, "allows", request)) return "session";
  if (sets.boundary.length > 0 && !firstMatch(sets.boundary, "allows", request)) return "boundary";
  return undefined;
}

function firstMatch(
  set: readonly PolicyInPlay[],
  effect: "allows" | "denies",
  request: EvaluatedRequest,
): Match | undefined {
  for (const inPlay of set) {
    const isResource = inPlay.type === "resource" || inPlay.type === "trust";
    for (const statement of inPlay.compiled[effect].candidates(request.action)) {
      if (isResource ? names(statement, request) === undefined : statement.resources === undefined) continue;
      if (appliesTo(statement, request)) return { inPlay, statement };
    }
  }
  return undefined;
}

/** What the policies of the resource allow the caller, the strongest of it. */
function strongestAllow(
  set: readonly PolicyInPlay[],
  request: EvaluatedRequest,
): { readonly grant: Grant; readonly match: Match } | undefined {
  let best: { grant: Grant; match: Match } | undefined;
  for (const inPlay of set) {
    for (const statement of inPlay.compiled.allows.candidates(request.action)) {
      const grant = names(statement, request);
      if (grant && isStronger(grant, best?.grant) && appliesTo(statement, request)) {
        best = { grant, match: { inPlay, statement } };
      }
    }
  }
  return best;
}

// A statement of a resource policy without Principal names nobody.
const names = (statement: CompiledStatement, request: EvaluatedRequest): Grant | undefined =>
  statement.principal?.grant(request);

const allowed = (policyType: Decision["policyType"], decidedBy: readonly Match[]): Verdict => ({
  effect: "allowed",
  policyType,
  decidedBy,
});

const implicitDeny = (policyType: Decision["policyType"]): Verdict => ({
  effect: "implicitDeny",
  policyType,
  decidedBy: [],
});

function verdictsByType(input: EvaluationInput, request: EvaluatedRequest, sets: PolicySets): TypeVerdict[] {
  const effectOf = (set: readonly PolicyInPlay[]): Effect => {
    if (firstMatch(set, "denies", request)) return "explicitDeny";
    return firstMatch(set, "allows", request) ? "allowed" : "implicitDeny";
  };
  const verdicts: TypeVerdict[] = [];
  if (sets.scp.length > 0) {
    const effects = sets.scp.map(effectOf);
    const worst = (["explicitDeny", "implicitDeny"] as const).find((effect) => effects.includes(effect));
    verdicts.push(
      worst === undefined
        ? { policyType: "scp", effect: "allowed" }
        : { policyType: "scp", effect: worst, level: effects.indexOf(worst) + 1 },
    );
  }
  if (input.principal.type !== "AWSService") {
    const own = effectOf(sets.identity);
    const isByDefault = own === "implicitDeny" && hasRightsOfRoot(input.principal);
    verdicts.push(isByDefault ? ROOT_VERDICT : { policyType: "identity", effect: own });
  }
  if (sets.boundary.length > 0) verdicts.push({ policyType: "boundary", effect: effectOf(sets.boundary) });
  if (sets.session) verdicts.push({ policyType: "session", effect: effectOf(sets.session) });
  const [resource] = sets.ofResource;
  if (resource) verdicts.push({ policyType: resource.type, effect: effectOf(sets.ofResource) });
  return verdicts;
}

const denyingArn = (verdict: Verdict): string | undefined => verdict.decidedBy[0]?.inPlay.policy.arn;
