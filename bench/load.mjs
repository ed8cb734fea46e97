/** A load generator: `connections` keep-alive connections, each sending the next request when the last was answered. */
import { Agent, request } from "node:http";

/** Requests a second and latency percentiles in milliseconds. `make(index)` gives `{ headers, body }`. */
export async function load(url, { connections, durationMs, make, path = "/" }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port } = new URL(url);
  const latencies = [];
  const untilMs = performance.now() + durationMs;
  let index = 0;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < untilMs) {
        const { headers, body } = make(index++);
        const sentMs = performance.now();
        const status = await send({ agent, hostname, port, path, method: "POST", headers }, body);
        if (status !== 200) throw new Error(`${url} answered ${status}`);
        latencies.push(performance.now() - sentMs);
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  agent.destroy();
  latencies.sort((a, b) => a - b);
  return { perSecond: latencies.length / seconds, p50: at(latencies, 0.5), p99: at(latencies, 0.99) };
}

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

function send(options, body) {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        if (response.statusCode !== 200) text += chunk;
      });
      response.on("end", () =>
        response.statusCode === 200 ? resolve(200) : reject(new Error(`${response.statusCode} ${text}`)),
      );
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
