/**
 * Pushes an image out of a `docker save` archive, without an image store: what an engine on another machine built goes to
 * Kiln's registry through Kiln, because that engine has no way to it. Layers are gzipped here.
 * Source: https://github.com/moby/docker-image-spec/blob/main/spec.md#combined-image-json--filesystem-changeset-format
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type LayerPart, type Progress, pushParts } from "./push-parts.ts";
import type { RegistryClient } from "./registry-client.ts";
import { readTar } from "./tar.ts";

const GZIP_LEVEL = 1;

/** Takes the first image of the archive; files are kept below `dir` for as long as it takes. Returns the manifest's digest. */
export async function pushArchive(
  client: RegistryClient,
  repository: string,
  tag: string,
  archive: AsyncIterable<Uint8Array>,
  dir: string,
  progress: Progress,
): Promise<string> {
  const folder = await mkdtemp(join(dir, "push-"));
  try {
    const fileOf = await unpack(archive, folder);
    const manifests = JSON.parse(await readFile(fileOf("manifest.json"), "utf8")) as {
      Config: string;
      Layers: readonly string[];
    }[];
    const [manifest] = manifests;
    if (!manifest) throw new Error("the engine's archive holds no image");
    const config = await readFile(fileOf(manifest.Config));
    const { rootfs } = JSON.parse(config.toString("utf8")) as { rootfs: { diff_ids: readonly string[] } };
    const layers: LayerPart[] = [];
    for (const [index, name] of manifest.Layers.entries())
      layers.push(await packed(fileOf(name), join(folder, `layer-${index}`), rootfs.diff_ids[index] ?? ""));
    const digest = `sha256:${createHash("sha256").update(config).digest("hex")}`;
    return await pushParts(client, repository, tag, { config: { digest, bytes: config }, layers }, progress);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Files under numbers, so that no name of the archive is a path here; gives the file of a name. */
async function unpack(archive: AsyncIterable<Uint8Array>, folder: string): Promise<(name: string) => string> {
  const files = new Map<string, string>();
  const links = new Map<string, string>();
  for await (const entry of readTar(archive)) {
    const name = posix.normalize(entry.name);
    if (entry.type === "symlink") links.set(name, posix.join(posix.dirname(name), entry.linkName));
    else if (entry.type === "hardlink") links.set(name, posix.normalize(entry.linkName));
    if (entry.type !== "file") continue;
    const path = join(folder, `file-${files.size}`);
    files.set(name, path);
    await pipeline(entry.body, createWriteStream(path));
  }
  return (name) => {
    const found = files.get(name) ?? files.get(links.get(name) ?? "");
    if (found === undefined) throw new Error(`the engine's archive has no \`${name}\``);
    return found;
  };
}

/** A layer as registries keep it: gzipped, unless it is already. */
async function packed(path: string, to: string, diffId: string): Promise<LayerPart> {
  const file = await open(path);
  const magic = await file.read(Buffer.alloc(2), 0, 2, 0).finally(() => file.close());
  const isPacked = magic.buffer[0] === 0x1f && magic.buffer[1] === 0x8b;
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const counted = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      yield chunk;
    }
  };
  if (isPacked) await pipeline(createReadStream(path), counted, createWriteStream(to));
  else await pipeline(createReadStream(path), createGzip({ level: GZIP_LEVEL }), counted, createWriteStream(to));
  return { digest: `sha256:${hash.digest("hex")}`, sizeBytes, diffId, open: () => createReadStream(to) };
}
