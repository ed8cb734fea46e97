/** Makes a key record: fresh material, sealed. Used by CreateKey and for AWS managed keys. */
import type { AwsScope } from "../../../core/arn.ts";
import type { OperationContext } from "../../service.ts";
import { type KeySecret, sealedMaterial } from "../material/key-material.ts";
import type { KeyMaterial, KeyRecord } from "../records.ts";

/** What makes one key different from another; the rest of the record is its scope, id, time and state. */
export interface NewKey
  extends Pick<KeyRecord, "description" | "manager" | "spec" | "usage" | "origin" | "policy" | "tags" | "aliasNames"> {
  /** Of a primary key, that has no replicas yet. */
  readonly isMultiRegion?: boolean;
}

/** Without a secret the key gets that of a symmetric encryption key; with origin EXTERNAL it waits for its import. */
export function newKey(
  context: OperationContext,
  scope: AwsScope,
  { isMultiRegion = false, ...facts }: NewKey,
  secret?: KeySecret,
): KeyRecord {
  const { partition, region, accountId } = scope;
  const uuid = context.ids.uuid();
  // AWS: the id tells that a key is multi-Region.
  const id = isMultiRegion ? `mrk-${uuid.replaceAll("-", "")}` : uuid;
  const isExternal = facts.origin !== undefined;
  return {
    ...facts,
    id,
    partition,
    region,
    accountId,
    createdAtMs: context.clock.nowMs(),
    state: isExternal ? "PendingImport" : "Enabled",
    material: isExternal ? [] : [secret ? sealedMaterial(context, { id }, secret) : newMaterial(context, { id })],
    ...(isExternal && { imports: [] }),
    ...(isMultiRegion && { multiRegion: { primaryRegion: region, replicaRegions: [] } }),
  };
}

/** Fresh material of a symmetric encryption key. */
export const newMaterial = (context: OperationContext, key: Pick<KeyRecord, "id">): KeyMaterial =>
  sealedMaterial(context, key, { bytes: context.ids.bytes(32) });
