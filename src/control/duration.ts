/**
 * Durations and moments as callers write them: `36h`, `1d12h`, ISO 8601 (`P30D`, `PT15M`) or milliseconds. Years and months
 * are no length of time, so they are refused.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../core/clock.ts";
import { shownText, shownValue } from "../core/shown-value.ts";
import { wrongInput } from "./control-error.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  w: 7 * DAY_MS,
  d: DAY_MS,
  h: HOUR_MS,
  m: MINUTE_MS,
  s: 1_000,
  ms: 1,
};
const SHORT = /^(?:\d+(?:\.\d+)?(?:ms|[wdhms]))+$/i;
const SHORT_PART = /(\d+(?:\.\d+)?)(ms|[wdhms])/gi;
const NUMBER = String.raw`(\d+(?:\.\d+)?)`;
const ISO = new RegExp(`^P(?:${NUMBER}W)?(?:${NUMBER}D)?(?:T(?:${NUMBER}H)?(?:${NUMBER}M)?(?:${NUMBER}S)?)?$`, "i");
const MAX_LENGTH = 60;
const EXAMPLES = "write `36h`, `1d12h`, `P30D`, `PT15M` or a number of milliseconds";

/** In milliseconds, whole and not negative. */
export function durationMs(value: unknown): number {
  const ms = typeof value === "number" ? value : typeof value === "string" ? parsed(value) : undefined;
  if (ms !== undefined && Number.isFinite(ms) && ms >= 0) return Math.round(ms);
  if (typeof value === "string" && /^P[^T]*\d[YM]/i.test(value)) {
    throw wrongInput(
      `\`${shownText(value)}\` has no fixed length: years and months differ`,
      "write it in days: `P30D`",
    );
  }
  throw wrongInput(`${shownValue(value)} is no duration`, EXAMPLES);
}

function parsed(text: string): number | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  if (SHORT.test(text)) {
    return [...text.matchAll(SHORT_PART)].reduce(
      (sum, [, count, unit = ""]) => sum + Number(count) * (UNIT_MS[unit.toLowerCase()] ?? Number.NaN),
      0,
    );
  }
  const iso = ISO.exec(text);
  if (!iso || iso.slice(1).every((part) => part === undefined)) return undefined;
  return ["w", "d", "h", "m", "s"].reduce((sum, unit, i) => sum + Number(iso[i + 1] ?? 0) * (UNIT_MS[unit] ?? 0), 0);
}

const ISO_MOMENT = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2}))?$/i;

/** Epoch milliseconds of an ISO 8601 moment with a time zone (`2030-01-01T00:00:00Z`), of a day, or of a `Date`. */
export function momentMs(value: unknown): number {
  const ms =
    value instanceof Date
      ? value.getTime()
      : typeof value === "string" && ISO_MOMENT.test(value)
        ? Date.parse(value)
        : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw wrongInput(`${shownValue(value)} is no moment`, "write it like `2030-01-01T00:00:00Z`");
}
