/**
 * The sandboxes that this process keeps open (sandbox-run.ts), and the stop of those that others do. Sandboxes whose owner died are closed by the next process that starts (`recover`).
 */
import { sleep } from "../../../core/clock.ts";
import { debug } from "../../../core/log.ts";
import { removeFolders } from "../builds/build-folders.ts";
import { isAlive } from "../builds/process-mark.ts";
import type { RoleSession } from "../builds/role-session.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";
import { type CodeBuildRecords, recordsIn, type SandboxRecord } from "../records.ts";
import { isOver, keyOfSandbox } from "./sandbox-records.ts";
import { Bell, closeSandbox, POLL_MS, SandboxRun } from "./sandbox-run.ts";

/** How long StopSandbox waits for the sandbox of another process to end. */
const STOP_WAIT_MS = 5000;

interface RunningSandbox {
  readonly session: RoleSession;
  readonly token: string;
  readonly stop: AbortController;
  readonly finished: Promise<void>;
  /** Ends the pause between two looks for commands. */
  wake(): void;
}

export class SandboxRunner {
  readonly #dependencies: CodeBuildDependencies;
  readonly #records: CodeBuildRecords;
  readonly #artifactsDir: (uuid: string) => string;
  readonly #running = new Map<string, RunningSandbox>();

  constructor(dependencies: CodeBuildDependencies, artifactsDir: (uuid: string) => string) {
    this.#dependencies = dependencies;
    this.#records = recordsIn(dependencies.store);
    this.#artifactsDir = artifactsDir;
  }

  /** Takes over a sandbox whose record was just written. */
  start(record: SandboxRecord, session: RoleSession): void {
    const stop = new AbortController();
    const token = this.#dependencies.ids.alphanumeric(48);
    const bell = new Bell();
    const finished = new SandboxRun(this.#dependencies, record, session, token, stop, bell, this.#artifactsDir)
      .run()
      .catch((error: unknown) => debug("run", () => `sandbox ${record.sandbox.id}: ${String(error)}`))
      .finally(() => this.#running.delete(record.uuid));
    this.#running.set(record.uuid, { session, token, stop, finished, wake: () => bell.ring() });
  }

  /** Credentials of an open sandbox, for the container-credentials route. */
  credentialsFor(uuid: string): { readonly session: RoleSession; readonly token: string } | undefined {
    return this.#running.get(uuid);
  }

  /** A command was written: the owner looks for it at once when it is this process. */
  wake(uuid: string): void {
    this.#running.get(uuid)?.wake();
  }

  /** Closes a sandbox wherever it is open; resolves when it is over, or after a few seconds for another process's. */
  async stop(record: SandboxRecord): Promise<void> {
    const running = this.#running.get(record.uuid);
    if (running) {
      running.stop.abort();
      await running.finished;
      return;
    }
    if (!isAlive(record.owner)) return this.#interrupt(record);
    const key = keyOfSandbox(record);
    const { store, clock } = this.#dependencies;
    await store.write(() => this.#records.stops.put(key, true));
    for (let waitedMs = 0; waitedMs < STOP_WAIT_MS; waitedMs += POLL_MS / 4) {
      const now = this.#records.sandboxes.get(key);
      if (!now || isOver(now)) return;
      await sleep(clock, POLL_MS / 4);
    }
  }

  /** Closes sandboxes of processes that are no longer there. */
  async recover(): Promise<void> {
    for (const { value } of this.#records.sandboxes.list([])) {
      if (!isOver(value) && !this.#running.has(value.uuid) && !isAlive(value.owner)) await this.#interrupt(value);
    }
  }

  async close(): Promise<void> {
    const running = [...this.#running.values()];
    for (const sandbox of running) sandbox.stop.abort();
    await Promise.all(running.map((sandbox) => sandbox.finished));
  }

  async #interrupt(record: SandboxRecord): Promise<void> {
    const { store, clock, engines } = this.#dependencies;
    for (const engine of engines) {
      await engine.reclaim({ buildId: record.sandbox.id ?? "", workDir: record.workDir });
    }
    await removeFolders(record);
    const message = `Kiln was interrupted while the sandbox was open (process ${record.owner.pid} ended); start another one`;
    await store.write(() => {
      const key = keyOfSandbox(record);
      const current = this.#records.sandboxes.get(key);
      this.#records.stops.delete(key);
      if (!current || isOver(current)) return;
      closeSandbox(this.#records, current, "FAULT", clock.nowMs(), { statusCode: "INTERNAL_SERVICE_ERROR", message });
    });
  }
}
