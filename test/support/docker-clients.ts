/** The docker clients that this machine has, for tests that every one of them runs. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { DockerSocket } from "../../src/docker-api/index.ts";
import { type DockerClient, smallDocker } from "./docker-fixture.ts";

export interface NamedClient {
  readonly name: string;
  readonly open: (socket: DockerSocket) => DockerClient;
}

const at =
  (path: string): NamedClient["open"] =>
  (socket) =>
  (args, options = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(path, [...args], {
        cwd: options.cwd ?? "/",
        env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...socket.variables },
        stdio: ["pipe", "pipe", "pipe"],
      });
      const chunks: { out: Buffer[]; err: Buffer[] } = { out: [], err: [] };
      child.stdout.on("data", (chunk: Buffer) => chunks.out.push(chunk));
      child.stderr.on("data", (chunk: Buffer) => chunks.err.push(chunk));
      child.on("error", reject);
      child.on("close", (code) =>
        resolve({
          code: code ?? -1,
          out: Buffer.concat(chunks.out).toString(),
          err: Buffer.concat(chunks.err).toString(),
        }),
      );
      child.stdin.on("error", () => undefined);
      child.stdin.end(options.stdin ?? "");
    });

/** Kiln's small one, and every docker CLI of the usual folders. */
export const dockerClients: readonly NamedClient[] = [
  { name: "Kiln's small docker", open: smallDocker },
  ...["/usr/local/bin/docker", "/usr/bin/docker"]
    .filter((path) => existsSync(path))
    .map((path) => ({ name: path, open: at(path) })),
];
if (dockerClients.length === 1) process.stderr.write("the docker CLI is not on this machine: its tests are skipped\n");
