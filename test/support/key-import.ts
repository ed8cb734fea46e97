/** Imports key material into KMS as its users do: asks for a wrapping key, wraps, imports. For tests of kms. */
import { constants, createPublicKey, publicEncrypt } from "node:crypto";
import type { AwsCaller } from "../../src/core/aws.ts";

interface WrappingParameters {
  readonly ImportToken: Uint8Array;
  readonly PublicKey: Uint8Array;
  readonly ParametersValidTo: number;
}

/** Material as RSAES_OAEP wraps it, under a key of GetParametersForImport. */
export function wrapMaterial(publicKey: Uint8Array, material: Uint8Array, oaepHash = "sha256"): Buffer {
  const key = createPublicKey({ key: Buffer.from(publicKey), type: "spki", format: "der" });
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, material);
}

export const wrappingParameters = (caller: AwsCaller, KeyId: string, input: object = {}): Promise<WrappingParameters> =>
  caller.call<WrappingParameters>("kms", "GetParametersForImport", {
    KeyId,
    ...{ WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" },
    ...input,
  });

/** The input of ImportKeyMaterial for material that does not expire unless `input` says so. */
export async function importInput(
  caller: AwsCaller,
  KeyId: string,
  material: Uint8Array,
  input: object = {},
): Promise<object> {
  const { ImportToken, PublicKey } = await wrappingParameters(caller, KeyId);
  const ExpirationModel = "KEY_MATERIAL_DOES_NOT_EXPIRE";
  return { KeyId, ImportToken, EncryptedKeyMaterial: wrapMaterial(PublicKey, material), ExpirationModel, ...input };
}
