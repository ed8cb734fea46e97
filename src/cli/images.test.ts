/** What `kiln images` says to input that is wrong. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memoryIo } from "./io.ts";
import { runCli } from "./run-cli.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kiln-images-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function kiln(...argv: string[]) {
  const io = memoryIo({ cwd: folder });
  const exitCode = await runCli(["images", ...argv, "--state-dir", join(folder, "state")], io);
  return { exitCode, out: io.written(), err: io.complained() };
}

describe("kiln images", () => {
  it("maps one name to one image, and says that the image is not here yet", async () => {
    const refused = await kiln("map", "a=b=c");
    expect([refused.exitCode, refused.err]).toEqual([
      2,
      "error: expected NAME=IMAGE, not `a=b=c`\n  fix: write it like python:3.11-slim=my-python:1\n",
    ]);
    const mapped = await kiln("map", "python:3=mine:1");
    expect([mapped.exitCode, mapped.err]).toEqual([
      0,
      "docker.io/library/python:3 is now docker.io/library/mine:1\n" +
        "note: Kiln's registry has no `docker.io/library/mine:1` yet; `kiln images ls` shows what it has\n",
    ]);
  });

  it.each([
    ["make", "busybox"],
    ["import", "absent.tar"],
  ])("looks at the name first: %s", async (command, argument) => {
    const { exitCode, err } = await kiln(command, argument, "--as", "a:b:c");
    expect([exitCode, err]).toEqual([2, "error: invalid reference format\n"]);
  });

  it("says what a folder lacks", async () => {
    mkdirSync(join(folder, "empty"));
    const { exitCode, err } = await kiln("import", "empty", "--as", "a");
    expect(exitCode).toBe(2);
    expect(err).toContain("  why: it has no `index.json`\n");
  });
});
