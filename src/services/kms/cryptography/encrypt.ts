/** Encrypt, Decrypt, ReEncrypt: bytes under a symmetric key, bound to an encryption context, or under an RSA key. */
import type { AuthorizationRequest, RequestContext } from "../../../authorize/decision.ts";
import { parseArn } from "../../../core/arn.ts";
import { type OperationContext, operation } from "../../service.ts";
import { keyNotFound, validationFailure } from "../errors.ts";
import { findKeyById, requireKey, soughtKey } from "../find-key.ts";
import { requireGrantTokens } from "../grants/grant-token.ts";
import { ciphertextKeyAccess, type EncryptionContext, encryptionConditions, keyAccess } from "../key-access.ts";
import { isSymmetricEncryption } from "../key-specs.ts";
import { isEncryptedBy } from "../multi-region/multi-region-records.ts";
import { type KeyRecord, keyArn } from "../records.ts";
import type {
  DecryptRequest,
  DecryptResponse,
  EncryptRequest,
  EncryptResponse,
  ReEncryptRequest,
  ReEncryptResponse,
} from "../shapes.gen.ts";
import { refuseSpecialModes, requireUsableFor } from "../usable-key.ts";
import { decryptUnder, encryptUnder, parseCiphertext } from "./ciphertext.ts";
import { incorrectKey, invalidCiphertext, keyNotNamed, noEncryptionContext, plaintextTooLong } from "./errors.ts";
import { keyUseErrors, mayUseKey } from "./key-use.ts";
import { decryptUnderPair, encryptUnderPair, requireNoContext } from "./rsa-encryption.ts";

const encryptErrors = [...keyUseErrors, plaintextTooLong, noEncryptionContext];
const decryptErrors = [...keyUseErrors, invalidCiphertext, incorrectKey, keyNotNamed, noEncryptionContext];

type Algorithm = NonNullable<EncryptRequest["EncryptionAlgorithm"]>;

export const encrypt = operation<EncryptRequest, EncryptResponse>({
  name: "Encrypt",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html",
  authorize: mayUseKey("kms:Encrypt", (input) =>
    encryptionConditions(input.EncryptionContext, input.EncryptionAlgorithm),
  ),
  errors: encryptErrors,
  async run(input, context) {
    const { key } = await requireKey(context, input.KeyId);
    const algorithm = input.EncryptionAlgorithm ?? "SYMMETRIC_DEFAULT";
    requireUsableFor(key, "Encrypt", "ENCRYPT_DECRYPT", algorithm);
    const ciphertext = encryptWith(context, key, algorithm, input.Plaintext, input.EncryptionContext);
    refuseSpecialModes(input);
    // AWS: KeyId in answers is the key's ARN, whatever form the request used.
    return { CiphertextBlob: ciphertext, KeyId: keyArn(key), EncryptionAlgorithm: algorithm };
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
    return [await sourceAccess(context, "kms:Decrypt", encryptedIn(input), conditions)];
  },
  errors: decryptErrors,
  async run(input, context) {
    const source = await requireSource(context, "Decrypt", encryptedIn(input));
    const plaintext = source.decrypt();
    refuseSpecialModes(input);
    return {
      KeyId: keyArn(source.key),
      Plaintext: plaintext,
      EncryptionAlgorithm: source.algorithm,
      ...(source.materialId !== undefined && { KeyMaterialId: source.materialId }),
    };
  },
});

export const reEncrypt = operation<ReEncryptRequest, ReEncryptResponse>({
  name: "ReEncrypt",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html",
  authorize: async (input, context) => {
    requireGrantTokens(context, input.GrantTokens);
    const { SourceEncryptionContext, SourceEncryptionAlgorithm } = input;
    const { DestinationEncryptionContext, DestinationEncryptionAlgorithm } = input;
    const onSource = encryptionConditions(SourceEncryptionContext, SourceEncryptionAlgorithm);
    const from = await sourceAccess(context, "kms:ReEncryptFrom", reEncryptedIn(input), onSource);
    const destination = await soughtKey(context, input.DestinationKeyId);
    const onDestination = encryptionConditions(DestinationEncryptionContext, DestinationEncryptionAlgorithm);
    const to = keyAccess(context, "kms:ReEncryptTo", destination, onDestination);
    const onSameKey = { "kms:ReEncryptOnSameKey": String(from.resource === to.resource) };
    return [from, to].map((request) => ({ ...request, context: { ...request.context, ...onSameKey } }));
  },
  errors: [...decryptErrors, plaintextTooLong],
  async run(input, context) {
    const source = await requireSource(context, "ReEncrypt", reEncryptedIn(input));
    const { key: destination } = await requireKey(context, input.DestinationKeyId);
    const algorithm = input.DestinationEncryptionAlgorithm ?? "SYMMETRIC_DEFAULT";
    requireUsableFor(destination, "ReEncrypt", "ENCRYPT_DECRYPT", algorithm);
    const plaintext = source.decrypt();
    const ciphertext = encryptWith(context, destination, algorithm, plaintext, input.DestinationEncryptionContext);
    refuseSpecialModes(input);
    const destinationMaterial = isSymmetricEncryption(destination) ? destination.material.at(-1) : undefined;
    return {
      CiphertextBlob: ciphertext,
      SourceKeyId: keyArn(source.key),
      KeyId: keyArn(destination),
      SourceEncryptionAlgorithm: source.algorithm,
      DestinationEncryptionAlgorithm: algorithm,
      ...(source.materialId !== undefined && { SourceKeyMaterialId: source.materialId }),
      ...(destinationMaterial && { DestinationKeyMaterialId: destinationMaterial.id }),
    };
  },
});

/** The key must be usable for this. */
function encryptWith(
  context: OperationContext,
  key: KeyRecord,
  algorithm: Algorithm,
  plaintext: Uint8Array,
  encryptionContext: EncryptionContext | undefined,
): Uint8Array {
  if (isSymmetricEncryption(key)) return encryptUnder(context, key, plaintext, encryptionContext);
  requireNoContext(encryptionContext);
  return encryptUnderPair(key, algorithm, plaintext);
}

/** What a request says of what it wants decrypted. */
interface Encrypted {
  readonly blob: Uint8Array | undefined;
  readonly keyId: string | undefined;
  readonly encryptionContext: EncryptionContext | undefined;
  readonly algorithm: Algorithm;
  /** A dry run that asks for the key alone, also without a ciphertext. */
  readonly isBlobIgnored: boolean;
  /** Of the key in the request. */
  readonly keyMember: string;
}

const isBlobIgnored = (input: Pick<DecryptRequest, "DryRun" | "DryRunModifiers">): boolean =>
  input.DryRun === true && (input.DryRunModifiers ?? []).includes("IGNORE_CIPHERTEXT");

const encryptedIn = (input: DecryptRequest): Encrypted => ({
  blob: input.CiphertextBlob,
  keyId: input.KeyId,
  encryptionContext: input.EncryptionContext,
  algorithm: input.EncryptionAlgorithm ?? "SYMMETRIC_DEFAULT",
  isBlobIgnored: isBlobIgnored(input),
  keyMember: "KeyId",
});

const reEncryptedIn = (input: ReEncryptRequest): Encrypted => ({
  blob: input.CiphertextBlob,
  keyId: input.SourceKeyId,
  encryptionContext: input.SourceEncryptionContext,
  algorithm: input.SourceEncryptionAlgorithm ?? "SYMMETRIC_DEFAULT",
  isBlobIgnored: isBlobIgnored(input),
  keyMember: "SourceKeyId",
});

/** Permission on the key that the caller named, or else on the one inside the ciphertext. */
async function sourceAccess(
  context: OperationContext,
  action: string,
  encrypted: Encrypted,
  conditions: RequestContext,
): Promise<AuthorizationRequest> {
  const { keyId, algorithm } = encrypted;
  if (!encrypted.isBlobIgnored) requireBlob(encrypted.blob);
  if (keyId !== undefined) return keyAccess(context, action, await soughtKey(context, keyId), conditions);
  if (algorithm !== "SYMMETRIC_DEFAULT") throw keyNotNamed(encrypted.keyMember);
  const { keyArn: absentArn } = parseCiphertext(requireBlob(encrypted.blob));
  const key = keyOfCiphertext(context, absentArn);
  // AWS: a key that is gone, or of another region, is refused like one of strangers.
  const sought = key ? { key } : { absentArn, accountId: parseArn(absentArn)?.accountId ?? "" };
  return ciphertextKeyAccess(context, action, sought, conditions);
}

interface Source {
  /** The key the caller named, or else the one inside the ciphertext; usable. */
  readonly key: KeyRecord;
  readonly algorithm: Algorithm;
  /** Of a symmetric key: which of its materials encrypted. */
  readonly materialId?: string;
  /** The plaintext, or an InvalidCiphertextException. */
  decrypt(): Uint8Array;
}

async function requireSource(context: OperationContext, operation: string, encrypted: Encrypted): Promise<Source> {
  const { keyId, algorithm, encryptionContext } = encrypted;
  const named = keyId === undefined ? undefined : (await requireKey(context, keyId)).key;
  const requireUsable = (key: KeyRecord): void => requireUsableFor(key, operation, "ENCRYPT_DECRYPT", algorithm);
  if (named && encrypted.isBlobIgnored) {
    requireUsable(named);
    return { key: named, algorithm, decrypt: () => new Uint8Array() };
  }
  const blob = requireBlob(encrypted.blob);
  // AWS: for the symmetric algorithm, also by default, the ciphertext is read before the key is looked at.
  if (named && algorithm !== "SYMMETRIC_DEFAULT") {
    requireUsable(named);
    requireNoContext(encryptionContext);
    return { key: named, algorithm, decrypt: () => decryptUnderPair(context, named, algorithm, blob) };
  }
  const ciphertext = parseCiphertext(blob);
  const key = named ?? keyOfCiphertext(context, ciphertext.keyArn);
  // Found when permission was asked; in between its deletion date has come.
  if (!key) throw keyNotFound(ciphertext.keyArn);
  // AWS: only a key that was named can be the wrong one; else the blob was changed.
  if (!isEncryptedBy(ciphertext.keyArn, key)) throw named ? incorrectKey() : invalidCiphertext();
  requireUsable(key);
  const { materialId } = ciphertext;
  return { key, algorithm, materialId, decrypt: () => decryptUnder(context, key, ciphertext, encryptionContext) };
}

function requireBlob(blob: Uint8Array | undefined): Uint8Array {
  if (blob !== undefined) return blob;
  throw validationFailure(
    "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null",
  );
}

function keyOfCiphertext(context: OperationContext, arn: string): KeyRecord | undefined {
  const parsed = parseArn(arn);
  if (!parsed) throw invalidCiphertext();
  const id = parsed.resource.slice("key/".length);
  // AWS: what one key of a multi-Region set encrypted, each related key decrypts in its own Region.
  const region = id.startsWith("mrk-") ? context.scope.region : parsed.region;
  const isHere = region === context.scope.region && parsed.partition === context.scope.partition;
  return isHere ? findKeyById(context, { ...parsed, region }, id) : undefined;
}
