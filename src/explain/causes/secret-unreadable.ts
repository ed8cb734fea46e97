/** A Secrets Manager secret of `env.secrets-manager` is denied (R09) or does not exist. */
import type { BuildFacts } from "../build-facts.ts";
import type { Cause } from "../cause.ts";
import { decisionEvidence, findDenial, policyFix, scopeOf, serviceRoleName } from "../denial.ts";
import { at, firstLine } from "./finding-parts.ts";

const SOURCES = [
  "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.secrets-manager",
];

export const secretReadDenied: Cause = {
  id: "iam/secret-read-denied",
  sources: SOURCES,
  match(failure, facts) {
    const denial = findDenial(failure.message);
    if (!denial?.action.startsWith("secretsmanager:")) return undefined;
    const role = serviceRoleName(facts, denial);
    const { region, accountId } = scopeOf(facts);
    // AWS: a secret's ARN ends in six random characters; a name in a policy needs the wildcard `-??????`.
    const resource = denial.resource.startsWith("arn:")
      ? denial.resource
      : `arn:aws:secretsmanager:${region}:${accountId}:secret:${denial.resource}-??????`;
    const statement = {
      Sid: "ReadBuildSecrets",
      Effect: "Allow" as const,
      Action: [denial.action],
      Resource: [resource],
    };
    return {
      cause: `the service role \`${role}\` may not read the secret \`${denial.resource}\`: no policy allows \`${denial.action}\` on it`,
      ...placeOfSecret(facts, denial.resource),
      evidence: [firstLine(failure.message), ...decisionEvidence(facts.decisions, denial)],
      fix: policyFix("allow reading this secret, and nothing else", role, "kiln-read-secrets", [statement]),
      confidence: "certain",
    };
  },
};

export const secretNotFound: Cause = {
  id: "secretsmanager/secret-not-found",
  sources: SOURCES,
  match(failure, facts) {
    if (
      failure.statusCode !== "Secrets Manager Error" ||
      !failure.message.includes("can't find the specified secret")
    ) {
      return undefined;
    }
    const secrets = facts.buildspec?.env.secretsManager ?? [];
    const only = secrets.length === 1 ? secrets[0] : undefined;
    const id = only?.value.value.split(":")[0];
    return {
      cause: id === undefined ? "a secret that the build reads does not exist" : `the secret \`${id}\` does not exist`,
      ...at(facts.buildspec?.file, only?.value.span.line ?? secrets[0]?.value.span.line),
      evidence: [firstLine(failure.message)],
      fix: {
        kind: "command",
        title: "create the secret",
        commands: [`aws secretsmanager create-secret --name "${id ?? "NAME"}" --secret-string "VALUE"`],
      },
      confidence: "certain",
    };
  },
};

function placeOfSecret(facts: BuildFacts, resource: string): { file?: string; line?: number } {
  const variable = facts.buildspec?.env.secretsManager.find(({ value }) => {
    const id = value.value.startsWith("arn:") ? value.value : (value.value.split(":")[0] ?? "");
    return id === resource || resource.includes(`:secret:${id}`);
  });
  return at(facts.buildspec?.file, variable?.value.span.line);
}
