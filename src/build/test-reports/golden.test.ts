/**
 * Report files as real writers write them, and what is read from them: `test/golden/reports/<file>` and
 * `<file>.golden.json`. KILN_UPDATE_GOLDEN=1 rewrites the expected files.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseReport, recognizeFormat, summarizeCoverage, summarizeTests, testReportStatus } from "./index.ts";
import type { ReportFormat } from "./report-format.ts";

const folder = fileURLToPath(new URL("../../../test/golden/reports", import.meta.url));
const FORMAT_OF: readonly (readonly [RegExp, ReportFormat])[] = [
  [/^junit-/, "JUNITXML"],
  [/^nunit2/, "NUNITXML"],
  [/^nunit3/, "NUNIT3XML"],
  [/^testng/, "TESTNGXML"],
  [/\.trx$/, "VISUALSTUDIOTRX"],
  [/^cucumber/, "CUCUMBERJSON"],
  [/^clover-/, "CLOVERXML"],
  [/^cobertura/, "COBERTURAXML"],
  [/^jacoco/, "JACOCOXML"],
  [/^simplecov/, "SIMPLECOV"],
];
const files = readdirSync(folder).filter((name) => !name.endsWith(".golden.json"));

test("there is a file for each format", () => {
  expect(new Set(files.map(formatOf)).size).toBe(10);
});

test.each(files)("%s", (name) => {
  const bytes = readFileSync(join(folder, name));
  const format = formatOf(name);
  const parsed = parseReport(format, bytes);
  if (!parsed.ok) throw new Error(parsed.error);
  const actual =
    parsed.value.type === "TEST"
      ? { ...testsOf(parsed.value.testCases), testCases: parsed.value.testCases }
      : { summary: summarizeCoverage(parsed.value.coverages), coverages: parsed.value.coverages };
  const text = `${JSON.stringify({ format, ...actual }, null, 2)}\n`;
  const golden = join(folder, `${name}.golden.json`);
  if (process.env["KILN_UPDATE_GOLDEN"]) writeFileSync(golden, text);
  expect(existsSync(golden), `no ${golden}: run with KILN_UPDATE_GOLDEN=1`).toBe(true);
  expect(text).toBe(readFileSync(golden, "utf8"));
});

test.each(files)("auto-discovery knows %s", (name) => {
  const path = name.startsWith("simplecov.resultset") ? "coverage/.resultset.json" : name;
  expect(recognizeFormat(path, readFileSync(join(folder, name)).subarray(0, 4096))).toBe(formatOf(name));
});

function testsOf(testCases: Parameters<typeof summarizeTests>[0]) {
  const summary = summarizeTests(testCases);
  return { summary, status: testReportStatus(summary) };
}

function formatOf(name: string): ReportFormat {
  const found = FORMAT_OF.find(([pattern]) => pattern.test(name));
  if (!found) throw new Error(`no format for ${name}`);
  return found[1];
}
