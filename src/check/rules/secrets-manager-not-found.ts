/**
 * A secret that does not exist, waits for its deletion, or has no such version. Needs the list of secrets; without it the
 * rule is silent.
 */

import type { SecretReference } from "../../build/plan/index.ts";
import { parseArn } from "../../core/arn.ts";
import { nearest } from "../../core/nearest.ts";
import { shellText } from "../../core/shell-word.ts";
import type { KnownSecret } from "../knowledge/knowledge.ts";
import { findSecret, readSecretReferences, replaceIn } from "../knowledge/secret-lookup.ts";
import type { StoreReference } from "../knowledge/store-references.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";

export const secretsManagerNotFound: Rule = {
  id: "secrets-manager/not-found",
  severity: "error",
  title: "a secret, or a version of it, that does not exist",
  source: "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html",
  *run(context) {
    const { secrets } = context.known;
    if (!secrets) return;
    for (const { reference, parsed } of readSecretReferences(context)) {
      const found = notFound(context, reference, parsed, secrets);
      if (found) yield { ...(reference.span && { span: reference.span }), ...found };
    }
  },
};

function notFound(
  context: CheckContext,
  reference: StoreReference,
  { secretId, versionStage, versionId }: SecretReference,
  secrets: readonly KnownSecret[],
): Finding | undefined {
  const arn = parseArn(secretId);
  const { region, accountId } = context.known.scope ?? {};
  // Another region's or account's: this store knows nothing of it.
  if (
    arn &&
    ((region !== undefined && arn.region !== region) || (accountId !== undefined && arn.accountId !== accountId))
  ) {
    return undefined;
  }
  if (secretId.startsWith("arn:") && arn?.service !== "secretsmanager") return undefined;
  const secret = findSecret(secrets, secretId);
  const stops = "CodeBuild stops in DOWNLOAD_SOURCE with `Secrets Manager Error`";
  if (!secret) {
    const name = arn ? arn.resource.replace(/^secret:/, "") : secretId;
    const guess = nearest(
      name,
      secrets.map((one) => one.name),
    );
    const fix = guess === undefined || arn ? undefined : replaceIn(context, reference, secretId, guess);
    return {
      // A store that holds nothing is most often one that nobody has filled yet.
      ...(secrets.length === 0 && { severity: "warning" as const }),
      message: `secret \`${name}\` of \`${reference.variable}\` ${secrets.length === 0 ? "is not in Kiln's Secrets Manager, which is empty" : `does not exist${guess === undefined ? "" : `; the nearest is \`${guess}\``}`}`,
      why: `${stops}: \`ResourceNotFoundException: Secrets Manager can't find the specified secret.\``,
      fix: fix ?? {
        kind: "command",
        title: "store it",
        commands: [`aws secretsmanager create-secret --name ${shellText(name)} --secret-string VALUE`],
      },
    };
  }
  if (secret.isDeleted) {
    return {
      message: `secret \`${secret.name}\` of \`${reference.variable}\` is marked for deletion`,
      why: `${stops}; a secret that waits for its deletion cannot be read`,
      fix: {
        kind: "command",
        title: "take the deletion back",
        commands: [`aws secretsmanager restore-secret --secret-id ${shellText(secret.name)}`],
      },
    };
  }
  const { versions } = secret;
  if (versions && versionStage !== undefined && !versions.some(({ stages }) => stages.includes(versionStage))) {
    const stages = [...new Set(versions.flatMap((version) => version.stages))];
    return {
      message: `no version of secret \`${secret.name}\` has the stage \`${versionStage}\`; there are ${stages.map((stage) => `\`${stage}\``).join(", ")}`,
      why: stops,
    };
  }
  if (versions && versionId !== undefined && !versions.some(({ id }) => id === versionId)) {
    // Versions without a stage may exist and are not in the list.
    return {
      severity: "warning",
      message: `no version of secret \`${secret.name}\` with a stage has the id \`${versionId}\``,
      why: `Secrets Manager drops versions without a stage in time; then ${stops}`,
    };
  }
  return undefined;
}
