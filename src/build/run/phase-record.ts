/** The phases of a build as they happen: starts, ends, contexts. */
import type { Clock } from "../../core/clock.ts";
import type { BuildLog } from "./build-log.ts";
import type { BuildPhase, BuildStatus, PhaseContext, PhaseType } from "./events.ts";

/** AWS: SUBMITTED and QUEUED carry no contexts when they succeed, COMPLETED never does. */
const WITHOUT_CONTEXTS: ReadonlySet<PhaseType> = new Set(["SUBMITTED", "QUEUED", "COMPLETED"]);

export class PhaseRecord {
  readonly #clock: Clock;
  readonly #log: BuildLog;
  readonly #done: BuildPhase[] = [];
  #open: { phaseType: PhaseType; startTimeMs: number } | undefined;

  constructor(clock: Clock, log: BuildLog) {
    this.#clock = clock;
    this.#log = log;
  }

  get phases(): readonly BuildPhase[] {
    return this.#done;
  }

  /** `startTimeMs`: when it began, if that was earlier. */
  start(phaseType: PhaseType, startTimeMs = this.#clock.nowMs()): void {
    this.#open = { phaseType, startTimeMs };
    this.#log.phaseStarted(phaseType);
  }

  finish(phaseStatus: BuildStatus, context?: PhaseContext, endTimeMs = this.#clock.nowMs()): void {
    if (!this.#open) return;
    const { phaseType, startTimeMs } = this.#open;
    this.#open = undefined;
    // AWS: a stopped phase has no contexts; a successful one has an empty one.
    const contexts = context
      ? [context]
      : phaseStatus === "SUCCEEDED" && !WITHOUT_CONTEXTS.has(phaseType)
        ? [{ statusCode: "", message: "" }]
        : undefined;
    this.#push({
      phaseType,
      phaseStatus,
      startTimeMs,
      endTimeMs,
      durationInSeconds: Math.floor((endTimeMs - startTimeMs) / 1000),
      ...(contexts ? { contexts } : {}),
    });
  }

  /** The terminal marker: only its start. */
  complete(): void {
    this.#log.phaseStarted("COMPLETED");
    this.#push({ phaseType: "COMPLETED", startTimeMs: this.#clock.nowMs() });
  }

  #push(phase: BuildPhase): void {
    this.#done.push(this.#log.phaseFinished(phase));
  }
}
