/** Nothing in a report file makes a parser throw, hang or use memory without bound. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HEAD_BYTES, parseReport, REPORT_FORMATS, recognizeFormat } from "./index.ts";
import { nanosecondsOfSeconds, nanosecondsOfTimeSpan, splitFullName } from "./test-case.ts";

const folder = fileURLToPath(new URL("../../../test/golden/reports", import.meta.url));
const fixtures = readdirSync(folder)
  .filter((name) => !name.endsWith(".golden.json"))
  .map((name) => readFileSync(join(folder, name)));

function check(bytes: Uint8Array): void {
  for (const format of REPORT_FORMATS) {
    const parsed = parseReport(format, bytes);
    if (!parsed.ok) {
      expect(parsed.error).not.toBe("");
      continue;
    }
    const { value } = parsed;
    if (value.type === "TEST") {
      for (const one of value.testCases) {
        expect(one.name).not.toBe("");
        expect(Number.isSafeInteger(one.durationNs) && one.durationNs >= 0).toBe(true);
      }
    } else {
      for (const { filePath, linesCovered, linesMissed, branchesCovered, branchesMissed } of value.coverages) {
        expect(typeof filePath).toBe("string");
        for (const count of [linesCovered, linesMissed, branchesCovered, branchesMissed]) {
          expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
        }
      }
    }
  }
  recognizeFormat("a.json", bytes.subarray(0, HEAD_BYTES));
  recognizeFormat("a.xml", bytes.subarray(0, HEAD_BYTES));
}

describe("a parser", () => {
  test("never throws on arbitrary bytes", () => {
    void fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), check), { numRuns: 200 });
  });

  test("never throws on arbitrary text", () => {
    void fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) =>
        check(new TextEncoder().encode(`<a>${text}`)),
      ),
      { numRuns: 200 },
    );
  });

  test("never throws on arbitrary JSON", () => {
    void fc.assert(
      fc.property(fc.jsonValue(), (value) => check(new TextEncoder().encode(JSON.stringify(value)))),
      { numRuns: 200 },
    );
  });

  test("never throws on damaged report files", () => {
    const damaged = fc
      .record({
        file: fc.constantFrom(...fixtures),
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        length: fc.nat(40),
        bytes: fc.uint8Array({ maxLength: 20 }),
      })
      .map(({ file, at, length, bytes }) => {
        const start = Math.floor(at * file.length);
        return Buffer.concat([file.subarray(0, start), bytes, file.subarray(start + length)]);
      });
    void fc.assert(fc.property(damaged, check), { numRuns: 300 });
  });
});

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("hostile files", () => {
  test("an entity bomb is refused at its first entity", () => {
    const bomb = `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 20 }, (_, i) => `<!ENTITY b${i} "&a;&a;&a;">`).join("")}]><testsuite>&b19;</testsuite>`;
    expect(parseReport("JUNITXML", text(bomb))).toEqual({
      ok: false,
      error: "XML syntax error on line 1: undefined entity",
    });
  });

  test("an external entity is not fetched", () => {
    const external = `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite name="&x;"/>`;
    expect(parseReport("JUNITXML", text(external))).toMatchObject({ ok: false });
  });

  test("deep nesting is refused", () => {
    expect(parseReport("JUNITXML", text("<testsuite>".repeat(100_000)))).toEqual({
      ok: false,
      error: "XML syntax error on line 1: elements nested more than 256 deep",
    });
    expect(parseReport("CUCUMBERJSON", text("[".repeat(200_000)))).toMatchObject({ ok: false });
  });

  test("names of JavaScript's own members are just names", () => {
    const names = `<testsuite __proto__="x"><testcase name="constructor" classname="__proto__" toString="1"/></testsuite>`;
    expect(parseReport("JUNITXML", text(names))).toEqual({
      ok: true,
      value: {
        type: "TEST",
        testCases: [{ name: "constructor", prefix: "__proto__", status: "SUCCEEDED", durationNs: 0 }],
      },
    });
    expect(
      parseReport(
        "VISUALSTUDIOTRX",
        text(`<TestRun><Results><UnitTestResult testName="a" outcome="constructor"/></Results></TestRun>`),
      ),
    ).toMatchObject({
      value: { testCases: [{ status: "UNKNOWN" }] },
    });
  });

  test("100,000 cases are read in bounded time", () => {
    const many = `<testsuite>${'<testcase name="a" classname="b" time="0.1"/>'.repeat(100_000)}</testsuite>`;
    const parsed = parseReport("JUNITXML", text(many));
    expect(parsed.ok && parsed.value.type === "TEST" && parsed.value.testCases.length).toBe(100_000);
  });
});

describe("what cannot be read", () => {
  test.each([
    ["JUNITXML", "<coverage/>", "expected element type <testsuite> but have <coverage>"],
    ["NUNITXML", "<test-run/>", "expected element type <test-results> but have <test-run>: NUNIT3XML reads it"],
    ["NUNIT3XML", "<test-results/>", "expected element type <test-run> but have <test-results>: NUNITXML reads it"],
    ["TESTNGXML", "<testsuite/>", "expected element type <testng-results> but have <testsuite>"],
    ["VISUALSTUDIOTRX", "<a/>", "expected element type <TestRun> but have <a>"],
    ["CLOVERXML", "<a/>", "expected element type <coverage> but have <a>"],
    ["COBERTURAXML", "<a/>", "expected element type <coverage> but have <a>"],
    ["JACOCOXML", "<a/>", "expected element type <report> but have <a>"],
    ["JUNITXML", "<testsuite>\n<testcase", "XML syntax error on line 2: unclosed tag: testsuite"],
    ["JUNITXML", "", "the file is empty"],
    ["JUNITXML", "<?xml version='1.0' encoding='x-none'?><testsuite/>", "unsupported encoding `x-none`"],
    ["CUCUMBERJSON", "{}", "expected a list of features"],
    ["SIMPLECOV", "[]", "expected an object of test commands, as in .resultset.json"],
    ["SIMPLECOV", "{}", "expected simplecov's .resultset.json: no member has a `coverage`"],
    [
      "SIMPLECOV",
      `{"timestamp":1,"files":[],"metrics":{}}`,
      "expected simplecov's .resultset.json but have the format of simplecov-json",
    ],
  ] as const)("%s %s", (format, written, error) => {
    expect(parseReport(format, text(written))).toEqual({ ok: false, error });
  });

  test("text that is no JSON", () => {
    expect(parseReport("SIMPLECOV", text("nothing"))).toMatchObject({
      error: expect.stringMatching(/^JSON syntax error: /),
    });
  });
});

describe("encodings", () => {
  const xml = (encoding: string) =>
    `<?xml version="1.0" encoding="${encoding}"?><testsuite name="ä"><testcase name="ü"/></testsuite>`;
  const expected = { value: { testCases: [{ name: "ü", testSuiteName: "ä" }] } };
  test("ISO-8859-1 is read as declared", () => {
    expect(parseReport("JUNITXML", Buffer.from(xml("ISO-8859-1"), "latin1"))).toMatchObject(expected);
  });
  test("UTF-16 is known by its mark, and a false declaration of it is ignored", () => {
    expect(parseReport("JUNITXML", Buffer.from(`\ufeff${xml("utf-16")}`, "utf16le"))).toMatchObject(expected);
    expect(parseReport("JUNITXML", Buffer.from(xml("utf-16"), "utf8"))).toMatchObject(expected);
  });
});

test("durations", () => {
  expect(nanosecondsOfSeconds("1,234.5")).toBe(1_234_500_000_000);
  expect(nanosecondsOfSeconds("1.2E-4")).toBe(120_000);
  expect(nanosecondsOfSeconds("-1")).toBe(0);
  expect(nanosecondsOfSeconds("soon")).toBe(0);
  expect(nanosecondsOfTimeSpan("1.02:03:04.5")).toBe(93_784_500_000_000);
});

test("a full name is split at its last dot before the arguments", () => {
  expect(splitFullName("A.B.c(1.5)")).toEqual({ prefix: "A.B", name: "c(1.5)" });
  expect(splitFullName("alone")).toEqual({ prefix: "", name: "alone" });
});
