/**
 * Real buildspecs run on the host engine against stand-in tools: which tools are called, in which order, directory and
 * environment, and how the phases end. The expectations in runs/ were read by a person before they were kept.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { isCorpusHere, readCorpusFile } from "./corpus.ts";
import { runCorpusBuild } from "./run-corpus-build.ts";
import { RUN_NUMBERS } from "./run-numbers.ts";

describe.skipIf(!isCorpusHere || process.platform !== "linux")("buildspecs of the corpus, run", () => {
  it("are at least sixty", () => {
    expect(RUN_NUMBERS.length).toBeGreaterThanOrEqual(60);
  });

  it.each(RUN_NUMBERS)("%s calls its tools in order, place and environment", { timeout: 60_000 }, async (number) => {
    const expectation = fileURLToPath(new URL(`runs/${number}.txt`, import.meta.url));
    const actual = await runCorpusBuild(readCorpusFile(number));
    if (process.env["KILN_UPDATE_GOLDEN"]) writeFileSync(expectation, actual);
    expect(actual).toBe(readFileSync(expectation, "utf8"));
  });
});
