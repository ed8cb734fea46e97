/**
 * ReplicateKey and UpdatePrimaryRegion: multi-Region keys, that are one key in several Regions of an account. They share id,
 * material, kind, rotation and who is primary; policy, description, tags, aliases, grants and state are each key's own.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html
 * Differences: both are done when their call answers: no key is ever `Creating` or `Updating`.
 */
import { arnIn, isRegionName, partitionOf } from "../../../core/arn.ts";
import { type OperationContext, operation } from "../../service.ts";
import { eraseIfGone } from "../erase-key.ts";
import {
  invalidState,
  keyDisabled,
  keyNotFound,
  lookupErrors,
  notPrimary,
  replicaExists,
  tagFailure,
  validationFailure,
} from "../errors.ts";
import { findKeyById, requireKeyNotAlias, soughtKeyNotAlias } from "../find-key.ts";
import { bypassCondition, callerAccount, keyAccess, requestTagConditions } from "../key-access.ts";
import { keyMetadata } from "../keys/key-metadata.ts";
import { newKeyPolicy, policyErrors, policyText, requireChangeable } from "../keys/key-policy.ts";
import { tagsWith } from "../keys/tags.ts";
import { type KeyRecord, keyArn, keysIn, type MultiRegion, recordKeyOf } from "../records.ts";
import type { ReplicateKeyRequest, ReplicateKeyResponse, UpdatePrimaryRegionRequest } from "../shapes.gen.ts";
import { requireNotPendingDeletion, requireUsable } from "../usable-key.ts";
import { isReplica, putShared } from "./multi-region-records.ts";

const errors = [...lookupErrors, notPrimary, keyDisabled, invalidState, validationFailure];

export const replicateKey = operation<ReplicateKeyRequest, ReplicateKeyResponse>({
  name: "ReplicateKey",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html",
  authorize: async (input, context) => {
    const sought = await soughtKeyNotAlias(context, input.KeyId);
    const region = input.ReplicaRegion;
    const replicate = keyAccess(context, "kms:ReplicateKey", sought, { "kms:ReplicaRegion": region });
    // AWS: a replica is a new key of its Region, made by whoever may make, and tag, keys there.
    const there = {
      ...callerAccount(context),
      ...requestTagConditions(input.Tags),
      "aws:RequestedRegion": region,
    };
    const bypass = bypassCondition(input.BypassPolicyLockoutSafetyCheck);
    const create = { action: "kms:CreateKey", resource: "*", context: { ...there, ...bypass } };
    if (!input.Tags?.length) return [replicate, create];
    const resource = arnIn({ ...context.scope, region }, "kms", "key/*");
    return [replicate, { action: "kms:TagResource", resource, resourceText: "", context: there }, create];
  },
  errors: [...errors, replicaExists, ...policyErrors, tagFailure],
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    const replica = newReplica(context, key, input);
    if (input.Policy !== undefined && !input.BypassPolicyLockoutSafetyCheck) requireChangeable(context, replica);
    const made = await context.store.write(() => {
      const primary = requirePrimary(context, key);
      requireUsableOrImportable(primary);
      forgetGone(context, replica);
      if (primary.region === replica.region || keysIn(context.store).has(recordKeyOf(replica))) {
        throw replicaExists(keyArn(replica));
      }
      const replicaRegions = [...primary.multiRegion.replicaRegions, replica.region].sort();
      const multiRegion: MultiRegion = { ...primary.multiRegion, replicaRegions };
      keysIn(context.store).put(recordKeyOf(replica), { ...replica, multiRegion });
      putShared(context.store, primary, { multiRegion });
      return { ...replica, multiRegion };
    });
    return {
      ReplicaKeyMetadata: keyMetadata(made),
      ReplicaPolicy: policyText(made.policy),
      ReplicaTags: Object.entries(made.tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
    };
  },
});

export const updatePrimaryRegion = operation<UpdatePrimaryRegionRequest, object>({
  name: "UpdatePrimaryRegion",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdatePrimaryRegion.html",
  authorize: async (input, context) => {
    const sought = await soughtKeyNotAlias(context, input.KeyId);
    const conditions = { "kms:PrimaryRegion": input.PrimaryRegion };
    const onPrimary = keyAccess(context, "kms:UpdatePrimaryRegion", sought, conditions);
    if ("absentArn" in sought) return [onPrimary];
    // AWS: permission is asked for on both keys, each with its own policy.
    const replica = findKeyById(context, { ...sought.key, region: input.PrimaryRegion }, sought.key.id);
    if (!replica || replica.region === sought.key.region) return [onPrimary];
    return [onPrimary, keyAccess(context, "kms:UpdatePrimaryRegion", { key: replica }, conditions)];
  },
  errors,
  async run(input, context) {
    const { key } = await requireKeyNotAlias(context, input.KeyId);
    await context.store.write(() => {
      const primary = requirePrimary(context, key);
      requireUsable(primary);
      const { PrimaryRegion } = input;
      const replica = findKeyById(context, { ...primary, region: PrimaryRegion }, primary.id);
      if (!replica) throw keyNotFound(keyArn({ ...primary, region: PrimaryRegion }));
      // AWS: the key is primary there already.
      if (PrimaryRegion === primary.region) return;
      requireUsable(replica);
      const others = primary.multiRegion.replicaRegions.filter((region) => region !== PrimaryRegion);
      const replicaRegions = [...others, primary.region].sort();
      putShared(context.store, primary, { multiRegion: { primaryRegion: PrimaryRegion, replicaRegions } });
    });
    return {};
  },
});

type PrimaryKey = KeyRecord & Required<Pick<KeyRecord, "multiRegion">>;

function requirePrimary(context: OperationContext, key: KeyRecord): PrimaryKey {
  const current = findKeyById(context, key, key.id);
  if (!current) throw keyNotFound(keyArn(key));
  if (!current.multiRegion || isReplica(current)) throw notPrimary(keyArn(current));
  return current as PrimaryKey;
}

// AWS: a key that waits for its import may be replicated.
function requireUsableOrImportable(key: KeyRecord): void {
  if (key.state === "PendingImport") requireNotPendingDeletion(key);
  else requireUsable(key);
}

/** A replica that was deleted makes room for a new one. */
function forgetGone(context: OperationContext, replica: KeyRecord): void {
  const stored = keysIn(context.store).get(recordKeyOf(replica));
  if (stored) eraseIfGone(context, stored);
}

function newReplica(context: OperationContext, primary: KeyRecord, input: ReplicateKeyRequest): KeyRecord {
  if (!isRegionOf(context.scope.partition, input.ReplicaRegion)) {
    throw validationFailure(`Invalid region: ${input.ReplicaRegion}`);
  }
  const { partition, accountId, id, spec, usage, origin, rotation } = primary;
  const policy = newKeyPolicy(context, input.Policy);
  return {
    id,
    accountId,
    partition,
    region: input.ReplicaRegion,
    policy,
    createdAtMs: context.clock.nowMs(),
    description: input.Description ?? "",
    manager: "CUSTOMER",
    // AWS: imported material is not shared; each replica has it imported.
    ...(origin === undefined
      ? { state: "Enabled", material: primary.material }
      : { state: "PendingImport", origin, material: [], imports: [] }),
    ...(spec && { spec }),
    ...(usage && { usage }),
    ...(rotation && { rotation }),
    tags: tagsWith({}, input.Tags ?? []),
    aliasNames: [],
  };
}

/** Regions of a partition by the form of their names; which ones there are is not checked. */
const isRegionOf = (partition: string, region: string): boolean =>
  isRegionName(region) && partitionOf(region) === partition;
