/**
 * SIMPLECOV: `.resultset.json` of the Ruby gem simplecov (one member a test command, merged here) and its `coverage.json`.
 * AWS: the format of the gem `simplecov-json` is not supported.
 * Source: https://github.com/simplecov-ruby/simplecov
 */
import { err, ok, type Result } from "../../core/result.ts";
import { isObject, type JsonObject, valueIn } from "./read-json.ts";
import type { ReportedCoverage } from "./test-case.ts";

interface FileHits {
  /** Hits by line; undefined for lines without code. */
  readonly lines: (number | undefined)[];
  readonly branches: Map<string, number>;
}

export function parseSimplecovJson(json: unknown): Result<readonly ReportedCoverage[], string> {
  if (!isObject(json)) return err("expected an object of test commands, as in .resultset.json");
  const own = valueIn(json, "coverage");
  const results = isObject(own) ? [own] : Object.values(json).flatMap((result) => coverageIn(result));
  if (results.length === 0) {
    return err(
      Array.isArray(valueIn(json, "files"))
        ? "expected simplecov's .resultset.json but have the format of simplecov-json"
        : "expected simplecov's .resultset.json: no member has a `coverage`",
    );
  }
  const files = new Map<string, FileHits>();
  for (const result of results) {
    for (const [filePath, value] of Object.entries(result)) {
      const hits = files.get(filePath) ?? { lines: [], branches: new Map<string, number>() };
      files.set(filePath, hits);
      addHits(hits, value);
    }
  }
  return ok([...files].map(([filePath, hits]) => coverageOf(filePath, hits)));
}

function coverageIn(result: unknown): JsonObject[] {
  const coverage = isObject(result) ? valueIn(result, "coverage") : undefined;
  return isObject(coverage) ? [coverage] : [];
}

/** Before simplecov 0.18 a file is its list of lines; since then an object with `lines` and `branches`. */
function addHits(hits: FileHits, value: unknown): void {
  const lines = isObject(value) ? valueIn(value, "lines") : value;
  if (Array.isArray(lines)) {
    for (const [index, count] of lines.entries()) {
      // "ignored" marks lines inside `:nocov:`.
      if (typeof count === "number") hits.lines[index] = (hits.lines[index] ?? 0) + count;
    }
  }
  const branches = isObject(value) ? valueIn(value, "branches") : undefined;
  if (Array.isArray(branches)) addListedBranches(hits, branches);
  else if (isObject(branches)) {
    for (const [condition, arms] of Object.entries(branches)) {
      if (!isObject(arms)) continue;
      for (const [arm, count] of Object.entries(arms)) addBranch(hits, `${condition} ${arm}`, count);
    }
  }
}

/** coverage.json: `{ "type": "then", "start_line": 4, "end_line": 4, "coverage": 1 }`. */
function addListedBranches(hits: FileHits, branches: readonly unknown[]): void {
  for (const [index, branch] of branches.entries()) {
    if (isObject(branch)) addBranch(hits, String(index), valueIn(branch, "coverage"));
  }
}

function addBranch(hits: FileHits, key: string, count: unknown): void {
  if (typeof count === "number") hits.branches.set(key, (hits.branches.get(key) ?? 0) + count);
}

function coverageOf(filePath: string, hits: FileHits): ReportedCoverage {
  const counted = hits.lines.filter((count) => count !== undefined);
  const linesCovered = counted.filter((count) => count > 0).length;
  const branches = [...hits.branches.values()];
  const branchesCovered = branches.filter((count) => count > 0).length;
  return {
    filePath,
    linesCovered,
    linesMissed: counted.length - linesCovered,
    branchesCovered,
    branchesMissed: branches.length - branchesCovered,
  };
}
