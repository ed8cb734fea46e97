/** A folder of this machine lies in the build where CodeBuild would clone it to. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { TestRepository } from "../../../../test/support/git-repository.ts";
import { testBuild } from "../../../../test/support/run-test-build.ts";
import { SourceBench } from "../../../../test/support/take-test-sources.ts";
import { createHostEngine } from "../../../engines/index.ts";

const bench = new SourceBench();
afterAll(() => bench.remove());

async function repositoryOf(origin: string | undefined): Promise<TestRepository> {
  const repository = new TestRepository(join(await bench.folder(), "app"));
  repository.commit({ file: "x", "sub/file": "y" });
  if (origin !== undefined) repository.git("remote", "add", "origin", origin);
  return repository;
}
/** What follows `src<digits>/`. */
const placeOf = async (folder: string, more: object = {}): Promise<string | undefined> => {
  const { taken } = await bench.take({ source: { type: "GITHUB", location: `file://${folder}`, ...more } });
  return taken?.srcDir.replace(/^.*\/codebuild\/output\/src\d+\//, "");
};

it.each([
  ["https://github.com/owner/app.git", "GITHUB", "src/github.com/owner/app"],
  ["https://token@github.com/owner/app", "GITHUB", "src/github.com/owner/app"],
  ["git@github.com:owner/app.git", "GITHUB", "src/github.com/owner/app"],
  ["ssh://git@bitbucket.org/owner/app.git", "BITBUCKET", "src/bitbucket.org/owner/app"],
  ["https://gitlab.com/group/sub/app.git", "GITLAB", "src/gitlab.com/group/sub/app"],
  [
    "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/app",
    "CODECOMMIT",
    "src/git-codecommit.eu-west-1.amazonaws.com/v1/repos/app",
  ],
  ["https://git.example.com/owner/app.git", "GITHUB_ENTERPRISE", "src/git.example.com/owner/app"],
  ["https://git.example.com/owner/app.git", "GITHUB", "src"],
  ["http://github.com/owner/app", "GITHUB", "src"],
  ["https://github.com/owner/../app", "GITHUB", "src/github.com/app"],
  ["../elsewhere", "GITHUB", "src"],
  [undefined, "GITHUB", "src"],
  ["https://github.com/owner/app.git", "CODEPIPELINE", "src"],
  ["https://github.com/owner/app.git", "S3", "src"],
])("of %s as %s is %s", async (origin, type, place) => {
  const { folder } = await repositoryOf(origin);
  expect(await placeOf(folder, { type })).toBe(place);
});

it("holds for a folder of the repository, a bare one and a revision", async () => {
  const repository = await repositoryOf("https://github.com/owner/app.git");
  expect(await placeOf(join(repository.folder, "sub"))).toBe("src/github.com/owner/app");
  const bare = join(await bench.folder(), "app.git");
  execFileSync("git", ["clone", "-q", "--mirror", repository.folder, bare]);
  execFileSync("git", ["config", "remote.origin.url", "https://github.com/owner/app.git"], { cwd: bare });
  expect(await placeOf(bare)).toBe("src/github.com/owner/app");
  const { taken } = await bench.take({
    source: { type: "GITHUB", location: `file://${repository.folder}` },
    version: "main",
  });
  expect(taken?.srcDir).toMatch(/\/src\d+\/src\/github\.com\/owner\/app$/);
});

it("leaves a folder that is no repository where it was", async () => {
  const folder = join(await bench.folder(), "plain");
  mkdirSync(folder);
  writeFileSync(join(folder, "file"), "x");
  expect(await placeOf(folder)).toBe("src");
});

it("lets a buildspec climb, find its GOPATH and come back", async () => {
  const { folder } = await repositoryOf("git@github.com:owner/app.git");
  const climb = 'test "$PWD" = "$CODEBUILD_SRC_DIR" && cd ../.. && ls && cd owner/app && ls file && cd ../../../..';
  const { log, result } = await testBuild({
    engine: createHostEngine({ graceMs: 100 }),
    request: {
      source: {
        type: "GITHUB",
        location: `file://${folder}`,
        buildspec: `version: 0.2\nphases: {build: {commands: ['${climb}', 'test "\${GOPATH#*:}" = "$PWD"']}}\n`,
      },
    },
  });
  expect(result.buildStatus).toBe("SUCCEEDED");
  expect(log).toContain("\nowner\nfile\n");
});
