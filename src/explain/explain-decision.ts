/**
 * One decision of the policy engine, explained for people: which statements decided, what each type of policy said, what
 * came nearest, and what to add or change so that the request is allowed. For `kiln explain <request id>` and `kiln iam can`.
 */
import type { DecisionRecord, Effect, PolicyType, TypeVerdict } from "../authorize/decision.ts";
import { callerOf } from "../authorize/decision-record.ts";
import { globalArnIn, parseArn } from "../core/arn.ts";
import { policyFromRequirements } from "../least-privilege/index.ts";
import { type Miss, missesOf, statementName } from "./nearest-misses.ts";

/** A decision as the request log keeps it. */
export type RecordedDecision = DecisionRecord["decisions"][number];

export interface DecisionExplanation {
  /** One sentence: why it was allowed or denied. */
  readonly because: string;
  /** What the policies of each type say by themselves; empty when that was not kept. */
  readonly byType: readonly TypeVerdict[];
  /** Statements that decided. */
  readonly decidedBy: readonly string[];
  /** Of a denial without a Deny: statements that nearly allowed it. */
  readonly nearest: readonly Miss[];
  /** What would allow it; undefined for what is allowed. */
  readonly fix?: DecisionFix;
}

export interface DecisionFix {
  /** What to do, and where. */
  readonly text: string;
  /** The statement to add, where one is to be added. */
  readonly statement?: object;
}

/** How people call a type of policy. */
export const POLICY_TYPE_NAMES: Readonly<Record<PolicyType, string>> = {
  identity: "identity-based policies",
  resource: "the resource's policy",
  trust: "the role's trust policy",
  boundary: "the permissions boundary",
  session: "the session policies",
  scp: "service control policies",
};

/** `viaService`: who asked KMS for the caller, e.g. `ssm.us-east-1.amazonaws.com`. */
export function explainDecision(
  decision: RecordedDecision,
  principalArn: string,
  viaService?: string,
): DecisionExplanation {
  const { effect, trace, byType = [], message } = decision;
  const decided = trace.filter(
    ({ matched, effect: said }) => matched && (effect === "explicitDeny") === (said === "Deny"),
  );
  const decidedBy = effect === "implicitDeny" ? [] : decided.map(statementName);
  if (effect === "allowed") return { because: allowedBecause(decision, decidedBy), byType, decidedBy, nearest: [] };
  const nearest = effect === "implicitDeny" ? missesOf(decision) : [];
  const because = / (because .*|with an explicit deny .*)$/s.exec(message)?.[1] ?? deniedBecause(decision);
  return { because, byType, decidedBy, nearest, fix: fixOf(decision, principalArn, decidedBy, viaService) };
}

function allowedBecause({ policyType }: RecordedDecision, decidedBy: readonly string[]): string {
  if (decidedBy.length === 0)
    return policyType === "none" ? "it needs no permission" : "no policy is asked for this caller";
  return `because ${decidedBy.join(" and ")} ${decidedBy.length === 1 ? "allows" : "allow"} it`;
}

/** For services that give no reason in their answers, as STS. */
function deniedBecause({ effect, policyType }: RecordedDecision): string {
  if (policyType === "none") return "because no policy allows it";
  return `because ${effect === "explicitDeny" ? `${DENIES[policyType]} denies it` : SILENT[policyType]}`;
}

const DENIES: Readonly<Record<PolicyType, string>> = {
  identity: "an identity-based policy",
  resource: "the resource's policy",
  trust: "the role's trust policy",
  boundary: "the permissions boundary",
  session: "a session policy",
  scp: "a service control policy",
};

const SILENT: Readonly<Record<PolicyType, string>> = {
  identity: "no identity-based policy allows it",
  resource: "the resource's policy does not allow it",
  trust: "the role's trust policy does not allow it",
  boundary: "the permissions boundary does not allow it",
  session: "no session policy allows it",
  scp: "a level of the service control policies does not allow it",
};

function fixOf(
  decision: RecordedDecision,
  principalArn: string,
  deniedBy: readonly string[],
  viaService: string | undefined,
): DecisionFix {
  const { action, resource, policyType, effect } = decision;
  if (effect === "explicitDeny") {
    return { text: `remove or narrow ${deniedBy.join(" and ") || "the Deny"}: an Allow does not outweigh a Deny` };
  }
  // AWS: the policy of the key has no say in it, the grant alone.
  if (policyType === "resource" && action === "kms:RetireGrant") return { text: RETIRED_BY };
  if (policyType === "resource" || policyType === "trust") {
    const what = policyType === "trust" ? "the role's trust policy" : `the policy of ${resource}`;
    const statement = { Effect: "Allow", Principal: principalElement(principalArn), Action: action };
    return {
      text: `add this statement to ${what}${decision.isCrossAccount ? " (in the account that owns it)" : ""}`,
      statement:
        policyType === "trust" ? statement : { ...statement, Resource: resource.includes(":kms:") ? "*" : resource },
    };
  }
  const [statement] = policyFromRequirements([{ action, resource, ...(viaService && { viaService }) }]).Statement;
  const where = policyType === "identity" || policyType === "none" ? callerPolicy(principalArn) : placeOf(decision);
  return { text: `add this statement to ${where}`, ...(statement && { statement }) };
}

const RETIRED_BY =
  "retire the grant as its retiring principal, as its grantee when it permits RetireGrant, or from the account that made it; " +
  "or delete it with kms:RevokeGrant, which policies may allow";

function placeOf({ policyType, trace }: RecordedDecision): string {
  const name = trace.find((one) => one.policyType === policyType)?.policyName;
  switch (policyType) {
    case "boundary":
      return `the permissions boundary${name === undefined ? "" : ` ${name}`}: it limits what other policies may allow`;
    case "session":
      return "the session policy that is given when the session is opened";
    default:
      return "a service control policy of each level of the organisation";
  }
}

/** `a policy of the role R`, of the user U, or of the caller. */
function callerPolicy(principalArn: string): string {
  const { role, user } = callerOf(principalArn);
  if (role !== undefined) return `a policy of the role \`${role}\``;
  // A federated user has no policies of its own name.
  return principalArn.includes(":user/") ? `a policy of the user \`${user}\`` : "a policy of the caller";
}

/** AWS: a statement names a session's role by the role's ARN (without its path here, which the session's ARN lacks). */
function principalElement(principalArn: string): object {
  const arn = parseArn(principalArn);
  if (!arn) return { Service: principalArn };
  const { role } = callerOf(principalArn);
  return { AWS: role === undefined ? principalArn : globalArnIn(arn, "iam", `role/${role}`) };
}

/** Lines of text, indented by two where they belong to the first one. */
export function renderDecision(decision: RecordedDecision, explanation: DecisionExplanation): string[] {
  const { because, byType, nearest, fix } = explanation;
  const lines = [`${decision.effect === "allowed" ? "allowed" : "denied "} ${decision.action} on ${decision.resource}`];
  lines.push(`  ${because}`);
  if (decision.isCrossAccount)
    lines.push("  the caller and the resource are in two accounts: both sides must allow it");
  if (decision.effect !== "allowed" && byType.length > 0) {
    lines.push("  what each type of policy says by itself:");
    for (const verdict of byType) lines.push(`    ${verdictText(verdict)}`);
  }
  for (const statement of decision.effect === "explicitDeny" ? explanation.decidedBy : [])
    lines.push(`  denied by ${statement}`);
  if (nearest.length > 0) lines.push("  nearest:");
  for (const { statement, detail, hint } of nearest) {
    lines.push(`    ${statement}: ${detail}`);
    if (hint !== undefined) lines.push(`      ${hint}`);
  }
  if (decision.effect === "implicitDeny" && nearest.length === 0) lines.push("  no statement comes near");
  if (fix) lines.push(`  fix: ${fix.text}`);
  if (fix?.statement)
    lines.push(
      ...JSON.stringify(fix.statement, undefined, 2)
        .split("\n")
        .map((line) => `    ${line}`),
    );
  return lines;
}

function verdictText({ policyType, effect, level }: TypeVerdict): string {
  const name = POLICY_TYPE_NAMES[policyType];
  const said = (name.endsWith("policies") ? SEVERAL : ONE)[effect];
  return `${name}: ${said}${level === undefined ? "" : ` at level ${level}`}`;
}

const SEVERAL: Readonly<Record<Effect, string>> = {
  allowed: "allow",
  explicitDeny: "deny",
  implicitDeny: "say nothing",
};
const ONE: Readonly<Record<Effect, string>> = {
  allowed: "allows",
  explicitDeny: "denies",
  implicitDeny: "says nothing",
};
