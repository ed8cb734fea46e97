/** The batch role: without `codebuild:StartBuild` on the project no build of a batch starts. */
import { evaluate } from "../../authorize/index.ts";
import { parseArn } from "../../core/arn.ts";
import type { AssumedRolePrincipal } from "../../core/aws.ts";
import { policyFix } from "../role/policy-fix.ts";
import { scopeOf } from "../role/role-needs.ts";
import type { Rule } from "../rule.ts";

export const batchRoleMissing: Rule = {
  id: "batch/role-missing",
  severity: "error",
  title: "a batch role that may not start the builds",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build.html",
  *run({ buildspec, project, known }) {
    const { batchRole: role } = known;
    const { batch } = buildspec;
    if (!batch || !role || project.name === undefined) return;
    const scope = scopeOf(known);
    if (scope.region === "*" || scope.accountId === "*") return;
    const resource = `arn:${scope.partition}:codebuild:${scope.region}:${scope.accountId}:project/${project.name}`;
    const accountId = parseArn(role.arn ?? "")?.accountId ?? scope.accountId;
    const principal: AssumedRolePrincipal = {
      type: "AssumedRole",
      arn: `arn:${scope.partition}:sts::${accountId}:assumed-role/${role.name}/AWSCodeBuild`,
      accountId,
      userId: "AROAEXAMPLEEXAMPLE000:AWSCodeBuild",
      roleArn: role.arn ?? "",
      roleName: role.name,
      sessionName: "AWSCodeBuild",
      sessionPolicies: [],
      sessionTags: {},
      tokenIssuedAtMs: 0,
    };
    const missing = ["codebuild:StartBuild", "codebuild:StopBuild", "codebuild:RetryBuild"].filter(
      (action) =>
        evaluate({
          principal,
          policies: { identity: role.policies, ...(role.boundary && { boundary: role.boundary }) },
          request: { action, resource },
          context: { "aws:RequestedRegion": scope.region },
        }).effect !== "allowed",
    );
    if (missing.length === 0) return;
    const starts = !missing.includes("codebuild:StartBuild");
    yield {
      ...(starts && { severity: "warning" as const }),
      message: `the batch role \`${role.name}\` may not call ${missing.map((action) => `\`${action}\``).join(", ")} on \`${resource}\``,
      span: batch.span,
      why: starts ? "builds of a batch cannot be stopped or retried" : "no build of the batch starts",
      fix: policyFix(
        "allow exactly this",
        role.name,
        "kiln-batch",
        missing.map((action) => ({
          action,
          resource,
          why: "the batch",
          isExact: true,
          by: "codebuild",
          effect: "fails",
        })),
      ),
    };
  },
};
