/** Encrypt, Decrypt, ReEncrypt: bytes under a symmetric key, bound to an encryption context. */
import type { AuthorizationRequest, RequestContext } from "../../authorize/decision.ts";
import { parseArn } from "../../core/arn.ts";
import { type OperationContext, operation } from "../service.ts";
import { type Ciphertext, decryptUnder, encryptUnder, parseCiphertext } from "./ciphertext.ts";
import {
  aliasNotFound,
  foreignRegion,
  incorrectKey,
  invalidCiphertext,
  invalidGrantToken,
  invalidKeyId,
  keyNotFound,
  validationFailure,
} from "./errors.ts";
import { type FoundKey, findKeyById, requireKey, soughtKey } from "./find-key.ts";
import { requireGrantTokens } from "./grant-token.ts";
import { ciphertextKeyAccess, encryptionConditions, keyAccess } from "./key-access.ts";
import { type KeyRecord, keyArn } from "./records.ts";
import type {
  DecryptRequest,
  DecryptResponse,
  EncryptRequest,
  EncryptResponse,
  ReEncryptRequest,
  ReEncryptResponse,
} from "./shapes.gen.ts";
import { refuseSpecialModes, requireUsable, usabilityErrors } from "./usable-key.ts";

const lookupErrors = [keyNotFound, invalidKeyId, foreignRegion, aliasNotFound, invalidGrantToken];
const ciphertextErrors = [invalidCiphertext, incorrectKey, validationFailure];

export const encrypt = operation<EncryptRequest, EncryptResponse>({
  name: "Encrypt",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html",
  authorize: async (input, context) => {
    requireGrantTokens(context, input.GrantTokens);
    const conditions = encryptionConditions(input.EncryptionContext, input.EncryptionAlgorithm);
    return [keyAccess(context, "kms:Encrypt", await soughtKey(context, input.KeyId), conditions)];
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
    requireGrantTokens(context, input.GrantTokens);
    const conditions = encryptionConditions(input.EncryptionContext, input.EncryptionAlgorithm);
    return [await sourceAccess(context, "kms:Decrypt", input.CiphertextBlob, input.KeyId, conditions)];
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
    requireGrantTokens(context, input.GrantTokens);
    const { CiphertextBlob, SourceKeyId, SourceEncryptionContext, SourceEncryptionAlgorithm } = input;
    const { DestinationEncryptionContext, DestinationEncryptionAlgorithm } = input;
    const onSource = encryptionConditions(SourceEncryptionContext, SourceEncryptionAlgorithm);
    const from = await sourceAccess(context, "kms:ReEncryptFrom", CiphertextBlob, SourceKeyId, onSource);
    const destination = await soughtKey(context, input.DestinationKeyId);
    const onDestination = encryptionConditions(DestinationEncryptionContext, DestinationEncryptionAlgorithm);
    const to = keyAccess(context, "kms:ReEncryptTo", destination, onDestination);
    const onSameKey = { "kms:ReEncryptOnSameKey": String(from.resource === to.resource) };
    return [from, to].map((request) => ({ ...request, context: { ...request.context, ...onSameKey } }));
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

/** Permission on the key that the caller named, or else on the one inside the ciphertext. */
async function sourceAccess(
  context: OperationContext,
  action: string,
  blob: Uint8Array | undefined,
  keyId: string | undefined,
  conditions: RequestContext,
): Promise<AuthorizationRequest> {
  if (keyId !== undefined) {
    requireBlob(blob);
    return keyAccess(context, action, await soughtKey(context, keyId), conditions);
  }
  const { keyArn: absentArn } = parseCiphertext(requireBlob(blob));
  const key = keyOfCiphertext(context, absentArn);
  // AWS: a key that is gone, or of another region, is refused like one of strangers.
  const sought = key ? { key } : { absentArn, accountId: parseArn(absentArn)?.accountId ?? "" };
  return ciphertextKeyAccess(context, action, sought, conditions);
}

async function requireSource(
  context: OperationContext,
  blob: Uint8Array | undefined,
  keyId: string | undefined,
): Promise<Source> {
  const given = requireBlob(blob);
  if (keyId !== undefined) return { found: await requireKey(context, keyId), ciphertext: parseCiphertext(given) };
  const ciphertext = parseCiphertext(given);
  const key = keyOfCiphertext(context, ciphertext.keyArn);
  // Found when permission was asked; in between its deletion date has come.
  if (!key) throw keyNotFound(ciphertext.keyArn);
  return { found: { key }, ciphertext };
}

function requireBlob(blob: Uint8Array | undefined): Uint8Array {
  if (blob !== undefined) return blob;
  throw validationFailure(
    "1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: Member must not be null",
  );
}

function keyOfCiphertext(context: OperationContext, arn: string): KeyRecord | undefined {
  const parsed = parseArn(arn);
  if (!parsed) throw invalidCiphertext();
  const isHere = parsed.region === context.scope.region && parsed.partition === context.scope.partition;
  return isHere ? findKeyById(context, parsed, parsed.resource.slice("key/".length)) : undefined;
}

function requireSameKey(found: FoundKey, ciphertext: Ciphertext): void {
  if (keyArn(found.key) !== ciphertext.keyArn) throw incorrectKey();
}
