/** LOCAL_SOURCE_CACHE: copies of repositories that may go at any moment, and never grow beyond a bound. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type GitServer, serveGit, TestRepository } from "../../../../test/support/git-repository.ts";
import { SourceBench } from "../../../../test/support/take-test-sources.ts";
import { TestClock } from "../../../core/clock.ts";
import { boundMirrors, shareObjects } from "./source-mirror.ts";

const bench = new SourceBench();
const cache = { type: "LOCAL", modes: ["LOCAL_SOURCE_CACHE"] };
let server: GitServer;
beforeAll(async () => {
  const root = await bench.folder();
  new TestRepository(join(root, "app")).commit({ "file.txt": "one\n", "dir/more.txt": "two\n" });
  server = await serveGit(root);
});
afterAll(async () => {
  await server.close();
  await bench.remove();
});
const git = (folder: string, ...args: string[]): string =>
  execFileSync("git", args, { cwd: folder, encoding: "utf8" }).trim();

it("a build's repository is whole when the copy is gone", async () => {
  const cacheDir = await bench.folder();
  const source = { type: "GITHUB", location: `${server.url}/app` };
  const { taken } = await bench.take({ source, cache, dependencies: { cacheDir } });
  await rm(join(cacheDir, "sources"), { recursive: true });
  const folder = taken?.srcDir ?? "";
  expect(git(folder, "fsck", "--full")).toBe("");
  expect(git(folder, "show", "HEAD:dir/more.txt")).toBe("two");
  expect(existsSync(join(folder, git(folder, "rev-parse", "--git-path", "objects/info/alternates")))).toBe(false);
});

it("halves of a fetch that goes on are not handed to builds", async () => {
  const mirror = await bench.folder();
  const pack = join(mirror, "objects", "pack");
  await mkdir(pack, { recursive: true });
  for (const name of ["pack-1.idx", "pack-1.pack", "tmp_pack_x", "pack-2.keep.lock"])
    await writeFile(join(pack, name), "");
  const gitDir = await bench.folder();
  await shareObjects(mirror, gitDir);
  expect(readdirSync(join(gitDir, "objects", "pack")).sort()).toEqual(["pack-1.idx", "pack-1.pack"]);
  expect((await stat(join(gitDir, "objects", "pack", "pack-1.pack"))).nlink).toBe(2);
});

it("what was used longest ago goes first, in whatever project", async () => {
  const root = await bench.folder();
  const clock = new TestClock();
  const mirrorOf = async (project: string): Promise<string> => {
    const mirror = join(root, "1", "us-east-1", project, "0", "x.git");
    await mkdir(join(mirror, "objects"), { recursive: true });
    await writeFile(join(mirror, "objects", "pack"), Buffer.alloc(1000));
    await boundMirrors(mirror, clock, 2500);
    clock.advance(1000);
    return mirror;
  };
  const first = await mirrorOf("a");
  const second = await mirrorOf("b");
  await boundMirrors(first, clock, 2500);
  clock.advance(1000);
  const third = await mirrorOf("c");
  expect([first, second, third].map((mirror) => existsSync(mirror))).toEqual([true, false, true]);
  await boundMirrors(third, clock, 500);
  expect(await readdir(dirname(third))).toEqual([]);
});
