/** What a group's retention still shows. */
import type { LogGroupRecord } from "./records.ts";

const DAY_MS = 86_400_000;

/** Events before this time have expired. */
export const visibleFromMs = (group: LogGroupRecord, nowMs: number): number =>
  group.retentionDays === undefined ? 0 : nowMs - group.retentionDays * DAY_MS;
