/**
 * The server's port: taken at the start, with the reason where it cannot be had, and given back at the end. Used by
 * server.ts.
 */
import type { Server, ServerResponse } from "node:http";
import type { Clock } from "../core/clock.ts";
import { KilnError } from "../core/errors.ts";

const CLOSE_GRACE_MS = 3_000;
const CLOSE_SWEEP_MS = 25;

interface Address {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** Rejects with `KILN_E_PORT_IN_USE` or `KILN_E_CANNOT_LISTEN`. */
export function listen(server: Server, { host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      refusal(host, port, error).then(reject, reject);
    };
    server.once("error", onError);
    server.listen(port, host, () => {
      server.off("error", onError);
      resolve();
    });
  });
}

async function refusal(host: string, port: number, error: NodeJS.ErrnoException): Promise<KilnError> {
  if (error.code !== "EADDRINUSE") return cannotListen(host, port, error);
  // Loaded when it is needed: most starts find their port free.
  const { portInUse } = await import("./port-in-use.ts");
  return portInUse(host, port, error);
}

function cannotListen(host: string, port: number, error: NodeJS.ErrnoException): KilnError {
  return new KilnError({
    code: "KILN_E_CANNOT_LISTEN",
    message: `cannot listen on port ${port} of \`${host}\`: ${error.code ?? error.message}`,
    fix:
      error.code === "EACCES"
        ? ["ports below 1024 need rights you do not have; use a higher one: --port 4566"]
        : ["use an address of this machine: --host 127.0.0.1"],
    exitCode: 4,
    cause: error,
  });
}

/** Lets running requests finish for a moment; `endless` are the answers that would never. */
export function closeServer(server: Server, clock: Clock, endless: Iterable<ServerResponse>): Promise<void> {
  for (const response of endless) response.end();
  return new Promise((resolve) => {
    const deadlineMs = clock.nowMs() + CLOSE_GRACE_MS;
    let timer: { cancel(): void } | undefined;
    // Kept-alive connections end as soon as their last request is answered.
    const sweep = (): void => {
      if (clock.nowMs() >= deadlineMs) server.closeAllConnections();
      else server.closeIdleConnections();
      timer = clock.after(CLOSE_SWEEP_MS, sweep);
    };
    server.close(() => {
      timer?.cancel();
      resolve();
    });
    sweep();
  });
}
