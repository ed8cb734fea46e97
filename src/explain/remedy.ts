/**
 * Why a call of a build was denied, in words, and what helps: which depends on the kind of policy that refused. A
 * permission for the role helps only where the role's own policies are silent.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
import type { PolicyType } from "../authorize/decision.ts";
import type { PolicyFix } from "../core/diagnostics.ts";
import type { BuildFacts } from "./build-facts.ts";
import { type Denial, recordedDenial } from "./denial.ts";

const SILENT: Readonly<Record<PolicyType, string>> = {
  identity: "no policy allows",
  boundary: "the permissions boundary does not allow",
  session: "the session policy does not allow",
  resource: "the resource's own policy does not allow",
  trust: "the role's trust policy does not allow",
  scp: "no service control policy allows",
};

/** `no policy allows …`, or which one refuses it. `on`: what the resource is called in the sentence. */
export const whyDenied = (denial: Denial, on = `\`${denial.resource}\``): string =>
  `${denial.isExplicit ? `${denial.policyType === "scp" ? "a service control policy" : "a policy"} denies` : SILENT[denial.policyType]} \`${denial.action}\` on ${on}`;

/** For a key that an identity policy does not open. */
export const KEY_POLICY_ADVICE =
  "if it stays denied, the key's own policy does not let the account's IAM policies decide: see `aws kms get-key-policy`";

/** `fix`, which gives the role a permission, where that helps; else what helps instead. */
export function remedy(
  facts: Pick<BuildFacts, "decisions">,
  denial: Denial,
  fix: PolicyFix,
): { readonly fix?: PolicyFix; readonly next?: string } {
  if (denial.isExplicit) {
    return denial.policyType === "scp"
      ? { next: "who manages the organisation must remove the Deny, or narrow it: an Allow does not outweigh it" }
      : { next: "remove the Deny, or narrow it: an Allow does not outweigh it" };
  }
  const decision = recordedDenial(facts.decisions, denial);
  const recorded = decision?.policyType;
  switch (recorded === undefined || recorded === "none" ? denial.policyType : recorded) {
    case "identity":
      return { fix };
    case "boundary": {
      const arn = decision?.trace.find(({ policyType }) => policyType === "boundary")?.policyName;
      const isRoleSilent = decision?.byType?.some(
        ({ policyType, effect }) => policyType === "identity" && effect === "implicitDeny",
      );
      return {
        fix: {
          kind: "policy",
          title: `allow the same in the permissions boundary${arn === undefined ? "" : ` \`${arn}\``}: it limits what the role's policies may allow`,
          policy: fix.policy,
          commands: [],
        },
        ...(isRoleSilent
          ? { next: "the role's own policies do not allow it either: add the same statements to one of them" }
          : {}),
      };
    }
    case "session":
      return { next: "allow it in the session policy that is given when the session is opened" };
    case "trust":
      return { next: `let the trust policy of \`${denial.resource}\` name the role, and allow \`${denial.action}\`` };
    case "resource":
      return {
        next: `let the policy of \`${denial.resource}\` allow \`${denial.action}\` to the role or its account; in another account both sides must allow it`,
      };
    case "scp":
      return { next: "allow it in a service control policy of each level of the organisation" };
  }
}
