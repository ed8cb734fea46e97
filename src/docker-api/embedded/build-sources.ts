/** What both kinds of build take from their client: an archive as context, and images for FROM and `--from`. */
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Image } from "../../images/image.ts";
import { decompressed } from "../../images/layer-store.ts";
import { LayerWriter, PathEscape } from "../../images/layer-writer.ts";
import {
  familiarReference,
  formatReference,
  type ImageReference,
  InvalidReference,
  parseReference,
  withDefaultTag,
} from "../../images/reference.ts";
import { readTar, TarError } from "../../images/tar.ts";
import { findBaseImage, missingBaseImage } from "../../images/transfer.ts";
import { ApiError, type BuilderContext } from "./api.ts";
import { BuildError, type BuildStyle } from "./build/build-request.ts";

/** A new folder below `holder`, as an ordinary user inside an image may read it. */
export async function makeContextFolder(holder: string, name: string): Promise<string> {
  const dir = join(holder, name);
  await mkdir(dir);
  await chmod(dir, 0o755);
  return dir;
}

/** A tar archive, compressed or not, into `dir` and nowhere else. */
export async function unpackContext(incoming: AsyncIterable<Uint8Array>, dir: string): Promise<void> {
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

/** A name in FROM or `--from`: an image of this build, else of Kiln's registry or the image map. */
export async function resolveImage(context: BuilderContext, name: string, style: BuildStyle): Promise<Image> {
  let reference: ImageReference;
  try {
    reference = parseReference(name);
  } catch (error) {
    if (error instanceof InvalidReference)
      throw new BuildError(style === "classic" ? error.message : `failed to parse stage name "${name}": ${error.message}`);
    throw error;
  }
  const own = context.names.find(name);
  if (own) return own;
  const pulled = await findBaseImage(context.transfer, name);
  if (!pulled) {
    const missing = missingBaseImage(familiarReference(reference));
    const full = formatReference(withDefaultTag(reference));
    throw new BuildError(
      style === "classic" ? missing : `${name}: failed to resolve source metadata for ${full}: ${missing}`,
    );
  }
  context.names.tag(reference, pulled.image);
  context.names.addDigest(reference, pulled.digest, pulled.image);
  return pulled.image;
}
