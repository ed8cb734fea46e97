/** PutSecretValue: a new version, current unless the request says otherwise. */
import { operation } from "../service.ts";
import { addVersion, requireToken } from "./add-version.ts";
import {
  invalidParameter,
  markedForDeletion,
  quotaExceeded,
  reference,
  tokenInUse,
  tokenMissing,
  valueMissing,
} from "./errors.ts";
import { lookupErrors, requireLiveSecret } from "./find-secret.ts";
import { type SecretRecord, secretArn } from "./records.ts";
import { secretAccess } from "./secret-access.ts";
import { readErrors, valueIn, writeErrors } from "./secret-value.ts";
import type { PutSecretValueRequest, PutSecretValueResponse } from "./shapes.gen.ts";
import { CURRENT, versionById } from "./version-stages.ts";

export const putSecretValue = operation<PutSecretValueRequest, PutSecretValueResponse>({
  name: "PutSecretValue",
  support: "supported",
  source: reference("PutSecretValue"),
  authorize: (input, context) => [secretAccess(context, "secretsmanager:PutSecretValue", input.SecretId)],
  errors: [
    ...lookupErrors,
    invalidParameter,
    markedForDeletion,
    tokenMissing,
    tokenInUse,
    valueMissing,
    quotaExceeded,
    ...writeErrors,
    ...readErrors,
  ],
  async run(input, context) {
    const id = requireToken(input);
    const value = valueIn("PutSecretValue", input);
    if (!value) throw valueMissing();
    const before = requireLiveSecret(context, input.SecretId);
    requireRotationToken(before, input.RotationToken);
    const stages = input.VersionStages ?? [CURRENT];
    const record = await addVersion(context, before, { id, value, stages });
    return {
      ARN: secretArn(record),
      Name: record.name,
      VersionId: id,
      VersionStages: versionById(record.versions, id)?.stages ?? [],
    };
  },
});

/** The token that the rotation has given its function, from whoever shows one. */
function requireRotationToken({ rotation }: SecretRecord, token: string | undefined): void {
  if (token === undefined || token === rotation?.pending?.rotationToken) return;
  throw invalidParameter("The RotationToken does not belong to a rotation of this secret that is in progress.");
}
