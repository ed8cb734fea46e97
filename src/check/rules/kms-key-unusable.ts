/** A key that is disabled, waits for its deletion or is gone, while a parameter, a secret or the artifacts need it. */

import { parseSecretReference } from "../../build/plan/index.ts";
import type { Span } from "../../core/diagnostics.ts";
import { findSecret } from "../knowledge/secret-lookup.ts";
import { parameterReferences, secretReferences } from "../knowledge/store-references.ts";
import { findKey } from "../role/role-needs.ts";
import type { CheckContext, Rule } from "../rule.ts";
import { findParameter } from "../shell/variables.ts";

export const kmsKeyUnusable: Rule = {
  id: "kms/key-unusable",
  severity: "error",
  title: "a key that is disabled, deleted or not there",
  source: "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html",
  *run(context) {
    const { keys } = context.known;
    if (!keys) return;
    for (const { what, keyId, span } of uses(context)) {
      // AWS makes its own keys when they are first used.
      if (/(?:^|:)alias\/aws\//.test(keyId) || isOfOtherPlace(context, keyId)) continue;
      const key = findKey(keys, keyId);
      if (key?.state === "Enabled") continue;
      const state = key === undefined ? "does not exist" : (STATES[key.state] ?? `is in state ${key.state}`);
      yield {
        message: `the key \`${keyId}\` of ${what} ${state}`,
        ...(span && { span }),
        why: "KMS neither decrypts nor encrypts with it, whatever policies say",
        ...(key && {
          fix: {
            kind: "command" as const,
            title: "make it usable again",
            commands:
              key.state === "PendingDeletion"
                ? [`aws kms cancel-key-deletion --key-id ${key.keyId}`, `aws kms enable-key --key-id ${key.keyId}`]
                : [`aws kms enable-key --key-id ${key.keyId}`],
          },
        }),
      };
    }
  },
};

const STATES: Readonly<Record<string, string>> = {
  Disabled: "is disabled",
  PendingDeletion: "is marked for deletion",
  PendingImport: "has no key material yet",
};

interface Use {
  readonly what: string;
  readonly keyId: string;
  readonly span: Span | undefined;
}

function uses(context: CheckContext): Use[] {
  const { project, parameters, known } = context;
  const ofParameters = parameterReferences(context).flatMap(({ written, span }) => {
    const parameter = findParameter(parameters, written);
    if (parameter?.type !== "SecureString" || parameter.keyId === undefined) return [];
    return [{ what: `parameter \`${parameter.name}\``, keyId: parameter.keyId, span }];
  });
  const ofSecrets = secretReferences(context).flatMap(({ written, span }) => {
    const { secretId } = parseSecretReference(written);
    const secret = findSecret(known.secrets, secretId);
    return secret?.keyId === undefined ? [] : [{ what: `secret \`${secret.name}\``, keyId: secret.keyId, span }];
  });
  const { encryptionKey } = project;
  const writes = project.artifacts?.type === "S3" && encryptionKey !== undefined;
  return [
    ...ofParameters,
    ...ofSecrets,
    ...(writes ? [{ what: "the project's artifacts", keyId: encryptionKey, span: undefined }] : []),
  ];
}

function isOfOtherPlace({ known }: CheckContext, keyId: string): boolean {
  const [prefix, , , region, account] = keyId.split(":");
  if (prefix !== "arn") return false;
  const { scope } = known;
  return (
    (scope?.region !== undefined && region !== scope.region) ||
    (scope?.accountId !== undefined && account !== scope.accountId)
  );
}
