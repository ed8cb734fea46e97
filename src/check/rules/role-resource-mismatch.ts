/**
 * The role allows the action on another resource, in a way that people get wrong: a doubled slash in a parameter's ARN, a
 * secret without its six characters, a bucket for its objects, another region or account.
 */
import { listed, roleFindings, whyNeeded } from "../role/role-findings.ts";
import type { Rule } from "../rule.ts";

export const roleResourceMismatch: Rule = {
  id: "role/resource-mismatch",
  severity: "error",
  title: "an allowed action on an ARN that is not the one asked about",
  source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html",
  run: (context) =>
    roleFindings(context, ["resource-mismatch"], (group, role) => {
      const [first] = group;
      return {
        message: `${role} allows \`${first?.need.action}\`, but not on ${listed(
          group.map(({ need }) => need.resource),
          3,
        )}: ${first?.advice}`,
        why: whyNeeded(group),
      };
    }),
};
