/**
 * Where the versions of a parameter are. The newest is part of the parameter's record; when another follows it, it becomes a
 * record of its own. Such a record is kept under the time at which that happened, so that the versions of one commit lie
 * side by side: each under its parameter's name would be on a page of its own, which made up half of a write's cost.
 *
 * Kiln's first state version kept every version, the newest too, under the parameter's name. Those are read where they are.
 */
import type { AwsScope } from "../../core/arn.ts";
import type { Key, Store } from "../../store/store.ts";
import { type ParameterRecord, type ParameterVersion, versionsIn, withoutLeadingSlash } from "./records.ts";

/** Characters of one place: a time in milliseconds to the base of 36. */
const PLACE_LENGTH = 9;
const LAST_PLACE = 36 ** PLACE_LENGTH - 1;

type Kept = Pick<ParameterRecord, "name" | "oldestVersion" | "places"> & {
  readonly latest: { readonly version: number };
};

/** What a record says about the versions before its newest. */
export type EarlierVersions = Required<Pick<ParameterRecord, "oldestVersion" | "places">>;

/** One version of the parameter, undefined where it is not kept. */
export function findVersion(
  store: Store,
  scope: AwsScope,
  record: ParameterRecord,
  version: number,
): ParameterVersion | undefined {
  if (version === record.latest.version) return record.latest;
  if (version < record.oldestVersion || version > record.latest.version) return undefined;
  return versionsIn(store).get(keyOf(scope, record, version));
}

/** Keeps the newest version as one that another follows. Only inside `Store.write`. */
export function putAway(store: Store, scope: AwsScope, record: ParameterRecord, nowMs: number): EarlierVersions {
  const { name, latest, oldestVersion, places } = record;
  // Of the first state version: it is a record already.
  if (places === undefined) return { oldestVersion, places: "" };
  const place = Math.min(Math.max(Math.trunc(nowMs), 0), LAST_PLACE)
    .toString(36)
    .padStart(PLACE_LENGTH, "0");
  versionsIn(store).put(placedKey(scope, name, place, latest.version), latest);
  return { oldestVersion, places: places + place };
}

/** Forgets the oldest of the versions before `newest`. Only inside `Store.write`. */
export function dropOldest(
  store: Store,
  scope: AwsScope,
  name: string,
  newest: number,
  { oldestVersion, places }: EarlierVersions,
): EarlierVersions {
  versionsIn(store).delete(keyOf(scope, { name, oldestVersion, places, latest: { version: newest } }, oldestVersion));
  const isPlaced = places.length === (newest - oldestVersion) * PLACE_LENGTH;
  return { oldestVersion: oldestVersion + 1, places: isPlaced ? places.slice(PLACE_LENGTH) : places };
}

/** Forgets every version that is a record of its own. Only inside `Store.write`. */
export function removeVersions(store: Store, scope: AwsScope, record: ParameterRecord): void {
  const versions = versionsIn(store);
  const end = record.latest.version + (record.places === undefined ? 1 : 0);
  for (let version = record.oldestVersion; version < end; version++) versions.delete(keyOf(scope, record, version));
}

/** `places` are those of the last versions before the newest; what is older has none. */
function keyOf(scope: AwsScope, { name, latest, places = "" }: Kept, version: number): Key {
  const at = places.length - (latest.version - version) * PLACE_LENGTH;
  if (at < 0 || version === latest.version) return unplacedKey(scope, name, version);
  return placedKey(scope, name, places.slice(at, at + PLACE_LENGTH), version);
}

const placedKey = ({ accountId, region }: AwsScope, name: string, place: string, version: number): Key => [
  ...[accountId, region, place, withoutLeadingSlash(name)],
  numberKey(version),
];

const unplacedKey = ({ accountId, region }: AwsScope, name: string, version: number): Key => [
  ...[accountId, region, withoutLeadingSlash(name)],
  numberKey(version),
];

const numberKey = (version: number): string => String(version).padStart(10, "0");
