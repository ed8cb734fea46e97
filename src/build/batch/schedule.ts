/**
 * What a batch does next, from how its builds stand: pure, so that order, limits and failures are tested without builds.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html (fast-fail, ignore-failure,
 * depend-on). Chosen where AWS says nothing: a failed build with `ignore-failure` does not hold back what depends on it.
 */
import type { BatchTask } from "./batch-plan.ts";

export type TaskEnd = "SUCCEEDED" | "FAILED" | "FAULT" | "TIMED_OUT" | "STOPPED";

/** `SKIPPED`: ended without a build, because something before it failed. AWS shows it as STOPPED. */
export type TaskStatus = "PENDING" | "RUNNING" | "SKIPPED" | TaskEnd;

export interface NextSteps {
  /** Builds to start now, in order. */
  readonly start: readonly string[];
  /** Builds that will never start. */
  readonly skip: readonly string[];
  /** Builds to stop now (`fast-fail`). */
  readonly stop: readonly string[];
  /** Set when nothing is left to do. */
  readonly outcome?: "SUCCEEDED" | "FAILED";
}

type ScheduledTask = Pick<BatchTask, "identifier" | "dependsOn" | "ignoreFailure">;

/** `limit` builds may run at the same time. Tasks without a status are pending. */
export function nextSteps(
  tasks: readonly ScheduledTask[],
  statuses: ReadonlyMap<string, TaskStatus>,
  { fastFail, limit }: { readonly fastFail: boolean; readonly limit: number },
): NextSteps {
  const now = new Map(tasks.map(({ identifier }) => [identifier, statuses.get(identifier) ?? "PENDING"]));
  const byName = new Map(tasks.map((task) => [task.identifier, task]));
  const isBad = (task: ScheduledTask): boolean => {
    const status = now.get(task.identifier);
    if (status === "PENDING" || status === "RUNNING" || status === "SUCCEEDED") return false;
    return status === "SKIPPED" || !task.ignoreFailure;
  };
  const hasFailed = tasks.some(isBad);
  const running = tasks.filter(({ identifier }) => now.get(identifier) === "RUNNING").map((task) => task.identifier);
  const skip: string[] = [];
  for (let found = true; found; ) {
    found = false;
    for (const task of tasks) {
      if (now.get(task.identifier) !== "PENDING") continue;
      const isHopeless = task.dependsOn.some((name) => {
        const before = byName.get(name);
        return before !== undefined && isBad(before);
      });
      if (!isHopeless && !(fastFail && hasFailed)) continue;
      now.set(task.identifier, "SKIPPED");
      skip.push(task.identifier);
      found = true;
    }
  }
  const isReady = (task: ScheduledTask): boolean =>
    now.get(task.identifier) === "PENDING" &&
    task.dependsOn.every((name) => {
      const status = now.get(name);
      return status !== "PENDING" && status !== "RUNNING";
    });
  const start = tasks
    .filter(isReady)
    .slice(0, Math.max(0, limit - running.length))
    .map(({ identifier }) => identifier);
  const isOver = [...now.values()].every((status) => status !== "PENDING" && status !== "RUNNING");
  return {
    start,
    skip,
    stop: fastFail && hasFailed ? running : [],
    ...(isOver && { outcome: tasks.some(isBad) ? ("FAILED" as const) : ("SUCCEEDED" as const) }),
  };
}
