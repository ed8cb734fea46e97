/** Lengths of time as flags take them: `30s`, `10m`, `2h`, `1d`. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../core/clock.ts";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

/** In milliseconds; undefined for what is no such length. */
export function shortDurationMs(text: string): number | undefined {
  const [, count, unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  return unitMs === undefined ? undefined : Number(count) * unitMs;
}
