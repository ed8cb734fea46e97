/**
 * How BuildKit clients come in: `POST /session` and `POST /grpc`, both with `Upgrade: h2c`, and `POST /build?version=2`,
 * whose answer is docker's stream of JSON lines with BuildKit's progress inside (docker 20.10 and Kiln's own CLI).
 * Source: https://docs.docker.com/reference/api/engine/version/v1.43/#tag/Session
 */
import { loginFor } from "../../registry-credentials.ts";
import { type ApiCall, ApiError, isOn, jsonLines, type UpgradeCall, type UpgradeRoute } from "../api.ts";
import { hostOf } from "./build-options.ts";
import { type BuildPreamble, PREAMBLE_HEADER } from "./build-preamble.ts";
import { controlHandlers } from "./control.ts";
import { GrpcError } from "./grpc-frames.ts";
import { serveGrpc } from "./grpc-server.ts";
import { type CacheOption, type ExporterRequest, StatusResponse } from "./messages.ts";
import { type BuildOrder, solveBuild } from "./solve-build.ts";
import { StatusStream } from "./status-stream.ts";

const MAX_PREAMBLE_BYTES = 8 * 1024 * 1024;
const UPLOAD_PREFIX = "upload-request:";

export const buildkitUpgradeRoutes: readonly UpgradeRoute[] = [
  { pattern: /^\/session$/, handle: session },
  { pattern: /^\/grpc$/, handle: control },
];

async function session(call: UpgradeCall): Promise<void> {
  takeOver(call);
  const { closed } = call.context.buildkit.sessions.add(call.incoming.headers, call.socket).grpc;
  await closed;
}

async function control(call: UpgradeCall): Promise<void> {
  takeOver(call);
  await serveGrpc(call.socket, controlHandlers(call.context)).closed;
}

/** From here on the connection speaks HTTP/2. */
function takeOver({ incoming, socket, head, signal }: UpgradeCall): void {
  if (incoming.method !== "POST") throw new ApiError(400, "method not allowed");
  if ((incoming.headers.upgrade ?? "").toLowerCase() !== "h2c")
    throw new ApiError(400, `unsupported protocol ${incoming.headers.upgrade}`);
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  // Servers of Node let a connection live on whose other end is gone; HTTP/2 has no use for that.
  socket.once("end", () => socket.destroy());
  socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  if (head.length > 0) socket.unshift(head);
}

/** `POST /build?version=2`. */
export async function buildWithBuildKit(call: ApiCall): Promise<void> {
  const { context, query, incoming, response, signal } = call;
  const { sessions, uploads } = context.buildkit;
  const buildId = query.get("buildid") ?? "";
  if (buildId.startsWith(UPLOAD_PREFIX)) {
    await uploads.offer(buildId.slice(UPLOAD_PREFIX.length), incoming, signal);
    response.end();
    return;
  }
  const remote = query.get("remote") ?? "";
  const attributes = attributesOf(query);
  const exporters = exportersOf(query);
  const [preamble, body] = await preambleOf(incoming.headers[PREAMBLE_HEADER], incoming);
  const send = jsonLines(response);
  const status = new StatusStream(context.clock, context.ids.uuid());
  const stop = status.listen((message) =>
    send({ id: "moby.buildkit.trace", aux: StatusResponse.encode(message).toString("base64") }),
  );
  try {
    const sessionId = query.get("session") ?? "";
    const archive = remote === "" ? body : remote === "upload-request" ? uploads.take(buildId, signal) : undefined;
    if (archive === undefined && remote !== "client-session") attributes["context"] = remote;
    const { image, answer } = await solveBuild({
      context,
      attributes,
      exporters,
      cacheImports: cacheFrom(query),
      cacheExports: [],
      session: sessionId === "" ? undefined : await sessions.wait(sessionId, signal),
      ...(archive && { archive }),
      ...(preamble && {
        given: givenBy(preamble),
        findLogin: async (host) => loginFor(incoming.headers["x-registry-config"], host),
      }),
      status,
      signal,
    });
    send({ id: "moby.image.id", aux: { ID: image.id } });
    if (isOn(query, "q")) send({ stream: `${image.id}\n` });
    if (preamble) send({ id: "kiln.result", aux: answer });
  } catch (error) {
    const message = `failed to solve: ${(error as Error).message}`;
    const details = error instanceof GrpcError ? error.details : [];
    const source = details.find(({ typeUrl }) => typeUrl.endsWith("errdefs.Source+json"));
    if (source && preamble) send({ id: "kiln.source", aux: JSON.parse(Buffer.from(source.value).toString("utf8")) });
    send({ errorDetail: { code: 1, message }, error: message });
    if (!(error instanceof GrpcError)) throw error;
  } finally {
    stop();
  }
  response.end();
}

/** The query of `POST /build` as the frontend's attributes. */
function attributesOf(query: URLSearchParams): Record<string, string> {
  const attributes: Record<string, string> = {};
  const set = (name: string, value: string | null): void => {
    if (value !== null && value !== "") attributes[name] = value;
  };
  set("filename", query.get("dockerfile"));
  set("target", query.get("target"));
  set("platform", query.get("platform"));
  set("force-network-mode", query.get("networkmode"));
  set("cgroup-parent", query.get("cgroupparent"));
  set("shm-size", query.get("shmsize") === "0" ? null : query.get("shmsize"));
  set(
    "add-hosts",
    query
      .getAll("extrahosts")
      .map(hostOf)
      .map(({ name, address }) => `${name}=${address}`)
      .join(","),
  );
  set("ulimit", ulimitsOf(query));
  set("no-cache", query.get("nocachefilter"));
  if (isOn(query, "nocache")) attributes["no-cache"] = "";
  for (const [name, value] of Object.entries(mapOf(query, "buildargs"))) attributes[`build-arg:${name}`] = value;
  for (const [name, value] of Object.entries(mapOf(query, "labels"))) attributes[`label:${name}`] = value;
  for (const flag of ["memory", "memswap", "cpusetcpus", "cpusetmems", "cpuquota", "cpuperiod", "cpushares"])
    if (!["", "0"].includes(query.get(flag) ?? ""))
      throw new ApiError(400, `kiln's embedded builder does not limit a build's resources (${flag})`);
  return attributes;
}

function exportersOf(query: URLSearchParams): ExporterRequest[] {
  const given = parameter<{ Type?: string; Attrs?: Record<string, string> | null }[]>(query, "outputs") ?? [];
  const names = query.getAll("t").filter((name) => name !== "");
  const outputs = given.length > 0 ? given : [{}];
  return outputs.map(({ Type, Attrs }) => {
    const isImage = ["", "moby", "image"].includes(Type ?? "");
    const attrs = { ...Attrs, ...(isImage && names.length > 0 && { name: names.join(",") }) };
    return { type: Type ?? "", attrs };
  });
}

const cacheFrom = (query: URLSearchParams): CacheOption[] =>
  (parameter<string[]>(query, "cachefrom") ?? []).map((ref) => ({ type: "registry", attrs: { ref } }));

const ulimitsOf = (query: URLSearchParams): string =>
  (parameter<{ Name: string; Soft: number; Hard: number }[]>(query, "ulimits") ?? [])
    .map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`)
    .join(",");

function mapOf(query: URLSearchParams, name: string): Record<string, string> {
  const entries = Object.entries(parameter<Record<string, string | null>>(query, name) ?? {});
  return Object.fromEntries(entries.flatMap(([key, value]) => (value === null ? [] : [[key, String(value)]])));
}

/** A parameter that is JSON; the client is trusted with its shape as far as this build goes. */
function parameter<T extends object>(query: URLSearchParams, name: string): T | undefined {
  const text = query.get(name) ?? "";
  if (text === "") return undefined;
  try {
    return (JSON.parse(text) as T | null) ?? undefined;
  } catch {
    throw new ApiError(400, `invalid JSON in parameter ${name}`);
  }
}

/** The preamble at the start of the body, and the rest of it. */
async function preambleOf(
  header: string | string[] | undefined,
  incoming: AsyncIterable<Uint8Array>,
): Promise<[BuildPreamble | undefined, AsyncIterable<Uint8Array>]> {
  if (header === undefined) return [undefined, incoming];
  const length = Number(header);
  if (!Number.isInteger(length) || length < 0 || length > MAX_PREAMBLE_BYTES)
    throw new ApiError(400, "the secrets and the Dockerfile of a build are too large");
  const source = incoming[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let heldBytes = 0;
  while (heldBytes < length) {
    const { value, done } = await source.next();
    if (done) throw new ApiError(400, "the request ends inside its preamble");
    chunks.push(value);
    heldBytes += value.length;
  }
  const held = Buffer.concat(chunks);
  const rest = async function* (): AsyncGenerator<Uint8Array> {
    if (held.length > length) yield held.subarray(length);
    for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
  };
  return [JSON.parse(held.subarray(0, length).toString("utf8")) as BuildPreamble, rest()];
}

const givenBy = ({ secrets, dockerfile }: BuildPreamble): NonNullable<BuildOrder["given"]> => ({
  secrets: new Map(Object.entries(secrets).map(([id, value]) => [id, Buffer.from(value, "base64")])),
  dockerfile: dockerfile && { name: dockerfile.name, bytes: Buffer.from(dockerfile.contents, "base64") },
});
