/** Local cache folders: lent to one build at a time, put back, bounded. */
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LocalFolders, type TakenFolder } from "./local-folders.ts";

let folder = "";
let builds = 0;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kiln-local-"));
  builds = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function newBuild(maxBytes?: number, project = "app") {
  const uuid = `build-${++builds}`;
  const link = join(folder, uuid, "node_modules");
  await mkdir(join(folder, uuid));
  const scope = { partition: "aws", accountId: "1", region: "r" };
  const request = { scope, projectName: project, cache: { type: "LOCAL" } };
  const input = { cacheDir: join(folder, "cache"), request, uuid };
  const folders = new LocalFolders({ ...input, ...(maxBytes === undefined ? {} : { maxBytes }) });
  const take = async (name: string): Promise<TakenFolder> => {
    const taken = await folders.take(name, dirname(link), basename(link));
    if (!taken) throw new Error("nothing was taken");
    return taken;
  };
  return { folders, take, link };
}

it("keeps what builds write, through a link", async () => {
  const one = await newBuild();
  expect((await one.take("src/node_modules")).isWarm).toBe(false);
  expect((await lstat(one.link)).isSymbolicLink()).toBe(true);
  await writeFile(join(one.link, "counter"), "1");
  await one.folders.release(1000);
  const two = await newBuild();
  expect((await two.take("src/node_modules")).isWarm).toBe(true);
  expect(await readFile(join(two.link, "counter"), "utf8")).toBe("1");
});

it("begins with what the source has, and later takes its place", async () => {
  const one = await newBuild();
  await mkdir(one.link);
  await writeFile(join(one.link, "of-source"), "1");
  await one.take("src/node_modules");
  expect(await readdir(one.link)).toEqual(["of-source"]);
  await writeFile(join(one.link, "of-build"), "1");
  await rm(join(one.link, "of-source"));
  await one.folders.release(1000);
  const two = await newBuild();
  await mkdir(two.link);
  await writeFile(join(two.link, "of-source"), "2");
  await two.take("src/node_modules");
  expect(await readdir(two.link)).toEqual(["of-build"]);
});

it("is never in the hands of two builds; the last to end leaves its state", async () => {
  const one = await newBuild();
  await one.take("n");
  const two = await newBuild();
  expect((await two.take("n")).isWarm).toBe(false);
  await writeFile(join(one.link, "by"), "one");
  await writeFile(join(two.link, "by"), "two");
  await one.folders.release(1000);
  await two.folders.release(2000);
  const three = await newBuild();
  await three.take("n");
  expect(await readFile(join(three.link, "by"), "utf8")).toBe("two");
});

it("takes over what a build left whose process is gone", async () => {
  const one = await newBuild();
  const { folder: taken } = await one.take("n");
  await writeFile(join(taken, "by"), "dead");
  await rename(dirname(taken), dirname(taken).replace(`-${process.pid}-`, "-999999999-"));
  const two = await newBuild();
  expect((await two.take("n")).isWarm).toBe(true);
  expect(await readFile(join(two.link, "by"), "utf8")).toBe("dead");
});

it("is bounded: what was used longest ago goes first", async () => {
  for (const [project, atMs] of [
    ["old", 1000],
    ["new", 2000],
  ] as const) {
    const { folders, take, link } = await newBuild(150, project);
    await take("n");
    await writeFile(join(link, "x"), "x".repeat(100));
    await folders.release(atMs);
  }
  const old = await newBuild(150, "old");
  expect((await old.take("n")).isWarm).toBe(false);
  const fresh = await newBuild(150, "new");
  expect((await fresh.take("n")).isWarm).toBe(true);
});
