/** `codebuild-hash-files`: the recipe, and the command in a build. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testBuild } from "../../../../test/support/run-test-build.ts";
import { createHostEngine } from "../../../engines/index.ts";
import { hashFiles } from "./hash-files.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("the hash of files", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kiln-hash-"));
    await mkdir(join(folder, "a/.hidden"), { recursive: true });
    await writeFile(join(folder, "a/one.lock"), "1");
    await writeFile(join(folder, "a/.hidden/two.lock"), "2");
    await writeFile(join(folder, "Z.lock"), "3");
    await symlink("/etc/passwd", join(folder, "link"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("is that of their hashes and paths, sorted by bytes, each once", async () => {
    const lines = `${sha256("3")}  Z.lock\n${sha256("2")}  a/.hidden/two.lock\n${sha256("1")}  a/one.lock\n`;
    expect(await hashFiles(folder, ["**/*.lock", "a/one.lock", "./Z.lock"])).toBe(sha256(lines));
    expect(await hashFiles(folder, [join(folder, "Z.lock")])).toBe(sha256(`${sha256("3")}  Z.lock\n`));
    expect(await hashFiles(folder, ["link"])).toBe(sha256(`${sha256("/etc/passwd")}  link\n`));
  });

  it("is not there without a file", async () => {
    expect(await hashFiles(folder, ["*.nope", "../*", "/etc/passwd"])).toBeUndefined();
  });
});

describe.each(["sh", "bash"])("codebuild-hash-files under %s", (shell) => {
  it("needs no Node on the build's PATH, and says when nothing matches", async () => {
    const { log } = await testBuild({
      engine: createHostEngine({ graceMs: 100 }),
      dependencies: { machine: { PATH: "/usr/bin:/bin" } },
      buildspec: `version: 0.2\nenv:\n  shell: ${shell}\nphases:\n  build:\n    commands:\n      - printf 1 > x.lock && mkdir sub && cd sub && NODE_OPTIONS=--nope\n      - echo "k-$(codebuild-hash-files '*.lock')"\n      - codebuild-hash-files nope 2>&1\n`,
    });
    expect(log).toContain(`k-${sha256(`${sha256("1")}  x.lock\n`)}\n`);
    expect(log).toContain("codebuild-hash-files: no file matches nope\n");
    expect(log).toContain("C Command did not exit successfully codebuild-hash-files nope 2>&1 exit status 1");
  });
});
