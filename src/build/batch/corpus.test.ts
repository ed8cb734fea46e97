/**
 * Every batch of the corpus plans, as reviewed in the snapshot: kind, builds, levels. The corpus is not part of the
 * repository: absent means skipped, said so.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseBuildspec } from "../buildspec/index.ts";
import { GRAPH_FORMATS, graphTitle, planBatch, renderGraph } from "./index.ts";

const folder =
  process.env["KILN_CORPUS"] ?? fileURLToPath(new URL("../../../../shared/corpus/buildspecs", import.meta.url));
const isHere = existsSync(folder);
if (!isHere) process.stderr.write(`skipped: no corpus at ${folder} (set KILN_CORPUS)\n`);

describe.skipIf(!isHere)("the batches of real buildspecs", () => {
  const files = isHere ? readdirSync(folder).filter((name) => /^\d+\.yml$/.test(name)) : [];
  const batches = files.flatMap((name) => {
    const { buildspec } = parseBuildspec(readFileSync(`${folder}/${name}`, "utf8"), name);
    return buildspec?.batch ? [{ name, batch: buildspec.batch }] : [];
  });

  it("are planned without failure, in every format", async () => {
    expect(batches).toHaveLength(37);
    const lines = batches.map(({ name, batch }) => {
      const { plan, failure, diagnostics } = planBatch({
        batch,
        buildspecFile: name,
        restrictions: { maximumBuildsAllowed: 1000 },
      });
      if (!plan) return `${name}: ${failure?.message}`;
      for (const format of GRAPH_FORMATS) expect(renderGraph(plan, format)).not.toBe("");
      const found = diagnostics.map(({ message }) => `\n  ${message}`).join("");
      return `${name}: ${graphTitle(plan)}${found}`;
    });
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("corpus.snapshot.txt");
  });
});
