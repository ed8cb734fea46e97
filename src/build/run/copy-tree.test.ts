import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testBuild } from "../../../test/support/run-test-build.ts";
import { createFakeEngine } from "../../engines/index.ts";

const SPEC = "version: 0.2\nphases:\n  build:\n    commands: ['true']\n";
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

/** Names below the folder as bytes, in hexadecimal where they are no UTF-8. */
const namesIn = (folder: string): string[] =>
  readdirSync(folder, { encoding: "buffer" })
    .map((name) => (Buffer.from(name.toString()).equals(name) ? name.toString() : name.toString("hex")))
    .sort();

describe.skipIf(process.platform !== "linux").each(["a plain folder", "a git work tree"])(
  "the source from %s",
  (kind) => {
    let folder = "";
    let found: { names: string[]; loop: string } = { names: [], loop: "" };
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), "kiln-odd-"));
      if (kind === "a git work tree") execFileSync("git", ["init", "-q"], { cwd: folder });
      writeFileSync(join(folder, "buildspec.yml"), SPEC);
    });
    afterEach(async () => {
      process.seteuid?.(process.getuid?.() ?? 0);
      await rm(folder, { recursive: true, force: true });
    });

    const build = () => {
      const engine = createFakeEngine([
        {
          match: "true",
          effect: () => {
            const srcDir = engine.opened[0]?.variables["CODEBUILD_SRC_DIR"] ?? "";
            found = { names: namesIn(srcDir), loop: readlinkSync(join(srcDir, "self")) };
          },
        },
      ]);
      return testBuild({ engine, request: { source: { type: "S3", location: `file://${folder}` } } });
    };

    it("has names with line ends and names that are no UTF-8, and links that lead in circles", async () => {
      writeFileSync(join(folder, "new\nline"), "");
      writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from("bad\xff", "latin1")]), "");
      symlinkSync("self", join(folder, "self"));
      const { result, notices } = await build();
      expect(result.buildStatus).toBe("SUCCEEDED");
      expect(found).toEqual({
        names: [Buffer.from("bad\xff", "latin1").toString("hex"), "buildspec.yml", "new\nline", "self"],
        loop: "self",
      });
      expect(notices).toHaveLength(1);
    });

    it.skipIf(!isRoot)("names what may not be read and goes on without it", async () => {
      symlinkSync("self", join(folder, "self"));
      mkdirSync(join(folder, "closed"));
      writeFileSync(join(folder, "closed", "inside"), "");
      for (const name of ["se\ncret", "other"]) writeFileSync(join(folder, name), "");
      for (const name of ["se\ncret", "other", "closed"]) chmodSync(join(folder, name), 0);
      chmodSync(folder, 0o755);
      process.seteuid?.(NOBODY);
      const { result, notices } = await build();
      expect(result.buildStatus).toBe("SUCCEEDED");
      expect(notices[1]).toBe(
        "not in the build's source (not readable for this user): `closed/`, `other`, `se\\ncret`",
      );
    });
  },
);

describe.skipIf(process.platform !== "linux")("a pipe in the source", () => {
  it("is named as left out", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kiln-odd-"));
    writeFileSync(join(folder, "buildspec.yml"), SPEC);
    execFileSync("mkfifo", [join(folder, "pipe")]);
    const { notices } = await testBuild({
      engine: createFakeEngine(),
      request: { source: { type: "S3", location: `file://${folder}` } },
    });
    expect(notices[1]).toBe("not in the build's source (a socket, pipe or device): `pipe`");
    await rm(folder, { recursive: true });
  });
});
