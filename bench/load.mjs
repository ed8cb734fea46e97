/**
 * A load generator in a process of its own, over raw sockets: `connections` keep-alive connections, each sending the next
 * request when the last was answered. Requests are made ready before the clock runs, so that what is measured is the
 * server and not the client; baseline and Kiln get the same generator.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";

const HEAD_END = Buffer.from("\r\n\r\n");
/** A server that says nothing for so long has lost the request. */
const SILENCE_MS = 120_000;

/** One HTTP/1.1 POST as text; `headers` must hold `host` and `content-length`. */
export function rawRequest({ headers, body, path = "/" }) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

/**
 * Sends `requests` (texts of {@link rawRequest}, round and round) for `durationMs`, or each of them once where that is left
 * out. Gives requests a second and latency percentiles in milliseconds; rejects when an answer is not 200.
 */
export async function load(url, { connections, durationMs, requests }) {
  const child = fork(new URL(import.meta.url), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  child.send({ url, connections, durationMs, requests });
  const [result] = await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code]) => [{ failure: `the load generator ended with exit code ${code}` }]),
  ]);
  if (result.failure) throw new Error(result.failure);
  return result;
}

/** In the generator's process. */
async function generate({ url, connections, durationMs, requests }) {
  const { hostname, port } = new URL(url);
  const buffers = requests.map((text) => Buffer.from(text));
  const latencies = [];
  let next = 0;
  const open = () => connect(Number(port), hostname).setNoDelay(true);
  const sockets = Array.from({ length: connections }, open);
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  const startedMs = performance.now();
  const isOver = durationMs === undefined ? () => next >= requests.length : (nowMs) => nowMs >= startedMs + durationMs;
  await Promise.all(
    sockets.map(
      (first) =>
        new Promise((resolve, reject) => {
          let socket = first;
          let sentMs = 0;
          let partial;
          const send = () => {
            sentMs = performance.now();
            socket.write(buffers[next++ % buffers.length]);
          };
          const onClose = () => reject(new Error(`${url} closed a connection`));
          const onData = (chunk) => {
            const data = partial ? Buffer.concat([partial, chunk]) : chunk;
            const headEnd = data.indexOf(HEAD_END);
            const length = headEnd < 0 ? 0 : contentLength(data, headEnd);
            if (headEnd < 0 || data.length < headEnd + HEAD_END.length + length) {
              partial = data;
              return;
            }
            const isLast = /\r\nconnection: close/i.test(data.latin1Slice(0, headEnd));
            partial = undefined;
            // `HTTP/1.1 200`
            if (data[9] !== 50 || data[10] !== 48) return reject(new Error(`${url} answered ${data.toString()}`));
            const nowMs = performance.now();
            latencies.push(nowMs - sentMs);
            if (isOver(nowMs)) return resolve();
            if (isLast) {
              // A server that answers one request on a connection (moto's) pays for the next one, as its clients do.
              socket.off("close", onClose).destroy();
              socket = open();
              listen();
            }
            send();
          };
          const onSilence = () => reject(new Error(`${url} has not answered for ${SILENCE_MS / 1000} s`));
          const listen = () =>
            socket.setTimeout(SILENCE_MS, onSilence).on("error", reject).on("close", onClose).on("data", onData);
          listen();
          send();
        }),
    ),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
  return { count: latencies.length, perSecond: latencies.length / seconds, p50: at(0.5), p99: at(0.99) };
}

/** Finds the header without regard to case, in the head alone. */
function contentLength(data, headEnd) {
  const match = /\r\ncontent-length: (\d+)/i.exec(data.latin1Slice(0, headEnd));
  if (!match) throw new Error("an answer without Content-Length");
  return Number(match[1]);
}

if (process.send && process.argv[1] === new URL(import.meta.url).pathname) {
  process.once("message", async (settings) => {
    const result = await generate(settings).catch((error) => ({ failure: error.message }));
    process.send(result, () => process.exit(0));
  });
}
