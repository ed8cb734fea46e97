/**
 * The key that everything secret in the state is encrypted under (KMS key material, secret access keys): 32 random
 * bytes in `<stateDir>/master.key`, or `KILN_MASTER_KEY`. Sealed bytes are version, nonce, AES-256-GCM ciphertext and
 * tag in base64, with the caller's context authenticated, so that a sealed value cannot be moved to another record.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { KilnError } from "../core/errors.ts";
import type { Ids } from "../core/ids.ts";
import { syncFolderNow } from "./sync-folder.ts";

const SEAL_VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const MASTER_KEY_BYTES = 32;

export function sealBytes(masterKey: Buffer, nonce: Buffer, plaintext: Uint8Array, context: string): string {
  const cipher = createCipheriv("aes-256-gcm", masterKey, nonce).setAAD(Buffer.from(context));
  return Buffer.concat([
    Buffer.of(SEAL_VERSION),
    nonce,
    cipher.update(plaintext),
    cipher.final(),
    cipher.getAuthTag(),
  ]).toString("base64");
}

export function openSealed(masterKey: Buffer, sealed: string, context: string): Buffer {
  const bytes = Buffer.from(sealed, "base64");
  if (bytes[0] !== SEAL_VERSION || bytes.length < 1 + NONCE_BYTES + TAG_BYTES) throw wrongKey();
  const decipher = createDecipheriv("aes-256-gcm", masterKey, bytes.subarray(1, 1 + NONCE_BYTES))
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(1 + NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    throw wrongKey();
  }
}

/** `KILN_MASTER_KEY` when set, else the folder's key file, else undefined. */
export function findMasterKey(stateDir: string, environment: NodeJS.ProcessEnv): Buffer | undefined {
  const fromEnvironment = environment["KILN_MASTER_KEY"];
  if (fromEnvironment !== undefined && fromEnvironment !== "") {
    const key = Buffer.from(fromEnvironment, "base64");
    if (key.length !== MASTER_KEY_BYTES) {
      throw new KilnError({
        code: "KILN_E_MASTER_KEY",
        message: `KILN_MASTER_KEY holds ${key.length} bytes, expected base64 of 32`,
        fix: ["make one: `openssl rand -base64 32`", "or unset KILN_MASTER_KEY to use the key in the state folder"],
        exitCode: 4,
      });
    }
    return key;
  }
  let key: Buffer;
  try {
    key = readFileSync(join(stateDir, "master.key"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  if (key.length !== MASTER_KEY_BYTES) {
    throw new KilnError({
      code: "KILN_E_MASTER_KEY",
      message: `\`master.key\` in the state folder \`${stateDir}\` holds ${key.length} bytes, expected 32`,
      why: "the values stored encrypted in this folder cannot be read without the key they were written with",
      fix: ["restore `master.key` from a copy", "or move the folder away and start with an empty one"],
      exitCode: 4,
    });
  }
  return key;
}

/** Makes `master.key` (mode 0600); when two processes race, both get the same one. */
export function createMasterKey(stateDir: string, ids: Ids): Buffer {
  const path = join(stateDir, "master.key");
  const draft = join(stateDir, `master.key.${process.pid}.${ids.uuid()}`);
  try {
    const file = openSync(draft, "wx", 0o600);
    try {
      writeSync(file, ids.bytes(MASTER_KEY_BYTES));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    // A link fails when the name exists, so the first complete file wins and nobody reads half a key.
    linkSync(draft, path);
    syncFolderNow(stateDir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  const key = findMasterKey(stateDir, {});
  if (!key) throw new Error("master.key vanished while it was made");
  return key;
}

function wrongKey(): KilnError {
  return new KilnError({
    code: "KILN_E_MASTER_KEY",
    message: "the master key does not fit the stored state",
    why: "it was encrypted with another key: `master.key` was replaced, or KILN_MASTER_KEY is set to another value",
    fix: ["use the key the state was made with", "or move the state folder away and start with an empty one"],
    exitCode: 4,
  });
}
