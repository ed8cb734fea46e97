/** The service role may not write the build's CloudWatch log (R10). */
import type { Cause } from "../cause.ts";
import { decisionEvidence, findDenial, policyFix, scopeOf, serviceRoleName } from "../denial.ts";
import { remedy, whyDenied } from "../remedy.ts";

export const logsDenied: Cause = {
  id: "iam/logs-denied",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html"],
  match(failure, facts) {
    const denial = findDenial(failure.message);
    if (!denial?.action.startsWith("logs:")) return undefined;
    const role = serviceRoleName(facts, denial);
    const { region, accountId } = scopeOf(facts);
    const group =
      /log-group:([^:*]+)/.exec(denial.resource)?.[1] ?? `/aws/codebuild/${facts.build.projectName ?? "PROJECT"}`;
    const arn = `arn:aws:logs:${region}:${accountId}:log-group:${group}`;
    const statement = {
      Sid: "WriteBuildLogs",
      Effect: "Allow" as const,
      Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
      Resource: [arn, `${arn}:*`],
    };
    return {
      cause: `the service role \`${role}\` may not write the build's log: ${whyDenied(denial)}`,
      evidence: [failure.message, ...decisionEvidence(facts.decisions, denial)],
      why: "a project with CloudWatch logs on does not start a build whose log cannot be written",
      ...remedy(
        facts,
        denial,
        policyFix("allow writing this project's log group, and nothing else", role, "kiln-write-logs", [statement]),
      ),
      confidence: "certain",
    };
  },
};
