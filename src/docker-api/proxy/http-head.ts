/** Request heads as bytes: read from a socket, rewritten, sent on; nothing of the head is merged or reordered. */
import type { Socket } from "node:net";

export interface RequestHead {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  /** As sent, in order, repeated ones kept. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** What came after the head. */
  readonly rest: Buffer;
}

const MAX_HEAD_BYTES = 256 * 1024;
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** Undefined when the client went away before a whole head. The socket is paused. */
export function readHead(socket: Socket): Promise<RequestHead | undefined> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const finish = (run: () => void): void => {
      socket.off("data", onData);
      socket.off("end", onEnd);
      socket.off("close", onEnd);
      socket.pause();
      run();
    };
    const onEnd = (): void => finish(() => resolve(undefined));
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf("\r\n\r\n");
      if (end >= 0) finish(() => resolve(parse(bytes.toString("latin1", 0, end), bytes.subarray(end + 4))));
      else if (bytes.length > MAX_HEAD_BYTES) finish(() => reject(new Error("request head too large")));
    };
    socket.on("data", onData);
    socket.on("end", onEnd);
    socket.on("close", onEnd);
  });
}

function parse(text: string, rest: Buffer): RequestHead | undefined {
  const [first = "", ...lines] = text.split("\r\n");
  const match = /^([A-Z]+) (\S+) HTTP\/1\.[01]$/.exec(first);
  if (!match) return undefined;
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  });
  return { method: match[1] ?? "", target: match[2] ?? "", headers, rest };
}

export const headerOf = (head: RequestHead, name: string): string | undefined =>
  head.headers.find(([key]) => key.toLowerCase() === name)?.[1];

export const isUpgrade = (head: RequestHead): boolean => headerOf(head, "upgrade") !== undefined;

/** The head's bytes, some headers replaced. */
export function headBytes(
  head: RequestHead,
  replaced: Readonly<Record<string, string | undefined>> = {},
  target = head.target,
): Buffer {
  const kept = head.headers.filter(([name]) => !(name.toLowerCase() in replaced));
  const added = Object.entries(replaced).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const lines = [...kept, ...added].map(([name, value]) => `${name}: ${value}`);
  return Buffer.from([`${head.method} ${target} HTTP/1.1`, ...lines, "", ""].join("\r\n"), "latin1");
}

/** The whole body, by length or chunked. */
export async function readBody(head: RequestHead, socket: Socket): Promise<Buffer> {
  const isChunked = /chunked/i.test(headerOf(head, "transfer-encoding") ?? "");
  const length = Number(headerOf(head, "content-length") ?? 0);
  let bytes = head.rest;
  const isWhole = (): boolean => (isChunked ? unchunk(bytes) !== undefined : bytes.length >= length);
  if (!isWhole()) {
    await new Promise<void>((resolve, reject) => {
      const finish = (run: () => void): void => {
        socket.off("data", onData);
        socket.off("close", onClose);
        socket.pause();
        run();
      };
      const onClose = (): void => finish(() => reject(new Error("the client went away")));
      const onData = (chunk: Buffer): void => {
        bytes = Buffer.concat([bytes, chunk]);
        if (bytes.length > MAX_BODY_BYTES) finish(() => reject(new Error("request body too large")));
        else if (isWhole()) finish(resolve);
      };
      socket.on("data", onData);
      socket.on("close", onClose);
      socket.resume();
    });
  }
  return isChunked ? (unchunk(bytes) ?? Buffer.alloc(0)) : bytes.subarray(0, length);
}

/** Undefined while the last chunk is missing. */
function unchunk(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, end), 16);
    if (Number.isNaN(size)) throw new Error("malformed chunk");
    if (size === 0) return Buffer.concat(parts);
    if (bytes.length < end + 2 + size + 2) return undefined;
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}
