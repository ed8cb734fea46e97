/** The rows of the acceptance list that happen on Kiln: a real build or a real call, then `kiln explain`. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Acceptance, isHere, type RealRow } from "./real-build.ts";
import { callRows } from "./real-calls.ts";
import { commandRows, dockerRows } from "./real-commands.ts";
import { sourceRows } from "./real-sources.ts";
import { foundIn, shortOf } from "./rows.ts";

const at = new Acceptance();
const rows = [...sourceRows, ...callRows, ...commandRows, ...dockerRows];
const lacks = ({ needs }: RealRow): boolean => needs !== undefined && !isHere(needs);

beforeAll(async () => {
  await at.start();
  await at.runAll(rows.filter((row) => !lacks(row)));
}, 240_000);
afterAll(() => at.close());

describe("the acceptance list, from real builds", () => {
  for (const row of rows) {
    const isSkipped = lacks(row);
    if (isSkipped) process.stderr.write(`skipped ${row.id}: ${row.needs} is not on PATH\n`);
    it.skipIf(isSkipped)(`${row.id} ${row.code}`, async () => {
      const diagnosis = await at.explain(row);
      const found = foundIn(diagnosis, row);
      expect(shortOf(found)).toEqual({
        code: row.code,
        cause: expect.stringContaining(row.says),
        ...(row.line === undefined ? {} : { line: row.line }),
        ...(row.field === undefined ? {} : { field: row.field }),
        fix: row.fix,
      });
      if (row.isBeside) return;
      expect(found.evidence?.join("")).not.toBe("");
      expect(found.sources?.length).toBeGreaterThan(0);
      expect(found.prove).toMatch(/\S/);
    });
  }
});
