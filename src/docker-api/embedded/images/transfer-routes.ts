/**
 * Images to and from registries: push, pull, what a registry says of a name. Kiln's registry stands in for all of them;
 * the network is asked only where the user wants it (`--push-for-real`, `--pull-for-real`). Texts of answers are docker's.
 */
import { bytesWithin } from "../../../core/bounded-body.ts";
import { imageArchitecture } from "../../../images/image.ts";
import {
  familiarName,
  familiarReference,
  formatReference,
  type ImageReference,
  standInRepository,
  withDefaultTag,
} from "../../../images/reference.ts";
import { RegistryClient, RegistryRequestError } from "../../../images/registry-client.ts";
import {
  findBaseImage,
  missingBaseImage,
  type Progress,
  pullImage,
  pullLogin,
  pushImage,
} from "../../../images/transfer.ts";
import { credentialsOf } from "../../registry-credentials.ts";
import { type ApiCall, ApiError, type ApiRoute, jsonLines, namedReference, sendJson } from "../api.ts";
import { importImage } from "./archive-routes.ts";

async function push({ context, path: [name = ""], query, incoming, response, signal }: ApiCall): Promise<void> {
  const { request, names, transfer, events } = context;
  const wantedTag = query.get("tag");
  const reference = namedReference(wantedTag ? `${name}:${wantedTag}` : name);
  const send = jsonLines(response);
  const fail = (message: string): void => {
    send({ errorDetail: { message }, error: message });
    response.end();
  };
  const tagged = names
    .tagsOf(reference)
    .filter((entry) => reference.tag === undefined || entry.reference.tag === reference.tag);
  if (tagged.length === 0) return fail(`An image does not exist locally with the tag: ${familiarName(reference)}`);
  const credentials = credentialsOf(incoming.headers["x-registry-auth"]);
  try {
    for (const { reference: one, image } of tagged) {
      const digest = await pushImage({ ...transfer, signal }, image, one, credentials, send);
      names.addDigest(one, digest, image);
      events.add("image", "push", image.id, { name: familiarReference(one) });
      request.onPushed(formatReference(one), digest);
    }
    response.end();
  } catch (error) {
    fail((error as Error).message);
    if (!(error instanceof RegistryRequestError) && !signal.aborted) throw error;
  }
}

async function create(call: ApiCall): Promise<void> {
  if ((call.query.get("fromSrc") ?? "") !== "") return importImage(call);
  const { context, query, incoming, response, signal } = call;
  const name = query.get("fromImage") ?? "";
  const wantedTag = query.get("tag") ?? "";
  const separator = wantedTag.includes(":") ? "@" : ":";
  const asked = namedReference(wantedTag === "" ? name : `${name}${separator}${wantedTag}`);
  const credentials = credentialsOf(incoming.headers["x-registry-auth"]);
  const transfer = { ...context.transfer, signal };
  // The answer begins with the first thing to tell, so that a name nobody has is a 404.
  let send: Progress | undefined;
  const tell: Progress = (message) => {
    send ??= jsonLines(response);
    send(message);
  };
  const pullOne = async (reference: ImageReference): Promise<void> => {
    const shown = reference.digest ?? reference.tag ?? "latest";
    const lines: Record<string, unknown>[] = [{ status: `Pulling from ${reference.repository}`, id: shown }];
    const progress: Progress = (message) => {
      for (const line of lines.splice(0)) tell(line);
      tell(message);
    };
    const pulled =
      (await pullImage(transfer, reference, credentials, progress)) ??
      (await findBaseImage(transfer, formatReference(reference), credentials));
    if (!pulled) throw new ApiError(404, pullDenied(reference));
    requirePlatform(query.get("platform") ?? "", pulled.image.config.architecture, familiarReference(reference));
    const isNew = context.names.find(formatReference(reference))?.id !== pulled.image.id;
    if (reference.digest === undefined) context.names.tag(reference, pulled.image);
    context.names.addDigest(reference, pulled.digest, pulled.image);
    context.events.add("image", "pull", familiarReference(reference), { name: familiarName(reference) });
    progress({
      status: `Status: ${isNew ? "Downloaded newer image" : "Image is up to date"} for ${familiarReference(reference)}`,
    });
  };
  try {
    // Neither tag nor digest is every tag: `docker pull --all-tags`.
    const isAll = asked.tag === undefined && asked.digest === undefined;
    const all = isAll ? await tagsOf(call, asked) : [];
    for (const tag of all) await pullOne({ ...asked, tag });
    if (all.length === 0) await pullOne(withDefaultTag(asked));
    response.end();
  } catch (error) {
    if (error instanceof RegistryRequestError) throw new ApiError(error.status === 404 ? 404 : 500, error.message);
    throw error;
  }
}

/** Docker's words, by which SDKs know a missing image, then ours. */
function pullDenied(reference: ImageReference): string {
  const ours = missingBaseImage(familiarReference(reference)).replace(/^pull access denied for \S+ /, "");
  const name = familiarName(reference);
  return `pull access denied for ${name}, repository does not exist or may require 'docker login': ${ours}`;
}

function requirePlatform(wanted: string, architecture: string, name: string): void {
  if (wanted === "" || wanted.split("/")[1] === architecture || wanted === architecture) return;
  throw new ApiError(
    404,
    `image with reference ${name} was found but does not match the specified platform: wanted ${wanted}, actual: linux/${architecture}`,
  );
}

/** A client of the place where Kiln's registry keeps a name, with the build's login or Kiln's own key. */
function clientOf({ context, incoming, signal }: ApiCall, reference: ImageReference): RegistryClient {
  const { registryUrl } = context.transfer;
  const credentials = pullLogin(context.transfer, reference, credentialsOf(incoming.headers["x-registry-auth"]));
  return new RegistryClient({ url: registryUrl, credentials, signal });
}

async function tagsOf(call: ApiCall, reference: ImageReference): Promise<readonly string[]> {
  const client = clientOf(call, reference);
  try {
    return await client.tags(standInRepository(reference, call.context.transfer.registryUrl));
  } finally {
    client.close();
  }
}

interface SomeManifest {
  readonly config?: { readonly digest: string };
  readonly manifests?: readonly { readonly platform?: object }[];
}

async function distribution(call: ApiCall): Promise<void> {
  const reference = withDefaultTag(namedReference(call.path[0] ?? ""));
  const client = clientOf(call, reference);
  try {
    const repository = standInRepository(reference, call.context.transfer.registryUrl);
    const found = await client.manifest(repository, reference.digest ?? reference.tag ?? "latest");
    if (!found) throw new ApiError(404, `manifest unknown: manifest unknown: ${familiarReference(reference)}`);
    const manifest = JSON.parse(found.bytes.toString("utf8")) as SomeManifest;
    sendJson(call.response, 200, {
      Descriptor: { mediaType: found.mediaType, digest: found.digest, size: found.bytes.length },
      Platforms: manifest.manifests
        ? manifest.manifests.flatMap(({ platform }) => (platform ? [platform] : []))
        : [await platformOf(client, repository, manifest.config?.digest)],
    });
  } catch (error) {
    if (error instanceof RegistryRequestError)
      throw new ApiError(error.status === 401 || error.status === 404 ? error.status : 500, error.message);
    throw error;
  } finally {
    client.close();
  }
}

const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

async function platformOf(
  client: RegistryClient,
  repository: string,
  digest: string | undefined,
): Promise<Record<string, string>> {
  if (digest === undefined) return { architecture: imageArchitecture(), os: "linux" };
  const config = await bytesWithin(await client.blob(repository, digest), MAX_CONFIG_BYTES);
  if (!config) throw new ApiError(500, "image config is too large");
  const { architecture = "", os = "" } = JSON.parse(config.toString("utf8")) as Record<string, string>;
  return { architecture, os };
}

export const transferRoutes: readonly ApiRoute[] = [
  { method: "POST", pattern: /^\/images\/create$/, handle: create },
  { method: "POST", pattern: /^\/images\/(.+)\/push$/, handle: push },
  { method: "GET", pattern: /^\/distribution\/(.+)\/json$/, handle: distribution },
];
