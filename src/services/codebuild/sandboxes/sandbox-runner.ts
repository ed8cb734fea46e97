/**
 * The sandboxes that this process keeps open (sandbox-run.ts), and the stop of those that others do. Sandboxes whose
 * owner died are closed by the next process that starts (`recover`).
 */
import { debug } from "../../../core/log.ts";
import { removeFolders } from "../builds/build-folders.ts";
import { type OwnRun, OwnRuns, whyLeft } from "../builds/own-runs.ts";
import type { RoleSession } from "../builds/role-session.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";
import { type CodeBuildRecords, recordsIn, type SandboxRecord } from "../records.ts";
import { Bell } from "./bell.ts";
import { isOver, keyOfSandbox } from "./sandbox-records.ts";

/** How long StopSandbox waits for the sandbox of another process to end. */
const STOP_WAIT_MS = 20_000;

interface OpenSandbox extends OwnRun {
  readonly session: RoleSession;
  readonly token: string;
  /** Ends the pause between two looks for commands. */
  wake(): void;
}

export class SandboxRunner {
  readonly #dependencies: CodeBuildDependencies;
  readonly #records: CodeBuildRecords;
  readonly #artifactsDir: (uuid: string) => string;
  readonly #runs: OwnRuns<OpenSandbox>;

  constructor(dependencies: CodeBuildDependencies, artifactsDir: (uuid: string) => string) {
    this.#dependencies = dependencies;
    this.#records = recordsIn(dependencies.store);
    this.#runs = new OwnRuns(dependencies, this.#records.stops, STOP_WAIT_MS);
    this.#artifactsDir = artifactsDir;
  }

  /** Takes over a sandbox whose record was just written. */
  start(record: SandboxRecord, session: RoleSession): void {
    const stop = new AbortController();
    const token = this.#dependencies.ids.alphanumeric(48);
    const bell = new Bell();
    const finished = import("./sandbox-run.ts")
      .then(({ SandboxRun }) =>
        new SandboxRun(this.#dependencies, record, session, token, stop, bell, this.#artifactsDir).run(),
      )
      .catch((error: unknown) => debug("run", () => `sandbox ${record.sandbox.id}: ${String(error)}`))
      .finally(() => this.#runs.remove(record.uuid, stop));
    this.#runs.add(record.uuid, { session, token, stop, finished, wake: () => bell.ring() });
  }

  /** Credentials of an open sandbox, for the container-credentials route. */
  credentialsFor(uuid: string): { readonly session: RoleSession; readonly token: string } | undefined {
    return this.#runs.get(uuid);
  }

  /** A command was written: the owner looks for it at once when it is this process. */
  wake(uuid: string): void {
    this.#runs.get(uuid)?.wake();
  }

  /** Closes a sandbox wherever it is open; resolves when it is over, or after a few seconds for another process's. */
  stop(record: SandboxRecord): Promise<void> {
    const { uuid, owner } = record;
    const key = keyOfSandbox(record);
    return this.#runs.stop({
      ...{ uuid, owner, key },
      isOver: () => {
        const now = this.#records.sandboxes.get(key);
        return now === undefined || isOver(now);
      },
      interrupt: () => this.#interrupt(record),
    });
  }

  /** Sessions of the sandboxes that are open here. */
  sessions(): RoleSession[] {
    return this.#runs.all().map(({ session }) => session);
  }

  /** Closes sandboxes of processes that are no longer there; with `orMine`, those that this one does not know, too. */
  async recover(orMine = false): Promise<void> {
    for (const { value } of this.#records.sandboxes.list([])) {
      if (isOver(value) || !this.#runs.isLeft(value, orMine)) continue;
      await this.#interrupt(value).catch((error: unknown) =>
        debug("run", () => `${value.sandbox.id}: ${String(error)}`),
      );
    }
  }

  /** Closes what is open here and waits for it. */
  close(): Promise<void> {
    return this.#runs.close();
  }

  /** The same, and opens new ones again. */
  stopAll(): Promise<void> {
    return this.#runs.stopAll();
  }

  async #interrupt(record: SandboxRecord): Promise<void> {
    const { store, clock, engines } = this.#dependencies;
    for (const engine of engines) {
      await engine.reclaim({ buildId: record.sandbox.id ?? "", workDir: record.workDir });
    }
    await removeFolders(record);
    const { closeSandbox } = await import("./sandbox-run.ts");
    const message = `${whyLeft("the sandbox was open", record.owner)}; start another one`;
    await store.write(() => {
      const key = keyOfSandbox(record);
      const current = this.#records.sandboxes.get(key);
      this.#records.stops.delete(key);
      if (!current || isOver(current)) return;
      closeSandbox(this.#records, current, "FAULT", clock.nowMs(), { statusCode: "INTERNAL_SERVICE_ERROR", message });
    });
  }
}
