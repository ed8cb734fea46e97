import { describe, expect, it } from "vitest";
import { parseOnFailure } from "./on-failure.ts";

describe("on-failure", () => {
  it.each([
    ["ABORT", { action: "ABORT" }],
    ["CONTINUE", { action: "CONTINUE" }],
    ["RETRY", { action: "RETRY", maximum: 3 }],
    ["RETRY-0", { action: "RETRY", maximum: 0 }],
    ["RETRY-100", { action: "RETRY", maximum: 100 }],
    ["RETRY-.*", { action: "RETRY", maximum: 3 }],
    ["RETRY-timed out", { action: "RETRY", maximum: 3, pattern: { source: "timed out", flags: "" } }],
    ["RETRY-3-.*connection timed out.*", retry(3, ".*connection timed out.*")],
    ["RETRY-2-exit status 1-9", retry(2, "exit status 1-9")],
    ["RETRY-3x", retry(3, "3x")],
    ["RETRY-2-(?i)TIMEOUT", { action: "RETRY", maximum: 2, pattern: { source: "TIMEOUT", flags: "i" } }],
  ])("%s is read as CodeBuild reads it", (text, expected) => {
    expect(parseOnFailure(text)).toEqual({ ok: true, value: expected });
  });

  it.each([
    ["abort", "`on-failure` is `abort`, expected ABORT, CONTINUE, RETRY, RETRY-<count> or RETRY-<count>-<regex>"],
    ["RETRY3", "`on-failure` is `RETRY3`, expected ABORT, CONTINUE, RETRY, RETRY-<count> or RETRY-<count>-<regex>"],
    ["RETRY-101", "`on-failure: RETRY-101` asks for 101 retries, expected 0 to 100"],
    ["RETRY-", "`on-failure: RETRY-` ends in a hyphen, expected a count or an expression after it"],
    ["RETRY-2-", "`on-failure: RETRY-2-` ends in a hyphen, expected a count or an expression after it"],
    ["RETRY-2-(x", "`on-failure: RETRY-2-(x` does not hold a regular expression: unterminated group"],
  ])("%s is refused with a reason", (text, message) => {
    expect(parseOnFailure(text)).toEqual({ ok: false, error: message });
  });
});

function retry(maximum: number, source: string): object {
  return { action: "RETRY", maximum, pattern: { source, flags: "" } };
}
