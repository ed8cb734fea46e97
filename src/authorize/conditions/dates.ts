/**
 * Dates of policies: ISO 8601 in the W3C profile (year down to a fraction of a second) or epoch seconds; both become the
 * same instant, so that the two forms compare with each other.
 * Source: https://www.w3.org/TR/NOTE-datetime, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Date
 */
import { MINUTE_MS } from "../../core/clock.ts";

const ISO = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(\.\d+)?)?(Z|[+-]\d{2}:?\d{2}))?)?)?$/;
const EPOCH_SECONDS = /^-?\d+(\.\d+)?$/;

/** Milliseconds since the epoch, or undefined when the text is no date. Four digits alone are a year. */
export function parsePolicyDate(text: string): number | undefined {
  const iso = ISO.exec(text);
  if (!iso) return EPOCH_SECONDS.test(text) ? Number(text) * 1000 : undefined;
  const [, year, month = "1", day = "1", hour = "0", minute = "0", second = "0", fraction = "0", zone = "Z"] = iso;
  const date = new Date(0);
  // setUTCFullYear and not Date.UTC, which takes the year 50 for 1950.
  date.setUTCFullYear(Number(year), +month - 1, +day);
  const isDay = date.getUTCMonth() === +month - 1 && date.getUTCDate() === +day;
  const offset = offsetMs(zone);
  if (!isDay || !isTimeOfDay(+hour, +minute, +second + Number(fraction)) || offset === undefined) return undefined;
  return date.getTime() + ((+hour * 60 + +minute) * 60 + +second) * 1000 + Number(fraction) * 1000 - offset;
}

/** ISO 8601 also has 24:00:00 for the end of the day and 60 for a leap second. */
const isTimeOfDay = (hour: number, minute: number, second: number): boolean =>
  (hour <= 23 && minute <= 59 && second < 61) || (hour === 24 && minute === 0 && second === 0);

function offsetMs(zone: string): number | undefined {
  if (zone === "Z") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(-2));
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS;
}
