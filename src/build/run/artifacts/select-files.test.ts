/** Which files `artifacts` names: bases, patterns, exclusions, links. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PlannedArtifacts } from "../../plan/build-plan.ts";
import { BroughtFiles } from "../brought-files.ts";
import { OwnFiles } from "../own-files.ts";
import { selectFiles } from "./select-files.ts";

let work = "";
let src = "";
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), "kiln-select-"));
  src = join(work, "build", "src");
  await mkdir(src, { recursive: true });
});
afterEach(() => rm(work, { recursive: true, force: true }));

async function put(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(src, path)), { recursive: true });
    await writeFile(join(src, path), `${path}\n`);
  }
}

async function select(artifacts: Partial<PlannedArtifacts>, keepLinks = false) {
  const lines: string[] = [];
  const warnings: string[] = [];
  const result = await selectFiles({
    artifacts: { files: [], excludePaths: [], discardPaths: false, enableSymlinks: false, ...artifacts },
    srcDir: src,
    workDir: join(work, "build"),
    keepLinks,
    brought: new BroughtFiles({
      environment: { toHostPath: (path) => path, toEnvironmentPath: (path) => path },
      own: new OwnFiles({ workDir: join(work, "build"), isApart: false }),
      workDir: join(work, "build"),
      signal: new AbortController().signal,
    }),
    signal: new AbortController().signal,
    log: (text) => lines.push(text),
    warn: (text) => warnings.push(text),
    expand: async (text) => text.replace("$HERE", src),
  });
  const paths = result.ok
    ? result.value.map(({ path, link }) => (link === undefined ? path : `${path} -> ${link}`))
    : result.error;
  return { paths, lines, warnings: warnings.map((text) => text.replaceAll(work, "WORK")) };
}

describe("files of artifacts", () => {
  it.each<[string, string[]]>([
    ["a.jar", ["a.jar"]],
    ["./a.jar", ["a.jar"]],
    ["dir/*", ["dir/.dot", "dir/b.txt"]],
    ["dir/**/*", ["dir/.dot", "dir/b.txt", "dir/sub/c.txt"]],
    ["**/*", [".hidden", "a.jar", "dir/.dot", "dir/b.txt", "dir/sub/c.txt", "x [1].txt"]],
    ["x [1].txt", ["x [1].txt"]],
    ["$HERE/dir/b.txt", ["dir/b.txt"]],
  ])("%s", async (pattern, paths) => {
    await put(".hidden", "a.jar", "dir/.dot", "dir/b.txt", "dir/sub/c.txt", "x [1].txt");
    expect((await select({ files: [pattern] })).paths).toEqual(paths);
  });

  it("say which patterns found how much, and name those that found nothing", async () => {
    await put("a.jar");
    expect((await select({ files: ["*.jar", "dir", "../out"] })).lines).toEqual([
      "Expanding base directory path: .",
      "Assembling file list",
      "Expanding .",
      "Expanding file paths for base directory .",
      "Assembling file list",
      "Expanding *.jar",
      "Found 1 file(s)",
      "Expanding dir",
      "Skipping invalid file path dir",
      "Expanding ../out",
      "Skipping invalid file path ../out",
    ]);
  });

  it("fail when nothing is found at all, or the base directory is absent", async () => {
    expect((await select({ files: ["nope"] })).paths).toEqual({
      statusCode: "CLIENT_ERROR",
      message: "no matching artifact paths found",
    });
    expect((await select({ files: ["**/*"], baseDirectory: "nope*" })).paths).toEqual({
      statusCode: "CLIENT_ERROR",
      message: "no matching base directory path found for nope*",
    });
  });

  it("come from each folder that the base directory names, without that folder", async () => {
    await put("my-one/a", "my-two/b", "other/c");
    expect((await select({ files: ["**/*"], baseDirectory: "my-*" })).paths).toEqual(["a", "b"]);
    expect((await select({ files: ["**/*"], baseDirectory: "$HERE/other" })).paths).toEqual(["c"]);
  });

  it("leave out what exclude-paths name", async () => {
    await put("dist/.env", "dist/.git/config", "dist/keep/a", "dist/node_modules/x/y", "dist/b.log");
    const excludePaths = ["**/.*", "**/.*/**/*", "**/node_modules/**/*", "./*.log"];
    expect((await select({ files: ["**/*"], baseDirectory: "dist", excludePaths })).paths).toEqual(["keep/a"]);
  });

  it("lie side by side under discard-paths, unless two have one name", async () => {
    await put("a/one.txt", "b/c/two.txt", "d/two.txt");
    expect((await select({ files: ["a/**/*", "b/**/*"], discardPaths: true })).paths).toEqual(["one.txt", "two.txt"]);
    expect((await select({ files: ["**/*"], discardPaths: true })).paths).toEqual({
      statusCode: "CLIENT_ERROR",
      message: `discard-paths: two files are named two.txt: ${src}/b/c/two.txt and ${src}/d/two.txt`,
    });
  });

  it("name two files that would get one place", async () => {
    await put("my-one/a", "my-two/a");
    expect((await select({ files: ["**/*"], baseDirectory: "my-*" })).paths).toEqual({
      statusCode: "CLIENT_ERROR",
      message: `base-directory: two files would be stored as a: ${src}/my-one/a and ${src}/my-two/a`,
    });
  });
});

describe("links among artifacts", () => {
  beforeEach(async () => {
    await put("real/a.txt", "real/skip.log");
    await writeFile(join(work, "secret"), "s");
    await symlink("real/a.txt", join(src, "file-link"));
    await symlink("real", join(src, "folder-link"));
    await symlink(join(work, "secret"), join(src, "out"));
    await symlink("nowhere", join(src, "broken"));
    await symlink("..", join(src, "real", "loop"));
  });

  it("are followed inside the build, and left out by name where they lead elsewhere", async () => {
    const { paths, warnings } = await select({
      files: ["*", "folder-link/*.txt"],
      excludePaths: ["**/*.log", "**/loop/**"],
    });
    expect(paths).toEqual(["file-link", "folder-link/a.txt"]);
    expect(warnings).toEqual([
      "artifacts: the link `broken` leads nowhere; it is left out",
      "artifacts: the link `out` leads out of the build, to WORK/secret; it is left out",
    ]);
  });

  it("stay links where they are kept", async () => {
    const { paths, warnings } = await select({ files: ["*"] }, true);
    expect(paths).toEqual([
      "broken -> nowhere",
      "file-link -> real/a.txt",
      "folder-link -> real",
      `out -> ${work}/secret`,
    ]);
    expect(warnings).toEqual([]);
  });

  it("in a circle come to an end", async () => {
    const { paths } = await select({ files: ["real/**/*"], excludePaths: ["**/out", "**/broken"] });
    expect(paths).toContain("real/a.txt");
  });
});
