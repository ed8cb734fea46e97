/**
 * Manifests over HTTP: push by tag or digest, pull, delete; tag lists with pages. Referrers: referrers-route.ts.
 * Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md (pulling and pushing manifests, listing
 * tags, content management).
 */
import { digestOf, isDigest, isTag, looksLikeDigest } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { type Answer, type Exchange, jsonAnswer, readBody } from "./exchange.ts";
import { MAX_MANIFEST_BYTES } from "./manifest-content.ts";

export async function putManifest(exchange: Exchange, reference: string): Promise<Answer> {
  const { address, images, nameInUrl, request, query } = exchange;
  images.requireRepository(address);
  const content = await readBody(request, MAX_MANIFEST_BYTES);
  if (!content) throw new RegistryError("tooLarge", { detail: { limitBytes: MAX_MANIFEST_BYTES } });
  // Tags of a manifest pushed by digest: the only way to tag one of another algorithm than sha256.
  const tags = looksLikeDigest(reference) ? query.getAll("tag") : [];
  const { digest, subject } = await images.put(address, {
    content,
    mediaType: request.headers["content-type"],
    ...(looksLikeDigest(reference) ? { digest: reference, tags } : { tag: reference }),
  });
  if (address.ecr)
    await exchange.ecr.replicate(address, { digest, tag: looksLikeDigest(reference) ? undefined : reference });
  return {
    status: 201,
    headers: {
      location: `/v2/${nameInUrl}/manifests/${digest}`,
      "docker-content-digest": digest,
      ...(subject !== undefined && { "oci-subject": subject }),
      ...(tags.length > 0 && { "oci-tag": tags.join(", ") }),
      "content-length": 0,
    },
  };
}

export async function readManifest(exchange: Exchange, reference: string): Promise<Answer> {
  const { address, images, request } = exchange;
  images.requireRepository(address);
  const found = isReference(reference) ? images.find(address, reference) : undefined;
  if (!found) throw manifestUnknown(exchange, reference);
  const converted =
    address.ecr &&
    (await exchange.ecr.converted(found, reference, request.headers.accept).catch(gone(exchange, reference)));
  const digest = converted ? digestOf(converted.content) : found.digest;
  const headers = {
    "content-type": converted?.mediaType ?? found.record.mediaType,
    "content-length": converted?.content.length ?? found.record.sizeBytes,
    "docker-content-digest": digest,
    etag: `"${digest}"`,
  };
  if (request.method === "HEAD") return { status: 200, headers };
  const content = converted?.content ?? (await images.content(found.digest).catch(gone(exchange, reference)));
  if (address.ecr) await exchange.ecr.notePull(address, found, exchange.puller);
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
  const tags = images.tags(address, { ...(after !== undefined && { after }), limit: limit + 1 });
  const page = tags.slice(0, limit);
  return jsonAnswer(
    { name: nameInUrl, tags: page },
    tags.length > page.length ? nextPage(`/v2/${nameInUrl}/tags/list`, { n: limit, last: page.at(-1) }) : {},
  );
}

/** A repository may have a million tags; nobody may make one answer of them. */
const MAX_PAGE = 10_000;

/** `n` of a list request; lists are given in pages of {@link MAX_PAGE} at most, also to who asks for everything. */
export function pageSize(query: URLSearchParams): number {
  const text = query.get("n");
  if (text === null) return MAX_PAGE;
  if (!/^\d{1,9}$/.test(text)) throw new RegistryError("pageSizeInvalid", { detail: { n: text } });
  return Math.min(Number(text), MAX_PAGE);
}

/** Where the list goes on; nowhere after an empty page, which `n=0` asks for. */
export function nextPage(
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
): Record<string, string> {
  if (query["last"] === undefined) return {};
  const given = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) given.set(key, String(value));
  return { link: `<${path}?${given}>; rel="next"` };
}

const isReference = (reference: string): boolean =>
  looksLikeDigest(reference) ? isDigest(reference) : isTag(reference);

/** Deleted and collected between its finding and its reading. */
const gone =
  (exchange: Exchange, reference: string) =>
  (error: unknown): never => {
    throw (error as NodeJS.ErrnoException).code === "ENOENT" ? manifestUnknown(exchange, reference) : error;
  };

const manifestUnknown = ({ address }: Exchange, reference: string): RegistryError =>
  new RegistryError("manifestUnknown", {
    // AWS: ECR answers with its own sentence.
    ...(address.ecr && { message: "Requested image not found" }),
    detail: { reference },
  });
