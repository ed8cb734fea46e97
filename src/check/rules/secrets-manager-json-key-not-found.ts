/** A JSON member that a secret does not have; known only of secrets whose value somebody looked at. */
import { nearest } from "../../core/nearest.ts";
import { findSecret, readSecretReferences, replaceIn } from "../knowledge/secret-lookup.ts";
import type { Rule } from "../rule.ts";

export const secretsManagerJsonKeyNotFound: Rule = {
  id: "secrets-manager/json-key-not-found",
  severity: "error",
  title: "a JSON member that the secret does not have",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.secrets-manager",
  *run(context) {
    for (const { reference, parsed } of readSecretReferences(context)) {
      const { jsonKey, versionStage = "AWSCURRENT", versionId } = parsed;
      // Members are those of the current version.
      if (jsonKey === undefined || versionStage !== "AWSCURRENT" || versionId !== undefined) continue;
      const secret = findSecret(context.known.secrets, parsed.secretId);
      if (secret?.jsonKeys === undefined || secret.jsonKeys?.includes(jsonKey)) continue;
      const guess = nearest(jsonKey, secret.jsonKeys ?? []);
      const fix = guess === undefined ? undefined : replaceIn(context, reference, jsonKey, guess);
      yield {
        message:
          secret.jsonKeys === null
            ? `secret \`${secret.name}\` of \`${reference.variable}\` is no JSON object, so it has no member \`${jsonKey}\``
            : `secret \`${secret.name}\` of \`${reference.variable}\` has no JSON key \`${jsonKey}\`${guess === undefined ? `; it has ${secret.jsonKeys.map((key) => `\`${key}\``).join(", ") || "none"}` : `; did you mean \`${guess}\`?`}`,
        ...(reference.span && { span: reference.span }),
        why: "CodeBuild stops in DOWNLOAD_SOURCE with `Secrets Manager Error`",
        ...(fix && { fix }),
      };
    }
  },
};
