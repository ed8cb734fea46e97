/**
 * The referrers of a digest: manifests that name it as their subject, as an OCI index, in pages, with a filter.
 * Also those of clients that knew no referrers API: an index they pushed under the tag `<algorithm>-<hex of the subject>`,
 * as images copied here from an older registry bring it along.
 * Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers and
 * #referrers-tag-schema
 */
import { isDigest } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { type Answer, type Exchange, jsonAnswer } from "./exchange.ts";
import type { FoundManifest } from "./images.ts";
import { MAX_MANIFEST_BYTES, OCI_INDEX } from "./manifest-content.ts";
import { nextPage, pageSize } from "./manifest-routes.ts";

interface ReferrerDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const MAX_ENTRIES = 1_000;
const READ_AT_ONCE = 100;

/** Always 200 for a legal digest: a subject nobody refers to, or that is not here, has an empty list. */
export function listReferrers(exchange: Exchange, subject: string): Answer {
  const { address, images, query, nameInUrl } = exchange;
  if (!isDigest(subject)) throw new RegistryError("digestInvalid", { detail: { digest: subject } });
  images.requireRepository(address);
  const artifactType = query.get("artifactType") || undefined;
  const limit = Math.min(pageSize(query), MAX_ENTRIES);
  const isWanted = (entry: ReferrerDescriptor): boolean =>
    artifactType === undefined || entry.artifactType === artifactType;
  const after = query.get("last") ?? undefined;
  const page = pageOf(candidates(exchange, subject, after), isWanted, limit);
  if (after === undefined && limit > 0) page.entries.push(...taggedReferrers(exchange, subject).filter(isWanted));
  return jsonAnswer(
    { schemaVersion: 2, mediaType: OCI_INDEX, manifests: page.entries },
    {
      "content-type": OCI_INDEX,
      ...(artifactType && { "oci-filters-applied": "artifactType" }),
      ...nextPage(`/v2/${nameInUrl}/referrers/${subject}`, { artifactType, n: limit, last: page.last }),
    },
  );
}

/** Referrers in order of their digests, read some at a time. */
function* candidates({ address, images }: Exchange, subject: string, first: string | undefined) {
  for (let after = first; ; ) {
    const some = images.referrers(address, subject, { limit: READ_AT_ONCE, ...(after !== undefined && { after }) });
    for (const found of some) yield descriptorOf(found);
    after = some.at(-1)?.digest;
    if (after === undefined) return;
  }
}

/** As many entries as fit; `last` is where the next page goes on, undefined when there is none. */
function pageOf(
  all: Iterable<ReferrerDescriptor>,
  isWanted: (entry: ReferrerDescriptor) => boolean,
  limit: number,
): { entries: ReferrerDescriptor[]; last: string | undefined } {
  const entries: ReferrerDescriptor[] = [];
  let bytes = 0;
  for (const entry of all) {
    if (!isWanted(entry)) continue;
    const entryBytes = Buffer.byteLength(JSON.stringify(entry)) + 1;
    // An answer is an index and no larger than one may be; annotations can be megabytes.
    const isFull = entries.length === limit || (bytes + entryBytes > MAX_MANIFEST_BYTES && entries.length > 0);
    if (isFull) return { entries, last: entries.at(-1)?.digest };
    bytes += entryBytes;
    entries.push(entry);
  }
  return { entries, last: undefined };
}

const descriptorOf = ({ digest, record }: FoundManifest): ReferrerDescriptor => {
  const artifactType = record.artifactType ?? record.configMediaType;
  return {
    mediaType: record.mediaType,
    digest,
    size: record.sizeBytes,
    ...(artifactType !== undefined && { artifactType }),
    ...(record.annotations && Object.keys(record.annotations).length > 0 && { annotations: record.annotations }),
  };
};

/** Entries of the fallback tag's index that are here and name no subject themselves, so that none is listed twice. */
function taggedReferrers({ address, images }: Exchange, subject: string): ReferrerDescriptor[] {
  const found = images.find(address, subject.replace(":", "-").slice(0, 128));
  if (found?.record.mediaType !== OCI_INDEX) return [];
  return (found.record.manifests ?? []).flatMap((digest) => {
    const entry = images.find(address, digest);
    return entry && entry.record.subject === undefined ? [descriptorOf(entry)] : [];
  });
}
