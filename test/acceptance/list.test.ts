/** The acceptance list is complete: each id of it is shown exactly once, and for real unless a reason is given. */
import { expect, it } from "vitest";
import { callRows as realCalls } from "./real-calls.ts";
import { commandRows, dockerRows } from "./real-commands.ts";
import { sourceRows } from "./real-sources.ts";
import { ROW_IDS } from "./rows.ts";
import { callRows as savedCalls } from "./saved-calls.ts";
import { imageRows } from "./saved-images.ts";
import { logRows } from "./saved-logs.ts";

const real = [...sourceRows, ...realCalls, ...commandRows, ...dockerRows];
const saved = [...imageRows, ...savedCalls, ...logRows];

it("shows each row of the list exactly once", () => {
  expect([...real, ...saved].map(({ id }) => id).sort()).toEqual([...ROW_IDS].sort());
});

it("says of each row that is not a real build why it cannot be one", () => {
  expect(saved.filter(({ notReal }) => notReal.length < 20).map(({ id }) => id)).toEqual([]);
  expect(real.length).toBeGreaterThanOrEqual(50);
});
