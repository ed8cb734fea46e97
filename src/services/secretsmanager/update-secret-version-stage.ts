/** UpdateSecretVersionStage: moves one staging label to a version, or takes it away. */
import { operation } from "../service.ts";
import {
  invalidParameter,
  markedForDeletion,
  quotaExceeded,
  reference,
  stageNeedsRemoveFrom,
  valueNotFound,
} from "./errors.ts";
import { changeSecret, lookupErrors, requireLiveSecret } from "./find-secret.ts";
import { type SecretVersion, secretArn } from "./records.ts";
import { conditionsOf, secretAccess } from "./secret-access.ts";
import type { UpdateSecretVersionStageRequest, UpdateSecretVersionStageResponse } from "./shapes.gen.ts";
import { CURRENT, moveStage, requireStagesFit, versionAt, versionById, withStages } from "./version-stages.ts";

export const updateSecretVersionStage = operation<UpdateSecretVersionStageRequest, UpdateSecretVersionStageResponse>({
  name: "UpdateSecretVersionStage",
  support: "supported",
  source: reference("UpdateSecretVersionStage"),
  authorize: (input, context) => [
    secretAccess(
      context,
      "secretsmanager:UpdateSecretVersionStage",
      input.SecretId,
      conditionsOf({ VersionStage: input.VersionStage }),
    ),
  ],
  errors: [...lookupErrors, markedForDeletion, invalidParameter, stageNeedsRemoveFrom, valueNotFound, quotaExceeded],
  async run(input, context) {
    if (input.MoveToVersionId === undefined && input.RemoveFromVersionId === undefined) {
      throw invalidParameter("You must provide at least one of MoveToVersionId and RemoveFromVersionId.");
    }
    const found = requireLiveSecret(context, input.SecretId);
    const record = await changeSecret(context, found, (current) => ({
      ...current,
      versions: requireStagesFit(moved(current.versions, input)),
      lastChangedMs: context.clock.nowMs(),
    }));
    return { ARN: secretArn(record), Name: record.name };
  },
});

function moved(versions: readonly SecretVersion[], input: UpdateSecretVersionStageRequest): SecretVersion[] {
  const { VersionStage: stage, MoveToVersionId: to, RemoveFromVersionId: from } = input;
  for (const id of [from, to]) {
    const version = id === undefined ? undefined : versionById(versions, id);
    // A version that a rotation has begun cannot become the current one before it has a value.
    const isThere = version && !(version.isEmpty && id === to && stage === CURRENT);
    if (id !== undefined && !isThere) throw valueNotFound("VersionId", id);
  }
  const holder = versionAt(versions, stage)?.id;
  if (from !== undefined && from !== holder) {
    throw invalidParameter(
      to === undefined
        ? `Staging label ${stage} is not currently attached to version ${from}.`
        : `When you move staging label ${stage}, if you specify RemoveFromVersionId, it must be set to the version that currently has the staging label ${stage}.`,
    );
  }
  if (to === undefined) {
    // AWS: with this apostrophe.
    if (stage === CURRENT) {
      throw invalidParameter(
        "You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.",
      );
    }
    return moveStage(versions, stage, undefined);
  }
  if (holder !== undefined && holder !== to && from === undefined) throw stageNeedsRemoveFrom(stage, holder);
  return withStages(versions, to, [stage]);
}
