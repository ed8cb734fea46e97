/** Closes the record of a build that nobody runs any more: status FAULT, the open phase names the interruption. */
import type { BuildEvent, BuildPhase } from "../../../build/run/index.ts";
import type { BuildRecord } from "../records.ts";

export function markInterrupted(
  record: BuildRecord,
  nowMs: number,
  message: string,
): { readonly record: BuildRecord; readonly events: readonly BuildEvent[] } {
  const context = { statusCode: "INTERNAL_SERVICE_ERROR", message };
  const open = record.phases.find((phase) => phase.phaseStatus === undefined && phase.phaseType !== "COMPLETED");
  const closed: BuildPhase = {
    phaseType: open?.phaseType ?? "FINALIZING",
    startTimeMs: open?.startTimeMs ?? nowMs,
    phaseStatus: "FAULT",
    endTimeMs: nowMs,
    durationInSeconds: Math.floor((nowMs - (open?.startTimeMs ?? nowMs)) / 1000),
    contexts: [context],
  };
  const phases: BuildPhase[] = [
    ...record.phases.filter((phase) => phase !== open && phase.phaseType !== "COMPLETED"),
    closed,
    { phaseType: "COMPLETED", startTimeMs: nowMs },
  ];
  const base = { buildId: record.build.id ?? "", atMs: nowMs };
  return {
    record: {
      ...record,
      build: { ...record.build, buildStatus: "FAULT", buildComplete: true, currentPhase: "COMPLETED", endTime: nowMs },
      phases,
    },
    events: [
      { ...base, type: "phase-finished", phase: closed },
      { ...base, type: "build-finished", buildStatus: "FAULT", phases },
    ],
  };
}
