/** The record of a batch while it runs: every change is written down at once, in the order it came. */
import type { Store } from "../../../store/store.ts";
import type { OperationContext } from "../../service.ts";
import { type BuildRecord, buildKey, recordsIn } from "../records.ts";
import type { PhaseContext } from "../shapes.gen.ts";
import {
  type BatchBuild,
  type BatchGroupRecord,
  type BatchPhaseType,
  type BatchRecord,
  type BatchStatus,
  batchKey,
  batchRecordsIn,
  updateBatch,
} from "./batch-records.ts";

export class BatchJournal {
  readonly #store: Store;
  readonly #clock: OperationContext["clock"];
  #record: BatchRecord;

  constructor(record: BatchRecord, { store, clock }: Pick<OperationContext, "store" | "clock">) {
    this.#record = record;
    this.#store = store;
    this.#clock = clock;
  }

  get record(): BatchRecord {
    return this.#record;
  }

  async save(change: Partial<BatchRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    const record = this.#record;
    const records = batchRecordsIn(this.#store);
    await this.#store.write(() => {
      updateBatch(records, record);
      if (record.batch.complete === true) records.stops.delete(batchKey(record));
    });
  }

  async openPhase(phaseType: BatchPhaseType): Promise<void> {
    const startTimeMs = this.#clock.nowMs();
    await this.save({
      phases: [...this.#record.phases, { phaseType, startTimeMs }],
      batch: { ...this.#record.batch, currentPhase: phaseType },
    });
  }

  /** Ends the last phase, if it has not ended yet. */
  async closePhase(phaseStatus: BatchStatus, contexts: readonly PhaseContext[] = []): Promise<void> {
    const endTimeMs = this.#clock.nowMs();
    const phases = this.#record.phases.map((phase, index) =>
      index === this.#record.phases.length - 1 && phase.phaseStatus === undefined
        ? {
            ...phase,
            phaseStatus,
            endTimeMs,
            durationInSeconds: Math.floor((endTimeMs - phase.startTimeMs) / 1000),
            ...(contexts.length > 0 ? { contexts } : {}),
          }
        : phase,
    );
    await this.save({ phases });
  }

  async updateGroup(identifier: string, change: Partial<BatchGroupRecord>): Promise<void> {
    const groups = this.#record.groups.map((group) =>
      group.identifier === identifier ? { ...group, ...change } : group,
    );
    await this.save({ groups });
  }

  async finish(status: BatchStatus): Promise<void> {
    await this.save(ended(this.#record, status, this.#clock.nowMs()));
  }

  /** The record of a group's build; undefined when it has none, or none any more. */
  buildOf(build: BatchBuild | undefined): BuildRecord | undefined {
    if (build?.uuid === undefined) return undefined;
    const { scope, settings } = this.#record;
    return recordsIn(this.#store).builds.get(buildKey(scope, settings.projectName, build.uuid));
  }
}

/** What changes when a batch is over: AWS has terminal phases for three ends only, the others are FAILED. */
export function ended(record: BatchRecord, status: BatchStatus, nowMs: number): Partial<BatchRecord> {
  const terminal: BatchPhaseType = status === "SUCCEEDED" || status === "STOPPED" ? status : "FAILED";
  return {
    phases: [...record.phases, { phaseType: terminal, startTimeMs: nowMs }],
    batch: { ...record.batch, buildBatchStatus: status, complete: true, currentPhase: terminal, endTime: nowMs },
  };
}
