/** `POST /build`: unpacks the context, builds, names the result; the answer is docker's stream of JSON lines. */
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Image } from "../../images/image.ts";
import { decompressed } from "../../images/layer-store.ts";
import { LayerWriter, PathEscape } from "../../images/layer-writer.ts";
import {
  familiarReference,
  type ImageReference,
  InvalidReference,
  parseReference,
  withDefaultTag,
} from "../../images/reference.ts";
import { removeTree } from "../../images/remove-tree.ts";
import { readTar, TarError } from "../../images/tar.ts";
import { findBaseImage, missingBaseImage } from "../../images/transfer.ts";
import { type ApiCall, ApiError, type ApiRoute, jsonLines, sendJson } from "./api.ts";
import { BuildError } from "./build/build-request.ts";
import { buildImage } from "./build/builder.ts";

async function build(call: ApiCall): Promise<void> {
  const { context, query, incoming, response, signal } = call;
  if (query.get("version") === "2")
    throw new ApiError(400, "kiln's embedded builder has no BuildKit: set DOCKER_BUILDKIT=0");
  if ((query.get("remote") ?? "") !== "")
    throw new ApiError(400, `kiln's embedded builder does not fetch contexts: ${query.get("remote")}`);
  const tags = query
    .getAll("t")
    .filter((tag) => tag !== "")
    .map(namedTag);
  const buildArgs = mapParameter(query, "buildargs");
  const labels = mapParameter(query, "labels");
  const holder = await context.store.temporary();
  try {
    const contextDir = join(holder, "context");
    await mkdir(contextDir);
    await chmod(contextDir, 0o755);
    await unpackContext(incoming, contextDir);
    const send = jsonLines(response);
    const isQuiet = query.get("q") === "1";
    try {
      const image = await buildImage({
        contextDir,
        dockerfile: query.get("dockerfile") || "Dockerfile",
        buildArgs,
        labels,
        target: query.get("target") ?? "",
        noCache: query.get("nocache") === "1" || query.get("nocache") === "true",
        network: query.get("networkmode") === "none" ? "none" : "host",
        store: context.store,
        isolation: context.isolation,
        clock: context.clock,
        signal,
        resolveImage: (name) => resolveImage(call, name),
        onOutput: (text) => {
          if (!isQuiet) send({ stream: text });
        },
      });
      context.names.add(image);
      send({ aux: { ID: image.id } });
      if (isQuiet) send({ stream: `${image.id}\n` });
      for (const tag of tags) {
        context.names.tag(tag, image);
        if (!isQuiet) send({ stream: `Successfully tagged ${familiarReference(withDefaultTag(tag))}\n` });
      }
    } catch (error) {
      const code = error instanceof BuildError ? error.exitCode : 1;
      const message = signal.aborted ? "context canceled" : (error as Error).message;
      send({ errorDetail: { code, message }, error: message });
      if (!(error instanceof BuildError) && !signal.aborted) throw error;
    }
    response.end();
  } finally {
    await removeTree(holder);
  }
}

/** A name in FROM or `--from`: an image of this build, else of Kiln's registry or the image map. */
async function resolveImage({ context }: ApiCall, name: string): Promise<Image> {
  let reference: ImageReference;
  try {
    reference = parseReference(name);
  } catch (error) {
    if (error instanceof InvalidReference)
      throw new BuildError(`failed to parse stage name "${name}": ${error.message}`);
    throw error;
  }
  const own = context.names.find(name);
  if (own) return own;
  const pulled = await findBaseImage(context.transfer, name);
  if (!pulled) throw new BuildError(missingBaseImage(familiarReference(reference)));
  context.names.tag(reference, pulled.image);
  context.names.addDigest(reference, pulled.digest, pulled.image);
  return pulled.image;
}

async function unpackContext(incoming: AsyncIterable<Uint8Array>, dir: string): Promise<void> {
  const writer = new LayerWriter(dir, []);
  try {
    for await (const entry of readTar(decompressed(incoming))) {
      const path = await writer.inside(entry.name);
      if (path === "" || entry.name === "" || entry.name === ".") continue;
      await writer.entry(path, entry, entry.body, entry);
    }
    await writer.finish();
  } catch (error) {
    if (error instanceof TarError || error instanceof PathEscape)
      throw new ApiError(400, `Error processing tar file: ${error.message}`);
    throw error;
  }
}

export function namedTag(text: string): ImageReference {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof InvalidReference) throw new ApiError(400, error.message);
    throw error;
  }
}

function mapParameter(query: URLSearchParams, name: string): Record<string, string> {
  const text = query.get(name);
  if (text === null || text === "") return {};
  try {
    const parsed = JSON.parse(text) as Record<string, string | null>;
    return Object.fromEntries(
      Object.entries(parsed ?? {}).flatMap(([key, value]) => (value === null ? [] : [[key, String(value)]])),
    );
  } catch {
    throw new ApiError(400, `invalid JSON in parameter ${name}`);
  }
}

export const buildRoutes: readonly ApiRoute[] = [
  { method: "POST", pattern: /^\/build$/, handle: build },
  {
    method: "POST",
    pattern: /^\/build\/prune$/,
    handle: ({ response }) => sendJson(response, 200, { CachesDeleted: null, SpaceReclaimed: 0 }),
  },
];
