/**
 * Reads AWS's sentence about a denied call and writes the smallest policy that would allow it.
 * Form of the sentence: facts recorded in builds' logs and
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */

import type { DecisionRecord, PolicyType } from "../authorize/decision.ts";
import { parseArn } from "../core/arn.ts";
import type { CommandFix, PolicyFix } from "../core/diagnostics.ts";
import { shellQuote } from "../core/shell-quote.ts";
import { shellWord } from "../core/shell-word.ts";
import type { BuildFacts } from "./build-facts.ts";
import { missesOf, statementName } from "./nearest-misses.ts";

export interface Denial {
  readonly principalArn: string;
  /** Role name of the denied session, when the principal is one. */
  readonly roleName?: string;
  readonly action: string;
  readonly resource: string;
  readonly isExplicit: boolean;
  /** The kind of policy that the sentence names; `identity` where it gives no reason. */
  readonly policyType: PolicyType;
  /** AWS's whole sentence. */
  readonly sentence: string;
}

// AWS: IAM names its entities in two words (`role R`), S3 quotes, KMS may hide which key it is.
const RESOURCE =
  / on resource: "?((?:(?:role|user|group|policy) )?[^\s"]+)"?| on (?:this resource|the resource associated with this ciphertext)/;
const REASON =
  / because [^\n]*?action| because the resource does not exist in this Region[^\n]*access|[^\n]*?explicit deny[^\n]*/;
const SENTENCE = new RegExp(
  `User:? (\\S+) is not authorized to perform: ([a-z0-9-]+:[A-Za-z*]+)(?:${RESOURCE.source})?(${REASON.source})?`,
);

// AWS: documented both as "a session policy" and as "a sessions policy".
const NAMED: readonly (readonly [RegExp, PolicyType])[] = [
  [/permissions boundary/, "boundary"],
  [/sessions? policy/, "session"],
  [/resource-based policy/, "resource"],
  [/role trust policy/, "trust"],
  [/service control policy/, "scp"],
];

/** The first denial in a text, or undefined. */
export function findDenial(text: string): Denial | undefined {
  const match = SENTENCE.exec(text);
  if (!match) return undefined;
  const [sentence, principalArn = "", action = "", resource = "*", reason = ""] = match;
  const roleName = /assumed-role\/([^/]+)\//.exec(principalArn)?.[1];
  return {
    principalArn,
    ...(roleName === undefined ? {} : { roleName }),
    action,
    resource,
    isExplicit: reason.includes("explicit deny"),
    policyType: NAMED.find(([words]) => words.test(reason))?.[1] ?? "identity",
    sentence: sentence.trim(),
  };
}

/** Name of the build's service role: from the denial, else from the build. */
export const serviceRoleName = (facts: BuildFacts, denial?: Denial): string =>
  denial?.roleName ?? facts.build.serviceRole?.split("/").at(-1) ?? "ROLE";

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** An inline policy with exactly these statements, and the command that attaches it. */
export function policyFix(
  title: string,
  roleName: string,
  policyName: string,
  statements: readonly Statement[],
): PolicyFix {
  const policy = { Version: "2012-10-17", Statement: statements };
  const command = `aws iam put-role-policy --role-name ${shellWord(roleName)} --policy-name ${policyName} --policy-document ${shellQuote(JSON.stringify(policy))}`;
  return { kind: "policy", title, policy, commands: [command] };
}

/** The managed policy that documents attach; `title` must say how broad it is. */
export const managedPolicyFix = (title: string, roleName: string, policyName: string): CommandFix => ({
  kind: "command",
  title,
  commands: [
    `aws iam attach-role-policy --role-name ${shellWord(roleName)} --policy-arn arn:aws:iam::aws:policy/${policyName}`,
  ],
});

/** The newest decision of the policy engine that this denial tells of. */
export const recordedDenial = (
  decisions: readonly DecisionRecord[],
  { action, resource }: Denial,
): DecisionRecord["decisions"][number] | undefined =>
  decisions
    .flatMap((decision) => decision.decisions)
    .findLast((d) => d.effect !== "allowed" && d.action === action && d.resource === resource);

/** What the policy engine recorded about this denial: statements that decided, or came nearest. */
export function decisionEvidence(decisions: readonly DecisionRecord[], denial: Denial): string[] {
  const record = recordedDenial(decisions, denial);
  if (!record) return [];
  if (record.effect === "explicitDeny") {
    return record.trace
      .filter((trace) => trace.matched && trace.effect === "Deny")
      .map((trace) => `${statementName(trace)} denies it`);
  }
  if (record.trace.length === 0) return ["the role has no policy with a statement"];
  return missesOf(record).map(({ statement, detail, hint }) => {
    const miss = `${statement} does not match: ${detail}`;
    return hint === undefined ? miss : `${miss}; ${hint}`;
  });
}

/** Region and account of the build, for ARNs; Kiln's defaults when the build record has no ARN. */
export function scopeOf(facts: BuildFacts): { readonly region: string; readonly accountId: string } {
  const arn = parseArn(facts.build.arn ?? "");
  return { region: arn?.region || "us-east-1", accountId: arn?.accountId || "000000000000" };
}
