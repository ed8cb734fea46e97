/** Request heads as bytes: read from a socket, rewritten, sent on; nothing of the head is merged or reordered. */
import { on } from "node:events";
import type { Socket } from "node:net";
import { bytesWithin } from "../../core/bounded-body.ts";

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
  // The engine takes a bare line feed for the end of a line, and two for the end of the head.
  if (/[\r\n\0]/.test(text.replaceAll("\r\n", ""))) return undefined;
  const [first = "", ...lines] = text.split("\r\n");
  if (!lines.every((line) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:/.test(line))) return undefined;
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

/** The body as it comes, by length or chunked. What follows it stays unread in the socket, which is paused. */
export async function* bodyChunks(head: RequestHead, socket: Socket): AsyncGenerator<Buffer> {
  const input = received(head.rest, socket);
  try {
    if (/chunked/i.test(headerOf(head, "transfer-encoding") ?? "")) {
      yield* unchunked(input);
      return;
    }
    for (let left = Number(headerOf(head, "content-length") ?? 0); left > 0; ) {
      const { value, done } = await input.next();
      if (done) throw new Error("the client went away");
      yield value.subarray(0, left);
      left -= value.length;
    }
  } finally {
    await input.return(undefined);
    socket.pause();
  }
}

/** A whole body of limited size. */
export async function readBody(head: RequestHead, socket: Socket): Promise<Buffer> {
  const body = await bytesWithin(bodyChunks(head, socket), MAX_BODY_BYTES);
  if (!body) throw new Error("request body too large");
  return body;
}

async function* received(first: Buffer, socket: Socket): AsyncGenerator<Buffer, undefined> {
  if (first.length > 0) yield first;
  const events = on(socket, "data", { close: ["end", "close"], highWaterMark: 16, lowWaterMark: 4 });
  socket.resume();
  for await (const [chunk] of events) yield chunk as Buffer;
  return undefined;
}

/** https://www.rfc-editor.org/rfc/rfc9112#section-7.1 ; trailers are read and dropped. */
async function* unchunked(input: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let bytes = Buffer.alloc(0);
  const more = async (): Promise<void> => {
    const { value, done } = await input.next();
    if (done) throw new Error("the client went away");
    bytes = Buffer.concat([bytes, value]);
  };
  const line = async (): Promise<string> => {
    for (;;) {
      const end = bytes.indexOf("\r\n");
      if (end >= 0) {
        const text = bytes.toString("latin1", 0, end);
        bytes = bytes.subarray(end + 2);
        return text;
      }
      if (bytes.length > MAX_HEAD_BYTES) throw new Error("malformed chunk");
      await more();
    }
  };
  for (;;) {
    const sizeText = (await line()).split(";")[0]?.trim() ?? "";
    if (!/^[0-9a-f]{1,12}$/i.test(sizeText)) throw new Error("malformed chunk");
    let left = Number.parseInt(sizeText, 16);
    if (left === 0) {
      while ((await line()) !== "");
      return;
    }
    while (left > 0) {
      if (bytes.length === 0) await more();
      const part = bytes.subarray(0, left);
      bytes = bytes.subarray(part.length);
      left -= part.length;
      yield part;
    }
    if ((await line()) !== "") throw new Error("malformed chunk");
  }
}
