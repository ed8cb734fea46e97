/**
 * The versions of a key: putting a new one in front, taking one away, finding one. Functions that change records run
 * inside `Store.write` and give back the contents that lost their owner.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
 */
import type { Ids } from "../../core/ids.ts";
import type { Store } from "../../store/store.ts";
import type { OperationContext } from "../service.ts";
import { invalidArgument, isDeleteMarker, noSuchKey, noSuchVersion } from "./errors.ts";
import {
  type BucketRecord,
  type ContentPart,
  currentIn,
  type DeleteMarker,
  type ObjectVersion,
  olderIn,
  recordKey,
  type VersionRecord,
} from "./records.ts";

export const NULL_VERSION = "null";
const VERSION_ID = /^[A-Za-z0-9._-]{32}$/;
/** The first older version of a key; each later one ranks one below, so that the newest sorts first. */
const FIRST_RANK = 9_999_999_999;

export const versionErrors = [noSuchKey, noSuchVersion, isDeleteMarker, invalidArgument];

/** The id of a version that is written now; undefined where versioning was never on. */
export const newVersionId = (bucket: BucketRecord, ids: Ids): string =>
  bucket.versioning === "Enabled" ? ids.alphanumeric(32) : NULL_VERSION;

/** What answers show of a version id: nothing in buckets that never had versioning. */
export const shownVersionId = (bucket: BucketRecord, versionId: string) =>
  bucket.versioning === undefined ? {} : { VersionId: versionId };

export function requireVersionForm(versionId: string | undefined): void {
  if (versionId === undefined || versionId === NULL_VERSION || VERSION_ID.test(versionId)) return;
  throw invalidArgument("Invalid version id specified", "versionId", versionId);
}

/** The current version of a key, which may be a delete marker, or the one asked for. */
export function findVersion(
  store: Store,
  bucket: string,
  key: string,
  versionId: string | undefined,
): VersionRecord | undefined {
  const current = currentIn(store).get(recordKey(bucket, key));
  if (versionId === undefined || current === undefined || current.versionId === versionId) return current;
  return olderVersions(store, bucket, key).find(({ value }) => value.versionId === versionId)?.value;
}

/** Newest first. */
export const olderVersions = (store: Store, bucket: string, key: string) => olderIn(store).list(recordKey(bucket, key));

/** The object that GetObject and its kin mean; `method` is for the error about delete markers. */
export function requireObject(
  context: OperationContext,
  bucket: string,
  input: { readonly Key: string; readonly VersionId?: string | undefined },
  method: string,
): ObjectVersion {
  requireVersionForm(input.VersionId);
  const version = findVersion(context.store, bucket, input.Key, input.VersionId);
  if (version?.kind === "object") return version;
  if (input.VersionId === undefined) throw noSuchKey(input.Key, version !== undefined);
  if (version === undefined) throw noSuchVersion(input.Key, input.VersionId);
  throw isDeleteMarker(method, input.VersionId);
}

/** Puts a version in front. */
export function putVersion(store: Store, bucket: BucketRecord, version: VersionRecord): readonly ContentPart[] {
  const current = currentIn(store);
  const key = recordKey(bucket.name, version.key);
  const previous = current.get(key);
  const dropped: ContentPart[] = [];
  if (version.versionId === NULL_VERSION) dropped.push(...removeNullVersion(store, bucket.name, version.key));
  if (previous && previous.versionId !== version.versionId) putOlder(store, bucket.name, previous);
  current.put(key, version);
  return dropped;
}

/** The null version is overwritten, wherever it stands; if it is the current one, the caller replaces it. */
function removeNullVersion(store: Store, bucket: string, key: string): readonly ContentPart[] {
  const current = currentIn(store).get(recordKey(bucket, key));
  if (current === undefined) return [];
  if (current.versionId === NULL_VERSION) return partsOf(current);
  const older = olderVersions(store, bucket, key).find(({ value }) => value.versionId === NULL_VERSION);
  if (!older) return [];
  olderIn(store).delete(older.key);
  return partsOf(older.value);
}

function putOlder(store: Store, bucket: string, version: VersionRecord): void {
  const older = olderIn(store);
  const [newest] = older.list(recordKey(bucket, version.key), { limit: 1 });
  const rank = newest ? Number(newest.key.at(-1)) - 1 : FIRST_RANK;
  older.put([...recordKey(bucket, version.key), String(rank).padStart(10, "0")], version);
}

/** Takes one version away for good; the next older one becomes current. Undefined when it was not there. */
export function removeVersion(
  store: Store,
  bucket: string,
  key: string,
  versionId: string,
): { readonly removed: VersionRecord; readonly dropped: readonly ContentPart[] } | undefined {
  const currents = currentIn(store);
  const older = olderIn(store);
  const current = currents.get(recordKey(bucket, key));
  if (current === undefined) return undefined;
  if (current.versionId === versionId) {
    const [next] = older.list(recordKey(bucket, key), { limit: 1 });
    if (next) {
      currents.put(recordKey(bucket, key), next.value);
      older.delete(next.key);
    } else currents.delete(recordKey(bucket, key));
    return { removed: current, dropped: partsOf(current) };
  }
  const found = olderVersions(store, bucket, key).find(({ value }) => value.versionId === versionId);
  if (!found) return undefined;
  older.delete(found.key);
  return { removed: found.value, dropped: partsOf(found.value) };
}

/** Puts a changed record in the place of the version it was made from. */
export function replaceVersion(store: Store, bucket: string, version: ObjectVersion): void {
  const key = recordKey(bucket, version.key);
  if (currentIn(store).get(key)?.versionId === version.versionId) {
    currentIn(store).put(key, version);
    return;
  }
  const found = olderVersions(store, bucket, version.key).find(({ value }) => value.versionId === version.versionId);
  if (found) olderIn(store).put(found.key, version);
}

export const newDeleteMarker = (key: string, versionId: string, lastModifiedMs: number): DeleteMarker => ({
  kind: "deleteMarker",
  key,
  versionId,
  lastModifiedMs,
});

const partsOf = (version: VersionRecord): readonly ContentPart[] => (version.kind === "object" ? version.parts : []);
