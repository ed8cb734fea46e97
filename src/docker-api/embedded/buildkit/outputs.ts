/**
 * What becomes of a built image: a name among the build's images (`moby`, `image`), a push out of the build, or its
 * files sent to the client as a folder (`local`), a tar archive (`tar`) or a `docker load` archive (`docker`).
 * Source: https://docs.docker.com/build/exporters/ . Gap: OCI layouts, zstd, annotations, `rewrite-timestamp`.
 */
import type { Image } from "../../../images/image.ts";
import { writeImageArchive } from "../../../images/image-archive.ts";
import {
  familiarReference,
  formatReference,
  type ImageReference,
  InvalidReference,
  parseReference,
  withDefaultTag,
} from "../../../images/reference.ts";
import type { RegistryCredentials } from "../../../images/registry-client.ts";
import { pushImage } from "../../../images/transfer.ts";
import type { BuilderContext } from "../api.ts";
import { refused } from "./build-options.ts";
import { CODE, GrpcError } from "./grpc-frames.ts";
import type { ExporterRequest } from "./messages.ts";
import { rootfsTar, sendBytes, sendFolder } from "./send-files.ts";
import type { ClientSession } from "./sessions.ts";
import type { StatusStream } from "./status-stream.ts";

export interface Output {
  readonly kind: "image" | "local" | "tar" | "docker";
  /** With their tags. */
  readonly names: readonly ImageReference[];
  readonly isPushed: boolean;
}

/** Throws for what is not done, before anything is built. */
export function readOutputs(exporters: readonly ExporterRequest[]): Output[] {
  return exporters.map(({ type, attrs }) => {
    const names = (attrs["name"] ?? "")
      .split(",")
      .filter((name) => name !== "")
      .map((name) => withDefaultTag(nameOf(name)));
    const isOn = (name: string): boolean => ["", "1", "true"].includes(attrs[name] ?? "no");
    if (type === "local" || type === "tar" || type === "docker") {
      return { kind: type, names, isPushed: false };
    }
    if (type !== "" && type !== "moby" && type !== "image" && type !== "registry")
      throw refused(`--output type=${type}`);
    if (isOn("push-by-digest")) throw refused("--output push-by-digest=true");
    // buildx leaves `push` in the output of a docker driver, and pushes by itself afterwards.
    const isPushed = (isOn("push") && type !== "moby") || type === "registry";
    if (isPushed && names.length === 0)
      throw new GrpcError(CODE.invalidArgument, "tag is needed when pushing to registry");
    return { kind: "image", names, isPushed };
  });
}

function nameOf(text: string): ImageReference {
  try {
    return parseReference(text);
  } catch (error) {
    if (!(error instanceof InvalidReference)) throw error;
    throw new GrpcError(CODE.invalidArgument, `failed to parse ${text}: ${error.message}`);
  }
}

export interface Delivery {
  readonly context: BuilderContext;
  readonly session: ClientSession | undefined;
  readonly status: StatusStream;
  readonly signal: AbortSignal;
}

/** Does what the outputs say; returns what the client writes into its metadata file. */
export async function deliver(
  { context, session, status, signal }: Delivery,
  image: Image,
  outputs: readonly Output[],
): Promise<Record<string, string>> {
  const { names } = context;
  const answer: Record<string, string> = {
    "containerimage.config.digest": image.id,
    "containerimage.digest": image.id,
  };
  names.add(image);
  for (const [index, output] of outputs.entries()) {
    signal.throwIfAborted();
    const shown = output.names.map(formatReference);
    if (output.kind === "image") {
      for (const name of output.names) names.tag(name, image);
      if (shown.length > 0) answer["image.name"] = shown.join(",");
      if (output.isPushed)
        for (const name of output.names)
          answer["containerimage.digest"] = await push({ context, session, status, signal }, image, name);
      continue;
    }
    if (!session) throw refused(`--output type=${output.kind} without a session`);
    const target = { session, exporterId: index, signal };
    if (output.kind === "local") {
      await step(status, "exporting to client directory", "copying files", (report) =>
        sendFolder(target, context.store, image, report),
      );
    } else {
      const archive =
        output.kind === "tar"
          ? rootfsTar(context.store, image)
          : writeImageArchive(context.store, [{ image, tags: output.names.map(familiarReference) }]);
      await step(status, "exporting to client tarball", "sending tarball", (report) =>
        sendBytes(target, archive, report),
      );
    }
  }
  return answer;
}

async function push(delivery: Delivery, image: Image, name: ImageReference): Promise<string> {
  const { context, session, status, signal } = delivery;
  const credentials = await loginOf(session, name.host, signal);
  return step(status, `pushing ${formatReference(name)}`, "pushing layers", async () => {
    const digest = await pushImage({ ...context.transfer, signal }, image, name, credentials, () => undefined);
    context.names.addDigest(name, digest, image);
    context.request.onPushed(formatReference(name), digest);
    return digest;
  });
}

/** What the client has for a registry. */
export async function loginOf(
  session: ClientSession | undefined,
  host: string,
  signal: AbortSignal,
): Promise<RegistryCredentials | undefined> {
  const found = await session?.credentials(host === "docker.io" ? "registry-1.docker.io" : host, signal);
  return found && found.username !== "" ? found : undefined;
}

/** Work that clients see as a step of its own. */
async function step<T>(
  status: StatusStream,
  name: string,
  transfer: string,
  work: (report: (bytes: number) => void) => Promise<T>,
): Promise<T> {
  const digest = status.newDigest();
  status.started({ digest, name, inputs: [] });
  let sentBytes = 0;
  const tell = (isDone: boolean): void =>
    status.status(digest, { id: transfer, currentBytes: sentBytes, totalBytes: 0, isDone });
  tell(false);
  try {
    const result = await work((bytes) => {
      sentBytes = bytes;
    });
    tell(true);
    status.completed(digest, { isCached: false });
    return result;
  } catch (error) {
    status.completed(digest, { isCached: false, error: (error as Error).message });
    throw error;
  }
}
