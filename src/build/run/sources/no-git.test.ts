/** Sources on a machine without git. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SourceBench } from "../../../../test/support/take-test-sources.ts";

const bench = new SourceBench();
afterAll(() => bench.remove());

describe("without git on PATH", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await bench.folder();
    writeFileSync(join(folder, "buildspec.yml"), "version: 0.2\n");
    vi.stubEnv("PATH", "/nowhere");
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  const local = () => ({ type: "GITHUB", location: pathToFileURL(folder).href });

  it("a clone fails and names git", async () => {
    const source = { type: "GITHUB", location: "https://example.com/me/app.git" };
    const { failure } = await bench.take({ source, version: "main" });
    expect(failure).toEqual({
      statusCode: "CLIENT_ERROR",
      message:
        "Git clone failed: there is no `git` on PATH for primary source and source version main; install git and start the build again",
    });
  });

  it("a revision of a folder here fails and names git", async () => {
    const { failure } = await bench.take({ source: local(), version: "HEAD" });
    expect(failure).toEqual({
      statusCode: "CLIENT_ERROR",
      message:
        "Git clone failed: there is no `git` on PATH for primary source and source version HEAD; install git and start the build again",
    });
  });

  it("a folder here is taken as it is, and the notice says what that means", async () => {
    const { taken, events } = await bench.take({ source: local() });
    expect(taken?.srcDir).toBeDefined();
    expect(events.flatMap((event) => (event.type === "notice" ? [event.text] : []))).toEqual([
      `source: all 1 file of ${folder} (there is no \`git\` on PATH, so also what it ignores)`,
    ]);
  });
});
