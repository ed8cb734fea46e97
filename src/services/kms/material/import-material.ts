/**
 * ImportKeyMaterial and DeleteImportedKeyMaterial: keys with material of the caller's (origin EXTERNAL). Material that was
 * once imported belongs to the key for good: after it was deleted or expired only the same bytes are taken again.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html
 */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { RequestContext } from "../../../authorize/decision.ts";
import { DAY_MS, isoSeconds } from "../../../core/clock.ts";
import { type OperationContext, operation } from "../../service.ts";
import { changeKey } from "../change-key.ts";
import { invalidCiphertext } from "../cryptography/errors.ts";
import { invalidState, lookupErrors, validationFailure } from "../errors.ts";
import { requireKeyNotAlias, soughtKeyNotAlias } from "../find-key.ts";
import { keyAccess } from "../key-access.ts";
import { stateWithMaterial, withoutMaterial } from "../key-now.ts";
import { factsOf, isSymmetricEncryption, specOf } from "../key-specs.ts";
import { isReplica, primaryOf } from "../multi-region/multi-region-records.ts";
import { type ImportedMaterial, type KeyMaterial, type KeyRecord, keyArn } from "../records.ts";
import type {
  DeleteImportedKeyMaterialRequest,
  DeleteImportedKeyMaterialResponse,
  ImportKeyMaterialRequest,
  ImportKeyMaterialResponse,
} from "../shapes.gen.ts";
import {
  expiredImportToken,
  incorrectKeyMaterial,
  invalidImportToken,
  materialNotFound,
  notRotatable,
  rotationPending,
  wrongOrigin,
} from "./errors.ts";
import { requireImportable, requireImported, unwrapMaterial } from "./import-parameters.ts";
import { type KeySecret, sealedMaterial } from "./key-material.ts";

const MAX_VALID_DAYS = 365;
const EXPIRES = "KEY_MATERIAL_EXPIRES";
const errors = [...lookupErrors, invalidState, wrongOrigin];

export const importKeyMaterial = operation<ImportKeyMaterialRequest, ImportKeyMaterialResponse>({
  name: "ImportKeyMaterial",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html",
  authorize: async (input, context) => {
    const conditions: RequestContext = {
      "kms:ExpirationModel": input.ExpirationModel ?? EXPIRES,
      ...(input.ValidTo !== undefined && { "kms:ValidTo": isoSeconds(input.ValidTo) }),
    };
    return [keyAccess(context, "kms:ImportKeyMaterial", await soughtKeyNotAlias(context, input.KeyId), conditions)];
  },
  errors: [
    ...errors,
    validationFailure,
    invalidImportToken,
    expiredImportToken,
    invalidCiphertext,
    incorrectKeyMaterial,
    rotationPending,
    notRotatable,
  ],
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    requireImportable(key);
    const expiresAtMs = expiryOf(input, context.clock.nowMs());
    const secret = secretOf(key, unwrapMaterial(context, key, input));
    const material = sealedMaterial(context, key, secret);
    if (input.KeyMaterialId !== undefined && input.KeyMaterialId !== material.id) throw incorrectKeyMaterial();
    const { KeyMaterialDescription: description } = input;
    await changeKey(context, key, (current) => {
      requireImportable(current);
      return withImport(context, current, material, input.ImportType, {
        ...(expiresAtMs !== undefined && { expiresAtMs }),
        ...(description !== undefined && { description }),
      });
    });
    return { KeyId: keyArn(key), ...(isSymmetricEncryption(key) && { KeyMaterialId: material.id }) };
  },
});

export const deleteImportedKeyMaterial = operation<DeleteImportedKeyMaterialRequest, DeleteImportedKeyMaterialResponse>(
  {
    name: "DeleteImportedKeyMaterial",
    support: "supported",
    source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html",
    authorize: async (input, context) => [
      keyAccess(context, "kms:DeleteImportedKeyMaterial", await soughtKeyNotAlias(context, input.KeyId)),
    ],
    errors: [...errors, materialNotFound],
    async run(input, context) {
      const { key } = await requireKeyNotAlias(context, input.KeyId);
      // AWS: also while the key waits for its deletion.
      requireImported(key);
      let deletedId: string | undefined;
      await changeKey(context, key, (current) => {
        const imports = current.imports ?? [];
        const wanted =
          input.KeyMaterialId === undefined
            ? imports.findLast((one) => !one.isPendingRotation)
            : imports.find((one) => one.id === input.KeyMaterialId);
        if (!wanted && input.KeyMaterialId !== undefined) throw materialNotFound(keyArn(key), input.KeyMaterialId);
        deletedId = wanted?.id;
        // AWS: deleting what is not there succeeds.
        return wanted ? withoutMaterial(current, (one) => one.id === wanted.id) : current;
      });
      const isNamed = deletedId !== undefined && isSymmetricEncryption(key);
      return { KeyId: keyArn(key), ...(isNamed && { KeyMaterialId: deletedId }) };
    },
  },
);

function expiryOf({ ExpirationModel = EXPIRES, ValidTo }: ImportKeyMaterialRequest, nowMs: number): number | undefined {
  if (ExpirationModel !== EXPIRES) {
    if (ValidTo === undefined) return undefined;
    throw validationFailure("A validTo date can not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE");
  }
  if (ValidTo === undefined) {
    throw validationFailure("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES");
  }
  if (ValidTo <= nowMs || ValidTo > nowMs + MAX_VALID_DAYS * DAY_MS) {
    throw validationFailure("The validTo date must be in the future and at most 365 days from now");
  }
  return ValidTo;
}

/** The bytes as the key's spec wants them, or an IncorrectKeyMaterialException. */
function secretOf(key: KeyRecord, bytes: Buffer): KeySecret {
  const { bytes: length, modulusBits, curve } = factsOf(specOf(key)) ?? {};
  if (length !== undefined) {
    if (bytes.length !== length) throw incorrectKeyMaterial();
    return { bytes };
  }
  const privateKey = privateKeyIn(bytes);
  const { modulusLength, namedCurve } = privateKey.asymmetricKeyDetails ?? {};
  const isOfSpec =
    modulusBits === undefined
      ? (namedCurve ?? privateKey.asymmetricKeyType) === curve
      : privateKey.asymmetricKeyType === "rsa" && modulusLength === modulusBits;
  if (!isOfSpec) throw incorrectKeyMaterial();
  return {
    bytes: privateKey.export({ type: "pkcs8", format: "der" }),
    publicKey: createPublicKey(privateKey).export({ type: "spki", format: "der" }),
  };
}

function privateKeyIn(bytes: Buffer): KeyObject {
  try {
    return createPrivateKey({ key: bytes, type: "pkcs8", format: "der" });
  } catch {
    throw incorrectKeyMaterial();
  }
}

type ImportFacts = Pick<ImportedMaterial, "expiresAtMs" | "description">;

function withImport(
  context: OperationContext,
  key: KeyRecord,
  material: KeyMaterial,
  importType: ImportKeyMaterialRequest["ImportType"],
  facts: ImportFacts,
): KeyRecord {
  const imports = key.imports ?? [];
  const known = imports.find((one) => one.id === material.id);
  // AWS: a replica takes what its primary has.
  const primary = isReplica(key) ? primaryOf(context.store, key) : undefined;
  const isNewHere = imports.length === 0;
  if (primary && !primary.imports?.some((one) => one.id === material.id)) throw incorrectKeyMaterial();
  // AWS: by default the first material of a key is new, and later ones are those that it had before.
  const isNew =
    (importType ?? (known || !isNewHere ? "EXISTING_KEY_MATERIAL" : "NEW_KEY_MATERIAL")) === "NEW_KEY_MATERIAL";
  if (isNew === (known !== undefined)) throw incorrectKeyMaterial();
  // AWS: importing it again sets its expiration anew, also to none.
  const { expiresAtMs: _before, ...kept } = known ?? {};
  if (known || isNewHere) return withBytes(key, material, { ...kept, ...facts }, imports);
  if (!isSymmetricEncryption(key)) throw notRotatable();
  if (key.pendingMaterial) throw rotationPending(keyArn(key), material.id, key.pendingMaterial.id);
  // AWS: new material of a key that has some waits for RotateKeyOnDemand.
  const pending: ImportedMaterial = { id: material.id, isPresent: true, isPendingRotation: true, ...facts };
  return { ...key, imports: [...imports, pending], pendingMaterial: material };
}

/** The key with the bytes of a material that it had before, or of its first. */
function withBytes(
  key: KeyRecord,
  material: KeyMaterial,
  facts: ImportFacts & Partial<ImportedMaterial>,
  imports: readonly ImportedMaterial[],
): KeyRecord {
  const { expiresAtMs, ...rest } = facts;
  const { rotatedAtMs, rotationType, isPendingRotation } = rest;
  const entry = { ...rest, id: material.id, isPresent: true, ...(expiresAtMs !== undefined && { expiresAtMs }) };
  const listed = imports.some((one) => one.id === material.id)
    ? imports.map((one) => (one.id === material.id ? entry : one))
    : [...imports, entry];
  if (isPendingRotation) return { ...key, imports: listed, pendingMaterial: material };
  const sealed: KeyMaterial = {
    ...material,
    ...(rotatedAtMs !== undefined && { rotatedAtMs }),
    ...(rotationType && { rotationType }),
  };
  const bytes = new Map([...key.material, sealed].map((one) => [one.id, one]));
  // In the order in which they were used: the last one encrypts.
  const inOrder = listed.flatMap((one) => (one.isPendingRotation ? [] : (bytes.get(one.id) ?? [])));
  const imported = { ...key, imports: listed, material: inOrder };
  return { ...imported, state: stateWithMaterial(imported) };
}
