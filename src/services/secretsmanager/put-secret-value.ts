/** PutSecretValue: a new version, current unless the request says otherwise. */
import { operation } from "../service.ts";
import { addVersion, requireToken } from "./add-version.ts";
import {
  invalidParameter,
  markedForDeletion,
  reference,
  tokenInUse,
  tokenMissing,
  unsupported,
  valueMissing,
} from "./errors.ts";
import { lookupErrors, requireLiveSecret } from "./find-secret.ts";
import { secretArn } from "./records.ts";
import { secretAccess } from "./secret-access.ts";
import { readErrors, valueIn, writeErrors } from "./secret-value.ts";
import type { PutSecretValueRequest, PutSecretValueResponse } from "./shapes.gen.ts";
import { CURRENT, versionById } from "./version-stages.ts";

export const putSecretValue = operation<PutSecretValueRequest, PutSecretValueResponse>({
  name: "PutSecretValue",
  support: "partial",
  gaps: ["`RotationToken` is refused: there is no rotation"],
  source: reference("PutSecretValue"),
  authorize: (input, context) => [secretAccess(context, "secretsmanager:PutSecretValue", input.SecretId)],
  errors: [
    ...[...lookupErrors, invalidParameter, unsupported, markedForDeletion, tokenMissing, tokenInUse, valueMissing],
    ...writeErrors,
    ...readErrors,
  ],
  async run(input, context) {
    if (input.RotationToken !== undefined) throw unsupported("rotation of secrets");
    const id = requireToken(input);
    const value = valueIn(input);
    if (!value) throw valueMissing();
    const before = requireLiveSecret(context, input.SecretId);
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
