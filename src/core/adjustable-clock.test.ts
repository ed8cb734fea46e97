/** The clock that can be moved: time, timers in their order, and what a move leaves alone. */
import { expect, test } from "vitest";
import { AdjustableClock, LAST_MOMENT_MS } from "./adjustable-clock.ts";
import { DAY_MS, TestClock } from "./clock.ts";

function clocks() {
  const real = new TestClock();
  return { real, clock: new AdjustableClock(real) };
}

test("goes as the clock beneath until it is moved, and from there on after", () => {
  const { real, clock } = clocks();
  real.advance(10);
  expect(clock.nowMs()).toBe(real.nowMs());
  clock.advance(DAY_MS);
  real.advance(5);
  expect(clock.nowMs()).toBe(real.nowMs() + DAY_MS);
  expect(clock.offsetMs).toBe(DAY_MS);
  clock.reset();
  expect(clock.nowMs()).toBe(real.nowMs());
});

test("a move runs the timers that fell due, once, in their order, at the new time", () => {
  const { real, clock } = clocks();
  const ran: string[] = [];
  const note = (name: string) => () => void ran.push(`${name} at ${clock.nowMs() - real.nowMs()}`);
  clock.after(3_000, note("late"));
  clock.after(1_000, note("early"));
  clock.after(9_000, note("not yet"));
  clock.advance(5_000);
  expect(ran).toEqual(["early at 5000", "late at 5000"]);
  real.advance(3_999);
  expect(ran).toHaveLength(2);
  real.advance(1);
  expect(ran[2]).toBe("not yet at 5000");
  real.advance(100_000);
  expect(ran).toHaveLength(3);
});

test("a timer that sets itself anew is set once a move, from the new time", () => {
  const { clock } = clocks();
  let runs = 0;
  const again = (): void => {
    runs++;
    clock.after(25, again);
  };
  clock.after(25, again);
  clock.advance(30 * DAY_MS);
  expect(runs).toBe(1);
});

test("a timer that was cancelled, also by one that ran before it, does not run", () => {
  const { real, clock } = clocks();
  const ran: string[] = [];
  clock.after(1, () => void ran.push("cancelled")).cancel();
  clock.after(2, () => other.cancel());
  const other = clock.after(3, () => void ran.push("other"));
  clock.advance(10);
  real.advance(10);
  expect(ran).toEqual([]);
});

test("going back to the real time takes no timer further away", () => {
  const { real, clock } = clocks();
  clock.advance(30 * DAY_MS);
  let hasRun = false;
  clock.after(200, () => (hasRun = true));
  clock.reset();
  real.advance(200);
  expect(hasRun).toBe(true);
});

test("work has the moved time and real timers", () => {
  const { real, clock } = clocks();
  let hasRun = false;
  clock.work.after(1_000, () => (hasRun = true));
  clock.advance(DAY_MS);
  expect(hasRun).toBe(false);
  expect(clock.work.nowMs()).toBe(clock.nowMs());
  real.advance(1_000);
  expect(hasRun).toBe(true);
});

test("goes neither back nor beyond what texts of times can say", () => {
  const { clock } = clocks();
  expect(() => clock.advance(-1)).toThrow("a clock cannot be moved by -1 ms");
  expect(() => clock.advance(Number.NaN)).toThrow(RangeError);
  expect(() => clock.advance(LAST_MOMENT_MS)).toThrow(RangeError);
});
