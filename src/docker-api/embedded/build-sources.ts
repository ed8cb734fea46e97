/** What both kinds of build take from their client: an archive as context, and images for FROM and `--from`. */

import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { isEcrHost } from "../../core/ecr-host.ts";
import type { Image } from "../../images/image.ts";
import { decompressed } from "../../images/layer-store.ts";
import { LayerWriter, PathEscape } from "../../images/layer-writer.ts";
import {
  familiarName,
  familiarReference,
  formatReference,
  type ImageReference,
  InvalidReference,
  parseReference,
  withDefaultTag,
} from "../../images/reference.ts";
import { type RegistryCredentials, RegistryRequestError } from "../../images/registry-client.ts";
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

/** The login that a build's client has for a registry. */
export type FindLogin = (host: string) => Promise<RegistryCredentials | undefined>;

/** A name in FROM or `--from`: an image of this build, else of Kiln's registry, the image map, or the network if wanted. */
export async function resolveImage(
  context: BuilderContext,
  name: string,
  style: BuildStyle,
  findLogin: FindLogin,
): Promise<Image> {
  let reference: ImageReference;
  try {
    reference = parseReference(name);
  } catch (error) {
    if (error instanceof InvalidReference)
      throw new BuildError(
        style === "classic" ? error.message : `failed to parse stage name "${name}": ${error.message}`,
      );
    throw error;
  }
  const own = context.names.find(name);
  if (own) return own;
  const { transfer } = context;
  const asksNetwork = transfer.network?.pulls === true;
  const full = withDefaultTag(reference);
  const fail = (text: string): BuildError =>
    new BuildError(
      style === "classic" ? text : `${name}: failed to resolve source metadata for ${formatReference(full)}: ${text}`,
    );
  const login = asksNetwork || isEcrHost(reference.host) ? await findLogin(reference.host) : undefined;
  const pulled = await findBaseImage(transfer, name, login).catch((error: unknown) => {
    throw error instanceof RegistryRequestError ? fail(refusedPull(error, full, style)) : error;
  });
  if (!pulled) {
    if (!asksNetwork) throw fail(missingBaseImage(familiarReference(reference)));
    const shown = style === "classic" ? familiarReference(full) : formatReference(full);
    throw fail(style === "classic" ? `manifest for ${shown} not found: manifest unknown` : `${shown}: not found`);
  }
  context.names.tag(reference, pulled.image);
  context.names.addDigest(reference, pulled.digest, pulled.image);
  return pulled.image;
}

/** Docker's words for a pull that a registry refuses: the classic builder shows its answer, BuildKit what it made of it. */
function refusedPull(error: RegistryRequestError, reference: ImageReference, style: BuildStyle): string {
  const { status, code, message } = error;
  if (style === "classic") {
    if (code !== "DENIED") return message;
    return `pull access denied for ${familiarName(reference)}, repository does not exist or may require 'docker login': ${message}`;
  }
  const denied = "pull access denied, repository does not exist or may require authorization:";
  if (code === "NO_CREDENTIALS") return `${denied} authorization failed: no basic auth credentials`;
  if (code === "DENIED" || status === 401) return `${denied} server message: insufficient_scope: authorization failed`;
  return message;
}
