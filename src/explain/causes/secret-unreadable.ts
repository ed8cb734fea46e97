/**
 * A secret of `env.secrets-manager` cannot be read: denied (R09), absent, without the version or the JSON key that the
 * reference names, or encrypted with a key that the role may not use.
 */
import { shellText } from "../../core/shell-word.ts";
import type { BuildFacts } from "../build-facts.ts";
import type { Cause, Finding } from "../cause.ts";
import { type Denial, decisionEvidence, findDenial, policyFix, scopeOf, serviceRoleName } from "../denial.ts";
import type { Failure } from "../failures.ts";
import { KEY_POLICY_ADVICE, remedy, whyDenied } from "../remedy.ts";
import { at, firstLine } from "./finding-parts.ts";

const STATUS_CODE = "Secrets Manager Error";
const SOURCES = [
  "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.secrets-manager",
];

export const secretReadDenied: Cause = {
  id: "iam/secret-read-denied",
  sources: SOURCES,
  match(failure, facts) {
    const denial = secretDenial(failure);
    if (!denial?.resource.startsWith("arn:")) return undefined;
    const role = serviceRoleName(facts, denial);
    return {
      cause: `the service role \`${role}\` may not read the secret \`${denial.resource}\`: ${whyDenied(denial, "it")}`,
      ...placeOf(facts, denial.resource),
      evidence: [firstLine(failure.message), ...decisionEvidence(facts.decisions, denial)],
      ...remedy(facts, denial, readPolicy(facts, role, denial.resource)),
      confidence: "certain",
    };
  },
};

export const secretNotFound: Cause = {
  id: "secretsmanager/secret-not-found",
  sources: SOURCES,
  match(failure, facts) {
    const denial = secretDenial(failure);
    if (denial && !denial.resource.startsWith("arn:")) return absentAndDenied(failure, facts, denial);
    if (failure.statusCode !== STATUS_CODE || !failure.message.includes("can't find the specified secret.")) {
      return undefined;
    }
    const id = secretAskedFor(facts);
    return {
      cause: id === undefined ? "a secret that the build reads does not exist" : `the secret \`${id}\` does not exist`,
      ...placeOf(facts, id),
      evidence: [firstLine(failure.message)],
      fix: createSecret(id),
      confidence: "certain",
    };
  },
};

export const secretVersionNotFound: Cause = {
  id: "secretsmanager/version-not-found",
  sources: SOURCES,
  match(failure, facts) {
    const match = /can't find the specified secret value for (VersionId|staging label): (\S+)/.exec(failure.message);
    if (!match || failure.statusCode !== STATUS_CODE) return undefined;
    const [, kind, selector = ""] = match;
    const id = secretAskedFor(facts);
    return {
      cause: `the secret${id === undefined ? "" : ` \`${id}\``} has no version with the ${kind === "VersionId" ? "id" : kind} \`${selector}\``,
      ...placeOf(facts, id, selector),
      evidence: [firstLine(failure.message)],
      next: `\`aws secretsmanager list-secret-version-ids --secret-id "${id ?? "NAME"}"\` lists the versions with their labels`,
      confidence: "certain",
    };
  },
};

export const secretJsonKeyNotFound: Cause = {
  id: "secretsmanager/json-key-not-found",
  sources: SOURCES,
  match(failure, facts) {
    const match = /the secret `([^`]+)` has no JSON key `([^`]+)`/.exec(failure.message);
    if (!match || failure.statusCode !== STATUS_CODE) return undefined;
    const [cause, id = "", key = ""] = match;
    return {
      cause,
      ...placeOf(facts, id, key),
      evidence: [firstLine(failure.message)],
      why: "`name:key` reads one member of a secret whose value is a JSON object; `name` alone reads the whole value",
      next: `\`aws secretsmanager get-secret-value --secret-id "${id}"\` shows the value`,
      confidence: "certain",
    };
  },
};

export const secretDecryptDenied: Cause = {
  id: "iam/secret-decrypt-denied",
  sources: ["https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html"],
  match(failure, facts) {
    if (failure.statusCode !== STATUS_CODE || !failure.message.includes("Access to KMS is not allowed")) {
      return undefined;
    }
    const role = serviceRoleName(facts);
    const denied = facts.decisions
      .flatMap((record) => record.decisions)
      .findLast((decision) => decision.effect !== "allowed" && decision.action === "kms:Decrypt");
    const said = denied && findDenial(denied.message);
    // AWS: the sentence may hide the key behind "the resource associated with this ciphertext".
    const denial = said && { ...said, resource: denied.resource };
    const purpose = "allow `kms:Decrypt` on this key, only through Secrets Manager";
    const statement = {
      Sid: "DecryptBuildSecrets",
      Effect: "Allow" as const,
      Action: ["kms:Decrypt"],
      Resource: [denied?.resource ?? "KEY_ARN"],
      Condition: { StringEquals: { "kms:ViaService": `secretsmanager.${scopeOf(facts).region}.amazonaws.com` } },
    };
    const fix = policyFix(purpose, role, "kiln-decrypt-secrets", [statement]);
    return {
      cause: `the service role \`${role}\` may read the secret but not decrypt it: ${denial ? whyDenied(denial, `the key \`${denial.resource}\``) : "no policy allows `kms:Decrypt` on its key"}`,
      ...placeOf(facts, secretAskedFor(facts)),
      evidence: [firstLine(failure.message), ...(denial ? decisionEvidence(facts.decisions, denial) : [])],
      why: "a secret encrypted with a customer managed key needs a permission on that key too; Secrets Manager does not pass on what KMS said",
      next: KEY_POLICY_ADVICE,
      ...(denial ? remedy(facts, denial, fix) : { fix }),
      confidence: denied ? "certain" : "likely",
    };
  },
};

function secretDenial(failure: Failure): Denial | undefined {
  const denial = findDenial(failure.message);
  return denial?.action.startsWith("secretsmanager:") ? denial : undefined;
}

// AWS: a secret that exists is denied under its ARN; the name as written is printed only for one that is not there.
function absentAndDenied(failure: Failure, facts: BuildFacts, denial: Denial): Finding {
  const role = serviceRoleName(facts, denial);
  return {
    cause: `there is no secret \`${denial.resource}\`: a name that AWS does not find is denied, unless a policy allows \`${denial.action}\` on \`*\``,
    ...placeOf(facts, denial.resource),
    evidence: [firstLine(failure.message), ...decisionEvidence(facts.decisions, denial)],
    why: "permission comes before existence: without a secret there is no ARN, and a policy for ARNs does not match a name",
    fix: createSecret(denial.resource),
    alternatives: [readPolicy(facts, role, denial.resource)],
    confidence: facts.decisions.length > 0 ? "certain" : "likely",
  };
}

/** AWS: a secret's ARN ends in six random characters; a policy for the name needs the wildcard `-??????`. */
function readPolicy(facts: BuildFacts, role: string, secret: string) {
  const { region, accountId } = scopeOf(facts);
  const arn = secret.startsWith("arn:") ? secret : `arn:aws:secretsmanager:${region}:${accountId}:secret:${secret}`;
  const statement = {
    Sid: "ReadBuildSecrets",
    Effect: "Allow" as const,
    Action: ["secretsmanager:GetSecretValue"],
    Resource: [secret.startsWith("arn:") ? arn.replace(SUFFIX, "-??????") : `${arn}-??????`],
  };
  return policyFix("allow reading this secret, and nothing else", role, "kiln-read-secrets", [statement]);
}

const SUFFIX = /-[A-Za-z0-9]{6}$/;

const createSecret = (id: string | undefined) => ({
  kind: "command" as const,
  title: "create the secret",
  commands: [`aws secretsmanager create-secret --name ${shellText(id ?? "NAME")} --secret-string "VALUE"`],
});

/** The secret-id of a reference; an ARN takes the first seven fields. */
const idIn = (reference: string): string =>
  reference
    .split(":")
    .slice(0, reference.startsWith("arn:") ? 7 : 1)
    .join(":");

/** The secret of the last call that failed, as the build wrote it, or the only one of the buildspec. */
function secretAskedFor(facts: BuildFacts): string | undefined {
  const failed = facts.decisions.findLast(
    (record) => record.operation === "GetSecretValue" && record.errorCode !== undefined,
  );
  const resource = failed?.decisions[0]?.resource;
  const secrets = facts.buildspec?.env.secretsManager ?? [];
  const written = secrets.map(({ value }) => idIn(value.value));
  return (
    written.find((id) => resource !== undefined && names(id, resource)) ??
    (secrets.length === 1 ? written[0] : resource)
  );
}

/** Whether a secret-id of a buildspec means this resource of a decision. */
const names = (id: string, resource: string): boolean =>
  id === resource || resource.replace(SUFFIX, "") === id || resource.replace(SUFFIX, "").endsWith(`:secret:${id}`);

function placeOf(facts: BuildFacts, secret: string | undefined, part?: string): { file?: string; line?: number } {
  if (secret === undefined) return at(facts.buildspec?.file, facts.buildspec?.env.secretsManager[0]?.value.span.line);
  const variables = (facts.buildspec?.env.secretsManager ?? []).filter(({ value }) => names(idIn(value.value), secret));
  const exact = variables.find(({ value }) => part !== undefined && value.value.split(":").includes(part));
  return at(facts.buildspec?.file, (exact ?? variables[0])?.value.span.line);
}
