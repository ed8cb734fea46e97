/** All sources of a build together: folders, variables, secondary ones, stops, and folders of this machine. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GitServer, serveGit, TestRepository } from "../../../../test/support/git-repository.ts";
import { phaseLine, testBuild } from "../../../../test/support/run-test-build.ts";
import { SourceBench } from "../../../../test/support/take-test-sources.ts";
import { zipOf } from "../../../../test/support/zip-fixture.ts";
import { createHostEngine } from "../../../engines/index.ts";
import { findProcesses } from "../../../engines/process-sweep.ts";
import { asCloneUrl, parseGitUrl } from "./git-url.ts";
import { sourceFolders } from "./source-folders.ts";

const bench = new SourceBench();
let root = "";
let server: GitServer;
let app: TestRepository;
const ids: Record<string, string> = {};

beforeAll(async () => {
  root = await bench.folder();
  app = new TestRepository(join(root, "me", "app"));
  ids["first"] = app.commit({ file: "first\n" });
  app.git("update-ref", "refs/pull/3/head", "HEAD");
  app.git("checkout", "-q", "-b", "dev");
  ids["dev"] = app.commit({ file: "dev\n" });
  app.git("checkout", "-q", "main");
  const library = new TestRepository(join(root, "me", "library"));
  ids["library"] = library.commit({ lib: "lib\n" });
  server = await serveGit(root);
});
afterAll(async () => {
  await server.close();
  await bench.remove();
});

const git = (location: string, more: object = {}) => ({ type: "GITHUB", location, ...more });

describe("secondary sources", () => {
  it("come each into its folder, with variables, versions and a line in the log", async () => {
    const archive = await zipOf([{ name: "data", text: "d" }]);
    const { taken, events } = await bench.take({
      source: git(`${server.url}/me/app`),
      version: "dev",
      secondary: [
        git(`${server.url}/me/library`, { sourceIdentifier: "lib", sourceVersion: "main" }),
        git(`${server.url}/me/app`, { sourceIdentifier: "old", sourceVersion: ids["first"] }),
        { type: "S3", location: "b/k.zip", sourceIdentifier: "data" },
        { type: "NO_SOURCE", sourceIdentifier: "none" },
      ],
      role: { GetObject: () => ({ Body: archive, VersionId: "v1" }) },
    });
    const folders = Object.fromEntries(
      Object.entries(taken?.variables ?? {}).filter(([name]) => name.startsWith("CODEBUILD_SRC_DIR")),
    );
    const base = taken?.srcDir.replace(/\/127\.0\.0\.1\/me\/app$/, "") ?? "";
    expect(folders["CODEBUILD_SRC_DIR_lib"]).toBe(`${base}/127.0.0.1/me/library`);
    expect(folders["CODEBUILD_SRC_DIR_old"]).toMatch(/\/src\d+\/src\/127\.0\.0\.1\/me\/app$/);
    expect(folders["CODEBUILD_SRC_DIR_data"]).toMatch(/\/src\d+\/src$/);
    expect(new Set(Object.values(folders)).size).toBe(5);
    expect(readFileSync(join(taken?.srcDir ?? "", "file"), "utf8")).toBe("dev\n");
    expect(readFileSync(join(folders["CODEBUILD_SRC_DIR_old"] ?? "", "file"), "utf8")).toBe("first\n");
    expect(readdirSync(folders["CODEBUILD_SRC_DIR_data"] ?? "")).toEqual(["data"]);
    expect(taken?.variables).toMatchObject({
      CODEBUILD_SOURCE_VERSION: "dev",
      CODEBUILD_RESOLVED_SOURCE_VERSION: ids["dev"],
      CODEBUILD_SOURCE_REPO_URL_lib: `${server.url}/me/library`,
      CODEBUILD_SOURCE_VERSION_lib: "main",
      CODEBUILD_SOURCE_VERSION_old: ids["first"],
      CODEBUILD_SOURCE_REPO_URL_data: "s3://b/k.zip",
      CODEBUILD_SOURCE_VERSION_data: "v1",
    });
    expect(taken?.secondaryVersions).toEqual([
      { sourceIdentifier: "lib", sourceVersion: ids["library"] },
      { sourceIdentifier: "old", sourceVersion: ids["first"] },
    ]);
    const lines = events.flatMap((event) => (event.type === "log" ? [event.text] : []));
    expect(lines[1]).toBe(`CODEBUILD_SRC_DIR_lib=${folders["CODEBUILD_SRC_DIR_lib"]}`);
    expect(lines).toHaveLength(5);
  });

  it("fail the build by their names, and end the others", async () => {
    const hanging = await hangingServer();
    const { failure } = await bench.take({
      source: git(`http://127.0.0.1:${hanging.port}/x`),
      secondary: [git(`${server.url}/me/app`, { sourceIdentifier: "lib", sourceVersion: "nope" })],
    });
    hanging.close();
    expect(failure).toEqual({
      statusCode: "CLIENT_ERROR",
      message: "reference not found for secondary source lib and source version nope",
    });
  });

  it.each([
    [
      [{ type: "NO_SOURCE", sourceIdentifier: "a-b" }],
      "the secondary source identifier `a-b` is not made of letters, digits and underscores",
    ],
    [[{ type: "NO_SOURCE" }], "the secondary source identifier `` is not made of letters, digits and underscores"],
    [
      [
        { type: "NO_SOURCE", sourceIdentifier: "a" },
        { type: "NO_SOURCE", sourceIdentifier: "a" },
      ],
      "two secondary sources have the identifier `a`",
    ],
    [
      Array.from({ length: 13 }, (_, index) => ({ type: "NO_SOURCE", sourceIdentifier: `s${index}` })),
      "there are 13 secondary sources; 12 is the limit",
    ],
  ])("are refused: %j", async (secondary, message) => {
    const { failure } = await bench.take({ source: { type: "NO_SOURCE" }, secondary });
    expect(failure).toEqual({ statusCode: "CLIENT_ERROR", message });
  });
});

describe("a stop while a server hangs", () => {
  it("ends git and its helpers at once", async () => {
    const hanging = await hangingServer();
    const stop = new AbortController();
    void hanging.asked.then(() => stop.abort());
    let workDir = "";
    const engine = createHostEngine({ graceMs: 100 });
    const { result } = await testBuild({
      engine,
      request: { source: git(`http://127.0.0.1:${hanging.port}/x`) },
      dependencies: { signal: stop.signal },
      onEvent: (event) => {
        workDir = event.buildId;
      },
    });
    hanging.close();
    expect(phaseLine(result)).toContain("DOWNLOAD_SOURCE:STOPPED COMPLETED");
    expect(await findProcesses({ buildId: workDir, workDir: "/nowhere" })).toEqual([]);
  });
});

/** Accepts connections and never answers. */
async function hangingServer(): Promise<{ port: number; asked: Promise<void>; close(): void }> {
  let onAsked = (): void => {};
  const asked = new Promise<void>((resolve) => {
    onAsked = resolve;
  });
  const hanging = createServer((socket) => {
    socket.on("data", () => onAsked());
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => hanging.listen(0, "127.0.0.1", resolve));
  return { port: (hanging.address() as AddressInfo).port, asked, close: () => void hanging.close() };
}

describe("a folder of this machine", () => {
  it("is known by the clone URL of its origin, without credentials", async () => {
    const clone = new TestRepository(join(root, "work"));
    clone.commit({ file: "x" });
    clone.git("remote", "add", "origin", "git@github.com:me/app.git");
    const ssh = await bench.take({ source: git(`file://${clone.folder}`) });
    expect(ssh.taken?.variables["CODEBUILD_SOURCE_REPO_URL"]).toBe("https://github.com/me/app.git");
    clone.git("remote", "set-url", "origin", "https://robot:secret@example.com/me/app.git");
    const https = await bench.take({ source: git(`file://${clone.folder}`) });
    expect(https.taken?.variables["CODEBUILD_SOURCE_REPO_URL"]).toBe("https://example.com/me/app.git");
    expect(readFileSync(join(https.taken?.srcDir ?? "", ".git", "config"), "utf8")).not.toContain("secret");
  });

  it.each([
    ["pr/3", "first"],
    ["dev", "dev"],
    ["refs/heads/dev", "dev"],
    ["HEAD~0", "first"],
  ])("is taken at %s", async (version, expected) => {
    const { taken } = await bench.take({ source: git(`file://${app.folder}`), version });
    expect(readFileSync(join(taken?.srcDir ?? "", "file"), "utf8")).toBe(`${expected}\n`);
    const pinned = await bench.take({
      source: git(`file://${app.folder}`),
      version: `refs/heads/dev^{${ids[expected]}}`,
    });
    expect(pinned.taken?.resolvedVersion).toBe(ids[expected]);
  });

  it("that is not there is no repository", async () => {
    const { failure } = await bench.take({ source: git("file:///no/such/folder"), version: "v" });
    expect(failure?.message).toBe("repository not found for primary source and source version v");
  });

  it("runs no file-system monitor of its repository", async () => {
    const hostile = new TestRepository(join(root, "monitored"));
    hostile.commit({ file: "x" });
    const mark = join(root, "monitor-ran");
    hostile.git("config", "core.fsmonitor", `touch ${mark}; false`);
    await bench.take({ source: git(`file://${hostile.folder}`) });
    expect(existsSync(mark)).toBe(false);
  });
});

describe("Git LFS", () => {
  it("pointers are named", async () => {
    const lfs = new TestRepository(join(root, "lfs"));
    lfs.commit({
      ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
      "a.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    });
    const { events } = await bench.take({ source: git(`${server.url}/lfs`) });
    expect(events.flatMap((event) => (event.type === "notice" ? [event.text] : []))[1]).toBe(
      "1 file of the source is a Git LFS pointer, not the content (as on AWS); run `git lfs pull` in the build",
    );
  });
});

describe("folders of sources", () => {
  const folders = (...sources: { type: string; location?: string }[]): string[] => {
    let next = 1;
    return sourceFolders("/w", sources, () => String(next++));
  };

  it("are CodeBuild's", () => {
    expect(folders({ type: "S3", location: "b/k" })).toEqual(["/w/codebuild/output/src1/src"]);
    expect(folders(git("https://github.com/me/app.git"))).toEqual(["/w/codebuild/output/src1/src/github.com/me/app"]);
    expect(
      folders({ type: "CODECOMMIT", location: "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/app" }),
    ).toEqual(["/w/codebuild/output/src1/src/git-codecommit.us-east-1.amazonaws.com/v1/repos/app"]);
    expect(folders({ type: "CODEPIPELINE" }, { type: "CODEPIPELINE" })).toEqual([
      "/w/codebuild/output/src1/src/s3/00",
      "/w/codebuild/output/src1/src/s3/01",
    ]);
  });

  it("never lie in one another", () => {
    expect(folders({ type: "S3", location: "b/k" }, git("https://h.io/a/b"), git("https://h.io/a/b/c"))).toEqual([
      "/w/codebuild/output/src1/src",
      "/w/codebuild/output/src2/src/h.io/a/b",
      "/w/codebuild/output/src3/src/h.io/a/b/c",
    ]);
    expect(folders(git("https://h.io/../../x"))[0]).toMatch(/^\/w\/codebuild\/output\/src1\/src/);
  });
});

describe("a git location", () => {
  it.each([
    ["https://u:p@h.io:8443/a/b.git", "https://h.io:8443/a/b.git", "h.io/a/b"],
    ["ssh://git@h.io/a/b", "ssh://git@h.io/a/b", "h.io/a/b"],
    ["git@h.io:a/b.git", "git@h.io:a/b.git", "h.io/a/b"],
    ["/srv/repo", "/srv/repo", undefined],
    ["https://h.io/a/%2e%2e/b", "https://h.io/a/%2e%2e/b", "h.io/b"],
  ])("%s", (location, url, folder) => {
    const parsed = parseGitUrl(location);
    expect(parsed.ok && [parsed.value.url, parsed.value.folder]).toEqual([url, folder]);
  });

  it("of SSH is shown as the HTTPS URL a project would have", () => {
    expect(asCloneUrl("git@github.com:me/app.git")).toBe("https://github.com/me/app.git");
  });
});

it("a build knows its sources", async () => {
  const { result, log } = await testBuild({
    engine: createHostEngine({ graceMs: 100 }),
    request: {
      source: git(`${server.url}/me/app`, {
        buildspec:
          'version: 0.2\nphases: {build: {commands: [\'cat file; cat "$CODEBUILD_SRC_DIR_lib/lib"; echo "$CODEBUILD_SOURCE_VERSION_lib"\']}}\n',
      }),
      secondarySources: [git(`${server.url}/me/library`, { sourceIdentifier: "lib", sourceVersion: "main" })],
    },
  });
  expect(log).toContain("first\nlib\nmain\n");
  expect(result.resolvedSourceVersion).toBe(ids["first"]);
  expect(result.secondarySourceVersions).toEqual([{ sourceIdentifier: "lib", sourceVersion: ids["library"] }]);
});

it("git daemon's protocol is reached, too", async () => {
  const { port, close } = await hangingServer();
  close();
  const options = ["--listen=127.0.0.1", `--port=${port}`, "--export-all", `--base-path=${root}`];
  const daemon = spawn("git", ["daemon", "--verbose", "--log-destination=stderr", ...options], { detached: true });
  await new Promise<void>((resolve) => {
    daemon.stderr.on("data", (text: Buffer) => text.includes("Ready to rumble") && resolve());
  });
  try {
    const { taken } = await bench.take({ source: git(`git://127.0.0.1:${port}/me/app`, { gitCloneDepth: 1 }) });
    expect(taken?.resolvedVersion).toBe(ids["first"]);
  } finally {
    process.kill(-(daemon.pid ?? 0));
  }
});
