/** KeyMetadata as CreateKey and DescribeKey answer it. */
import { type KeyRecord, keyArn } from "./records.ts";
import type { KeyMetadata } from "./shapes.gen.ts";

export function keyMetadata(key: KeyRecord): KeyMetadata {
  const current = key.material.at(-1);
  return {
    AWSAccountId: key.accountId,
    KeyId: key.id,
    Arn: keyArn(key),
    CreationDate: key.createdAtMs,
    Enabled: key.state === "Enabled",
    Description: key.description,
    KeyUsage: "ENCRYPT_DECRYPT",
    KeyState: key.state,
    ...(key.deletionAtMs !== undefined && { DeletionDate: key.deletionAtMs }),
    Origin: "AWS_KMS",
    KeyManager: key.manager,
    CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
    KeySpec: "SYMMETRIC_DEFAULT",
    EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
    MultiRegion: false,
    ...(current && { CurrentKeyMaterialId: current.id }),
  };
}
