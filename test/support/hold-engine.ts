/**
 * One suite at a time on a container engine: suites that look at all of an engine's images and containers would see each
 * other's. Whoever listens at the lock's socket holds it; the others wait until that connection ends, also by a crash.
 */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** For hooks that wait for others. */
export const HOLD_TIMEOUT_MS = 600_000;

/** Waits for the engine at `host` (a `DOCKER_HOST`); gives back what lets the next one have it. */
export async function holdEngine(host: string): Promise<() => Promise<void>> {
  const name = createHash("sha256").update(host).digest("hex").slice(0, 12);
  const path = join(tmpdir(), `kiln-engine-${name}.lock`);
  for (;;) {
    const server = await listen(path);
    if (server)
      return () => {
        for (const socket of server.waiting) socket.destroy();
        return new Promise((resolve) => server.close(() => resolve()));
      };
    await released(path);
  }
}

type Holder = Server & { readonly waiting: Set<{ destroy(): void }> };

function listen(path: string): Promise<Holder | undefined> {
  const waiting = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    waiting.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => waiting.delete(socket));
  });
  return new Promise((resolve, reject) => {
    server.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen(path, () => resolve(Object.assign(server, { waiting })));
  });
}

/** Ends when the holder does; a socket that a killed process left is removed. */
function released(path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") void rm(path, { force: true }).then(() => resolve());
      else resolve();
    });
    socket.on("end", () => resolve());
    socket.resume();
  });
}
