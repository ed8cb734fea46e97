import { describe, expect, it } from "vitest";
import { AwsError } from "../../../core/errors.ts";
import type { RotationRules } from "../records.ts";
import { daysBetween, nextWindow, requireValidRules } from "./rotation-schedule.ts";

const at = (text: string): number => Date.parse(`${text}Z`);
/** A Friday. */
const NOW = at("2026-01-02T03:04:05");

const windowOf = (rules: RotationRules, nowMs = NOW): string => {
  const window = nextWindow(rules, nowMs);
  const text = (ms: number) => new Date(ms).toISOString().slice(0, 16);
  return window ? `${text(window.opensAtMs)} to ${text(window.closesAtMs)}` : "none";
};
const failureOf = (rules: RotationRules): string => {
  try {
    requireValidRules(rules);
  } catch (error) {
    if (error instanceof AwsError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "valid";
};

describe("the next window", () => {
  it("after days is a whole day, or its first hours", () => {
    expect(windowOf({ automaticallyAfterDays: 30 })).toBe("2026-02-01T00:00 to 2026-02-02T00:00");
    expect(windowOf({ automaticallyAfterDays: 30, duration: "3h" })).toBe("2026-02-01T00:00 to 2026-02-01T03:00");
    expect(windowOf({})).toBe("none");
  });

  it.each([
    ["rate(1 day)", "2026-01-03T00:00 to 2026-01-04T00:00"],
    ["rate(10 days)", "2026-01-12T00:00 to 2026-01-13T00:00"],
    ["rate(4 hours)", "2026-01-02T04:00 to 2026-01-02T05:00"],
    ["cron(0 /8 * * ? *)", "2026-01-02T08:00 to 2026-01-02T09:00"],
    ["cron(0 2/10 * * ? *)", "2026-01-02T12:00 to 2026-01-02T13:00"],
    ["cron(0 10 * * ? *)", "2026-01-02T10:00 to 2026-01-03T00:00"],
    ["cron(0 1 * * ? *)", "2026-01-03T01:00 to 2026-01-04T00:00"],
    ["cron(0 18 ? * SAT *)", "2026-01-03T18:00 to 2026-01-04T00:00"],
    ["cron(0 8 1 * ? *)", "2026-02-01T08:00 to 2026-02-02T00:00"],
    ["cron(0 1 ? 1/3 SUN#1 *)", "2026-01-04T01:00 to 2026-01-05T00:00"],
    ["cron(0 17 L * ? *)", "2026-01-31T17:00 to 2026-02-01T00:00"],
    ["cron(0 8 ? * MON-FRI *)", "2026-01-02T08:00 to 2026-01-03T00:00"],
    ["cron(0 16 1,15 * ? *)", "2026-01-15T16:00 to 2026-01-16T00:00"],
    ["cron(0 0 ? FEB,MAY 2#1 *)", "2026-02-02T00:00 to 2026-02-03T00:00"],
    ["cron(0 0 ? * SUNL *)", "2026-01-25T00:00 to 2026-01-26T00:00"],
    ["cron(0 0 29 2 ? *)", "2028-02-29T00:00 to 2028-03-01T00:00"],
    ["cron(0 0 ? * L *)", "2026-01-03T00:00 to 2026-01-04T00:00"],
    ["cron(0 6 1/2 * ? *)", "2026-01-03T06:00 to 2026-01-04T00:00"],
  ])("of %s is %s", (scheduleExpression, expected) => {
    expect(failureOf({ scheduleExpression })).toBe("valid");
    expect(windowOf({ scheduleExpression })).toBe(expected);
  });

  it("opens after the moment that is asked about, also when that is on the hour", () => {
    expect(windowOf({ scheduleExpression: "rate(4 hours)" }, at("2026-01-02T04:00:00"))).toMatch(/^2026-01-02T08:00/);
    expect(windowOf({ scheduleExpression: "cron(0 4 * * ? *)" }, at("2026-01-02T04:00:00"))).toMatch(
      /^2026-01-03T04:00/,
    );
  });
});

describe("rules", () => {
  it("are a number of days or an expression", () => {
    expect(failureOf({ automaticallyAfterDays: 1, scheduleExpression: "rate(1 day)" })).toBe(
      "InvalidParameterException: You cannot specify both rotation frequency and schedule expression together.",
    );
    expect(failureOf({ automaticallyAfterDays: 1, duration: "24h" })).toBe("valid");
  });

  it.each([
    ...["rate(5 minutes)", "rate(5)", "every day", "at(1)"],
    ...["cron(5 0 * * ? *)", "cron(0 0 * * ? 2026)", "cron(0 0 * * * *)", "cron(0 0 ? * ? *)", "cron(0 * * * ? *)"],
    ...["cron(0 /2 * * ? *)", "cron(0 24 * * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 30 2 ? *)"],
    ...[
      "cron(0 0 ? * SUN#6 *)",
      "cron(0 0 * 13 ? *)",
      "cron(0 0 * ? ? *)",
      "cron(0 0 5-1 * ? *)",
      "cron(0 0 ,1 * ? *)",
    ],
  ])("such as %s are refused", (scheduleExpression) => {
    expect(failureOf({ scheduleExpression })).toBe("InvalidParameterException: Invalid schedule expression.");
  });

  it("have a rate of 4 to 23 hours, or of 1 to 999 days", () => {
    const failure = (scheduleExpression: string) => failureOf({ scheduleExpression });
    for (const valid of ["rate(4 hours)", "rate(23 hours)", "rate(1 day)", "rate(999 days)"]) {
      expect(failure(valid)).toBe("valid");
    }
    for (const hours of ["rate(3 hours)", "rate(24 hours)"]) {
      expect(failure(hours)).toBe("InvalidParameterException: Rate in hour should be least 4 and less than 24.");
    }
    for (const days of ["rate(0 days)", "rate(1000 days)"]) {
      expect(failure(days)).toBe("InvalidParameterException: Rate in day should be greater than 0 and less than 1000.");
    }
  });

  it("have a window that ends before the next day and the next window", () => {
    const failure = (scheduleExpression: string, duration: string) => failureOf({ scheduleExpression, duration });
    const overlap = "InvalidParameterException: Duration cannot be greater than Rate in hour.";
    const nextDay = "InvalidParameterException: Starting hour and duration must be within a day.";
    expect(failure("cron(0 20 * * ? *)", "4h")).toBe("valid");
    expect(failure("cron(0 20 * * ? *)", "5h")).toBe(nextDay);
    expect(failure("cron(0 0,12 * * ? *)", "12h")).toBe("valid");
    expect(failure("cron(0 0,4,12 * * ? *)", "5h")).toBe(overlap);
    expect(failure("rate(4 hours)", "5h")).toBe(overlap);
    for (const duration of ["0h", "25h"]) {
      expect(failure("rate(1 day)", duration)).toBe(
        "InvalidParameterException: Duration must be at least 1 hour, at most 24 hour.",
      );
    }
  });

  it("of an expression are so many days, at least one", () => {
    expect(daysBetween({ scheduleExpression: "rate(10 days)" }, NOW)).toBe(10);
    expect(daysBetween({ scheduleExpression: "cron(0 8 ? * MON *)" }, NOW)).toBe(7);
    expect(daysBetween({ scheduleExpression: "rate(4 hours)" }, NOW)).toBe(1);
    expect(daysBetween({ automaticallyAfterDays: 3 }, NOW)).toBeUndefined();
  });
});
