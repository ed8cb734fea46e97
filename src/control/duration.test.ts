/** Durations and moments in all the forms that callers write. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { durationMs, momentMs } from "./duration.ts";

const HOUR_MS = 3_600_000;

test.each([
  [0, 0],
  [1500, 1500],
  ["36h", 36 * HOUR_MS],
  ["1d12h", 36 * HOUR_MS],
  ["2W", 14 * 24 * HOUR_MS],
  ["500ms", 500],
  ["1.5h", 1.5 * HOUR_MS],
  ["P30D", 30 * 24 * HOUR_MS],
  ["PT15M", HOUR_MS / 4],
  ["P1DT12H", 36 * HOUR_MS],
  ["p2w", 14 * 24 * HOUR_MS],
  ["PT0.5S", 500],
])("%j is %d ms", (written, ms) => {
  expect(durationMs(written)).toBe(ms);
});

test.each([
  ["", "an empty text is no duration"],
  ["P", "`P` is no duration"],
  ["PT", "`PT` is no duration"],
  ["30", "`30` is no duration"],
  ["-1h", "`-1h` is no duration"],
  ["1h30", "`1h30` is no duration"],
  ["P1Y", "`P1Y` has no fixed length: years and months differ"],
  [Number.POSITIVE_INFINITY, "`Infinity` is no duration"],
  [null, "null is no duration"],
  [["1h"], "a list is no duration"],
])("%j is refused", (written, message) => {
  expect(() => durationMs(written)).toThrow(message);
});

test("what is written in one form is the same in the other", () => {
  const part = fc.integer({ min: 0, max: 999 });
  fc.assert(
    fc.property(part, part, part, part, (d, h, m, s) => {
      const ms = (((d * 24 + h) * 60 + m) * 60 + s) * 1000;
      expect(durationMs(`${d}d${h}h${m}m${s}s`)).toBe(ms);
      expect(durationMs(`P${d}DT${h}H${m}M${s}S`)).toBe(ms);
    }),
  );
});

test("any text is a duration or refused, in no time", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("1", ".", "h", "m", "s", "P", "T", "d", "w"), maxLength: 200 }),
      (text) => {
        try {
          expect(durationMs(text)).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toMatchObject({ code: "KILN_E_CONTROL_INPUT", status: 400 });
        }
      },
    ),
  );
});

test("moments have a time zone, or are days", () => {
  expect(momentMs("2030-01-01")).toBe(Date.UTC(2030, 0, 1));
  expect(momentMs("2030-01-01T02:00:00+02:00")).toBe(Date.UTC(2030, 0, 1));
  expect(momentMs(new Date(5))).toBe(5);
  for (const wrong of ["2030-01-01T00:00:00", "2030-13-01", "1 Jan 2030", 5, undefined, new Date("x")]) {
    expect(() => momentMs(wrong)).toThrow(/ is no moment$/);
  }
});
