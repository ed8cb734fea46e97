/**
 * The service role that the console makes reads parameters below `/CodeBuild/` only. Known from the role's policies, or
 * from the role's name where nobody knows those.
 */

import { isComputed, parameterReferences } from "../knowledge/store-references.ts";
import { roleFindings, whyNeeded } from "../role/role-findings.ts";
import type { Rule } from "../rule.ts";
import { parameterNameOf } from "../shell/variables.ts";

export const ssmConsoleRolePrefix: Rule = {
  id: "ssm/console-role-prefix",
  severity: "error",
  title: "a parameter that the console's service role does not cover",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-parameter-store",
  *run(context) {
    yield* roleFindings(context, ["console-prefix"], (group, role) => ({
      message: `${role} may read parameters below \`/CodeBuild/\` only, and not ${group.map(({ need }) => `\`${need.resource}\``).join(", ")}`,
      why: `the console's generated policy is made for names that begin with \`/CodeBuild/\`; ${whyNeeded(group)}`,
    }));
    const { role, project } = { role: context.known.role, project: context.project };
    if (role || !/:role\/service-role\/codebuild-/.test(project.serviceRole ?? "")) return;
    const outside = parameterReferences(context).filter(
      ({ written }) => !isComputed(written) && !/^\/?CodeBuild\//.test(parameterNameOf(written)),
    );
    const [first] = outside;
    if (!first) return;
    yield {
      severity: "warning",
      message: `the project's role looks like the one that the console makes, which does not read ${outside.map(({ written }) => `\`${parameterNameOf(written)}\``).join(", ")}`,
      ...(first.span && { span: first.span }),
      why: "it covers parameters below `/CodeBuild/` only, unless somebody added a policy: the build then stops with `Decrypted Variables Error`",
    };
  },
};
