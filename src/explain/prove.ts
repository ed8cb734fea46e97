/**
 * How to see that a cause is gone: a command or a step that a person can take after the fix, without waiting for the
 * next build where one can be spared. Made from what the finding says; a cause may name a better one itself.
 */
import type { Fix, PolicyFix } from "../core/diagnostics.ts";
import type { BuildFacts } from "./build-facts.ts";
import type { Finding } from "./cause.ts";
import { scopeOf } from "./denial.ts";

/** One sentence with commands in backticks. */
export function proveFix(finding: Finding, facts: BuildFacts): string {
  if (finding.prove !== undefined) return finding.prove;
  const fix = finding.fix ?? finding.alternatives?.[0];
  if (fix?.kind === "policy") return provePolicy(fix, facts);
  if (fix?.kind === "edit") {
    return facts.isSaved
      ? `\`kiln check\` is silent about it, and the next build goes on: ${buildAgain(facts)}`
      : `\`kiln check\` is silent about it, and ${buildAgain(facts)} goes on`;
  }
  const commands = fix?.kind === "command" ? fix.commands.join("\n") : "";
  const parameter = /\bssm put-parameter --name "?([^\s"]+)"?/.exec(commands)?.[1];
  // A value that was wrong is a parameter before as after: only the next build shows the difference.
  if (parameter !== undefined && !commands.includes("--overwrite")) {
    return `\`aws ssm get-parameters --names ${parameter} --query InvalidParameters\` prints an empty list`;
  }
  const secret = /\bsecretsmanager create-secret --name "?([^\s"]+)"?/.exec(commands)?.[1];
  if (secret !== undefined) return `\`aws secretsmanager describe-secret --secret-id ${secret}\` finds it`;
  const bucket = /\bs3 mb s3:\/\/([^\s/]+)/.exec(commands)?.[1];
  if (bucket !== undefined) return `\`aws s3api head-bucket --bucket ${bucket}\` prints no error`;
  const repository = /\becr create-repository --repository-name (\S+)/.exec(commands)?.[1];
  if (repository !== undefined) return `\`aws ecr describe-repositories --repository-names ${repository}\` finds it`;
  const trusted = /\biam update-assume-role-policy --role-name (\S+)/.exec(commands)?.[1];
  if (trusted !== undefined) {
    return `\`aws iam get-role --role-name ${trusted} --query Role.AssumeRolePolicyDocument\` names \`codebuild.amazonaws.com\`; then make the same call again`;
  }
  if (/\bcodebuild update-project\b/.test(commands) && finding.field) {
    return `\`${projectQuery(facts, finding.field.path)}\` prints the new value, and ${buildAgain(facts)} goes on`;
  }
  if (finding.field && facts.build.projectName !== undefined && facts.isSaved) {
    return `\`${projectQuery(facts, finding.field.path)}\` prints the new value, and ${buildAgain(facts)} goes on`;
  }
  return `${buildAgain(facts)} gets past this point`;
}

const projectQuery = ({ build }: BuildFacts, path: string): string =>
  `aws codebuild batch-get-projects --names ${build.projectName ?? "PROJECT"} --query 'projects[0].${path.replace(/\[\w+\]/g, "[]")}'`;

/** Starts the build again: AWS's command where the facts are AWS's. */
const buildAgain = ({ isSaved, build }: BuildFacts): string =>
  isSaved ? `\`aws codebuild start-build --project-name ${build.projectName ?? "PROJECT"}\`` : "`kiln run`";

interface PolicyStatement {
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}

/** The statement's own question: one action on one resource. */
function provePolicy(fix: PolicyFix, facts: BuildFacts): string {
  const { Statement = [] } = fix.policy as { readonly Statement?: readonly PolicyStatement[] };
  const statement = Statement.at(-1);
  const action = [statement?.Action ?? "ACTION"].flat()[0] ?? "ACTION";
  const pattern =
    [statement?.Resource ?? "*"].flat().find((one) => one.endsWith("/*")) ??
    [statement?.Resource ?? "*"].flat()[0] ??
    "*";
  const resource = pattern.replace(/\?{6}$/, "AbCdEf").replace(/(?<=.)\*$/, "x");
  const role = roleOf(fix, facts);
  if (!facts.isSaved) {
    return `\`kiln iam can ${role} ${action}${resource === "*" ? "" : ` ${resource}`}\` answers allowed`;
  }
  const { accountId } = scopeOf(facts);
  const arn = facts.build.serviceRole?.endsWith(`/${role}`)
    ? facts.build.serviceRole
    : `arn:aws:iam::${facts.build.arn === undefined ? (accountOf(pattern) ?? "ACCOUNT") : accountId}:role/${role}`;
  return `\`aws iam simulate-principal-policy --policy-source-arn ${arn} --action-names ${action} --resource-arns '${resource}' --query 'EvaluationResults[].EvalDecision'\` prints allowed`;
}

const accountOf = (arn: string): string | undefined => /^arn:[^:]*:[^:]*:[^:]*:(\d{12}):/.exec(arn)?.[1];

function roleOf(fix: Fix, facts: BuildFacts): string {
  const named = fix.kind === "policy" ? /--role-name (\S+)/.exec(fix.commands[0] ?? "")?.[1] : undefined;
  return named ?? facts.build.serviceRole?.split("/").at(-1) ?? "ROLE";
}
