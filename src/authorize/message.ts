/**
 * AWS's sentence for a denied request, with the reason.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 * Not established: what AWS prints for inline policies since January 2026 (nothing is appended for them here).
 */
import type { AuthorizationRequest, Decision, PolicyType } from "./decision.ts";

/** What the sentence tells. */
export interface Denial {
  readonly principalArn: string;
  readonly request: AuthorizationRequest;
  readonly isExplicit: boolean;
  readonly policyType: Decision["policyType"];
  /** ARN of the managed policy that denies; appended to explicit denies. */
  readonly policyArn: string | undefined;
}

/** `User: … is not authorized to perform: … on resource: … because …`, or the service's own words. */
export function denialMessage(denial: Denial): string {
  const { request } = denial;
  if (request.denialText !== undefined) return request.denialText;
  const base = `User: ${denial.principalArn} is not authorized to perform: ${request.action}`;
  if (request.hiddenText !== undefined && denial.policyType === "resource") return `${base} ${request.hiddenText}`;
  return [base, resourcePhrase(request), reason(denial)].filter(Boolean).join(" ");
}

function resourcePhrase({ resource, resourceText = resource }: AuthorizationRequest): string {
  return resourceText === "" || resourceText.startsWith("on ") ? resourceText : `on resource: ${resourceText}`;
}

const EXPLICIT: Readonly<Record<PolicyType, string>> = {
  identity: "an identity-based policy",
  resource: "a resource-based policy",
  boundary: "a permissions boundary",
  session: "a session policy",
  scp: "a service control policy",
  trust: "the role trust policy",
};

const IMPLICIT: Readonly<Record<PolicyType, string>> = {
  identity: "no identity-based policy",
  resource: "no resource-based policy",
  boundary: "no permissions boundary",
  session: "no session policy",
  scp: "no service control policy",
  trust: "no role trust policy",
};

function reason({ request, isExplicit, policyType, policyArn }: Denial): string {
  if (policyType === "none") return "";
  if (isExplicit) return `with an explicit deny in ${EXPLICIT[policyType]}${policyArn ? `: ${policyArn}` : ""}`;
  // AWS: STS gives no reason when nothing allows the call.
  if (/^sts:/i.test(request.action)) return "";
  return `because ${IMPLICIT[policyType]} allows the ${request.action} action`;
}
