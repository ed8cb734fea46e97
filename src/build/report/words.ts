/** Words and figures that the reporters share. */
import type { BuildPhase, BuildStatus, CacheOutcome, PhaseType, ReportOutcome } from "../run/events.ts";

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

/** `report app-tests SUCCEEDED: 12 tests, 11 succeeded, 1 skipped`, or the coverage of lines and branches. */
export function reportLine(report: ReportOutcome): string {
  const head = `report ${report.group} ${report.status}`;
  if (report.files === 0) return `${head}: no files`;
  if (report.reportType === "CODE_COVERAGE") {
    return `${head}: ${report.lineCoveragePercentage} % of lines, ${report.branchCoveragePercentage} % of branches`;
  }
  const counts = Object.entries(report.statusCounts).filter(([, count]) => count > 0);
  const parts = counts.map(([status, count]) => `, ${count} ${status.toLowerCase()}`);
  return `${head}: ${report.total} test${report.total === 1 ? "" : "s"}${parts.join("")}`;
}

/** `restored npm-1 from npm-0: 120 files, 3.4 MiB in 0.4 s`, or why there was nothing: one line. */
export function cacheLine({ kind, key, matchedKey, files, bytes, durationMs, reason, store }: CacheOutcome): string {
  const what = [kind, key ?? (store === "S3" ? "the project's cache" : "the local cache")];
  if (matchedKey !== undefined && matchedKey !== key) what.push("from", matchedKey);
  const size = [
    ...(files === undefined ? [] : [`${files} file${files === 1 ? "" : "s"}`]),
    ...(bytes === undefined ? [] : [byteText(bytes)]),
  ];
  const detail = reason ?? size.join(", ");
  const took = reason === undefined ? ` in ${duration(durationMs)}` : "";
  return `${what.join(" ").replaceAll("\n", " ")}${detail === "" ? "" : `: ${detail}`}${took}`;
}

function byteText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const [unit, size] = bytes < 1024 ** 2 ? ["KiB", 1024] : bytes < 1024 ** 3 ? ["MiB", 1024 ** 2] : ["GiB", 1024 ** 3];
  return `${(bytes / Number(size)).toFixed(1)} ${unit}`;
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
