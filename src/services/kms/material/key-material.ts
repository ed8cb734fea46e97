/**
 * The secrets of keys: made, sealed into a record, opened again. Symmetric and HMAC keys are random bytes; pairs are a
 * private key in PKCS #8 beside the public key in SubjectPublicKeyInfo (both DER), as GenerateDataKeyPair hands them out.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import type { OperationContext } from "../../service.ts";
import { factsOf, type KeySpec } from "../key-specs.ts";
import { type KeyMaterial, type KeyRecord, materialContext } from "../records.ts";

export interface KeySecret {
  readonly bytes: Uint8Array;
  /** Of a pair only. */
  readonly publicKey?: Uint8Array;
}

type PairSecret = Required<KeySecret>;

const generate = promisify(generateKeyPair);

/** A new secret of a spec that is offered. */
export async function newSecret(context: OperationContext, spec: KeySpec): Promise<KeySecret> {
  const length = factsOf(spec)?.bytes;
  return length === undefined ? newPair(spec) : { bytes: context.ids.bytes(length) };
}

/** A new pair, made off the event loop: that of RSA_4096 takes a second. */
export async function newPair(spec: KeySpec): Promise<PairSecret> {
  const { curve, modulusBits } = factsOf(spec) ?? {};
  if (curve === undefined && modulusBits === undefined) throw new Error(`no pairs of spec ${spec}`);
  const { privateKey, publicKey } = await (modulusBits !== undefined
    ? generate("rsa", { modulusLength: modulusBits })
    : curve === "ed25519"
      ? generate("ed25519")
      : generate("ec", { namedCurve: curve ?? "" }));
  return {
    bytes: privateKey.export({ type: "pkcs8", format: "der" }),
    publicKey: publicKey.export({ type: "spki", format: "der" }),
  };
}

export function sealedMaterial(
  context: OperationContext,
  key: Pick<KeyRecord, "id">,
  { bytes, publicKey }: KeySecret,
): KeyMaterial {
  // An id that says nothing about the material: a hash of it with the key's id, twice.
  const id = createHash("sha256").update(createHash("sha256").update(key.id).update(bytes).digest()).digest("hex");
  return {
    id,
    sealed: context.store.seal(bytes, materialContext(key, id)),
    ...(publicKey && { publicKey: Buffer.from(publicKey).toString("base64") }),
  };
}

/** The bytes of one material of the key. */
export const openMaterial = (context: OperationContext, key: KeyRecord, material: KeyMaterial): Uint8Array =>
  context.store.unseal(material.sealed, materialContext(key, material.id));

/** The material that is used now. */
export function currentMaterial(key: KeyRecord): KeyMaterial {
  const material = key.material.at(-1);
  if (!material) throw new Error(`key ${key.id} has no material`);
  return material;
}

export const privateKeyOf = (context: OperationContext, key: KeyRecord): KeyObject =>
  createPrivateKey({
    key: Buffer.from(openMaterial(context, key, currentMaterial(key))),
    type: "pkcs8",
    format: "der",
  });

export const publicKeyOf = (key: KeyRecord): KeyObject =>
  createPublicKey({ key: publicKeyBytes(key), type: "spki", format: "der" });

/** SubjectPublicKeyInfo, DER. */
export const publicKeyBytes = (key: KeyRecord): Buffer => Buffer.from(currentMaterial(key).publicKey ?? "", "base64");
