/** DeriveSharedSecret: elliptic curve Diffie-Hellman with somebody's public key (SP 800-56A, the raw secret). */
import { createPublicKey, diffieHellman, type KeyObject } from "node:crypto";
import { operation } from "../../service.ts";
import { requireKey } from "../find-key.ts";
import { factsOf, type KeySpec, specOf } from "../key-specs.ts";
import { privateKeyOf } from "../material/key-material.ts";
import { keyArn } from "../records.ts";
import type { DeriveSharedSecretRequest, DeriveSharedSecretResponse } from "../shapes.gen.ts";
import { refuseSpecialModes, requireUsableFor } from "../usable-key.ts";
import { invalidPublicKey } from "./errors.ts";
import { keyUseErrors, mayUseKey } from "./key-use.ts";

export const deriveSharedSecret = operation<DeriveSharedSecretRequest, DeriveSharedSecretResponse>({
  name: "DeriveSharedSecret",
  support: "partial",
  gaps: ["`Recipient` (Nitro enclaves) is refused"],
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html",
  authorize: mayUseKey("kms:DeriveSharedSecret", ({ KeyAgreementAlgorithm }) => ({
    "kms:KeyAgreementAlgorithm": KeyAgreementAlgorithm,
  })),
  errors: [...keyUseErrors, invalidPublicKey],
  async run(input, context) {
    const { KeyAgreementAlgorithm } = input;
    const { key } = await requireKey(context, input.KeyId);
    requireUsableFor(key, "DeriveSharedSecret", "KEY_AGREEMENT", KeyAgreementAlgorithm);
    const publicKey = requirePublicKey(specOf(key), input.PublicKey);
    refuseSpecialModes(input);
    return {
      KeyId: keyArn(key),
      SharedSecret: diffieHellman({ privateKey: privateKeyOf(context, key), publicKey }),
      KeyAgreementAlgorithm,
      KeyOrigin: key.origin ?? "AWS_KMS",
    };
  },
});

/** A public key on the curve of the key's spec. */
function requirePublicKey(spec: KeySpec, spki: Uint8Array): KeyObject {
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey({ key: Buffer.from(spki), type: "spki", format: "der" });
  } catch {
    throw invalidPublicKey(spec);
  }
  if (publicKey.asymmetricKeyDetails?.namedCurve !== factsOf(spec)?.curve) throw invalidPublicKey(spec);
  return publicKey;
}
