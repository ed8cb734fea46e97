/** CreateAlias, UpdateAlias, DeleteAlias, ListAliases. */
import type { AuthorizationRequest } from "../../../authorize/decision.ts";
import { parseArn } from "../../../core/arn.ts";
import { type OperationContext, operation } from "../../service.ts";
import {
  aliasExists,
  aliasNotFound,
  invalidAliasName,
  invalidMarker,
  invalidState,
  keyNotFound,
  lookupErrors,
  notAuthorized,
  otherKindOfKey,
  tooManyAliases,
  validationFailure,
} from "../errors.ts";
import { findKeyById, isAlias, requireKey, requireKeyNotAlias } from "../find-key.ts";
import { callerAccount, keyAccess } from "../key-access.ts";
import { isPair, usageOf } from "../key-specs.ts";
import { pageOf } from "../pages.ts";
import { type AliasRecord, aliasArn, aliasesIn, type KeyRecord, keysIn, recordKey, recordKeyOf } from "../records.ts";
import type {
  AliasListEntry,
  CreateAliasRequest,
  DeleteAliasRequest,
  ListAliasesRequest,
  ListAliasesResponse,
  UpdateAliasRequest,
} from "../shapes.gen.ts";
import { requireNotPendingDeletion } from "../usable-key.ts";
import { MANAGED_KEYS } from "./managed-keys.ts";

const MAX_ALIASES_OF_KEY = 50;

const nameErrors = [validationFailure, notAuthorized, invalidAliasName];
const keyErrors = [...lookupErrors, invalidState];

export const createAlias = operation<CreateAliasRequest, object>({
  name: "CreateAlias",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html",
  authorize: async (input, context) => {
    requireCustomerAliasName(input.AliasName);
    const target = await requireTarget(context, input.TargetKeyId);
    return [
      aliasAccess(context, "kms:CreateAlias", input.AliasName),
      keyAccess(context, "kms:CreateAlias", { key: target }),
    ];
  },
  errors: [...nameErrors, ...keyErrors, aliasExists, tooManyAliases],
  async run(input, context) {
    const target = await requireTarget(context, input.TargetKeyId);
    const nowMs = context.clock.nowMs();
    await context.store.write(() => {
      const key = usableTarget(context, target);
      if (findAlias(context, input.AliasName)) throw aliasExists(aliasArn(context.scope, input.AliasName));
      requireRoom(key);
      putAlias(context, { name: input.AliasName, keyId: key.id, createdAtMs: nowMs, updatedAtMs: nowMs });
      setAliasNames(context, key.id, (names) => [...names, input.AliasName]);
    });
    return {};
  },
});

export const updateAlias = operation<UpdateAliasRequest, object>({
  name: "UpdateAlias",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html",
  authorize: async (input, context) => {
    requireCustomerAliasName(input.AliasName);
    const { key: current } = await requireKey(context, input.AliasName);
    const target = await requireTarget(context, input.TargetKeyId);
    return [
      aliasAccess(context, "kms:UpdateAlias", input.AliasName),
      keyAccess(context, "kms:UpdateAlias", { key: current }),
      keyAccess(context, "kms:UpdateAlias", { key: target }),
    ];
  },
  errors: [...nameErrors, ...keyErrors, aliasNotFound, tooManyAliases, otherKindOfKey],
  async run(input, context) {
    const target = await requireTarget(context, input.TargetKeyId);
    await context.store.write(() => {
      const key = usableTarget(context, target);
      const alias = requireAlias(context, input.AliasName);
      const current = findKeyById(context, context.scope, alias.keyId);
      if (current && kindOf(current) !== kindOf(key)) throw otherKindOfKey(aliasArn(context.scope, alias.name));
      if (alias.keyId !== key.id) requireRoom(key);
      setAliasNames(context, alias.keyId, (names) => names.filter((name) => name !== alias.name));
      setAliasNames(context, key.id, (names) => [...names, alias.name]);
      putAlias(context, { ...alias, keyId: key.id, updatedAtMs: context.clock.nowMs() });
    });
    return {};
  },
});

export const deleteAlias = operation<DeleteAliasRequest, object>({
  name: "DeleteAlias",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteAlias.html",
  authorize: async (input, context) => {
    requireCustomerAliasName(input.AliasName);
    const { key } = await requireKey(context, input.AliasName);
    return [aliasAccess(context, "kms:DeleteAlias", input.AliasName), keyAccess(context, "kms:DeleteAlias", { key })];
  },
  errors: [...nameErrors, aliasNotFound],
  async run(input, context) {
    await context.store.write(() => {
      const alias = requireAlias(context, input.AliasName);
      setAliasNames(context, alias.keyId, (names) => names.filter((name) => name !== alias.name));
      aliasesIn(context.store).delete(recordKey(context.scope, alias.name));
    });
    return {};
  },
});

export const listAliases = operation<ListAliasesRequest, ListAliasesResponse>({
  name: "ListAliases",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html",
  authorize: () => [{ action: "kms:ListAliases", resource: "*" }],
  errors: [...lookupErrors, invalidMarker],
  async run(input, context) {
    const keyId = input.KeyId === undefined ? undefined : (await requireOwnKey(context, input.KeyId)).id;
    const { accountId, region } = context.scope;
    const stored = aliasesIn(context.store)
      .list([accountId, region])
      .map((entry) => entry.value)
      .filter((alias) => pointsToLiveKey(context, alias) && (keyId === undefined || alias.keyId === keyId));
    const entries: AliasListEntry[] = stored.map((alias) => ({
      AliasName: alias.name,
      AliasArn: aliasArn(context.scope, alias.name),
      TargetKeyId: alias.keyId,
      CreationDate: alias.createdAtMs,
      LastUpdatedDate: alias.updatedAtMs,
    }));
    // AWS: the aliases of AWS managed keys are listed before their key exists, then without TargetKeyId.
    for (const name of keyId === undefined ? MANAGED_KEYS.keys() : []) {
      if (!stored.some((alias) => alias.name === name))
        entries.push({ AliasName: name, AliasArn: aliasArn(context.scope, name) });
    }
    const nameOf = (entry: AliasListEntry): string => entry.AliasName ?? "";
    entries.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    const page = pageOf(entries, nameOf, input, { usual: 50, most: 100 });
    return { ...page.tokens, Aliases: page.items };
  },
});

/** On the alias itself: identity policies decide, aliases have none of their own. */
const aliasAccess = (context: OperationContext, action: string, aliasName: string): AuthorizationRequest => ({
  action,
  resource: aliasArn(context.scope, aliasName),
  context: callerAccount(context),
});

function requireCustomerAliasName(aliasName: string): void {
  if (!aliasName.startsWith("alias/")) {
    throw validationFailure(
      'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    );
  }
  if (aliasName.startsWith("alias/aws/")) throw notAuthorized();
  if (aliasName === "alias/") throw invalidAliasName();
}

async function requireTarget(context: OperationContext, keyId: string): Promise<KeyRecord> {
  if (isAlias(keyId)) throw validationFailure("Aliases must refer to keys. Not aliases");
  return requireOwnKey(context, keyId);
}

/** AWS: an alias and its key are of one account. */
async function requireOwnKey(context: OperationContext, keyId: string): Promise<KeyRecord> {
  const owner = parseArn(keyId)?.accountId ?? context.scope.accountId;
  if (owner !== context.scope.accountId) throw keyNotFound(keyId);
  return (await requireKeyNotAlias(context, keyId)).key;
}

/** The target as it is under the write lock, when it may get an alias. */
function usableTarget(context: OperationContext, target: KeyRecord): KeyRecord {
  const key = findKeyById(context, target, target.id) ?? target;
  if (key.manager === "AWS") throw notAuthorized();
  requireNotPendingDeletion(key);
  return key;
}

/** Throws for a key that has as many aliases as it may. */
function requireRoom({ aliasNames }: KeyRecord): void {
  if (aliasNames.length >= MAX_ALIASES_OF_KEY) throw tooManyAliases(MAX_ALIASES_OF_KEY, aliasNames.length);
}

/** AWS: an alias stays with symmetric, with asymmetric or with HMAC keys, and with their usage. */
const kindOf = (key: KeyRecord): string => `${isPair(key)} ${usageOf(key)}`;

/** The alias, unless its key is gone. */
function findAlias(context: OperationContext, aliasName: string): AliasRecord | undefined {
  const alias = aliasesIn(context.store).get(recordKey(context.scope, aliasName));
  return alias && pointsToLiveKey(context, alias) ? alias : undefined;
}

function requireAlias(context: OperationContext, aliasName: string): AliasRecord {
  const alias = findAlias(context, aliasName);
  if (!alias) throw aliasNotFound(aliasArn(context.scope, aliasName));
  return alias;
}

const pointsToLiveKey = (context: OperationContext, alias: AliasRecord): boolean =>
  findKeyById(context, context.scope, alias.keyId) !== undefined;

const putAlias = (context: OperationContext, alias: AliasRecord): void =>
  aliasesIn(context.store).put(recordKey(context.scope, alias.name), alias);

function setAliasNames(context: OperationContext, keyId: string, change: (names: readonly string[]) => string[]): void {
  const key = findKeyById(context, context.scope, keyId);
  if (!key) return;
  keysIn(context.store).put(recordKeyOf(key), { ...key, aliasNames: change(key.aliasNames).sort() });
}
