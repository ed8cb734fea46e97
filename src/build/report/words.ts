/** Words and figures that the reporters share. */
import type { BuildPhase, BuildStatus, PhaseType } from "../run/events.ts";

/** `0.4 s`, `12 s`, `3 min 05 s`. */
export function duration(ms: number): string {
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

/** `command (exit status 1)`-like words for a phase that did not succeed. */
export function contextLine(phase: BuildPhase): string | undefined {
  const context = phase.contexts?.find(({ statusCode, message }) => statusCode !== "" || message !== "");
  return context && `${context.statusCode}: ${context.message}`;
}

export const phaseTime = (phase: BuildPhase): string =>
  phase.endTimeMs === undefined ? "" : duration(phase.endTimeMs - phase.startTimeMs);

export const isBad = (status: BuildStatus | undefined): boolean =>
  status !== undefined && status !== "SUCCEEDED" && status !== "IN_PROGRESS";

/** Phases that are only worth a line when something went wrong in them. */
export const isQuietPhase = (phase: PhaseType): boolean =>
  phase === "SUBMITTED" ||
  phase === "QUEUED" ||
  phase === "PROVISIONING" ||
  phase === "FINALIZING" ||
  phase === "COMPLETED";
