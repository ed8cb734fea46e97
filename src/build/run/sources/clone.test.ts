/** Git sources, cloned from real repositories over HTTP and from folders. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GitServer, serveGit, TestRepository } from "../../../../test/support/git-repository.ts";
import { SourceBench } from "../../../../test/support/take-test-sources.ts";

const bench = new SourceBench();
let root = "";
let server: GitServer;
let repository: TestRepository;
const ids: Record<string, string> = {};

beforeAll(async () => {
  root = await bench.folder();
  repository = new TestRepository(join(root, "owner", "app"));
  ids["first"] = repository.commit({ "file.txt": "first\n" }, "first");
  repository.git("tag", "-a", "v1", "-m", "version one");
  ids["second"] = repository.commit({ "file.txt": "second\n" }, "second");
  repository.git("checkout", "-q", "-b", "feature/x");
  ids["feature"] = repository.commit({ "file.txt": "feature\n" }, "feature");
  repository.git("checkout", "-q", "--detach");
  ids["pull"] = repository.commit({ "file.txt": "pull\n" }, "pull");
  repository.git("update-ref", "refs/pull/7/head", "HEAD");
  repository.git("update-ref", "refs/merge-requests/8/head", "HEAD");
  repository.git("checkout", "-q", "main");
  ids["main"] = repository.commit({ "file.txt": "main\n" }, "third");
  server = await serveGit(root);
});
afterAll(async () => {
  await server.close();
  await bench.remove();
});

const url = (): string => `${server.url}/owner/app`;
const source = (more: object = {}) => ({ type: "GITHUB", location: url(), ...more });
const git = (folder: string, ...args: string[]): string =>
  execFileSync("git", args, { cwd: folder, encoding: "utf8" }).trim();
const content = (folder: string): string => readFileSync(join(folder, "file.txt"), "utf8").trim();

describe("a cloned source", () => {
  it("is the default branch at a detached HEAD, with remote branches, tags and the whole history", async () => {
    const { taken } = await bench.take({ source: source() });
    const folder = taken?.srcDir ?? "";
    expect(content(folder)).toBe("main");
    expect(taken?.resolvedVersion).toBe(ids["main"]);
    expect(git(folder, "rev-parse", "--abbrev-ref", "HEAD")).toBe("HEAD");
    expect(git(folder, "for-each-ref", "--format=%(refname)").split("\n")).toEqual([
      "refs/remotes/origin/feature/x",
      "refs/remotes/origin/main",
      "refs/tags/v1",
    ]);
    expect(git(folder, "rev-list", "--count", "HEAD")).toBe("3");
    expect(git(folder, "config", "remote.origin.url")).toBe(url());
    expect(git(folder, "status", "--short")).toBe("");
    expect(folder).toMatch(/\/codebuild\/output\/src\d+\/src\/127\.0\.0\.1\/owner\/app$/);
    expect(taken?.variables).toEqual({
      CODEBUILD_SRC_DIR: folder,
      CODEBUILD_SOURCE_REPO_URL: url(),
      CODEBUILD_SOURCE_VERSION: "",
      CODEBUILD_RESOLVED_SOURCE_VERSION: ids["main"],
    });
  });

  it.each([
    ["a branch", "feature/x", "feature"],
    ["an annotated tag", "v1", "first"],
    ["a pull request", "pr/7", "pull"],
    ["a reference of a pull request", "refs/pull/7/head", "pull"],
    ["a branch by its whole name", "refs/heads/feature/x", "feature"],
    ["HEAD", "HEAD", "main"],
  ])("is %s, with the history and without", async (_, version, expected) => {
    for (const gitCloneDepth of [0, 1]) {
      const { taken, failure } = await bench.take({ source: source({ gitCloneDepth }), version });
      expect(failure).toBeUndefined();
      expect(content(taken?.srcDir ?? "")).toBe(expected);
      expect(taken?.resolvedVersion).toBe(ids[expected]);
      expect(git(taken?.srcDir ?? "", "rev-parse", "--is-shallow-repository")).toBe(
        gitCloneDepth === 0 ? "false" : "true",
      );
      expect(taken?.variables["CODEBUILD_SOURCE_VERSION"]).toBe(version);
    }
  });

  it.each(["first", "second", "pull"])("is a commit by its long id (%s), shallow or whole", async (name) => {
    for (const gitCloneDepth of [0, 1, 25, 26]) {
      const { taken } = await bench.take({ source: source({ gitCloneDepth }), version: ids[name] ?? "" });
      expect(content(taken?.srcDir ?? "")).toBe(name);
    }
  });

  it("is a commit by a short id even where a shallow clone was asked for", async () => {
    const { taken } = await bench.take({
      source: source({ gitCloneDepth: 1 }),
      version: ids["second"]?.slice(0, 8) ?? "",
    });
    expect(taken?.resolvedVersion).toBe(ids["second"]);
  });

  it("downloads one reference only for `refs/heads/<branch>^{<commit>}`", async () => {
    const version = `refs/heads/main^{${ids["second"]}}`;
    const { taken } = await bench.take({ source: source(), version });
    expect(content(taken?.srcDir ?? "")).toBe("second");
    expect(git(taken?.srcDir ?? "", "for-each-ref", "--format=%(refname)")).toBe("refs/remotes/origin/main");
  });

  it("finds merge requests where GitLab keeps them", async () => {
    const { taken } = await bench.take({ source: source({ type: "GITLAB" }), version: "pr/8" });
    expect(content(taken?.srcDir ?? "")).toBe("pull");
  });

  it.each(["nope", "pr/99", "refs/heads/nope", "0".repeat(40), "deadbeef", "a..b", "--upload-pack=touch x", "x:y"])(
    "fails with CodeBuild's words for the version %s",
    async (version) => {
      for (const gitCloneDepth of [0, 1]) {
        const { failure } = await bench.take({ source: source({ gitCloneDepth }), version });
        expect(failure).toEqual({
          statusCode: "CLIENT_ERROR",
          message: `reference not found for primary source and source version ${version}`,
        });
      }
    },
  );

  it("fails with CodeBuild's words for a repository that is not there", async () => {
    const { failure } = await bench.take({
      source: source({ location: `${server.url}/owner/nope.git` }),
      version: "main",
    });
    expect(failure?.message).toBe("repository not found for primary source and source version main");
  });

  it("names what the network said", async () => {
    const { failure } = await bench.take({ source: source({ location: "http://127.0.0.1:1/owner/x.git" }) });
    expect(failure?.message).toMatch(
      /^Git clone failed: Unable to access 'http:\/\/127\.0\.0\.1:1\/owner\/x\.git\/': Failed to connect/,
    );
  });

  it.each([
    ["ext::sh -c touch% x", "the location names a remote helper (`name::`), which would run a command"],
    ["--upload-pack=touch x", "the location starts with a dash"],
    ["https://-oProxyCommand=x/y", "the location has no host"],
    ["gopher://x/y", "the transport `gopher` is not one of https, http, ssh, git, file"],
  ])("refuses the location %s", async (location, reason) => {
    const { failure } = await bench.take({ source: source({ location }) });
    expect(failure?.message).toBe(`Git clone failed: ${reason}`);
  });

  it("comes from a bare repository and from a path of this machine, too", async () => {
    const bare = join(root, "bare.git");
    execFileSync("git", ["clone", "-q", "--bare", repository.folder, bare]);
    for (const location of [`file://${bare}`, bare, repository.folder]) {
      const { taken } = await bench.take({ source: source({ location, gitCloneDepth: 1 }) });
      expect(content(taken?.srcDir ?? "")).toBe("main");
      expect(git(taken?.srcDir ?? "", "rev-list", "--count", "HEAD")).toBe("1");
    }
  });

  it("runs no hook and no filter that the repository or a template brings", async () => {
    const hostile = new TestRepository(join(root, "hostile"));
    hostile.commit({ ".gitattributes": "*.txt filter=evil\n", "file.txt": "x\n" });
    const mark = join(root, "was-run");
    hostile.git("config", "filter.evil.smudge", `touch ${mark}`);
    hostile.git("config", "core.fsmonitor", `touch ${mark}`);
    writeFileSync(join(hostile.folder, ".git", "hooks", "post-checkout"), `#!/bin/sh\ntouch ${mark}\n`, {
      mode: 0o755,
    });
    for (const location of [`${server.url}/hostile`, `file://${hostile.folder}`]) {
      for (const version of [undefined, "main"]) {
        const { taken } = await bench.take({ source: source({ location }), ...(version ? { version } : {}) });
        expect(existsSync(join(taken?.srcDir ?? "", ".git", "hooks"))).toBe(false);
      }
    }
    expect(existsSync(mark)).toBe(false);
  });
});

describe("a source cache", () => {
  const cache = { type: "LOCAL", modes: ["LOCAL_SOURCE_CACHE"] };

  it("keeps the repository on this machine and downloads what is new", async () => {
    const cacheDir = await bench.folder();
    const input = { source: source(), cache, dependencies: { cacheDir } };
    const cold = await bench.take(input);
    expect(content(cold.taken?.srcDir ?? "")).toBe("main");
    expect(readdirSync(join(cacheDir, "sources", "111122223333", "us-east-1", "my-project", "0"))).toHaveLength(1);
    // AWS: `.git` is a file.
    expect(statSync(join(cold.taken?.srcDir ?? "", ".git")).isFile()).toBe(true);
    ids["newer"] = repository.commit({ "file.txt": "newer\n" }, "fourth");
    const before = server.requests.length;
    const warm = await bench.take(input);
    expect(warm.taken?.resolvedVersion).toBe(ids["newer"]);
    expect(git(warm.taken?.srcDir ?? "", "config", "remote.origin.url")).toBe(url());
    expect(git(warm.taken?.srcDir ?? "", "rev-list", "--count", "HEAD")).toBe("4");
    expect(server.requests.slice(before).filter((line) => line.startsWith("POST"))).toHaveLength(2);
    for (const [version, name] of [
      ["pr/7", "pull"],
      ["v1", "first"],
      [ids["second"] ?? "", "second"],
    ] as const) {
      const taken = (await bench.take({ ...input, version })).taken;
      expect(content(taken?.srcDir ?? "")).toBe(name);
    }
    const shallow = await bench.take({ ...input, source: source({ gitCloneDepth: 1 }) });
    expect(git(shallow.taken?.srcDir ?? "", "rev-list", "--count", "HEAD")).toBe("1");
  });

  it("is forgotten with the project's caches", async () => {
    const cacheDir = await bench.folder();
    for (const generation of [0, 1, 2]) {
      await bench.take({ source: source(), cache: { ...cache, generation }, dependencies: { cacheDir } });
    }
    expect(readdirSync(join(cacheDir, "sources", "111122223333", "us-east-1", "my-project"))).toEqual(["2"]);
  });

  it("clones from the server when the copy is damaged", async () => {
    const cacheDir = await bench.folder();
    const input = { source: source(), cache, dependencies: { cacheDir } };
    await bench.take(input);
    const folder = join(cacheDir, "sources", "111122223333", "us-east-1", "my-project", "0");
    const mirror = join(folder, readdirSync(folder)[0] ?? "");
    writeFileSync(join(mirror, "HEAD"), "not a reference\n");
    const { taken } = await bench.take(input);
    expect(taken?.resolvedVersion).toBe(ids["newer"] ?? ids["main"]);
  });
});
