/** GetSecretValue: by version id, by staging label, or the current version. */
import type { AuthorizationRequest } from "../../authorize/decision.ts";
import { DAY_MS } from "../../core/clock.ts";
import { KilnError } from "../../core/errors.ts";
import { type OperationContext, operation } from "../service.ts";
import { markedForDeletion, reference, stageNotOnVersion, valueNotFound } from "./errors.ts";
import { changeSecret, lookupErrors, requireLiveSecret } from "./find-secret.ts";
import { type SecretRecord, type SecretVersion, secretArn } from "./records.ts";
import { conditionsOf, secretAccess } from "./secret-access.ts";
import { decryptValue, readErrors } from "./secret-value.ts";
import type { GetSecretValueRequest, GetSecretValueResponse } from "./shapes.gen.ts";
import { CURRENT, versionAt, versionById } from "./version-stages.ts";

export const getSecretValue = operation<GetSecretValueRequest, GetSecretValueResponse>({
  name: "GetSecretValue",
  support: "supported",
  source: reference("GetSecretValue"),
  authorize: (input, context) => [valueAccess(context, input)],
  errors: [...lookupErrors, markedForDeletion, valueNotFound, stageNotOnVersion, ...readErrors],
  async run(input, context) {
    const record = requireLiveSecret(context, input.SecretId);
    const version = requireVersion(record, input);
    const value = await decryptValue(context, record, version.id);
    await noteAccess(context, record, version);
    return {
      ARN: secretArn(record),
      Name: record.name,
      VersionId: version.id,
      ...value,
      ...(version.stages.length > 0 && { VersionStages: version.stages }),
      CreatedDate: version.createdAtMs,
    };
  },
});

/**
 * Permission to read the version that the request means. AWS: conditions see what the request says, so that a policy for
 * AWSCURRENT does not allow a read that leaves it out (seen in https://github.com/aws/aws-cli/issues/5031).
 */
export function valueAccess(context: OperationContext, input: GetSecretValueRequest): AuthorizationRequest {
  const keys = conditionsOf({ VersionId: input.VersionId, VersionStage: input.VersionStage });
  return secretAccess(context, "secretsmanager:GetSecretValue", input.SecretId, keys);
}

function requireVersion({ versions }: SecretRecord, { VersionId, VersionStage }: GetSecretValueRequest): SecretVersion {
  if (VersionId === undefined) {
    const stage = VersionStage ?? CURRENT;
    const version = versionAt(versions, stage);
    if (!version || version.isEmpty) throw valueNotFound("staging label", stage);
    return version;
  }
  const version = versionById(versions, VersionId);
  if (!version) throw valueNotFound("VersionId", VersionId);
  if (VersionStage !== undefined && !version.stages.includes(VersionStage)) throw stageNotOnVersion();
  // AWS: a rotation's version is there, with AWSPENDING, before its function has put a value.
  if (version.isEmpty) throw valueNotFound("VersionId", VersionId);
  return version;
}

/** AWS: the date of the last access has no time of day, so that most reads change nothing. */
async function noteAccess(context: OperationContext, record: SecretRecord, { id }: SecretVersion): Promise<void> {
  const nowMs = context.clock.nowMs();
  const lastAccessedMs = nowMs - (nowMs % DAY_MS);
  if (versionById(record.versions, id)?.lastAccessedMs === lastAccessedMs) return;
  await changeSecret(context, record, (current) => ({
    ...current,
    lastAccessedMs,
    versions: current.versions.map((version) => (version.id === id ? { ...version, lastAccessedMs } : version)),
  })).catch((error: unknown) => {
    // A state folder that cannot be written, on a full disk, is read all the same.
    if (!(error instanceof KilnError)) throw error;
  });
}
