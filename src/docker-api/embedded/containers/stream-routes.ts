/**
 * The streams of a container: attach, taken over with `Connection: Upgrade` or as request and answer bodies, and logs.
 * Source: https://docs.docker.com/reference/api/engine/version/v1.43/ (ContainerAttach, ContainerLogs)
 */
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { type ApiCall, ApiError, type ApiRoute, isOn, type UpgradeCall, type UpgradeRoute } from "../api.ts";
import { timeParameter } from "../filters.ts";
import type { Container } from "./container.ts";
import { requestedContainer } from "./requested-container.ts";

export const RAW_STREAM = "application/vnd.docker.raw-stream";
const MULTIPLEXED = "application/vnd.docker.multiplexed-stream";
const FIRST_MINOR_WITH_MULTIPLEXED = 42;

export const streamType = (call: { readonly minorVersion: number }, isTty: boolean): string =>
  isTty || call.minorVersion < FIRST_MINOR_WITH_MULTIPLEXED ? RAW_STREAM : MULTIPLEXED;

/** Head of a connection that is the client's and the process's from here on. */
export const upgradeHead = (type: string): string =>
  `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`;

/** The request's body of an upgraded connection: docker's clients send JSON in some of them. */
export async function bodyOf(call: UpgradeCall): Promise<AsyncIterable<Uint8Array>> {
  const length = Number(call.incoming.headers["content-length"] ?? 0);
  if (!Number.isInteger(length) || length < 0 || length > 1024 * 1024)
    throw new ApiError(400, "invalid Content-Length");
  let bytes = call.head;
  while (bytes.length < length) {
    const [chunk] = (await once(call.socket, "data", { signal: call.signal })) as [Buffer];
    bytes = Buffer.concat([bytes, chunk]);
    call.socket.pause();
  }
  if (bytes.length > length) call.socket.unshift(bytes.subarray(length));
  return [bytes.subarray(0, length)] as unknown as AsyncIterable<Uint8Array>;
}

interface Client {
  readonly input: Readable | undefined;
  readonly output: Writable;
}

async function connect(
  call: Pick<ApiCall, "query" | "signal">,
  container: Container,
  client: Client,
  feed: (input: Readable) => void,
): Promise<void> {
  const wanted = { stdout: isOn(call.query, "stdout"), stderr: isOn(call.query, "stderr") };
  const { output, input } = client;
  const streams = isOn(call.query, "stream");
  if (isOn(call.query, "logs")) {
    const { first, next } = container.log.range;
    for (let at = first; at < next; at++) {
      const line = container.log.line(at);
      if (line && (line.stream === 1 ? wanted.stdout : wanted.stderr))
        output.write(container.hub.frame(line.stream, line.bytes));
    }
  }
  if (!streams) {
    output.end();
    return;
  }
  container.hub.add(output, wanted);
  if (input && isOn(call.query, "stdin") && container.spec.config.OpenStdin) feed(input);
  else input?.resume();
  // A container that is over says nothing more.
  if (container.status === "exited" || container.isRemoved) output.end();
  await once(output, "close").catch(() => undefined);
}

async function attachUpgrade(call: UpgradeCall): Promise<void> {
  const container = requestedContainer(call);
  await bodyOf(call);
  const { socket } = call;
  socket.write(upgradeHead(streamType(call, container.spec.config.Tty === true)));
  await connect(call, container, { input: socket, output: socket }, (input) =>
    call.context.containers.feed(container, input),
  );
}

async function attach(call: ApiCall): Promise<void> {
  const container = requestedContainer(call);
  const { response, incoming } = call;
  startRaw(call, streamType(call, container.spec.config.Tty === true));
  await connect(call, container, { input: incoming, output: response }, (input) =>
    call.context.containers.feed(container, input),
  );
}

/** An answer that ends with its connection, as docker's do. */
export function startRaw({ response }: Pick<ApiCall, "response">, type: string): void {
  response.useChunkedEncodingByDefault = false;
  response.shouldKeepAlive = false;
  response.writeHead(200, { "content-type": type });
  response.flushHeaders();
}

async function logs(call: ApiCall): Promise<void> {
  const container = requestedContainer(call);
  const { query, response, signal, context } = call;
  const [stdout, stderr] = [isOn(query, "stdout"), isOn(query, "stderr")];
  if (!stdout && !stderr) throw new ApiError(400, "Bad parameters: you must choose at least one stream");
  const nowMs = context.clock.nowMs();
  const sinceMs = timeParameter(query.get("since"), "since", nowMs) ?? 0;
  const untilText = query.get("until");
  const untilMs = timeParameter(untilText === "0" ? "" : untilText, "until", nowMs);
  const withTimes = isOn(query, "timestamps");
  const { log } = container;
  const isWanted = (at: number): boolean => {
    const line = log.line(at);
    if (!line || !(line.stream === 1 ? stdout : stderr)) return false;
    return line.atMs >= sinceMs && (untilMs === undefined || line.atMs <= untilMs);
  };
  let at = firstLine(query.get("tail") ?? "all", log.range, isWanted);
  const type = streamType(call, container.spec.config.Tty === true);
  response.writeHead(200, { "content-type": type });
  response.flushHeaders();
  for (;;) {
    at = Math.max(at, log.range.first);
    for (; at < log.range.next && !signal.aborted; at++) {
      const line = log.line(at);
      if (!line || !isWanted(at)) continue;
      const stamp = withTimes
        ? Buffer.from(`${new Date(line.atMs).toISOString().replace("Z", "000000Z")} `)
        : undefined;
      const bytes = stamp ? Buffer.concat([stamp, line.bytes]) : line.bytes;
      if (!response.write(container.hub.frame(line.stream, bytes)))
        await once(response, "drain", { signal }).catch(() => undefined);
    }
    const isOver = !container.isRunning && !container.starting;
    if (!isOn(query, "follow") || isOver || container.isRemoved || signal.aborted) break;
    await log.more(signal);
  }
  response.end();
}

function firstLine(
  tail: string,
  range: { readonly first: number; readonly next: number },
  isWanted: (at: number) => boolean,
): number {
  // Docker takes what is no number for all.
  if (!/^\d+$/.test(tail)) return range.first;
  let left = Number(tail);
  let at = range.next;
  while (at > range.first && left > 0) if (isWanted(--at)) left--;
  return at;
}

export const streamRoutes: readonly ApiRoute[] = [
  { method: "POST", pattern: /^\/containers\/([^/]+)\/attach$/, handle: attach },
  { method: "GET", pattern: /^\/containers\/([^/]+)\/logs$/, handle: logs },
];

export const streamUpgradeRoutes: readonly UpgradeRoute[] = [
  { pattern: /^\/containers\/([^/]+)\/attach$/, handle: attachUpgrade },
];
