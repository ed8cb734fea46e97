/**
 * When a secret is rotated: rules in AWS's words (`AutomaticallyAfterDays`, `rate(…)`, `cron(…)`, `Duration`) checked,
 * and the next window that they mean. Windows open on the hour, in UTC. Pure.
 * Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
 */
import { DAY_MS, HOUR_MS } from "../../../core/clock.ts";
import { invalidParameter, rulesConflict } from "../errors.ts";
import type { RotationRules, RotationWindow } from "../records.ts";

const MIN_HOURS_BETWEEN = 4;
const MAX_HOURS_BETWEEN = 23;
const MAX_DAYS_BETWEEN = 999;
/** Eight years hold a leap day, also around a century. */
const SEARCHED_DAYS = 8 * 366;

/** Opens at one of `hours` on the days that match; `isHourly` where it may be more than once a day. */
type Schedule =
  | { readonly kind: "days"; readonly days: number }
  | { readonly kind: "hours"; readonly hours: number }
  | {
      readonly kind: "cron";
      readonly hours: readonly number[];
      readonly isHourly: boolean;
      readonly isDay: (date: Date) => boolean;
    };

/** Throws for rules that AWS would refuse. */
export function requireValidRules(rules: RotationRules): void {
  if (rules.automaticallyAfterDays !== undefined && rules.scheduleExpression !== undefined) throw rulesConflict();
  const schedule = scheduleOf(rules);
  if (rules.duration !== undefined) requireValidDuration(hoursIn(rules.duration), schedule);
  if (schedule?.kind === "cron" && !windowAfter(schedule, undefined, 0)) throw invalidSchedule();
}

/** The first window that opens after `afterMs`; undefined without a schedule. */
export function nextWindow(rules: RotationRules, afterMs: number): RotationWindow | undefined {
  const schedule = scheduleOf(rules);
  return schedule && windowAfter(schedule, rules.duration, afterMs);
}

/** Days between two rotations of an expression, at least one. AWS: shown as AutomaticallyAfterDays after a rotation. */
export function daysBetween(rules: RotationRules, afterMs: number): number | undefined {
  const first = rules.scheduleExpression === undefined ? undefined : nextWindow(rules, afterMs);
  const second = first && nextWindow(rules, first.opensAtMs);
  return first && second && Math.max(1, Math.round((second.opensAtMs - first.opensAtMs) / DAY_MS));
}

const invalidSchedule = () => invalidParameter("Invalid schedule expression.");
const hoursIn = (duration: string): number => Number.parseInt(duration, 10);
const midnight = (ms: number): number => ms - (ms % DAY_MS);

function windowAfter(schedule: Schedule, duration: string | undefined, afterMs: number): RotationWindow | undefined {
  const opensAtMs = opening(schedule, afterMs);
  if (opensAtMs === undefined) return undefined;
  const isHourly = schedule.kind === "hours" || (schedule.kind === "cron" && schedule.isHourly);
  const defaultEndMs = isHourly ? opensAtMs + HOUR_MS : midnight(opensAtMs) + DAY_MS;
  return { opensAtMs, closesAtMs: duration === undefined ? defaultEndMs : opensAtMs + hoursIn(duration) * HOUR_MS };
}

function opening(schedule: Schedule, afterMs: number): number | undefined {
  const todayMs = midnight(afterMs);
  if (schedule.kind === "days") return todayMs + schedule.days * DAY_MS;
  if (schedule.kind === "hours") {
    const stepMs = schedule.hours * HOUR_MS;
    return todayMs + (Math.floor((afterMs - todayMs) / stepMs) + 1) * stepMs;
  }
  for (let day = 0; day < SEARCHED_DAYS; day++) {
    const dayMs = todayMs + day * DAY_MS;
    if (!schedule.isDay(new Date(dayMs))) continue;
    const hour = schedule.hours.find((one) => dayMs + one * HOUR_MS > afterMs);
    if (hour !== undefined) return dayMs + hour * HOUR_MS;
  }
  return undefined;
}

function requireValidDuration(hours: number, schedule: Schedule | undefined): void {
  if (hours < 1 || hours > 24) throw invalidParameter("Duration must be at least 1 hour, at most 24 hour.");
  if (schedule?.kind === "hours" && hours > schedule.hours) throw overlap();
  if (schedule?.kind !== "cron") return;
  if (schedule.hours.some((hour) => hour + hours > 24)) {
    throw invalidParameter("Starting hour and duration must be within a day.");
  }
  const gaps = schedule.hours.map((hour, index) => (schedule.hours[index + 1] ?? 24) - hour);
  if (gaps.some((gap) => hours > gap)) throw overlap();
}

// AWS: seen for a rate; what it says of the hours of a cron expression is not published.
const overlap = () => invalidParameter("Duration cannot be greater than Rate in hour.");

function scheduleOf({ automaticallyAfterDays: days, scheduleExpression }: RotationRules): Schedule | undefined {
  if (days !== undefined) return { kind: "days", days };
  if (scheduleExpression === undefined) return undefined;
  const [, form, inner = ""] = /^(rate|cron)\((.*)\)$/.exec(scheduleExpression.trim()) ?? [];
  const schedule = form === "rate" ? rate(inner) : form === "cron" ? cron(inner) : undefined;
  if (!schedule) throw invalidSchedule();
  return schedule;
}

function rate(text: string): Schedule | undefined {
  const [, digits = "", unit] = /^\s*(\d{1,5}) +(hour|day)s?\s*$/.exec(text) ?? [];
  const value = Number(digits);
  if (unit === undefined) return undefined;
  if (unit === "day") {
    if (value >= 1 && value <= MAX_DAYS_BETWEEN) return { kind: "days", days: value };
    throw invalidParameter("Rate in day should be greater than 0 and less than 1000.");
  }
  if (value >= MIN_HOURS_BETWEEN && value <= MAX_HOURS_BETWEEN) return { kind: "hours", hours: value };
  // AWS: with this slip.
  throw invalidParameter("Rate in hour should be least 4 and less than 24.");
}

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

function cron(text: string): Schedule | undefined {
  const fields = text.trim().toUpperCase().split(/\s+/);
  const [minutes, hourText = "", dayText = "", monthText = "", weekdayText = "", year] = fields;
  if (fields.length !== 6 || minutes !== "0" || year !== "*") return undefined;
  // AWS: one of the two fields says the days, the other is a question mark.
  if ((dayText === "?") === (weekdayText === "?")) return undefined;
  const hours = valuesIn(hourText, 0, 23);
  const months = valuesIn(monthText, 1, 12, MONTHS);
  const isInMonth = dayText === "?" ? weekdays(weekdayText) : daysOfMonth(dayText);
  if (!hours || !months || !isInMonth) return undefined;
  const sorted = [...hours].sort((a, b) => a - b);
  const isTooOften = sorted.some((hour, index) => index > 0 && hour - (sorted[index - 1] ?? 0) < MIN_HOURS_BETWEEN);
  if (isTooOften) return undefined;
  const isDay = (date: Date): boolean => months.has(date.getUTCMonth() + 1) && isInMonth(date);
  return { kind: "cron", hours: sorted, isHourly: sorted.length > 1, isDay };
}

type DayTest = (date: Date) => boolean;

const lastOfMonth = (date: Date): number =>
  new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();

function daysOfMonth(text: string): DayTest | undefined {
  if (text === "L") return (date) => date.getUTCDate() === lastOfMonth(date);
  const days = valuesIn(text, 1, 31);
  return days && ((date) => days.has(date.getUTCDate()));
}

function weekdays(text: string): DayTest | undefined {
  const [, name = "", rest = ""] = /^([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(#[1-5]|L)$/.exec(text) ?? [];
  if (rest !== "") {
    const weekday = numberOf(name, DAYS, 1);
    const isThere: DayTest =
      rest === "L"
        ? (date) => date.getUTCDate() > lastOfMonth(date) - 7
        : (date) => Math.ceil(date.getUTCDate() / 7) === Number(rest.slice(1));
    return (date) => date.getUTCDay() + 1 === weekday && isThere(date);
  }
  const days = valuesIn(text === "L" ? "7" : text, 1, 7, DAYS);
  return days && ((date) => days.has(date.getUTCDay() + 1));
}

const numberOf = (text: string, names: readonly string[], min: number): number =>
  names.includes(text) ? names.indexOf(text) + min : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;

/** `*`, `2`, `1-4`, `1/3`, `/8` and lists of them. */
function valuesIn(text: string, min: number, max: number, names: readonly string[] = []): Set<number> | undefined {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const [, range = "", step] = /^([^/]*)(?:\/(\d{1,2}))?$/.exec(part) ?? [];
    const isAll = range === "*" || (range === "" && step !== undefined);
    const [from, to] = isAll ? [String(min), String(max)] : range.split("-", 2);
    const first = numberOf(from ?? "", names, min);
    const last = to !== undefined ? numberOf(to, names, min) : step === undefined ? first : max;
    const by = step === undefined ? 1 : Number(step);
    if (!(first >= min && last <= max && first <= last && by >= 1)) return undefined;
    for (let value = first; value <= last; value += by) values.add(value);
  }
  return values;
}
