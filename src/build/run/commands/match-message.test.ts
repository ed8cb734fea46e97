import { expect, it } from "vitest";
import { systemClock } from "../../../core/clock.ts";
import { matchMessage } from "./match-message.ts";

it.each([
  ["connection timed out", "", "Reason: connection timed out", true],
  ["^Error .* exit status 1$", "", "Error while executing command: x. Reason: exit status 1", true],
  ["TIMED OUT", "i", "timed out", true],
  ["timed out", "", "exit status 1", false],
])("/%s/%s is looked for in the message", async (source, flags, text, expected) => {
  expect(await matchMessage({ source, flags }, text, systemClock)).toBe(expected);
});

it("gives up on an expression that would take for ever", async () => {
  const hostile = { source: "^(a+)+$", flags: "" };
  expect(await matchMessage(hostile, `${"a".repeat(60)}!`, systemClock)).toBeUndefined();
});
