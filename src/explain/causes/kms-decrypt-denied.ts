/** A SecureString or secret is encrypted with a customer key that the service role may not use (R08, P09). */
import type { Cause } from "../cause.ts";
import { decisionEvidence, findDenial, policyFix, scopeOf, serviceRoleName } from "../denial.ts";
import { KEY_POLICY_ADVICE, remedy, whyDenied } from "../remedy.ts";
import { firstLine } from "./finding-parts.ts";

export const kmsDecryptDenied: Cause = {
  id: "iam/kms-decrypt-denied",
  sources: ["https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html"],
  match(failure, facts) {
    const denial = findDenial(failure.message);
    if (!denial?.action.startsWith("kms:")) return undefined;
    const role = serviceRoleName(facts, denial);
    const service = failure.statusCode === "Secrets Manager Error" ? "secretsmanager" : "ssm";
    const statement = {
      Sid: "DecryptBuildParameters",
      Effect: "Allow" as const,
      Action: [denial.action],
      Resource: [denial.resource],
      Condition: { StringEquals: { "kms:ViaService": `${service}.${scopeOf(facts).region}.amazonaws.com` } },
    };
    return {
      cause: `the service role \`${role}\` may read the value but not decrypt it: ${whyDenied(denial, `the key \`${denial.resource}\``)}`,
      evidence: [firstLine(failure.message), ...decisionEvidence(facts.decisions, denial)],
      why: "a value encrypted with a customer managed key needs a permission on that key too; the managed read-only policies do not give it",
      next: KEY_POLICY_ADVICE,
      ...remedy(
        facts,
        denial,
        policyFix(
          `allow \`${denial.action}\` on this key, only through ${service === "ssm" ? "Parameter Store" : "Secrets Manager"}`,
          role,
          "kiln-decrypt-parameters",
          [statement],
        ),
      ),
      confidence: "certain",
    };
  },
};
