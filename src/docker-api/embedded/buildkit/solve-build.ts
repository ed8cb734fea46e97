/**
 * One build for a BuildKit client, whichever way it asked: options and outputs are read and checked, the builder runs with
 * folders that fill from the client's session, the result is delivered.
 */
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Image } from "../../../images/image.ts";
import { formatReference } from "../../../images/reference.ts";
import { RegistryRequestError } from "../../../images/registry-client.ts";
import { removeTree } from "../../../images/remove-tree.ts";
import type { BuilderContext } from "../api.ts";
import { ApiError } from "../api.ts";
import { BuildError, type NamedContext, type SourceFolder } from "../build/build-request.ts";
import { buildImage } from "../build/builder.ts";
import { type FindLogin, makeContextFolder, resolveImage, unpackContext } from "../build-sources.ts";
import { type BuildOptions, type ContextOrigin, checkCacheExports, readBuildOptions } from "./build-options.ts";
import { CODE, GrpcError } from "./grpc-frames.ts";
import { BytesMessage, type CacheOption, type ExporterRequest, type StatusDetail } from "./messages.ts";
import { deliver, loginOf, readOutputs } from "./outputs.ts";
import { receiveFiles } from "./receive-files.ts";
import type { ClientSession } from "./sessions.ts";
import type { StatusStream } from "./status-stream.ts";

const UPLOAD_PULL = "/moby.upload.v1.Upload/Pull";

export interface BuildOrder {
  readonly context: BuilderContext;
  /** Of the `dockerfile.v0` frontend. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly cacheImports: readonly CacheOption[];
  readonly cacheExports: readonly CacheOption[];
  readonly exporters: readonly ExporterRequest[];
  readonly session: ClientSession | undefined;
  /** An archive as context, instead of what the session has. */
  readonly archive?: AsyncIterable<Uint8Array>;
  /** What came with the request, instead of the session's. */
  readonly given?: {
    readonly secrets: ReadonlyMap<string, Uint8Array>;
    readonly dockerfile: { readonly name: string; readonly bytes: Uint8Array } | undefined;
  };
  /** Of what came with the request, instead of the session's. */
  readonly findLogin?: FindLogin;
  readonly status: StatusStream;
  readonly signal: AbortSignal;
}

export interface BuildResult {
  readonly image: Image;
  /** e.g. `containerimage.config.digest`, as clients write into a metadata file. */
  readonly answer: Readonly<Record<string, string>>;
}

/** Throws {@link GrpcError} with the lines of the Dockerfile it is about, where there are any. */
export async function solveBuild(order: BuildOrder): Promise<BuildResult> {
  const { context, session, status, signal } = order;
  try {
    const options = readBuildOptions(order.attributes, order.cacheImports);
    checkCacheExports(order.cacheExports);
    const outputs = readOutputs(order.exporters);
    const holder = await context.store.temporary();
    try {
      const image = await buildImage({
        ...options,
        ...(await sourcesOf(order, options, holder)),
        style: "buildkit",
        exportNames: outputs.every(({ kind }) => kind === "image")
          ? outputs.flatMap(({ names }) => names.map(formatReference))
          : undefined,
        store: context.store,
        isolation: context.isolation,
        clock: context.clock,
        signal,
        reporter: status,
        secret: async (id) => order.given?.secrets.get(id) ?? (await session?.secret(id, signal)),
        resolveImage: (name) =>
          resolveImage(context, name, "buildkit", async (host) =>
            order.findLogin ? order.findLogin(host) : loginOf(session, host, signal),
          ),
      });
      const answer = await deliver({ context, session, status, signal }, image, outputs);
      return { image, answer };
    } finally {
      await removeTree(holder);
    }
  } catch (error) {
    throw solveError(error, status, signal);
  }
}

async function sourcesOf(
  order: BuildOrder,
  options: BuildOptions,
  holder: string,
): Promise<{
  context: SourceFolder;
  dockerfile: SourceFolder & { name: string };
  namedContexts: Record<string, NamedContext>;
}> {
  let count = 0;
  const folder = async (origin: ContextOrigin): Promise<SourceFolder> => {
    const dir = await makeContextFolder(holder, `source-${++count}`);
    if (origin.kind === "folder" && !order.archive) return sessionFolder(order, origin.name, dir);
    await unpackContext(order.archive ?? uploaded(order, origin), dir);
    return { dir };
  };
  const context = await folder(options.context);
  const given = order.given?.dockerfile;
  if (given) {
    const dir = await makeContextFolder(holder, "dockerfile");
    const name = basename(given.name);
    await writeFile(join(dir, name), given.bytes);
    return { context, dockerfile: { dir, name }, namedContexts: {} };
  }
  const dockerfile =
    options.dockerfileFolder === undefined || order.archive
      ? context
      : sessionFolder(order, options.dockerfileFolder, await makeContextFolder(holder, "dockerfile"));
  const namedContexts: Record<string, NamedContext> = Object.create(null);
  for (const [name, origin] of Object.entries(options.namedContexts))
    namedContexts[name] = origin.kind === "image" ? origin : { kind: "folder", folder: await folder(origin) };
  return { context, dockerfile: { ...dockerfile, name: options.dockerfileName }, namedContexts };
}

/** Fills from the client's machine as the builder needs it. */
function sessionFolder({ session, signal }: BuildOrder, name: string, dir: string): SourceFolder {
  if (!session) throw new GrpcError(CODE.invalidArgument, "the build has neither a session nor an archive as context");
  return {
    dir,
    fetch: async (wanted, onStatus) => {
      const id = `transferring ${name}:`;
      let receivedBytes = 0;
      const tell = (isDone: boolean): void => onStatus({ id, currentBytes: receivedBytes, totalBytes: 0, isDone });
      tell(false);
      await receiveFiles({
        session,
        name,
        wanted,
        dir,
        signal,
        onProgress: (bytes) => {
          receivedBytes = bytes;
        },
      });
      tell(true);
    },
  };
}

/** An archive that the client's own standard input gives. */
async function* uploaded({ session, signal }: BuildOrder, origin: ContextOrigin): AsyncGenerator<Uint8Array> {
  if (!session?.supports(UPLOAD_PULL) || origin.kind !== "upload")
    throw new GrpcError(CODE.invalidArgument, "the client gives no archive as context");
  const call = session.grpc.open(UPLOAD_PULL, { urlpath: `/${origin.path}`, urlhost: "buildkit-session" }, signal);
  call.end();
  try {
    for await (const bytes of call.messages) yield BytesMessage.decode(bytes).data;
  } finally {
    call.cancel();
  }
}

function solveError(error: unknown, status: StatusStream, signal: AbortSignal): unknown {
  if (signal.aborted) return new GrpcError(CODE.canceled, "context canceled");
  if (error instanceof BuildError) return new GrpcError(CODE.unknown, error.message, detailsOf(error, status));
  // Clients print any other code before the text.
  if (error instanceof GrpcError) return new GrpcError(CODE.unknown, error.message, error.details);
  const isUsers = error instanceof RegistryRequestError || error instanceof ApiError;
  return isUsers ? new GrpcError(CODE.unknown, error.message) : error;
}

/** From these the client prints the lines of the Dockerfile. */
function detailsOf({ source, vertex }: BuildError, status: StatusStream): StatusDetail[] {
  const detail = (kind: string, value: unknown): StatusDetail => ({
    typeUrl: `github.com/moby/buildkit/errdefs.${kind}+json`,
    value: Buffer.from(JSON.stringify(value)),
  });
  const details: StatusDetail[] = [];
  if (vertex !== undefined) details.push(detail("Vertex", { digest: status.shownDigest(vertex) }));
  if (source) {
    const { file, text, startLine, endLine } = source;
    details.push(
      detail("Source", {
        info: { filename: file, data: Buffer.from(text).toString("base64"), language: "Dockerfile" },
        ranges: [{ start: { line: startLine }, end: { line: endLine } }],
      }),
    );
  }
  return details;
}
