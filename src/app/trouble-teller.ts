/** What keeps Kiln from working, said to whoever runs it. */
import { systemClock } from "../core/clock.ts";
import type { KilnError } from "../core/errors.ts";

const TELL_TROUBLE_EVERY_MS = 10_000;

/** Says it with the cure: once in a while, not once a request. */
export function troubleTeller(notice: (line: string) => void): (trouble: KilnError) => void {
  let last = { message: "", atMs: 0 };
  return ({ message, why, fix }) => {
    const atMs = systemClock.nowMs();
    if (message === last.message && atMs - last.atMs < TELL_TROUBLE_EVERY_MS) return;
    last = { message, atMs };
    notice(
      [`requests are refused: ${message}`, ...(why ? [why] : []), ...fix.map((text) => `fix: ${text}`)].join("\n  "),
    );
  };
}
