/**
 * HEALTHCHECK of a running container: its command, run by and by, makes the container `starting`, `healthy` or `unhealthy`.
 * Source: https://docs.docker.com/reference/dockerfile/#healthcheck
 * Gaps: `StartInterval` (API 1.44).
 */
import { type Clock, sleep } from "../../../core/clock.ts";
import { sendSignal } from "../../../core/process-table.ts";
import type { EventLog } from "../system/event-log.ts";
import type { Container } from "./container.ts";
import { commandBelow } from "./container-processes.ts";
import type { Execs } from "./execs.ts";

const DEFAULT_INTERVAL_MS = 30_000;
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_RETRIES = 3;
const KEPT_RESULTS = 5;
const MAX_OUTPUT_BYTES = 4096;

/** Starts to watch; the returned function ends it. */
export function watchHealth(
  deps: { readonly clock: Clock; readonly events: EventLog },
  execs: Execs,
  container: Container,
): () => void {
  const check = container.spec.config.Healthcheck;
  const [kind, ...words] = check?.Test ?? [];
  const argv = kind === "CMD" ? words : kind === "CMD-SHELL" ? ["/bin/sh", "-c", words.join(" ")] : [];
  if (!check || argv.length === 0) {
    container.health = undefined;
    return () => undefined;
  }
  const health: NonNullable<Container["health"]> = { status: "starting", failures: 0, log: [] };
  container.health = health;
  const stop = new AbortController();
  const { clock, events } = deps;
  const inMs = (nanoseconds: number | undefined, otherwise: number): number =>
    nanoseconds ? nanoseconds / 1_000_000 : otherwise;
  const startedMs = clock.nowMs();
  const probe = async (): Promise<void> => {
    const startMs = clock.nowMs();
    const { exitCode, output } = await runProbe(clock, execs, container, argv, inMs(check.Timeout, DEFAULT_TIMEOUT_MS));
    if (stop.signal.aborted) return;
    const [Start, End] = [startMs, clock.nowMs()].map((ms) => new Date(ms).toISOString()) as [string, string];
    health.log.push({ Start, End, ExitCode: exitCode, Output: output });
    if (health.log.length > KEPT_RESULTS) health.log.shift();
    const before = health.status;
    if (exitCode === 0) {
      health.failures = 0;
      health.status = "healthy";
    } else {
      const isEarly = before === "starting" && startMs - startedMs < inMs(check.StartPeriod, 0);
      if (!isEarly) health.failures++;
      if (health.failures >= (check.Retries || DEFAULT_RETRIES)) health.status = "unhealthy";
    }
    if (health.status !== before)
      events.add("container", `health_status: ${health.status}`, container.id, {
        ...container.spec.config.Labels,
        image: container.spec.imageName,
        name: container.name,
      });
  };
  const watch = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await sleep(clock, inMs(check.Interval, DEFAULT_INTERVAL_MS), stop.signal);
      await probe();
    }
  };
  // Ends by its signal only.
  watch().catch(() => undefined);
  return () => stop.abort();
}

async function runProbe(
  clock: Clock,
  execs: Execs,
  container: Container,
  argv: readonly string[],
  timeoutMs: number,
): Promise<{ exitCode: number; output: string }> {
  const none = { user: "", workingDirectory: "", env: [], tty: false, stdin: false, stdout: true, stderr: true };
  const exec = execs.create(container, { argv, ...none });
  try {
    const { child, sources, ended } = await execs.start(exec);
    const chunks: Buffer[] = [];
    for (const source of sources) {
      source.on("data", (chunk: Buffer) => {
        if (Buffer.concat(chunks).length < MAX_OUTPUT_BYTES) chunks.push(chunk);
      });
    }
    let isLate = false;
    const timer = clock.after(timeoutMs, () => {
      isLate = true;
      // What was joined stays inside when only the joining process is killed.
      const pid = exec.isRunning && child.exitCode === null ? commandBelow(child.pid ?? 0, false) : undefined;
      if (pid !== undefined) sendSignal(pid, "SIGKILL");
    });
    const exitCode = await ended;
    timer.cancel();
    if (isLate) return { exitCode: -1, output: `Health check exceeded timeout (${timeoutMs / 1000}s)` };
    return { exitCode, output: Buffer.concat(chunks).subarray(0, MAX_OUTPUT_BYTES).toString("utf8") };
  } catch (error) {
    return { exitCode: -1, output: (error as Error).message };
  } finally {
    execs.forget(exec);
  }
}
