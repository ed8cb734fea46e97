/** Submodules of git sources: nested ones, and those that a repository must not get. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GitServer, serveGit, TestRepository } from "../../../../test/support/git-repository.ts";
import { SourceBench } from "../../../../test/support/take-test-sources.ts";

const bench = new SourceBench();
let root = "";
let server: GitServer;

beforeAll(async () => {
  root = await bench.folder();
  new TestRepository(join(root, "leaf")).commit({ "leaf.txt": "leaf\n" });
  const middle = new TestRepository(join(root, "middle"));
  addSubmodule(middle, "../leaf", "leaf");
  const top = new TestRepository(join(root, "top"));
  addSubmodule(top, "../middle", "vendor/middle");
  server = await serveGit(root);
});
afterAll(async () => {
  await server.close();
  await bench.remove();
});

/** `git submodule add` from the folder, then the URL as the repository shall say it. */
function addSubmodule(repository: TestRepository, url: string, path: string, from = url): void {
  repository.git("submodule", "--quiet", "add", join(repository.folder, from), path);
  repository.git("config", "-f", ".gitmodules", `submodule.${path}.url`, url);
  repository.commit({});
}

const take = (location: string, fetchSubmodules: boolean, more: object = {}) =>
  bench.take({ source: { type: "GITHUB", location, gitSubmodulesConfig: { fetchSubmodules }, ...more } });

describe("submodules", () => {
  it("are fetched with theirs when configured, shallow or not", async () => {
    for (const gitCloneDepth of [0, 1]) {
      const { taken, failure } = await take(`${server.url}/top`, true, { gitCloneDepth });
      expect(failure).toBeUndefined();
      expect(readFileSync(join(taken?.srcDir ?? "", "vendor/middle/leaf/leaf.txt"), "utf8")).toBe("leaf\n");
    }
  });

  it("stay empty otherwise", async () => {
    const { taken } = await take(`${server.url}/top`, false);
    expect(existsSync(join(taken?.srcDir ?? "", "vendor/middle/leaf"))).toBe(false);
  });

  it("are fetched from folders of this machine for a source that is one, when their URL is relative", async () => {
    const { taken, failure } = await take(join(root, "top"), true);
    expect(failure).toBeUndefined();
    expect(existsSync(join(taken?.srcDir ?? "", "vendor/middle/leaf/leaf.txt"))).toBe(true);
  });

  it.each([
    ["file", () => `file://${root}/leaf`, "the submodule's URL is a folder of this machine"],
    ["path", () => `${root}/leaf`, "the submodule's URL is a folder of this machine"],
    [
      "command",
      () => "ext::sh -c touch% /tmp/x",
      "the submodule's URL is not taken: the location names a remote helper (`name::`), which would run a command",
    ],
    ["option", () => "--upload-pack=x", "the submodule's URL is not taken: the location starts with a dash"],
  ])("are refused when a repository of a server names a %s", async (name, url, reason) => {
    const repository = new TestRepository(join(root, `hostile-${name}`));
    addSubmodule(repository, url(), "sub", "../leaf");
    const { failure } = await take(`${server.url}/hostile-${name}`, true);
    expect(failure).toEqual({ statusCode: "CLIENT_ERROR", message: `Git clone failed: sub: ${reason}` });
  });

  it("are named when their commit cannot be had", async () => {
    const repository = new TestRepository(join(root, "broken"));
    addSubmodule(repository, "../gone", "sub", "../leaf");
    const { failure } = await take(`${server.url}/broken`, true, {});
    expect(failure?.message).toMatch(/^repository not found for primary source and source version $/);
  });
});
