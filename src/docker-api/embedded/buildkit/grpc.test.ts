/** The two ends of a gRPC connection against each other, and the server against what is no gRPC at all. */
import { connect } from "node:http2";
import type { Socket } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import fc from "fast-check";
import { expect, it } from "vitest";
import { GrpcClient } from "./grpc-client.ts";
import { CODE, frame, GrpcError } from "./grpc-frames.ts";
import { type GrpcHandlers, oneRequest, serveGrpc, unary } from "./grpc-server.ts";
import { message, text } from "./protobuf.ts";

const Text = message({ value: text(1) });
const types = { request: Text, response: Text };
const never = new AbortController().signal;

const HANDLERS: GrpcHandlers = {
  "/t/Echo": unary(Text, Text, async ({ value }) => ({ value: `${value}!` })),
  "/t/Fail": unary(Text, Text, async () => {
    throw new GrpcError(CODE.notFound, "nö: 100 %\nreally");
  }),
  "/t/Bug": unary(Text, Text, async () => {
    throw new Error("a bug");
  }),
  "/t/Many": oneRequest(Text, async (_, call) => {
    for (let at = 0; at < 300; at++) await call.send(Text.encode({ value: String(at).repeat(10_000) }));
  }),
};

function pair(handlers: GrpcHandlers = HANDLERS): { client: GrpcClient; socket: Duplex; closed: Promise<void> } {
  const [ours, theirs] = duplexPair();
  const { closed } = serveGrpc(theirs, handlers);
  return { client: new GrpcClient(ours), socket: ours, closed };
}

it("answers one message with one", async () => {
  const { client } = pair();
  expect(await client.unary("/t/Echo", types, { value: "x".repeat(100_000) }, never)).toEqual({
    value: `${"x".repeat(100_000)}!`,
  });
  client.close();
});

it("tells failures with their code and text", async () => {
  const { client } = pair();
  const call = (path: string) => client.unary(path, types, { value: "" }, never);
  await expect(call("/t/Fail")).rejects.toMatchObject({ code: CODE.notFound, message: "nö: 100 %\nreally" });
  await expect(call("/t/Bug")).rejects.toMatchObject({ code: CODE.unknown, message: "a bug" });
  await expect(call("/t/None")).rejects.toMatchObject({
    code: CODE.unimplemented,
    message: "kiln's embedded builder does not do /t/None",
  });
  await expect(call("/__proto__")).rejects.toMatchObject({ code: CODE.unimplemented });
  client.close();
});

it("streams to a client that reads slowly", async () => {
  const { client } = pair();
  const call = client.open("/t/Many", {}, never);
  call.end(Text.encode({ value: "go" }));
  let count = 0;
  for await (const bytes of call.messages) {
    expect(Text.decode(bytes).value).toBe(String(count++).repeat(10_000));
    if (count % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(count).toBe(300);
  client.close();
});

it("tells a handler that its client went away", async () => {
  let began: () => void = () => undefined;
  const started = new Promise<void>((resolve) => {
    began = resolve;
  });
  let told: Promise<void> = Promise.resolve();
  const { client, closed } = pair({
    "/t/Wait": async (call) => {
      told = new Promise((resolve) => call.signal.addEventListener("abort", () => resolve()));
      began();
      await told;
    },
  });
  const call = client.unary("/t/Wait", types, { value: "" }, never);
  await started;
  client.close();
  await expect(call).rejects.toThrow("the client's session is gone");
  await told;
  await closed;
});

it.each<[string, Buffer, number, string]>([
  ["a message that is none", frame(Buffer.from("0a05ab", "hex")), CODE.internal, "a message ends inside a field"],
  [
    "a message that is too large",
    Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 0]),
    CODE.resourceExhausted,
    "grpc: received message larger than max (2147483647 vs. 16777216)",
  ],
  ["a compressed message", Buffer.from([1, 0, 0, 0, 0]), CODE.unimplemented, "kiln reads no compressed gRPC messages"],
  ["half a message", Buffer.from([0, 0, 0, 0, 9, 1]), CODE.internal, "a gRPC stream ended inside a message"],
  ["no message", Buffer.alloc(0), CODE.internal, "the call has no request"],
])("answers %s with a status and goes on", async (_, body, code, problem) => {
  const [ours, theirs] = duplexPair();
  serveGrpc(theirs, HANDLERS);
  const session = connect("http://x", { createConnection: () => ours as Socket });
  session.on("error", () => undefined);
  const ask = (bytes: Buffer): Promise<Record<string, unknown>> =>
    new Promise((resolve) => {
      const stream = session.request({ ":method": "POST", ":path": "/t/Echo" });
      stream.on("trailers", resolve);
      stream.resume();
      stream.end(bytes);
    });
  expect(await ask(body)).toMatchObject({ "grpc-status": String(code), "grpc-message": problem });
  expect(await ask(frame(Text.encode({ value: "x" })))).toMatchObject({ "grpc-status": "0" });
  session.destroy();
});

it("survives any bytes on the connection", async () => {
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, isHttp2) => {
      const [ours, theirs] = duplexPair();
      ours.on("error", () => undefined);
      ours.resume();
      const { closed } = serveGrpc(theirs, HANDLERS);
      ours.write(isHttp2 ? Buffer.concat([preface, bytes]) : Buffer.from(bytes));
      await new Promise((resolve) => setImmediate(resolve));
      ours.destroy();
      theirs.destroy();
      await closed;
    }),
    { numRuns: 60 },
  );
});
