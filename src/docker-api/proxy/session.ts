/** What the parts of the engine proxy share: one build's request, its engine, and what of the engine is this build's. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { debug } from "../../core/log.ts";
import type { EngineClient } from "../../engine-api/engine-client.ts";
import type { Engine } from "../../engine-api/find-engine.ts";
import { formatReference, InvalidReference, parseReference, withDefaultTag } from "../../images/reference.ts";
import type { DockerSocketRequest } from "../docker-api.ts";
import type { MadeByBuild } from "./build.ts";
import type { Journal } from "./journal.ts";
import type { KilnImages } from "./kiln-images.ts";

/** On everything that a build makes in the engine; the value is the build's id. */
export const LABEL = "dev.kiln.build";

/** Whether the engine shares this machine's files and its 127.0.0.1: not one elsewhere, nor one in a virtual machine. */
export const isHere = ({ address }: Engine): boolean => address.kind === "unix" && process.platform === "linux";

export interface ProxySession {
  readonly request: DockerSocketRequest;
  readonly engine: Engine;
  /** Where the build's docker answers. */
  readonly socketPath: string;
  readonly client: EngineClient;
  readonly images: KilnImages;
  readonly made: MadeByBuild;
  readonly journal: Journal;
  /** Names given by builds, `docker tag`, `docker load`: whole; removed at the end though the image may be another's. */
  readonly tags: Set<string>;
}

/** Answers with one JSON object. */
export const answer = (client: Socket, status: number, value: unknown): void =>
  answerText(client, status, JSON.stringify(value));

function answerText(client: Socket, status: number, body: string): void {
  if (client.destroyed) return;
  client.end(
    `HTTP/1.1 ${status} Kiln\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** Starts an answer of JSON lines, which ends with the connection. */
export function startLines(client: Socket): (message: Record<string, unknown>) => void {
  client.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n");
  return (message) => void client.write(`${JSON.stringify(message)}\r\n`);
}

/** Passes the engine's answer on; `onLine` sees each line of it. */
export async function relay(
  client: Socket,
  response: IncomingMessage,
  onLine: (line: string) => void = () => undefined,
  moreHeaders: readonly string[] = [],
): Promise<void> {
  const lines = [`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`, ...moreHeaders];
  for (let at = 0; at < response.rawHeaders.length; at += 2) {
    const name = response.rawHeaders[at] ?? "";
    if (!/^(connection|keep-alive|transfer-encoding|content-length)$/i.test(name))
      lines.push(`${name}: ${response.rawHeaders[at + 1]}`);
  }
  client.write(Buffer.from([...lines, "Connection: close", "", ""].join("\r\n"), "latin1"));
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of response) {
    if (client.destroyed) return;
    const whole = rest + decoder.decode(chunk as Buffer, { stream: true });
    const parts = whole.split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) onLine(line);
    if (!client.write(chunk as Buffer)) await Promise.race([once(client, "drain"), once(client, "close")]);
  }
  if (rest !== "") onLine(rest);
  client.end();
}

/** As an engine answers a build with `q`: the image's id alone, or all of the output when it failed. */
export async function relayQuietly(
  client: Socket,
  response: IncomingMessage,
  onLine: (line: string) => void,
): Promise<void> {
  const lines: string[] = [];
  let id: string | undefined;
  response.setEncoding("utf8");
  let rest = "";
  for await (const chunk of response) {
    const parts = (rest + String(chunk)).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
  }
  if (rest !== "") lines.push(rest);
  for (const line of lines) {
    onLine(line);
    id = /"aux":\s*\{\s*"ID":\s*"(sha256:[0-9a-f]{64})"/.exec(line)?.[1] ?? id;
  }
  if ((response.statusCode ?? 500) >= 400) return answerText(client, response.statusCode ?? 500, lines.join("\n"));
  const send = startLines(client);
  if (id === undefined || lines.some((line) => /^\s*\{"errorDetail"/.test(line))) client.write(`${lines.join("\n")}\n`);
  else send({ stream: `${id}\n` });
  client.end();
}

/** Notes a name that the build gives an image. */
export function noteTag({ tags, journal }: ProxySession, name: string): void {
  const whole = wholeName(name);
  journal.add(whole);
  tags.add(whole);
}

/** Aborted when the client goes away. The connection must not carry more of the request. */
export function goneSignal(client: Socket): AbortSignal {
  const gone = new AbortController();
  const abort = (): void => gone.abort(new Error("the client went away"));
  client.once("end", abort);
  client.once("close", abort);
  client.resume();
  return gone.signal;
}

/** True for a container of this build. What the engine does not know is left to its own error. */
export async function isOwnContainer({ client, request }: ProxySession, id: string): Promise<boolean> {
  const found = await client.json<{ Config?: { Labels?: Record<string, string> | null } }>(
    `/containers/${encodeURIComponent(id)}/json`,
  );
  return found === undefined || found.Config?.Labels?.[LABEL] === request.buildId;
}

/** A name as `tags` keeps it; what is no name stays as it is. */
export function wholeName(name: string): string {
  try {
    return formatReference(withDefaultTag(parseReference(name)));
  } catch (error) {
    if (error instanceof InvalidReference) return name;
    throw error;
  }
}

/** Whether the build made an image or gave it this name. */
export async function isOwnImage(
  { client, request, tags, made, images }: ProxySession,
  name: string,
): Promise<boolean> {
  if (tags.has(wholeName(name)) || images.holdsAlone(wholeName(name))) return true;
  const found = await client.json<{ Id?: string; Config?: { Labels?: Record<string, string> | null } | null }>(
    `/images/${encodeURIComponent(name)}/json`,
  );
  if (found === undefined || found.Config?.Labels?.[LABEL] === request.buildId) return true;
  return [...made.images].some((id) => found.Id?.startsWith(`sha256:${id}`));
}

/** Whether a network or a volume is the build's. */
export async function isOwnNamed(
  { client, request }: ProxySession,
  kind: "networks" | "volumes",
  id: string,
): Promise<boolean> {
  const found = await client.json<{ Labels?: Record<string, string> | null }>(`/${kind}/${encodeURIComponent(id)}`);
  return found === undefined || found.Labels?.[LABEL] === request.buildId;
}

/** `filters` of a list or prune call, narrowed to the build's own. */
export function ownFilters(filters: string | null, buildId: string): string {
  const given = JSON.parse(filters || "{}") as Record<string, string[] | Record<string, boolean>>;
  const asMap = (value: string[] | Record<string, boolean>): Record<string, boolean> =>
    Array.isArray(value) ? Object.fromEntries(value.map((entry) => [entry, true])) : value;
  const all = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, asMap(value)]));
  return JSON.stringify({ ...all, label: { ...all["label"], [`${LABEL}=${buildId}`]: true } });
}

/** Removes what a build made: containers, images, networks, volumes. What fails is left and logged. */
export async function cleanUp(
  client: EngineClient,
  left: {
    readonly buildId: string;
    readonly names: Iterable<string>;
    readonly containers: Iterable<string>;
    readonly images: Iterable<string>;
  },
): Promise<void> {
  const filters = encodeURIComponent(ownFilters(null, left.buildId));
  const remove = async (path: string): Promise<void> => {
    try {
      const { status, text } = await client.text("DELETE", path);
      if (status >= 400) debug("docker", () => `clean-up of ${path}: ${text.trim()}`);
    } catch (error) {
      debug("docker", () => `clean-up of ${path}: ${(error as Error).message}`);
    }
  };
  const removeAll = async (list: string, pathOf: (id: string) => string): Promise<void> => {
    const found = await client
      .json<{ Id?: string }[] | { Volumes?: { Name: string }[] | null }>(list)
      .catch(() => undefined);
    const ids = Array.isArray(found)
      ? found.map((entry) => entry.Id ?? "")
      : (found?.Volumes ?? []).map((entry) => entry.Name);
    for (const id of ids) await remove(pathOf(id));
  };
  await removeAll(`/containers/json?all=1&filters=${filters}`, (id) => `/containers/${id}?force=1&v=1`);
  for (const id of left.containers) await remove(`/containers/${id}?force=1&v=1`);
  await removeAll(`/images/json?filters=${filters}`, (id) => `/images/${id}?force=1&noprune=1`);
  for (const name of left.names) await remove(`/images/${encodeURIComponent(name)}?noprune=1`);
  // Steps, last first; one that another build's image stands on stays, and one that somebody gave a name.
  for (const id of [...left.images].reverse()) {
    const found = await client.json<{ RepoTags?: string[] | null }>(`/images/${id}/json`).catch(() => undefined);
    if (found && (found.RepoTags ?? []).length === 0) await remove(`/images/${id}?noprune=1`);
  }
  await removeAll(`/networks?filters=${filters}`, (id) => `/networks/${id}`);
  await removeAll(`/volumes?filters=${filters}`, (id) => `/volumes/${id}?force=1`);
}
