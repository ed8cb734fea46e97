/**
 * A permission that the build needs and that no policy of the role gives, or that one takes away: decided by the policy
 * engine for every call that CodeBuild makes for this plan, and for the calls of aws commands.
 */
import { listed, roleFindings, whyNeeded } from "../role/role-findings.ts";
import type { Rule } from "../rule.ts";

export const rolePermissionMissing: Rule = {
  id: "role/permission-missing",
  severity: "error",
  title: "a permission that the build needs and the role does not have",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html",
  *run(context) {
    yield* roleFindings(context, ["missing"], (group, role) => {
      const limit = group[0]?.decision.policyType === "boundary" ? ": its permissions boundary does not allow it" : "";
      return {
        message: `${role} may not call ${actions(group)} on ${resources(group)}${limit}`,
        why: whyNeeded(group),
      };
    });
    yield* roleFindings(context, ["denied"], (group, role) => {
      const [first] = group;
      const statement = first?.nearest;
      const by = statement
        ? ` by ${statement.sid === undefined ? `statement ${statement.index + 1}` : `the statement \`${statement.sid}\``} of \`${statement.policyName}\``
        : "";
      return {
        message: `${role} is denied ${actions(group)} on ${resources(group)}${by}`,
        why: `an explicit Deny wins over every Allow; ${whyNeeded(group)}${first?.isUncertain ? "; whether its condition holds is known only in the build" : ""}`,
      };
    });
  },
};

type Group = Parameters<typeof whyNeeded>[0];
const actions = (group: Group): string => listed(group.map(({ need }) => need.action));
const resources = (group: Group): string =>
  listed(
    group.map(({ need }) => need.resource),
    3,
  );
