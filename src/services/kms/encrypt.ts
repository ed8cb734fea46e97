/** Encrypt, Decrypt, ReEncrypt: bytes under a symmetric key, bound to an encryption context. */
import { parseArn } from "../../core/arn.ts";
import { type OperationContext, operation } from "../service.ts";
import { type Ciphertext, decryptUnder, encryptUnder, parseCiphertext } from "./ciphertext.ts";
import {
  aliasNotFound,
  ciphertextKeyUnavailable,
  foreignRegion,
  incorrectKey,
  invalidCiphertext,
  invalidKeyId,
  keyNotFound,
  validationFailure,
} from "./errors.ts";
import { type FoundKey, findKeyById, requireKey } from "./find-key.ts";
import { encryptionConditions, keyAccess } from "./key-access.ts";
import { keyArn } from "./records.ts";
import type {
  DecryptRequest,
  DecryptResponse,
  EncryptRequest,
  EncryptResponse,
  ReEncryptRequest,
  ReEncryptResponse,
} from "./shapes.gen.ts";
import { refuseSpecialModes, requireUsable, usabilityErrors } from "./usable-key.ts";

const lookupErrors = [keyNotFound, invalidKeyId, foreignRegion, aliasNotFound];
const ciphertextErrors = [invalidCiphertext, incorrectKey, ciphertextKeyUnavailable, validationFailure];

export const encrypt = operation<EncryptRequest, EncryptResponse>({
  name: "Encrypt",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html",
  authorize: async (input, context) => {
    const found = await requireKey(context, input.KeyId);
    return [keyAccess(context, "kms:Encrypt", found, encryptionConditions(input.EncryptionContext))];
  },
  errors: [...lookupErrors, ...usabilityErrors],
  async run(input, context) {
    const { key } = await requireKey(context, input.KeyId);
    requireUsable(key, input.EncryptionAlgorithm);
    refuseSpecialModes(input);
    return {
      CiphertextBlob: encryptUnder(context, key, input.Plaintext, input.EncryptionContext),
      // AWS: KeyId in answers is the key's ARN, whatever form the request used.
      KeyId: keyArn(key),
      EncryptionAlgorithm: "SYMMETRIC_DEFAULT",
    };
  },
});

export const decrypt = operation<DecryptRequest, DecryptResponse>({
  name: "Decrypt",
  support: "partial",
  gaps: ["`Recipient` (Nitro enclaves) is refused"],
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html",
  authorize: async (input, context) => {
    const { found } = await requireSource(context, input.CiphertextBlob, input.KeyId);
    return [keyAccess(context, "kms:Decrypt", found, encryptionConditions(input.EncryptionContext))];
  },
  errors: [...lookupErrors, ...ciphertextErrors, ...usabilityErrors],
  async run(input, context) {
    const { found, ciphertext } = await requireSource(context, input.CiphertextBlob, input.KeyId);
    requireSameKey(found, ciphertext);
    requireUsable(found.key, input.EncryptionAlgorithm);
    const plaintext = decryptUnder(context, found.key, ciphertext, input.EncryptionContext);
    refuseSpecialModes(input);
    return {
      KeyId: keyArn(found.key),
      Plaintext: plaintext,
      EncryptionAlgorithm: "SYMMETRIC_DEFAULT",
      KeyMaterialId: ciphertext.materialId,
    };
  },
});

export const reEncrypt = operation<ReEncryptRequest, ReEncryptResponse>({
  name: "ReEncrypt",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html",
  authorize: async (input, context) => {
    const { found: source } = await requireSource(context, input.CiphertextBlob, input.SourceKeyId);
    const destination = await requireKey(context, input.DestinationKeyId);
    const onSameKey = { "kms:ReEncryptOnSameKey": String(keyArn(source.key) === keyArn(destination.key)) };
    const from = { ...encryptionConditions(input.SourceEncryptionContext), ...onSameKey };
    const to = { ...encryptionConditions(input.DestinationEncryptionContext), ...onSameKey };
    return [
      keyAccess(context, "kms:ReEncryptFrom", source, from),
      keyAccess(context, "kms:ReEncryptTo", destination, to),
    ];
  },
  errors: [...lookupErrors, ...ciphertextErrors, ...usabilityErrors],
  async run(input, context) {
    const { found: source, ciphertext } = await requireSource(context, input.CiphertextBlob, input.SourceKeyId);
    const { key: destination } = await requireKey(context, input.DestinationKeyId);
    requireSameKey(source, ciphertext);
    requireUsable(source.key, input.SourceEncryptionAlgorithm);
    requireUsable(destination, input.DestinationEncryptionAlgorithm);
    const plaintext = decryptUnder(context, source.key, ciphertext, input.SourceEncryptionContext);
    refuseSpecialModes(input);
    const destinationMaterial = destination.material.at(-1);
    return {
      CiphertextBlob: encryptUnder(context, destination, plaintext, input.DestinationEncryptionContext),
      SourceKeyId: keyArn(source.key),
      KeyId: keyArn(destination),
      SourceEncryptionAlgorithm: "SYMMETRIC_DEFAULT",
      DestinationEncryptionAlgorithm: "SYMMETRIC_DEFAULT",
      SourceKeyMaterialId: ciphertext.materialId,
      ...(destinationMaterial && { DestinationKeyMaterialId: destinationMaterial.id }),
    };
  },
});

interface Source {
  /** The key the caller named, or else the one inside the ciphertext. */
  readonly found: FoundKey;
  readonly ciphertext: Ciphertext;
}

async function requireSource(
  context: OperationContext,
  blob: Uint8Array | undefined,
  keyId: string | undefined,
): Promise<Source> {
  if (blob === undefined) {
    throw validationFailure(
      "1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: Member must not be null",
    );
  }
  if (keyId !== undefined) {
    const found = await requireKey(context, keyId);
    return { found, ciphertext: parseCiphertext(blob) };
  }
  const ciphertext = parseCiphertext(blob);
  const arn = parseArn(ciphertext.keyArn);
  if (!arn) throw invalidCiphertext();
  const isHere = arn.region === context.scope.region && arn.partition === context.scope.partition;
  const key = isHere ? findKeyById(context, arn, arn.resource.slice("key/".length)) : undefined;
  if (!key) throw ciphertextKeyUnavailable();
  return { found: { key }, ciphertext };
}

function requireSameKey(found: FoundKey, ciphertext: Ciphertext): void {
  if (keyArn(found.key) !== ciphertext.keyArn) throw incorrectKey();
}
