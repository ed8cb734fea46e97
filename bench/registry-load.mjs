/**
 * A client of registries in a process of its own, over raw sockets: pushes blobs (HEAD, POST, PUT, as clients do), then
 * pulls them, on a number of keep-alive connections. The bytes are random, made and hashed before the clock runs.
 */
import { fork } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { connect } from "node:net";

const AUTHORIZATION = `Basic ${Buffer.from("test:test").toString("base64")}`;
const HEAD_END = Buffer.from("\r\n\r\n");

/** Gives `{ pushMs, pullMs }`; rejects when an answer is not the expected one. */
export async function transfer({ url }, settings) {
  const child = fork(new URL(import.meta.url), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const result = new Promise((resolve, reject) => {
    child.once("message", (message) => (message.failure ? reject(new Error(message.failure)) : resolve(message)));
    child.once("exit", (code) => reject(new Error(`the client ended with exit code ${code}`)));
  });
  child.send({ url, ...settings });
  return result;
}

async function measure({ url, count, bytes, connections, seed, pushOnly }) {
  const random = randomFillSync(Buffer.allocUnsafe(bytes));
  // Blobs differ in their first bytes only, so that one buffer serves for all.
  const blobs = Array.from({ length: count }, (_, index) => {
    const mark = Buffer.from(`${seed}-${index}-${process.pid}`.padEnd(32));
    const digest = `sha256:${createHash("sha256").update(mark).update(random.subarray(32)).digest("hex")}`;
    return { mark, digest };
  });
  const pushMs = await each(url, connections, blobs, async (connection, { mark, digest }) => {
    await connection.ask("HEAD", `/v2/bench/blobs/${digest}`, { expect: 404 });
    const { location } = await connection.ask("POST", "/v2/bench/blobs/uploads/", { expect: 202 });
    const target = new URL(location, url);
    target.searchParams.set("digest", digest);
    await connection.ask("PUT", target.pathname + target.search, {
      expect: 201,
      body: [mark, random.subarray(32)],
    });
  });
  if (pushOnly) return { pushMs };
  const pullMs = await each(url, connections, blobs, async (connection, { digest }) => {
    const { length } = await connection.ask("GET", `/v2/bench/blobs/${digest}`, { expect: 200 });
    if (length !== bytes) throw new Error(`${digest} has ${length} bytes`);
  });
  return { pushMs, pullMs };
}

async function each(url, connections, items, work) {
  const all = await Promise.all(Array.from({ length: connections }, () => open(url)));
  let next = 0;
  const startedMs = performance.now();
  await Promise.all(
    all.map(async (connection) => {
      while (next < items.length) await work(connection, items[next++]);
    }),
  );
  const ms = performance.now() - startedMs;
  for (const connection of all) connection.close();
  return ms;
}

/** One keep-alive connection; answers are counted, not kept. */
async function open(url) {
  const { hostname, port, host } = new URL(url);
  let onBytes = () => {};
  const socket = connect({
    host: hostname,
    port: Number(port),
    noDelay: true,
    // One buffer for all reads: the client must not be what is measured.
    onread: { buffer: Buffer.allocUnsafe(1 << 20), callback: (count, buffer) => onBytes(buffer.subarray(0, count)) },
  });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return {
    close: () => socket.destroy(),
    ask(method, path, { expect, body = [] }) {
      const length = body.reduce((sum, part) => sum + part.length, 0);
      const head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: ${AUTHORIZATION}\r\ncontent-type: application/octet-stream\r\ncontent-length: ${length}\r\n\r\n`;
      return new Promise((resolve, reject) => {
        socket.once("error", reject);
        let partial;
        let left = -1;
        let answer;
        onBytes = (chunk) => {
          let received = chunk.length;
          if (left < 0) {
            const data = partial ? Buffer.concat([partial, chunk]) : chunk;
            const headEnd = data.indexOf(HEAD_END);
            if (headEnd < 0) {
              partial = Buffer.from(data);
              return;
            }
            const text = data.toString("latin1", 0, headEnd);
            answer = {
              status: Number(text.slice(9, 12)),
              location: /\r\nlocation: (\S+)/i.exec(text)?.[1],
              length: Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0),
            };
            if (answer.status !== expect) return reject(new Error(`${method} ${path}: ${data.toString()}`));
            left = method === "HEAD" ? 0 : answer.length;
            received = data.length - headEnd - HEAD_END.length;
          }
          left -= received;
          if (left <= 0) {
            socket.removeListener("error", reject);
            resolve(answer);
          }
        };
        socket.cork();
        socket.write(head);
        for (const part of body) socket.write(part);
        socket.uncork();
      });
    },
  };
}

if (process.send && process.argv[1] === new URL(import.meta.url).pathname) {
  process.once("message", async (settings) => {
    const result = await measure(settings).catch((error) => ({ failure: error.message }));
    process.send(result, () => process.exit(0));
  });
}
