/** KeyMetadata as CreateKey and DescribeKey answer it. */
import { isSymmetricEncryption, kindMembers } from "../key-specs.ts";
import { isReplica } from "../multi-region/multi-region-records.ts";
import { type KeyRecord, keyArn, type MultiRegion } from "../records.ts";
import type { KeyMetadata, MultiRegionConfiguration } from "../shapes.gen.ts";

export function keyMetadata(key: KeyRecord): KeyMetadata {
  // AWS: only symmetric encryption keys tell which material is in use.
  const current = isSymmetricEncryption(key) ? usedMaterial(key) : undefined;
  return {
    AWSAccountId: key.accountId,
    KeyId: key.id,
    Arn: keyArn(key),
    CreationDate: key.createdAtMs,
    Enabled: key.state === "Enabled",
    Description: key.description,
    KeyState: key.state,
    ...(key.deletionAtMs !== undefined && { DeletionDate: key.deletionAtMs }),
    // AWS: the window of a primary key until its date is known, and only then.
    ...(key.state === "PendingReplicaDeletion" && { PendingDeletionWindowInDays: key.pendingWindowDays }),
    Origin: key.origin ?? "AWS_KMS",
    ...expirationMembers(key),
    KeyManager: key.manager,
    ...kindMembers(key),
    MultiRegion: key.multiRegion !== undefined,
    ...(key.multiRegion && { MultiRegionConfiguration: configurationOf(key, key.multiRegion) }),
    ...(current && { CurrentKeyMaterialId: current.id }),
  };
}

/** What encrypts, or would if its bytes were there. */
const usedMaterial = (key: KeyRecord): { readonly id: string } | undefined =>
  key.imports ? key.imports.findLast((one) => !one.isPendingRotation) : key.material.at(-1);

/** AWS: of several imported materials the one that expires first. */
function expirationMembers({ imports, state }: KeyRecord): Pick<KeyMetadata, "ExpirationModel" | "ValidTo"> {
  if (!imports?.some((one) => one.isPresent) || state === "PendingImport") return {};
  const times = imports.flatMap((one) => one.expiresAtMs ?? []);
  return times.length === 0
    ? { ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" }
    : { ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo: Math.min(...times) };
}

function configurationOf(key: KeyRecord, { primaryRegion, replicaRegions }: MultiRegion): MultiRegionConfiguration {
  const inRegion = (region: string) => ({ Arn: keyArn({ ...key, region }), Region: region });
  return {
    MultiRegionKeyType: isReplica(key) ? "REPLICA" : "PRIMARY",
    PrimaryKey: inRegion(primaryRegion),
    ReplicaKeys: replicaRegions.map(inRegion),
  };
}
