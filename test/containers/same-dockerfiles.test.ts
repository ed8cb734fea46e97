/**
 * The same Dockerfiles built by a real engine and by the embedded builder, with the classic builder and with BuildKit:
 * configuration, history, layers and files are compared; what ours built runs on the engine. Failing builds: exit code
 * and message. Skipped, with the reason printed, where no engine answers.
 * `KILN_TEST_CASES=name,name` limits it; `KILN_TEST_REPORT=file` gets the differences instead of failing.
 */
import { appendFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOLD_TIMEOUT_MS, holdEngine } from "../support/hold-engine.ts";
import { readCases, type Style } from "./cases.ts";
import { type Comparison, openComparison, whyNoComparison } from "./comparison.ts";
import { engineSocket } from "./docker-api.ts";

const CASE_TIMEOUT_MS = 180_000;

const reason = await whyNoComparison();
if (reason !== undefined) process.stderr.write(`comparisons with a real engine are skipped: ${reason}\n`);

const wanted = process.env["KILN_TEST_CASES"]?.split(",");
const cases = (await readCases()).filter(({ name }) => wanted?.includes(name) ?? true);
const report = process.env["KILN_TEST_REPORT"];

describe.skipIf(reason !== undefined)("the embedded builder against a real engine", () => {
  let comparison: Comparison;
  let release: () => Promise<void>;
  beforeAll(async () => {
    release = await holdEngine(`unix://${await engineSocket()}`);
    comparison = await openComparison();
  }, HOLD_TIMEOUT_MS);
  afterAll(async () => {
    await comparison?.close();
    await release?.();
  });

  describe.concurrent.each(["classic", "buildkit"] satisfies Style[])("%s", (style) => {
    // Several at a time: most of it is waiting for an engine.
    const own = cases.filter(({ styles }) => styles?.includes(style) ?? true);
    it.for(own)("$name", { timeout: CASE_TIMEOUT_MS }, async (one, context) => {
      const missing = comparison.whyNot(one, style);
      if (missing !== undefined) return context.skip(missing);
      const { differences, meant } = await comparison.compare(one, style);
      if (report !== undefined && differences.length > 0)
        await appendFile(report, `\n## ${one.name} (${style})\n${differences.map((line) => `- ${line}\n`).join("")}`);
      else expect(differences).toEqual([]);
      expect(Object.keys(one.differs?.[style] ?? {}).filter((start) => !meant.has(start))).toEqual([]);
    });
  });
});
