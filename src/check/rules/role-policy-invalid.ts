/** A policy that IAM would not take: its own text for the first rule that is broken. */
import { validatePolicy } from "../../authorize/index.ts";
import type { Rule } from "../rule.ts";

export const rolePolicyInvalid: Rule = {
  id: "role/policy-invalid",
  severity: "error",
  title: "a policy of the role that IAM refuses",
  source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html",
  *run({ known }) {
    for (const { name, arn, document } of known.role?.policies ?? []) {
      // AWS's own are as they are.
      if (arn?.includes(":iam::aws:")) continue;
      const checked = validatePolicy(JSON.stringify(document), "inline");
      if (checked.ok) continue;
      yield {
        message: `IAM does not take the policy \`${name}\`: ${checked.error}`,
        why: "`MalformedPolicyDocument`: it cannot be saved, so the role stays without it",
      };
    }
  },
};
