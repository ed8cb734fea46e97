/**
 * What KMS keeps of grants: the grants of a key by id, and a list of them by grantee, so that a decision reads the few that
 * name the caller, however many the key has.
 */
import type { ResourceGrant } from "../../../authorize/decision.ts";
import type { Principal } from "../../../core/aws.ts";
import type { Collection, Key, Store } from "../../../store/store.ts";
import { granteesOf, grantPolicy, type KeyGrant } from "../../key-grant.ts";
import { type KeyRecord, recordKeyOf } from "../records.ts";

export interface GrantRecord extends KeyGrant {
  /** 64 hex digits. */
  readonly id: string;
  /** Of the key: its account and region, and its id. */
  readonly accountId: string;
  readonly partition: string;
  readonly region: string;
  readonly keyId: string;
  /** Empty for a grant without a name. */
  readonly name: string;
  readonly createdAtMs: number;
  readonly retiringPrincipal?: string;
  /** The account that made the grant, which may be another than the key's. */
  readonly issuingAccountId: string;
}

/** Keyed by account, region, key id, grant id. */
const grantsIn = (store: Store): Collection<GrantRecord> => store.collection("kms/grants");
/** The grant's id, keyed by account, region, key id, grantee, grant id. */
const byGrantee = (store: Store): Collection<string> => store.collection("kms/grants-by-grantee");

/** How many grants a key has, keyed by account, region, key id; absent for none, as most keys have. */
const countsIn = (store: Store): Collection<number> => store.collection("kms/grant-counts");

export const grantCount = (store: Store, key: KeyRecord): number => countsIn(store).get(recordKeyOf(key)) ?? 0;

const grantKey = (grant: GrantRecord): Key => [grant.accountId, grant.region, grant.keyId, grant.id];
const granteeKey = (grant: GrantRecord): Key => [
  grant.accountId,
  grant.region,
  grant.keyId,
  grant.granteePrincipal,
  grant.id,
];

/** A grant of one key, by its id. */
export const findGrant = (store: Store, key: KeyRecord, grantId: string): GrantRecord | undefined =>
  grantsIn(store).get([...recordKeyOf(key), grantId]);

/** The grants of a key, by id. */
export const grantsOfKey = (store: Store, key: KeyRecord): GrantRecord[] =>
  grantsIn(store)
    .list(recordKeyOf(key))
    .map((entry) => entry.value);

/** The grants of every key, of all accounts. */
export const allGrants = (store: Store): GrantRecord[] =>
  grantsIn(store)
    .list([])
    .map((entry) => entry.value);

/** What grants of the key say about the principal. */
export function grantsFor(store: Store, key: KeyRecord, principal: Principal): readonly ResourceGrant[] {
  if (grantCount(store, key) === 0) return NONE;
  const index = byGrantee(store);
  const found: ResourceGrant[] = [];
  for (const grantee of granteesOf(principal)) {
    for (const { value: id } of index.list([...recordKeyOf(key), grantee])) {
      const grant = findGrant(store, key, id);
      if (grant) found.push(grantPolicy(grant));
    }
  }
  return found;
}

const NONE: readonly ResourceGrant[] = [];

/** A new grant. Only inside `Store.write`. */
export function putGrant(store: Store, grant: GrantRecord): void {
  changeCount(store, grant, 1);
  grantsIn(store).put(grantKey(grant), grant);
  byGrantee(store).put(granteeKey(grant), grant.id);
}

/** Nothing for a grant that has gone already. Only inside `Store.write`. */
export function deleteGrant(store: Store, grant: GrantRecord): void {
  if (!grantsIn(store).has(grantKey(grant))) return;
  changeCount(store, grant, -1);
  grantsIn(store).delete(grantKey(grant));
  byGrantee(store).delete(granteeKey(grant));
}

function changeCount(store: Store, { accountId, region, keyId }: GrantRecord, by: 1 | -1): void {
  const counts = countsIn(store);
  const count = (counts.get([accountId, region, keyId]) ?? 0) + by;
  if (count === 0) counts.delete([accountId, region, keyId]);
  else counts.put([accountId, region, keyId], count);
}
