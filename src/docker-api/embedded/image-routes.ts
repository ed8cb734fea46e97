/** Images of the embedded builder: list, inspect, tag, push, pull, save, load, remove. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Image, imageSizeBytes } from "../../images/image.ts";
import { readImageArchive, writeImageArchive } from "../../images/image-archive.ts";
import { familiarName, familiarReference, formatReference, withDefaultTag } from "../../images/reference.ts";
import { RegistryRequestError } from "../../images/registry-client.ts";
import { findBaseImage, missingBaseImage, pullImage, pushImage } from "../../images/transfer.ts";
import { credentialsOf } from "../registry-credentials.ts";
import { type ApiCall, ApiError, type ApiRoute, type BuilderContext, jsonLines, sendJson } from "./api.ts";
import { namedTag } from "./build-routes.ts";

/** The image or docker's `No such image`. */
export function requireImage(context: BuilderContext, name: string): Image {
  const image = context.names.find(name);
  if (!image)
    throw new ApiError(
      404,
      `No such image: ${/[:@]/.test(name.slice(name.lastIndexOf("/") + 1)) ? name : `${name}:latest`}`,
    );
  return image;
}

function list({ context, query, response }: ApiCall): void {
  const filters = JSON.parse(query.get("filters") ?? "{}") as Record<string, Record<string, boolean> | string[]>;
  const wanted =
    filters["reference"] === undefined
      ? undefined
      : Array.isArray(filters["reference"])
        ? filters["reference"]
        : Object.keys(filters["reference"]);
  const images = context.names
    .list()
    .map(({ image, tags, digests }) => ({
      Id: image.id,
      ParentId: "",
      RepoTags: wanted ? tags.filter((tag) => wanted.some((name) => tag === name || tag.startsWith(`${name}:`))) : tags,
      RepoDigests: digests,
      Created: Math.floor(Date.parse(image.config.created) / 1000),
      Size: imageSizeBytes(image),
      SharedSize: -1,
      Labels: image.config.config.Labels ?? null,
      Containers: -1,
    }))
    .filter((entry) => !wanted || entry.RepoTags.length > 0);
  sendJson(response, 200, images);
}

function inspect({ context, path: [name = ""], response }: ApiCall): void {
  const image = requireImage(context, name);
  const { tags, digests } = context.names.describe(image);
  sendJson(response, 200, {
    Id: image.id,
    RepoTags: tags,
    RepoDigests: digests,
    Parent: "",
    Comment: "",
    Created: image.config.created,
    Author: image.config.author ?? "",
    Config: image.config.config,
    Architecture: image.config.architecture,
    Os: image.config.os,
    Size: imageSizeBytes(image),
    RootFS: { Type: "layers", Layers: image.config.rootfs.diff_ids },
    Metadata: {},
  });
}

function history({ context, path: [name = ""], response }: ApiCall): void {
  const image = requireImage(context, name);
  const { tags } = context.names.describe(image);
  let layer = 0;
  const entries = image.config.history.map((entry) => ({
    Id: "<missing>",
    Created: Math.floor(Date.parse(entry.created) / 1000),
    CreatedBy: entry.created_by ?? "",
    Tags: null as readonly string[] | null,
    Size: entry.empty_layer ? 0 : (image.layers[layer++]?.blob.sizeBytes ?? 0),
    Comment: "",
  }));
  const last = entries.at(-1);
  if (last) Object.assign(last, { Id: image.id, Tags: tags });
  sendJson(response, 200, entries.reverse());
}

function tag({ context, path: [name = ""], query, response }: ApiCall): void {
  const image = requireImage(context, name);
  const to = query.get("tag");
  context.names.tag(namedTag(`${query.get("repo") ?? ""}${to ? `:${to}` : ""}`), image);
  response.writeHead(201).end();
}

async function push({ context, path: [name = ""], query, incoming, response, signal }: ApiCall): Promise<void> {
  const { request, names, transfer } = context;
  const wantedTag = query.get("tag");
  const reference = namedTag(wantedTag ? `${name}:${wantedTag}` : name);
  const send = jsonLines(response);
  const fail = (message: string): void => {
    send({ errorDetail: { message }, error: message });
    response.end();
  };
  if (request.pushForReal)
    return fail(
      "kiln's embedded builder does not push to real registries (--push-for-real): start Docker or Podman for it",
    );
  const tagged = wantedTag
    ? names.tagsOf(reference).filter((entry) => entry.reference.tag === wantedTag)
    : names.tagsOf(reference);
  if (tagged.length === 0) return fail(`An image does not exist locally with the tag: ${familiarName(reference)}`);
  try {
    for (const { reference: one, image } of tagged) {
      const digest = await pushImage(
        { ...transfer, signal },
        image,
        one,
        credentialsOf(incoming.headers["x-registry-auth"]),
        send,
      );
      names.addDigest(one, digest, image);
      request.onPushed(formatReference(one), digest);
    }
    response.end();
  } catch (error) {
    fail((error as Error).message);
    if (!(error instanceof RegistryRequestError) && !signal.aborted) throw error;
  }
}

async function pull(call: ApiCall): Promise<void> {
  const { context, query, incoming, response, signal } = call;
  if ((query.get("fromSrc") ?? "") !== "")
    throw new ApiError(501, "kiln's embedded builder does not do `docker import`");
  const name = query.get("fromImage") ?? "";
  const wantedTag = query.get("tag") ?? "";
  const separator = wantedTag.startsWith("sha256:") ? "@" : ":";
  const reference = withDefaultTag(namedTag(wantedTag === "" ? name : `${name}${separator}${wantedTag}`));
  const credentials = credentialsOf(incoming.headers["x-registry-auth"]);
  const transfer = { ...context.transfer, signal };
  const shown = reference.tag ?? reference.digest ?? "latest";
  const lines: Record<string, unknown>[] = [{ status: `Pulling from ${reference.repository}`, id: shown }];
  try {
    const progress = (message: Record<string, unknown>): void => void lines.push(message);
    const pulled = credentials
      ? ((await pullImage(transfer, reference, credentials, progress)) ??
        (await findBaseImage(transfer, formatReference(reference))))
      : await findBaseImage(transfer, formatReference(reference));
    if (!pulled) throw new ApiError(404, missingBaseImage(familiarReference(reference)));
    const isNew = context.names.find(formatReference(reference))?.id !== pulled.image.id;
    context.names.tag(reference, pulled.image);
    context.names.addDigest(reference, pulled.digest, pulled.image);
    const send = jsonLines(response);
    for (const line of lines) send(line);
    send({
      status: `Status: ${isNew ? "Downloaded newer image" : "Image is up to date"} for ${familiarReference(reference)}`,
    });
    response.end();
  } catch (error) {
    if (error instanceof RegistryRequestError) throw new ApiError(error.status === 404 ? 404 : 500, error.message);
    throw error;
  }
}

function remove({ context, path: [name = ""], response }: ApiCall): void {
  const gone = context.names.remove(name);
  if (!gone) throw new ApiError(404, requireImageText(name));
  sendJson(response, 200, gone);
}

const requireImageText = (name: string): string => `No such image: ${/[:@]/.test(name) ? name : `${name}:latest`}`;

async function distribution({ context, path: [name = ""], incoming, response, signal }: ApiCall): Promise<void> {
  const pulled = await pullImage(
    { ...context.transfer, signal },
    namedTag(name),
    credentialsOf(incoming.headers["x-registry-auth"]),
    () => undefined,
  );
  if (!pulled) throw new ApiError(404, `manifest unknown: ${name}`);
  const { architecture, os } = pulled.image.config;
  sendJson(response, 200, { Descriptor: { digest: pulled.digest }, Platforms: [{ architecture, os }] });
}

async function save({ context, path, query, response }: ApiCall): Promise<void> {
  const names = path[0] === undefined ? query.getAll("names") : [path[0]];
  const images = names.map((name) => ({ image: requireImage(context, name), name }));
  response.writeHead(200, { "content-type": "application/x-tar" });
  const entries = images.map(({ image, name }) => ({
    image,
    tags: /^(sha256:)?[a-f0-9]{12,64}$/.test(name) ? [] : [familiarReference(withDefaultTag(namedTag(name)))],
  }));
  await pipeline(Readable.from(writeImageArchive(context.store, entries), { objectMode: false }), response);
}

async function load({ context, incoming, response }: ApiCall): Promise<void> {
  const loaded = await readImageArchive(context.store, incoming);
  const send = jsonLines(response);
  for (const { image, tags } of loaded) {
    context.names.add(image);
    for (const name of tags) {
      context.names.tag(namedTag(name), image);
      send({ stream: `Loaded image: ${name}\n` });
    }
    if (tags.length === 0) send({ stream: `Loaded image ID: ${image.id}\n` });
  }
  response.end();
}

export const imageRoutes: readonly ApiRoute[] = [
  { method: "GET", pattern: /^\/images\/json$/, handle: list },
  { method: "POST", pattern: /^\/images\/create$/, handle: pull },
  { method: "POST", pattern: /^\/images\/load$/, handle: load },
  { method: "GET", pattern: /^\/images\/get$/, handle: save },
  { method: "GET", pattern: /^\/images\/(.+)\/get$/, handle: save },
  {
    method: "POST",
    pattern: /^\/images\/prune$/,
    handle: ({ response }) => sendJson(response, 200, { ImagesDeleted: null, SpaceReclaimed: 0 }),
  },
  { method: "GET", pattern: /^\/images\/(.+)\/json$/, handle: inspect },
  { method: "GET", pattern: /^\/images\/(.+)\/history$/, handle: history },
  { method: "POST", pattern: /^\/images\/(.+)\/tag$/, handle: tag },
  { method: "POST", pattern: /^\/images\/(.+)\/push$/, handle: push },
  { method: "DELETE", pattern: /^\/images\/(.+)$/, handle: remove },
  { method: "GET", pattern: /^\/distribution\/(.+)\/json$/, handle: distribution },
];
