/**
 * Dates of policies: ISO 8601 in the W3C profile (year down to a fraction of a second) or epoch seconds; both become the
 * same instant, so that the two forms compare with each other.
 * Source: https://www.w3.org/TR/NOTE-datetime, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Date
 */

const ISO = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(\.\d+)?)?(Z|[+-]\d{2}:?\d{2}))?)?)?$/;
const EPOCH_SECONDS = /^-?\d+(\.\d+)?$/;

/** Milliseconds since the epoch, or undefined when the text is no date. Four digits alone are a year. */
export function parsePolicyDate(text: string): number | undefined {
  const iso = ISO.exec(text);
  if (!iso) return EPOCH_SECONDS.test(text) ? Number(text) * 1000 : undefined;
  const [, year, month = "1", day = "1", hour = "0", minute = "0", second = "0", fraction = "0", zone = "Z"] = iso;
  const isInRange =
    +month >= 1 && +month <= 12 && +day >= 1 && +day <= 31 && +hour <= 24 && +minute <= 59 && +second <= 60;
  if (!isInRange) return undefined;
  const utcMs = Date.UTC(Number(year), +month - 1, +day, +hour, +minute, +second) + Number(fraction) * 1000;
  return utcMs - offsetMs(zone);
}

function offsetMs(zone: string): number {
  if (zone === "Z") return 0;
  const sign = zone.startsWith("-") ? -1 : 1;
  return sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))) * 60_000;
}
