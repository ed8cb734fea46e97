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

const UNUSABLE =
  /ciphertext refers to a (?:customer master|KMS) key that does not exist|KMSInvalidStateException|DisabledException|is pending deletion|InvalidKeyId|KMSAccessDenied|Access to KMS is not allowed/;

export const kmsKeyUnusable: Cause = {
  id: "kms/key-unusable",
  sources: ["https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"],
  match(failure, facts) {
    const isVariable =
      failure.statusCode === "Decrypted Variables Error" || failure.statusCode === "Secrets Manager Error";
    if (!isVariable || !UNUSABLE.test(failure.message)) return undefined;
    return {
      cause:
        "the key that a parameter or secret of the build is encrypted with cannot be used: it does not exist in this region, is disabled, or the role may not use it",
      evidence: [firstLine(failure.message)],
      fix: {
        kind: "command",
        title: "see which key each parameter is encrypted with, and that key's state",
        commands: [
          "aws ssm describe-parameters --query 'Parameters[].[Name,KeyId]'",
          "aws kms describe-key --key-id KEY --query 'KeyMetadata.[KeyState,Arn]'",
        ],
      },
      next: `for a customer managed key the role \`${serviceRoleName(facts)}\` needs \`kms:Decrypt\` on it, in its own policy or the key's`,
      prove: "`aws ssm get-parameters --names NAME --with-decryption`, called as the role, prints the parameter",
      confidence: "likely",
    };
  },
};
