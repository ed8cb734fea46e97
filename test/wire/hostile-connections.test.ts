/** Connections that no client of good will makes, to a real `kiln start`: the right answer, bounded memory, and it lives. */
import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { isBuilt } from "../cli/kiln-process.ts";
import {
  isWell,
  openPeer,
  type Peer,
  say,
  signedText,
  startTarget,
  statusOf,
  type Target,
} from "../support/hostile-client.ts";

const MAX_MEBIBYTES = 600;
const HEAD = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n";
const TARGET = "X-Amz-Target: AmazonSSM.GetParameter\r\n";
const BAD_REQUEST = "HTTP/1.1 400 Bad Request";

let target: Target;
let slowHeads: Peer[] = [];
let slowBodies: Peer[] = [];
let drip: NodeJS.Timeout | undefined;
let startedMs = 0;
let most = 0;

beforeAll(async () => {
  if (!isBuilt) return;
  target = await startTarget();
  // They take half a minute to be thrown out: the other tests run meanwhile.
  startedMs = Date.now();
  slowHeads = await Promise.all(Array.from({ length: 100 }, () => openPeer(target)));
  slowBodies = await Promise.all(Array.from({ length: 100 }, () => openPeer(target)));
  for (const { socket } of slowHeads) socket.write(HEAD);
  for (const { socket } of slowBodies) socket.write(`${HEAD}${TARGET}Content-Length: 1000\r\n\r\n`);
  drip = setInterval(() => {
    for (const { socket } of slowHeads) if (socket.writable) socket.write("X-A: b\r\n");
    for (const { socket } of slowBodies) if (socket.writable) socket.write(" ");
  }, 1_000);
});

afterEach(async () => {
  if (!isBuilt) return;
  expect(await isWell(target)).toBe(true);
  most = Math.max(most, target.residentMebibytes() ?? 0);
  expect(most).toBeLessThan(MAX_MEBIBYTES);
});

afterAll(async () => {
  clearInterval(drip);
  for (const { socket } of [...slowHeads, ...slowBodies]) socket.destroy();
  if (isBuilt) print(`at most ${most} MiB resident, ${target.residentMebibytes()} at the end`);
  await target?.stop();
});

const print = (line: string): void => void process.stdout.write(`hostile connections: ${line}\n`);

describe.skipIf(!isBuilt)("heads", () => {
  it.each<[string, string, string]>([
    [
      "a header that is too long",
      `${HEAD}X-A: ${"a".repeat(20_000)}\r\n\r\n`,
      "HTTP/1.1 431 Request Header Fields Too Large",
    ],
    ["too many headers", `${HEAD}${"A: b\r\n".repeat(10_000)}\r\n`, "HTTP/1.1 431 Request Header Fields Too Large"],
    [
      "a URL that is too long",
      `GET /${"a".repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      "HTTP/1.1 431 Request Header Fields Too Large",
    ],
    ["two lengths", `${HEAD}${TARGET}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} `, BAD_REQUEST],
    [
      "a length and chunks",
      `${HEAD}${TARGET}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      BAD_REQUEST,
    ],
    ["chunks, but not at last", `${HEAD}${TARGET}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, BAD_REQUEST],
    ["a length that is none", `${HEAD}${TARGET}Content-Length: -1\r\n\r\n`, BAD_REQUEST],
    ["a length beyond all numbers", `${HEAD}${TARGET}Content-Length: ${"9".repeat(40)}\r\n\r\n`, BAD_REQUEST],
    ["a chunk size that is none", `${HEAD}${TARGET}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, BAD_REQUEST],
    [
      "a chunk size beyond all numbers",
      `${HEAD}${TARGET}Transfer-Encoding: chunked\r\n\r\n${"f".repeat(17)}\r\n`,
      BAD_REQUEST,
    ],
    ["a space before the colon", `${HEAD}X-A : b\r\n\r\n`, BAD_REQUEST],
    ["a line feed alone", "GET / HTTP/1.1\nHost: localhost\n\n", BAD_REQUEST],
    ["a NUL in a header", `${HEAD}X-A: \u0000\r\n\r\n`, BAD_REQUEST],
    ["no host", "GET / HTTP/1.1\r\n\r\n", BAD_REQUEST],
    ["a host of somebody else", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 403 Forbidden"],
    ["another protocol", "\u0016\u0003\u0001\u0002\u0000\u0001", BAD_REQUEST],
    [
      "an expectation that nobody has",
      `${HEAD}${TARGET}Expect: 200-maybe\r\nContent-Length: 2\r\n\r\n{}`,
      "HTTP/1.1 417 Expectation Failed",
    ],
    ["many targets", `${HEAD}${TARGET.repeat(100)}Content-Length: 2\r\n\r\n{}`, BAD_REQUEST],
    [
      "a target that is no text",
      `${HEAD}X-Amz-Target: AmazonSSM.\u00e9\u00ff\r\nContent-Length: 2\r\n\r\n{}`,
      BAD_REQUEST,
    ],
    [
      "a target of 10,000 letters",
      `${HEAD}X-Amz-Target: ${"a.".repeat(5_000)}\r\nContent-Length: 2\r\n\r\n{}`,
      BAD_REQUEST,
    ],
  ])("with %s", async (_what, text, status) => {
    expect(statusOf(await say(target, Buffer.from(text, "latin1")))).toBe(status);
  });

  it("with folded lines are read as one line or refused", async () => {
    const heard = await say(target, `${HEAD}X-A: b\r\n c\r\n${TARGET}Content-Length: 2\r\n\r\n{}`);
    expect(heard).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });
});

describe.skipIf(!isBuilt)("connections", () => {
  it("that are half closed get their answer, of a write too", async () => {
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AmazonSSM.PutParameter" };
    for (let n = 0; n < 20; n++) {
      const heard = await say(target, signedText(target.url));
      expect(heard.endsWith('{"__type":"ParameterNotFound"}')).toBe(true);
      const body = JSON.stringify({ Name: `/half/${n}`, Value: "v", Type: "String" });
      expect(statusOf(await say(target, signedText(target.url, body, headers)))).toBe("HTTP/1.1 200 OK");
    }
  });

  it("with many requests at once get as many answers, in order", async () => {
    const texts = Array.from({ length: 200 }, (_, n) =>
      signedText(target.url, `{"Name":"/none","WithDecryption":${n}}`),
    );
    const heard = await say(target, signedText(target.url) + texts.join("") + signedText(target.url));
    const answers = heard.split("HTTP/1.1 ").slice(1);
    expect(answers).toHaveLength(202);
    expect(answers[0]).toContain("ParameterNotFound");
    expect(answers[1]).toContain("NUMBER_VALUE can not be converted to a Boolean");
    expect(answers[201]).toContain("ParameterNotFound");
  });

  it("that are reset in the middle of a body leave nothing behind", async () => {
    for (let round = 0; round < 20; round++) {
      const peers = await Promise.all(Array.from({ length: 25 }, () => openPeer(target)));
      for (const { socket } of peers) {
        socket.write(`${HEAD}${TARGET}Content-Length: 1000000\r\n\r\n${"x".repeat(100_000)}`);
        socket.resetAndDestroy();
      }
      await Promise.all(peers.map((peer) => peer.ended));
    }
  });

  it("that read no answer do not fill the memory", async () => {
    const names = Array.from({ length: 11 }, () => "n".repeat(40_000));
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AmazonSSM.GetParameters" };
    const text = signedText(target.url, JSON.stringify({ Names: names }), headers);
    const before = target.residentMebibytes() ?? 0;
    const peers = await Promise.all(Array.from({ length: 50 }, () => openPeer(target)));
    for (const { socket } of peers) {
      socket.pause();
      for (let n = 0; n < 20; n++) socket.write(text);
    }
    expect(await isWell(target)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const after = target.residentMebibytes() ?? 0;
    print(`1,000 answers of 440 kB to 50 clients that read none: ${before} → ${after} MiB`);
    for (const { socket } of peers) socket.destroy();
    await Promise.all(peers.map((peer) => peer.ended));
  });

  it("by the ten thousand are held and answered", async () => {
    const count = Math.min(10_000, descriptors() - 1_000);
    const before = target.residentMebibytes() ?? 0;
    const peers: Peer[] = [];
    while (peers.length < count) {
      const batch = Array.from({ length: Math.min(250, count - peers.length) }, () => openPeer(target));
      peers.push(...(await Promise.all(batch)));
    }
    expect(await isWell(target)).toBe(true);
    const idle = target.residentMebibytes() ?? 0;
    const text = signedText(target.url);
    const began = Date.now();
    for (const { socket } of peers) socket.write(text);
    const deadline = began + 150_000;
    const isAnswered = (peer: Peer): boolean => peer.heard().endsWith('{"__type":"ParameterNotFound"}');
    while (!peers.every(isAnswered) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
    const tookMs = Date.now() - began;
    expect(peers.filter((peer) => !isAnswered(peer))).toHaveLength(0);
    const answered = target.residentMebibytes() ?? 0;
    print(
      `${count} connections: ${before} → ${idle} MiB idle → ${answered} MiB after a request of each in ${tookMs} ms`,
    );
    expect(answered).toBeLessThan(MAX_MEBIBYTES);
    for (const { socket } of peers) socket.destroy();
    await Promise.all(peers.map((peer) => peer.ended));
  });
});

describe.skipIf(!isBuilt)("slow clients", () => {
  it("that send heads for ever are thrown out", async () => {
    const heard = await Promise.all(slowHeads.map((peer) => peer.ended));
    expect(new Set(heard.map(statusOf))).toEqual(new Set(["HTTP/1.1 408 Request Timeout"]));
    print(`slow heads were thrown out within ${Math.round((Date.now() - startedMs) / 1000)} s`);
  });

  it("that send bodies for ever are thrown out", async () => {
    const heard = await Promise.all(slowBodies.map((peer) => peer.ended));
    expect(new Set(heard.map(statusOf))).toEqual(new Set(["HTTP/1.1 408 Request Timeout"]));
    expect(heard[0]).toContain('{"__type":"RequestTimeout","message":"the request body did not arrive in time"}');
    print(`slow bodies were thrown out within ${Math.round((Date.now() - startedMs) / 1000)} s`);
  });
});

/** How many files a process may open; Node takes all that it may. */
function descriptors(): number {
  try {
    return Number(/^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? 2_000);
  } catch {
    return 2_000;
  }
}
