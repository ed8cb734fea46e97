/** The rows of the acceptance list that only AWS can show, through the command, from files as people save them. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { memoryIo } from "../../src/cli/io.ts";
import { runCli } from "../../src/cli/run-cli.ts";
import { type Explained, foundIn, type SavedRow, shortOf } from "./rows.ts";
import { callRows } from "./saved-calls.ts";
import { imageRows } from "./saved-images.ts";
import { logRows } from "./saved-logs.ts";

const root = mkdtempSync(join(tmpdir(), "kiln-acceptance-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function explain(row: SavedRow): Promise<Explained> {
  const folder = join(root, row.id);
  for (const [name, text] of Object.entries({ "README.md": "shop\n", ...row.files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const flags: string[] = [];
  if (row.log !== undefined) {
    writeFileSync(join(root, `${row.id}.log`), row.log);
    flags.push("--log", `../${row.id}.log`);
  }
  if (row.build !== undefined) {
    const text = typeof row.build === "string" ? row.build : JSON.stringify(row.build, undefined, 4);
    writeFileSync(join(root, `${row.id}.json`), text);
    flags.push("--build", `../${row.id}.json`);
  }
  const io = memoryIo({ cwd: folder });
  expect(await runCli(["explain", ...flags, "-o", "json"], io), io.complained()).toBe(0);
  expect(existsSync(join(folder, ".kiln"))).toBe(false);
  return (JSON.parse(io.written()) as { diagnosis: Explained }).diagnosis;
}

describe("the acceptance list, from what AWS shows", () => {
  it.each([...imageRows, ...callRows, ...logRows].map((row) => [`${row.id} ${row.code}`, row] as const))(
    "%s",
    async (_, row) => {
      const diagnosis = await explain(row);
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
    },
  );
});
