/**
 * Runs batches in this process, beside the builds' runner. A batch that another process runs is stopped by a mark that
 * its owner polls; batches whose owner died are closed by the next process that starts (`recover`).
 */
import { debug } from "../../../core/log.ts";
import type { BuildContext } from "../builds/build-context.ts";
import type { BuildRunner } from "../builds/build-runner.ts";
import { type OwnRun, OwnRuns } from "../builds/own-runs.ts";
import type { RoleSession } from "../builds/role-session.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";
import { buildKey, recordsIn } from "../records.ts";
import { ended } from "./batch-journal.ts";
import {
  type BatchGroupRecord,
  type BatchRecord,
  type BatchRecords,
  batchKey,
  batchRecordsIn,
  updateBatch,
} from "./batch-records.ts";
import { batchInterrupted } from "./batch-texts.ts";

/** How long StopBuildBatch waits for the batch of another process to end. */
const STOP_WAIT_MS = 30_000;

export class BatchRunner {
  readonly #dependencies: CodeBuildDependencies;
  readonly #runner: BuildRunner;
  readonly #records: BatchRecords;
  readonly #runs: OwnRuns<OwnRun>;

  constructor(dependencies: CodeBuildDependencies, runner: BuildRunner) {
    this.#dependencies = dependencies;
    this.#runner = runner;
    this.#records = batchRecordsIn(dependencies.store);
    this.#runs = new OwnRuns(dependencies, this.#records.stops, STOP_WAIT_MS);
  }

  /** A session of the batch role; AssumeRole is its first call. */
  newSession({ uuid, settings, config, scope }: BatchRecord): RoleSession {
    return this.#runner.newSession(uuid, settings.projectName, config.serviceRole, scope);
  }

  /** Takes over a batch whose record was just written. `projectLimit`: builds the project may run at once. */
  start(record: BatchRecord, session: RoleSession, context: BuildContext, projectLimit?: number): void {
    const stop = new AbortController();
    const { clock } = this.#dependencies;
    const input = {
      record,
      // Its time limits are those of work.
      context: { ...context, clock },
      session,
      runner: this.#runner,
      limit: Math.max(1, this.#dependencies.batchParallelism ?? Number.POSITIVE_INFINITY),
      projectLimit,
      stop: stop.signal,
    };
    const polling = this.#runs.pollForStop(batchKey(record), stop);
    const finished = import("./batch-run.ts")
      .then(({ BatchRun }) => new BatchRun(input).run())
      .catch((error: unknown) => debug("run", () => `batch ${record.batch.id}: ${String(error)}`))
      .finally(() => {
        polling.cancel();
        this.#runs.remove(record.uuid, stop);
      });
    this.#runs.add(record.uuid, { stop, finished });
  }

  /** Resolves when a batch that runs in this process has ended and its record says so. */
  ended(uuid: string): Promise<void> {
    return this.#runs.ended(uuid);
  }

  /** Stops a batch with its builds, wherever it runs; resolves when it has ended, or after a while for another process's. */
  stop(record: BatchRecord): Promise<void> {
    const { uuid, owner } = record;
    const key = batchKey(record);
    return this.#runs.stop({
      ...{ uuid, owner, key },
      isOver: () => this.#records.batches.get(key)?.batch.complete !== false,
      interrupt: () => this.#interrupt(record),
    });
  }

  /**
   * Closes batches that a process left unfinished which is no longer there. Call once at the start, after the builds'; and
   * with `orMine` for those that this process does not know, either.
   */
  async recover(orMine = false): Promise<void> {
    for (const { key } of this.#records.active.list([])) {
      const record = this.#records.batches.get(key);
      if (!record || !this.#runs.isLeft(record, orMine)) continue;
      // As with builds: one that cannot be closed now is tried again at the next start.
      await this.#interrupt(record).catch((error: unknown) =>
        debug("run", () => `batch ${record.batch.id}: ${String(error)}`),
      );
    }
  }

  /** Stops what runs and waits for it. Call before the builds' runner is closed. */
  close(): Promise<void> {
    return this.#runs.close();
  }

  /** The same, and takes new ones again. */
  stopAll(): Promise<void> {
    return this.#runs.stopAll();
  }

  async #interrupt(record: BatchRecord): Promise<void> {
    const { store, clock } = this.#dependencies;
    const nowMs = clock.nowMs();
    await store.write(() => {
      const key = batchKey(record);
      const current = this.#records.batches.get(key);
      this.#records.stops.delete(key);
      // Another process may have closed it at the same time, or deleted it.
      if (!current || current.batch.complete === true) return;
      const closed: BatchRecord = {
        ...current,
        groups: current.groups.map((group) => this.#groupAfter(group, current, nowMs)),
        phases: current.phases.map((phase) =>
          phase.phaseStatus === undefined
            ? {
                ...phase,
                phaseStatus: "FAULT" as const,
                endTimeMs: nowMs,
                durationInSeconds: Math.floor((nowMs - phase.startTimeMs) / 1000),
                contexts: [batchInterrupted(current.owner)],
              }
            : phase,
        ),
      };
      updateBatch(this.#records, { ...closed, ...ended(closed, "FAULT", nowMs) });
    });
  }

  /** A group of a batch that nobody runs any more: its build as it ended, or STOPPED when it had none. */
  #groupAfter(group: BatchGroupRecord, record: BatchRecord, nowMs: number): BatchGroupRecord {
    const { current } = group;
    if (!current) return { ...group, current: { requestedOnMs: nowMs, buildStatus: "STOPPED" } };
    if (current.uuid === undefined || current.buildStatus !== "IN_PROGRESS") return group;
    const key = buildKey(record.scope, record.settings.projectName, current.uuid);
    const status = recordsIn(this.#dependencies.store).builds.get(key)?.build.buildStatus;
    return {
      ...group,
      current: { ...current, buildStatus: status === undefined || status === "IN_PROGRESS" ? "FAULT" : status },
    };
  }
}
