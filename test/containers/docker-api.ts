/** A few requests to a Docker API socket, apart from the product's own client. */
import { request } from "node:http";

export interface ApiReply {
  readonly status: number;
  readonly body: Buffer;
}

export function dockerApi(socketPath: string, method: string, path: string, body?: Buffer): Promise<ApiReply> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        socketPath,
        method,
        path,
        headers: { host: "docker", "content-type": "application/x-tar", "content-length": String(body?.length ?? 0) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** As {@link dockerApi}; throws when the answer is an error. */
export async function dockerApiBody(socketPath: string, method: string, path: string, body?: Buffer): Promise<Buffer> {
  const reply = await dockerApi(socketPath, method, path, body);
  if (reply.status >= 400) throw new Error(`${method} ${path}: ${reply.status} ${reply.body.toString("utf8")}`);
  return reply.body;
}

/** The socket of the Docker engine that tests may use: `KILN_TEST_DOCKER_HOST`, `DOCKER_HOST`, the usual place. */
export async function engineSocket(): Promise<string | undefined> {
  for (const host of [
    process.env["KILN_TEST_DOCKER_HOST"],
    process.env["DOCKER_HOST"],
    "unix:///var/run/docker.sock",
  ]) {
    if (!host?.startsWith("unix://")) continue;
    const path = host.slice("unix://".length);
    const version = await dockerApi(path, "GET", "/version").catch(() => undefined);
    if (version?.status === 200 && !/podman/i.test(version.body.toString("utf8"))) return path;
  }
  return undefined;
}
