/** The line about a build's cache, in each view. */
import { expect, it } from "vitest";
import { TestClock } from "../../core/clock.ts";
import type { BuildEvent, CacheOutcome } from "../run/events.ts";
import { cacheLine, createJsonReporter, createPlainReporter, createTtyReporter } from "./index.ts";

it.each<[CacheOutcome, string]>([
  [
    { kind: "restored", store: "S3", key: "npm-2", matchedKey: "npm-1", files: 120, bytes: 3_565_158, durationMs: 410 },
    "restored npm-2 from npm-1: 120 files, 3.4 MiB in 0.4 s",
  ],
  [
    { kind: "restored", store: "S3", key: "npm-1", matchedKey: "npm-1", files: 1, bytes: 900, durationMs: 10 },
    "restored npm-1: 1 file, 900 bytes in 0.0 s",
  ],
  [
    { kind: "saved", store: "S3", files: 2, bytes: 2048, durationMs: 1000 },
    "saved the project's cache: 2 files, 2.0 KiB in 1.0 s",
  ],
  [
    { kind: "missed", store: "S3", durationMs: 1, reason: "nothing is cached yet" },
    "missed the project's cache: nothing is cached yet",
  ],
  [{ kind: "restored", store: "LOCAL", key: "node_modules", durationMs: 20 }, "restored node_modules in 0.0 s"],
])("%j", (outcome, line) => {
  expect(cacheLine(outcome)).toBe(line);
});

it("stands in the output of a run, and as it is in JSON", () => {
  const event: BuildEvent = {
    type: "cache",
    buildId: "app:1",
    atMs: 1,
    kind: "skipped",
    store: "S3",
    key: "k",
    durationMs: 5,
    reason: "the build failed",
  };
  const shown = (
    make: (output: { write(text: string): void }) => { event(event: BuildEvent): void; close(): void },
  ) => {
    let text = "";
    const reporter = make({
      write: (part) => {
        text += part;
      },
    });
    reporter.event(event);
    reporter.close();
    return text;
  };
  const options = { clock: new TestClock(), colour: false };
  expect(shown((output) => createPlainReporter({ ...options, output }))).toBe("cache skipped k: the build failed\n");
  expect(shown((output) => createTtyReporter({ ...options, output }))).toContain(
    "  cache skipped k: the build failed\n",
  );
  expect(JSON.parse(shown((output) => createJsonReporter({ output })))).toEqual(event);
});
