/**
 * A request passed on to the engine, its answer passed back. What comes after a request must not reach the engine as another
 * one that nobody looked at: a plain request is the connection's only one (`Connection: close`), and of one that asks for the
 * connection itself (attach, exec, BuildKit's session) no byte beyond its body goes on before the engine gave that (101).
 */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { debug } from "../../core/log.ts";
import { connectEngine } from "../../engine-api/connect-engine.ts";
import type { EngineAddress } from "../../engine-api/engine-address.ts";
import { bodyChunks, headBytes, headerOf, isUpgrade, type RequestHead } from "./http-head.ts";

export interface Passed {
  readonly head: RequestHead;
  readonly target: string;
  /** Instead of the client's. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

/** Joins the client's connection to one of the engine, which it returns; each side half-closable. */
export function joinEngine(client: Socket, address: EngineAddress, passed: Passed): Duplex {
  const { head, target, headers, body } = passed;
  const engine = connectEngine(address);
  engine.on("error", (error) => {
    debug("docker", () => `engine: ${error.message}`);
    client.destroy();
  });
  client.on("close", () => engine.destroy());
  const replaced = {
    ...headers,
    ...(!isUpgrade(head) && { connection: "close" }),
    ...(body && { "content-length": String(body.length), "transfer-encoding": undefined }),
  };
  const sentHead = headBytes(head, replaced, target);
  if (!isUpgrade(head)) {
    // One write: the engine may answer and close before a second one.
    engine.write(Buffer.concat([sentHead, body ?? head.rest]));
    engine.pipe(client);
    client.pipe(engine);
    return engine;
  }
  upgrade(client, engine, sentHead, passed).catch((error: unknown) => {
    debug("docker", () => `engine: ${(error as Error).message}`);
    client.destroy();
  });
  return engine;
}

const SWITCHING = "HTTP/1.1 101 ";

async function upgrade(client: Socket, engine: Duplex, sentHead: Buffer, { head, body }: Passed): Promise<void> {
  const lengths = head.headers.filter(([name]) => name.toLowerCase() === "content-length");
  if (headerOf(head, "transfer-encoding") !== undefined || lengths.length > 1)
    throw new Error("a request for the connection whose body has no one length");
  const length = Number(lengths[0]?.[1] ?? 0);
  engine.write(sentHead);
  if (body) engine.write(body);
  else for await (const chunk of bodyChunks(head, client)) engine.write(chunk);
  const early = body ? Buffer.alloc(0) : head.rest.subarray(length);
  const first = await beginning(engine, SWITCHING.length);
  client.write(first);
  engine.pipe(client);
  if (first.toString("latin1", 0, SWITCHING.length) === SWITCHING) {
    if (early.length > 0) engine.write(early);
    client.pipe(engine);
  } else {
    // Whatever else the client sends is dropped; the connection ends with this answer.
    client.resume();
    engine.end();
  }
}

/** At least so many bytes of an answer, or all of one that is shorter. The stream is paused. */
function beginning(stream: Duplex, bytes: number): Promise<Buffer> {
  return new Promise((resolve) => {
    let got = Buffer.alloc(0);
    const finish = (): void => {
      stream.off("data", take).off("end", finish).off("close", finish);
      stream.pause();
      resolve(got);
    };
    const take = (chunk: Buffer): void => {
      got = Buffer.concat([got, chunk]);
      if (got.length >= bytes) finish();
    };
    stream.on("data", take).on("end", finish).on("close", finish);
  });
}
