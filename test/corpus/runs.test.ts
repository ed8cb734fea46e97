/**
 * Real buildspecs run on the host engine against stand-in tools: which tools are called, in which order, directory and
 * environment, and how the phases end. The expectations in runs/ were read by a person before they were kept.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { isCorpusHere, readCorpusFile } from "./corpus.ts";
import { runCorpusBuild } from "./run-corpus-build.ts";
import { RUN_NUMBERS } from "./run-numbers.ts";

/** A folder in memory, where programs may be run from there: ext4 takes long to make many files soon after others went. */
function memoryFolder(): string | undefined {
  let folder: string | undefined;
  try {
    folder = mkdtempSync("/dev/shm/kiln-corpus-");
    const program = join(folder, "program");
    writeFileSync(program, "#!/bin/sh\n");
    chmodSync(program, 0o755);
    if (spawnSync(program).status === 0) return folder;
  } catch {
    // There is none, or no room in it.
  }
  if (folder !== undefined) rmSync(folder, { recursive: true });
  return undefined;
}

describe.skipIf(!isCorpusHere || process.platform !== "linux")("buildspecs of the corpus, run", () => {
  let folder: string | undefined;
  beforeAll(() => {
    folder = memoryFolder();
    if (folder !== undefined) vi.stubEnv("TMPDIR", folder);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it("are at least sixty", () => {
    expect(RUN_NUMBERS.length).toBeGreaterThanOrEqual(60);
  });

  it.each(RUN_NUMBERS)("%s calls its tools in order, place and environment", async (number) => {
    const expectation = fileURLToPath(new URL(`runs/${number}.txt`, import.meta.url));
    const actual = await runCorpusBuild(readCorpusFile(number));
    if (process.env["KILN_UPDATE_GOLDEN"]) writeFileSync(expectation, actual);
    expect(actual).toBe(readFileSync(expectation, "utf8"));
  });
});
