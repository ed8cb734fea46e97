/** Durations and sizes in docker's words, as lists of containers and images show them. Source: docker's go-units. */
import { HOUR_MS, MINUTE_MS } from "../core/clock.ts";

/** `Less than a second`, `5 seconds`, `About an hour`, `3 weeks` … */
export function humanDuration(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  const minutes = Math.floor(durationMs / MINUTE_MS);
  const hours = Math.round(durationMs / HOUR_MS);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}

/** `12.3MB`: powers of 1000, three digits unless told. */
export function humanSize(bytes: number, digits = 3): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(digits))}${units[unit]}`;
}
