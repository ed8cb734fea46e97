/**
 * Manifests over HTTP: push by tag or digest, pull, delete; tag lists with pages; referrers with filter.
 * Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md (pulling and pushing manifests, listing
 * tags, listing referrers, content management).
 */
import { isDigest, isTag, looksLikeDigest } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { type Answer, type Exchange, jsonAnswer, readBody } from "./exchange.ts";
import { MAX_MANIFEST_BYTES, OCI_INDEX } from "./manifest-content.ts";

export async function putManifest(exchange: Exchange, reference: string): Promise<Answer> {
  const { address, images, nameInUrl, request } = exchange;
  images.requireRepository(address);
  const content = await readBody(request, MAX_MANIFEST_BYTES);
  if (!content) throw new RegistryError("tooLarge", { detail: { limitBytes: MAX_MANIFEST_BYTES } });
  const { digest, subject } = await images.put(address, {
    content,
    mediaType: request.headers["content-type"],
    ...(looksLikeDigest(reference) ? { digest: reference } : { tag: reference }),
  });
  return {
    status: 201,
    headers: {
      location: `/v2/${nameInUrl}/manifests/${digest}`,
      "docker-content-digest": digest,
      ...(subject !== undefined && { "oci-subject": subject }),
      "content-length": 0,
    },
  };
}

export async function readManifest(exchange: Exchange, reference: string): Promise<Answer> {
  const { address, images, request } = exchange;
  images.requireRepository(address);
  const found = isReference(reference) ? images.find(address, reference) : undefined;
  if (!found) throw manifestUnknown(exchange, reference);
  const headers = {
    "content-type": found.record.mediaType,
    "content-length": found.record.sizeBytes,
    "docker-content-digest": found.digest,
    etag: `"${found.digest}"`,
  };
  if (request.method === "HEAD") return { status: 200, headers };
  const content = await images.content(found.digest);
  if (address.ecr) await images.recordPull(address, found);
  return { status: 200, headers, body: content };
}

export async function deleteManifest({ address, images }: Exchange, reference: string): Promise<Answer> {
  const isKnown =
    isReference(reference) &&
    (looksLikeDigest(reference)
      ? await images.deleteManifest(address, reference)
      : await images.deleteTag(address, reference));
  if (!isKnown) throw new RegistryError("manifestUnknown", { detail: { reference } });
  return { status: 202, headers: { "content-length": 0 } };
}

export function listTags({ address, images, nameInUrl, query }: Exchange): Answer {
  if (!images.requireRepository(address)) throw new RegistryError("nameUnknown", { detail: { name: address.name } });
  const limit = pageSize(query);
  const after = query.get("last") ?? undefined;
  // One more than asked tells whether there is a next page.
  const tags = images.tags(address, {
    ...(after !== undefined && { after }),
    ...(limit !== undefined && { limit: limit + 1 }),
  });
  const page = limit === undefined ? tags : tags.slice(0, limit);
  const last = page.at(-1);
  const hasMore = tags.length > page.length && last !== undefined;
  const next = `</v2/${nameInUrl}/tags/list?n=${limit}&last=${encodeURIComponent(last ?? "")}>; rel="next"`;
  return jsonAnswer({ name: nameInUrl, tags: page }, hasMore ? { link: next } : {});
}

/** Always 200 for a legal digest: a subject nobody refers to, or that is not here, has an empty list. */
export function listReferrers({ address, images, query }: Exchange, subject: string): Answer {
  if (!isDigest(subject)) throw new RegistryError("digestInvalid", { detail: { digest: subject } });
  images.requireRepository(address);
  const artifactType = query.get("artifactType") || undefined;
  const descriptors = images.referrers(address, subject).map(({ digest, record }) => ({
    mediaType: record.mediaType,
    digest,
    size: record.sizeBytes,
    ...artifactTypeOf(record.artifactType ?? record.configMediaType),
    ...(record.annotations && Object.keys(record.annotations).length > 0 && { annotations: record.annotations }),
  }));
  const manifests = artifactType ? descriptors.filter((entry) => entry.artifactType === artifactType) : descriptors;
  return jsonAnswer(
    { schemaVersion: 2, mediaType: OCI_INDEX, manifests },
    { "content-type": OCI_INDEX, ...(artifactType && { "oci-filters-applied": "artifactType" }) },
  );
}

const artifactTypeOf = (artifactType: string | undefined): { artifactType?: string } =>
  artifactType === undefined ? {} : { artifactType };

/** `n` of a list request; undefined when everything is asked for. */
export function pageSize(query: URLSearchParams): number | undefined {
  const text = query.get("n");
  if (text === null) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new RegistryError("pageSizeInvalid", { detail: { n: text } });
  return Number(text);
}

const isReference = (reference: string): boolean =>
  looksLikeDigest(reference) ? isDigest(reference) : isTag(reference);

const manifestUnknown = ({ address }: Exchange, reference: string): RegistryError =>
  new RegistryError("manifestUnknown", {
    // AWS: ECR answers with its own sentence.
    ...(address.ecr && { message: "Requested image not found" }),
    detail: { reference },
  });
