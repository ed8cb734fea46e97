/**
 * From what a caller writes as KeyId (key id, key ARN, alias name, alias ARN) to the key's record. AWS managed keys are
 * made here, when one of their aliases is first used.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id
 */
import { type AwsScope, arnIn, parseArn } from "../../core/arn.ts";
import type { OperationContext } from "../service.ts";
import { eraseIfGone } from "./erase-key.ts";
import {
  aliasNotFound,
  aliasNotSupported,
  foreignRegion,
  invalidKeyId,
  invalidKeyIdInArn,
  keyNotFound,
} from "./errors.ts";
import { isGone, keyNow } from "./key-now.ts";
import { ensureManagedKey } from "./keys/managed-keys.ts";
import { settleRotation } from "./material/settle-rotation.ts";
import { aliasArn, aliasesIn, type KeyRecord, keysIn, recordKey } from "./records.ts";

export interface FoundKey {
  readonly key: KeyRecord;
  /** `alias/…` when the caller named the key by alias (`kms:RequestAlias`). */
  readonly requestAlias?: string;
}

const KEY_ID = /^(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/i;

/** A key of another account that does not exist: nobody is told so. */
export interface AbsentKey {
  readonly absentArn: string;
  /** Of the account that would own it. */
  readonly accountId: string;
}

/** The key, or a NotFoundException with AWS's text for the form that was used. */
export async function requireKey(context: OperationContext, keyId: string): Promise<FoundKey> {
  const { scope, resource } = splitKeyId(context.scope, keyId);
  const found = await lookUp(context, scope, resource);
  if (found) return found;
  if (resource.startsWith("alias/")) throw aliasNotFound(aliasArn(scope, resource));
  const id = idIn(resource);
  if (KEY_ID.test(id)) throw keyNotFound(arnIn(scope, "kms", `key/${id}`));
  throw id === keyId ? invalidKeyId(id) : invalidKeyIdInArn(id);
}

/** Like {@link requireKey} for operations that take a key id or key ARN but no alias. */
export async function requireKeyNotAlias(context: OperationContext, keyId: string): Promise<FoundKey> {
  requireNoAlias(keyId);
  return requireKey(context, keyId);
}

/** Like {@link requireKey} to ask permission with: what another account does not have is refused, not missed. */
export async function soughtKey(context: OperationContext, keyId: string): Promise<FoundKey | AbsentKey> {
  const { scope, resource } = splitKeyId(context.scope, keyId);
  const { accountId } = scope;
  if (accountId === context.scope.accountId) return requireKey(context, keyId);
  const found = await lookUp(context, scope, resource);
  return found ?? { absentArn: arnIn(scope, "kms", resource), accountId };
}

/** {@link soughtKey} for operations that take no alias. AWS: they are for keys of the caller's account, whatever policies say. */
export async function soughtKeyNotAlias(context: OperationContext, keyId: string): Promise<FoundKey | AbsentKey> {
  requireNoAlias(keyId);
  const { scope, resource } = splitKeyId(context.scope, keyId);
  const { accountId } = scope;
  if (accountId !== context.scope.accountId) return { absentArn: arnIn(scope, "kms", resource), accountId };
  return soughtKey(context, keyId);
}

/** Throws for an alias, in operations that take none. AWS: its name is not even looked up. */
export function requireNoAlias(keyId: string): void {
  if (isAlias(keyId)) throw aliasNotSupported();
}

export const isAlias = (keyId: string): boolean => /^(?:arn:[^:]*:kms:[^:]*:[^:]*:)?alias\//.test(keyId);

async function lookUp(context: OperationContext, scope: AwsScope, resource: string): Promise<FoundKey | undefined> {
  const isByAlias = resource.startsWith("alias/");
  if (isByAlias) await ensureManagedKey(context, scope, resource);
  const id = isByAlias ? aliasesIn(context.store).get(recordKey(scope, resource))?.keyId : idIn(resource);
  if (id === undefined) return undefined;
  const found = findKeyById(context, scope, id);
  if (!found) return forget(context, scope, id);
  const settled = settleRotation(context, found);
  const key = settled instanceof Promise ? await settled : settled;
  return isByAlias ? { key, requestAlias: resource } : { key };
}

/** A key that is gone is erased when it is looked for. */
async function forget(context: OperationContext, scope: AwsScope, id: string): Promise<undefined> {
  const gone = keysIn(context.store).get(recordKey(scope, id.toLowerCase()));
  if (gone) await context.store.write(() => eraseIfGone(context, gone));
}

const idIn = (resource: string): string => (resource.startsWith("key/") ? resource.slice("key/".length) : resource);

/** The key as it is now, unless it is absent or its deletion date has passed. Rotations that fell due are not in it. */
export function findKeyById(context: OperationContext, scope: AwsScope, id: string): KeyRecord | undefined {
  const stored = keysIn(context.store).get(recordKey(scope, id.toLowerCase()));
  if (!stored) return undefined;
  const nowMs = context.clock.nowMs();
  const key = keyNow(context.store, stored, nowMs);
  return isGone(key, nowMs) ? undefined : key;
}

function splitKeyId(own: AwsScope, keyId: string): { scope: AwsScope; resource: string } {
  if (!keyId.startsWith("arn:")) {
    if (keyId.startsWith("key/")) throw invalidKeyId(keyId);
    return { scope: own, resource: keyId };
  }
  const arn = parseArn(keyId);
  const isOfKms = arn?.service === "kms" && arn.partition === own.partition && /^(?:key|alias)\//.test(arn.resource);
  if (!isOfKms) throw invalidKeyId(keyId);
  if (arn.region !== own.region) throw foreignRegion(arn.region);
  return { scope: { partition: arn.partition, region: arn.region, accountId: arn.accountId }, resource: arn.resource };
}
