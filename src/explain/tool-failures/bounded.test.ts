/** Work stays bounded: large logs, hostile lines. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toolOutputs } from "../../../test/support/tool-outputs.ts";
import { readToolFailure } from "./index.ts";
import { readers } from "./readers.ts";
import { MAX_LINES } from "./tool-failure.ts";

const marks = readers.flatMap((reader) => reader.marks);
const timeOf = (lines: readonly string[]): number => {
  const start = process.hrtime.bigint();
  readToolFailure({ lines, command: "make", exitStatus: 2 });
  return Number(process.hrtime.bigint() - start) / 1e6;
};
/** The best of three: other work on the machine does not count. */
const bestOf = (lines: readonly string[]): number => Math.min(timeOf(lines), timeOf(lines), timeOf(lines));

describe("bounded work", () => {
  it("reads a megabyte of a usual log in a moment", () => {
    const failing = toolOutputs().find(({ id }) => id === "make/recursive-pytest")?.lines ?? [];
    const usual = Array.from(
      { length: 14_000 },
      (_, at) => `[${at}] compiling module-${at} into build/objects/module-${at}.o with -O2 flags`,
    );
    expect([...usual, ...failing].join("\n").length).toBeGreaterThan(1_000_000);
    expect(readToolFailure({ lines: [...usual, ...failing] })?.tool).toBe("pytest");
    expect(bestOf([...usual, ...failing])).toBeLessThan(250);
  });

  it("reads a megabyte where every line looks like a failure", () => {
    const outputs = toolOutputs().flatMap(({ lines }) => lines);
    const many: string[] = [];
    while (many.join("\n").length < 1_000_000) many.push(...outputs);
    expect(bestOf(many)).toBeLessThan(3_000);
  });

  it.each([
    ["spaces", " ".repeat(200_000)],
    ["brackets", "(".repeat(200_000)],
    ["colons", "a:".repeat(100_000)],
    ["escapes", "\u001b[".repeat(100_000)],
    ["titles", "\u001b]".repeat(100_000)],
    ["carriage returns", "x\r".repeat(100_000)],
    ["frames", `    at ${"a (".repeat(60_000)}`],
    ["errors", "error: ".repeat(30_000)],
  ])("is not slowed by a line of %s", (_, hostile) => {
    const lines = marks.map((mark) => `${mark}${hostile.slice(0, 20_000)}`);
    expect(bestOf(lines)).toBeLessThan(2_000);
    expect(bestOf([hostile])).toBeLessThan(500);
  });

  it("never throws and never says more than five lines", () => {
    const outputs = toolOutputs();
    const line = fc.oneof(
      fc.constantFrom(...outputs.flatMap(({ lines }) => lines)),
      fc.tuple(fc.constantFrom(...marks), fc.string({ maxLength: 60 })).map(([mark, rest]) => `${mark}${rest}`),
      fc.string({ maxLength: 200 }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60 }), fc.constantFrom(...outputs), (lines, { command, exitStatus }) => {
        const failure = readToolFailure({ lines, command, exitStatus });
        expect(failure?.lines.length ?? 0).toBeLessThanOrEqual(MAX_LINES);
        if (failure) expect(failure.headline).not.toBe("");
      }),
      { numRuns: 150 },
    );
  });
});
