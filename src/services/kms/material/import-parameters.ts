/**
 * GetParametersForImport, and what its token is: the private half of a wrapping key, sealed, with what it was asked for. It
 * is in no record: the token is all that ImportKeyMaterial needs, for 24 hours and as often as wanted.
 * Sources: https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html and
 * https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-encrypt-key-material.html (wrapping)
 * Gaps: the wrapping algorithms SM2PKE and RSAES_PKCS1_V1_5 (AWS has ended the latter) are refused.
 */
import {
  constants,
  createDecipheriv,
  createPrivateKey,
  generateKeyPair,
  type KeyObject,
  privateDecrypt,
} from "node:crypto";
import { promisify } from "node:util";
import { DAY_MS } from "../../../core/clock.ts";
import { type OperationContext, operation } from "../../service.ts";
import { invalidCiphertext } from "../cryptography/errors.ts";
import { invalidState, lookupErrors, unsupported, validationFailure } from "../errors.ts";
import { requireKeyNotAlias, soughtKeyNotAlias } from "../find-key.ts";
import { keyAccess } from "../key-access.ts";
import { type KeyRecord, keyArn } from "../records.ts";
import type { GetParametersForImportRequest, GetParametersForImportResponse } from "../shapes.gen.ts";
import { requireNotPendingDeletion } from "../usable-key.ts";
import { expiredImportToken, invalidImportToken, wrongOrigin } from "./errors.ts";

type WrappingAlgorithm = GetParametersForImportRequest["WrappingAlgorithm"];

/** The hash of the OAEP padding, and whether it covers an AES key that covers the material. */
const WRAPPINGS: Readonly<
  Partial<Record<WrappingAlgorithm, { readonly oaepHash: string; readonly isTwofold: boolean }>>
> = {
  RSAES_OAEP_SHA_1: { oaepHash: "sha1", isTwofold: false },
  RSAES_OAEP_SHA_256: { oaepHash: "sha256", isTwofold: false },
  RSA_AES_KEY_WRAP_SHA_1: { oaepHash: "sha1", isTwofold: true },
  RSA_AES_KEY_WRAP_SHA_256: { oaepHash: "sha256", isTwofold: true },
};
const MODULUS_BITS: Readonly<Record<string, number>> = { RSA_2048: 2048, RSA_3072: 3072, RSA_4096: 4096 };

const SEALED_FOR = "kms/import-token";
const generate = promisify(generateKeyPair);

export const getParametersForImport = operation<GetParametersForImportRequest, GetParametersForImportResponse>({
  name: "GetParametersForImport",
  support: "partial",
  gaps: ["`WrappingAlgorithm` `RSAES_PKCS1_V1_5` and `SM2PKE`, `WrappingKeySpec` `SM2` are refused"],
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html",
  authorize: async (input, context) => [
    keyAccess(context, "kms:GetParametersForImport", await soughtKeyNotAlias(context, input.KeyId), {
      "kms:WrappingAlgorithm": input.WrappingAlgorithm,
      "kms:WrappingKeySpec": input.WrappingKeySpec,
    }),
  ],
  errors: [...lookupErrors, invalidState, wrongOrigin, unsupported],
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    requireImportable(key);
    const { WrappingAlgorithm: algorithm } = input;
    const modulusLength = MODULUS_BITS[input.WrappingKeySpec];
    if (modulusLength === undefined) throw unsupported(`WrappingKeySpec \`${input.WrappingKeySpec}\``);
    if (!WRAPPINGS[algorithm]) throw unsupported(`WrappingAlgorithm \`${algorithm}\``);
    const pair = await generate("rsa", { modulusLength });
    const validUntilMs = context.clock.nowMs() + DAY_MS;
    const token: TokenFacts = { keyArn: keyArn(key), algorithm, validUntilMs };
    return {
      KeyId: keyArn(key),
      ImportToken: sealToken(context, token, pair.privateKey),
      PublicKey: pair.publicKey.export({ type: "spki", format: "der" }),
      ParametersValidTo: validUntilMs,
    };
  },
});

/** Throws unless the key takes imported material now. */
export function requireImportable(key: KeyRecord): void {
  // AWS: the origin is looked at before the state.
  requireImported(key);
  requireNotPendingDeletion(key);
}

/** Throws unless the key's material is imported. */
export function requireImported(key: KeyRecord): void {
  if (key.origin !== "EXTERNAL") throw wrongOrigin(keyArn(key), key.origin ?? "AWS_KMS");
}

interface TokenFacts {
  readonly keyArn: string;
  readonly algorithm: WrappingAlgorithm;
  readonly validUntilMs: number;
}

function sealToken(context: OperationContext, facts: TokenFacts, privateKey: KeyObject): Buffer {
  const secret = privateKey.export({ type: "pkcs8", format: "der" });
  const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(facts)}\n`), secret]);
  return Buffer.from(context.store.seal(bytes, SEALED_FOR), "base64");
}

/** The material that was wrapped for the key with the parameters of this token. */
export function unwrapMaterial(
  context: OperationContext,
  key: KeyRecord,
  {
    ImportToken,
    EncryptedKeyMaterial,
  }: { readonly ImportToken: Uint8Array; readonly EncryptedKeyMaterial: Uint8Array },
): Buffer {
  const { facts, privateKey } = readToken(context, ImportToken);
  if (facts.keyArn !== keyArn(key)) throw invalidImportToken();
  if (facts.validUntilMs <= context.clock.nowMs()) throw expiredImportToken();
  // AWS: said by a maintainer who tried it on AWS: github.com/nsmithuk/local-kms, import_key_material.go.
  const hasRightSize = EncryptedKeyMaterial.length === modulusBytes(privateKey);
  if (!WRAPPINGS[facts.algorithm]?.isTwofold && !hasRightSize) throw validationFailure("Invalid encrypted key size.");
  try {
    return unwrapped(facts.algorithm, privateKey, Buffer.from(EncryptedKeyMaterial));
  } catch {
    throw invalidCiphertext();
  }
}

function readToken(context: OperationContext, token: Uint8Array): { facts: TokenFacts; privateKey: KeyObject } {
  let bytes: Buffer;
  try {
    bytes = context.store.unseal(Buffer.from(token).toString("base64"), SEALED_FOR);
  } catch {
    throw invalidImportToken();
  }
  const end = bytes.indexOf("\n");
  return {
    facts: JSON.parse(bytes.toString("utf8", 0, end)),
    privateKey: createPrivateKey({ key: bytes.subarray(end + 1), type: "pkcs8", format: "der" }),
  };
}

function unwrapped(algorithm: WrappingAlgorithm, privateKey: KeyObject, wrapped: Buffer): Buffer {
  const { oaepHash = "sha256", isTwofold = false } = WRAPPINGS[algorithm] ?? {};
  const decrypt = (bytes: Buffer): Buffer =>
    privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, bytes);
  if (!isTwofold) return decrypt(wrapped);
  // AES-256 key, as long as the modulus when wrapped, then the material under it (RFC 5649).
  const keyBytes = modulusBytes(privateKey);
  const aesKey = decrypt(wrapped.subarray(0, keyBytes));
  const decipher = createDecipheriv("id-aes256-wrap-pad", aesKey, Buffer.of(0xa6, 0x59, 0x59, 0xa6));
  return Buffer.concat([decipher.update(wrapped.subarray(keyBytes)), decipher.final()]);
}

const modulusBytes = (privateKey: KeyObject): number => (privateKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
