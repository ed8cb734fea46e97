/** Images as files: save, load, and `docker import`, which makes one of a root folder's tar. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { imageArchitecture, imageOf, saveImage } from "../../../images/image.ts";
import { readImageArchive, writeImageArchive } from "../../../images/image-archive.ts";
import { decompressed } from "../../../images/layer-store.ts";
import { PathEscape } from "../../../images/layer-writer.ts";
import { familiarReference, withDefaultTag } from "../../../images/reference.ts";
import { TarError } from "../../../images/tar.ts";
import { type ApiCall, ApiError, type ApiRoute, jsonLines, namedReference, notDone } from "../api.ts";
import { applyChanges } from "./config-changes.ts";
import { requireImage } from "./requested-image.ts";

async function save({ context, path, query, response }: ApiCall): Promise<void> {
  const names = path[0] === undefined ? query.getAll("names").flatMap((name) => name.split(",")) : [path[0]];
  const entries = names.flatMap((name) => {
    const image = requireImage(context, name);
    if (!context.names.isName(name)) return [{ image, tags: [] as string[] }];
    const reference = namedReference(name);
    context.events.add("image", "save", image.id, { name: image.id });
    return [{ image, tags: reference.digest === undefined ? [familiarReference(withDefaultTag(reference))] : [] }];
  });
  response.writeHead(200, { "content-type": "application/x-tar" });
  await pipeline(Readable.from(writeImageArchive(context.store, entries), { objectMode: false }), response);
}

async function load({ context, incoming, response }: ApiCall): Promise<void> {
  let loaded: Awaited<ReturnType<typeof readImageArchive>>;
  try {
    loaded = await readImageArchive(context.store, incoming);
  } catch (error) {
    if (error instanceof TarError || error instanceof PathEscape) throw new ApiError(400, error.message);
    throw error;
  }
  const send = jsonLines(response);
  for (const { image, tags } of loaded) {
    context.names.add(image);
    context.events.add("image", "load", image.id, { name: image.id });
    for (const name of tags) context.names.tag(namedReference(name), image);
    // `quiet` is about progress, which there is none of.
    const shown = tags.length === 0 ? [`Loaded image ID: ${image.id}`] : tags.map((name) => `Loaded image: ${name}`);
    for (const line of shown) send({ stream: `${line}\n` });
  }
  response.end();
}

/** `POST /images/create?fromSrc=-`. */
export async function importImage({ context, query, incoming, response }: ApiCall): Promise<void> {
  const source = query.get("fromSrc") ?? "";
  if (source !== "-") throw notDone(`\`docker import\` of addresses (${source})`);
  const repo = query.get("repo") ?? "";
  const tag = query.get("tag") ?? "";
  const reference = repo === "" ? undefined : namedReference(tag === "" ? repo : `${repo}:${tag}`);
  const config = applyChanges({}, query.getAll("changes"));
  const layer = await context.store.add([], decompressed(incoming)).catch((error: unknown) => {
    if (error instanceof TarError || error instanceof PathEscape) throw new ApiError(400, error.message);
    throw error;
  });
  const created = new Date(context.clock.nowMs()).toISOString();
  const image = imageOf(
    {
      architecture: query.get("platform")?.split("/")[1] || imageArchitecture(),
      os: "linux",
      created,
      config,
      history: [{ created, created_by: "", comment: query.get("message") || `Imported from ${source}` }],
      rootfs: { type: "layers", diff_ids: [layer.diffId] },
    },
    [layer],
  );
  await saveImage(context.store, image);
  context.names.add(image);
  if (reference) context.names.tag(reference, image);
  context.events.add("image", "import", image.id, { name: image.id });
  jsonLines(response)({ status: image.id });
  response.end();
}

export const imageArchiveRoutes: readonly ApiRoute[] = [
  { method: "POST", pattern: /^\/images\/load$/, handle: load },
  { method: "GET", pattern: /^\/images\/get$/, handle: save },
  { method: "GET", pattern: /^\/images\/(.+)\/get$/, handle: save },
];
