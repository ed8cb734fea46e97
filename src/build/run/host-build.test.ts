/** The command wrapper and the host engine together, under real shells. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { phaseLine, testBuild } from "../../../test/support/run-test-build.ts";
import { createHostEngine } from "../../engines/index.ts";

const engine = createHostEngine({ graceMs: 100 });
const spec = (commands: readonly string[], more = ""): string =>
  `version: 0.2\n${more}phases:\n  build:\n    commands:\n${commands.map((text) => `      - ${JSON.stringify(text)}\n`).join("")}`;

describe.each(["sh", "bash"])("commands under %s", (shell) => {
  const env = shell === "bash" ? "env:\n  shell: bash\n" : "";

  it("carry directory and variables over, not functions or set -e", async () => {
    const { result, log } = await testBuild({
      engine,
      buildspec: spec(
        [
          "mkdir -p sub && cd sub && PLAIN='a \"b\" $c' && f() { :; }; set -e",
          'echo "$PLAIN in ${PWD##*/}"; false; echo still here; f',
        ],
        env,
      ),
    });
    expect(log).toContain('a "b" $c in sub\nstill here\n');
    expect(result.phases.find((phase) => phase.phaseType === "BUILD")?.contexts?.[0]?.message).toMatch(
      /exit status 127$/,
    );
  });

  it("report the user's first line as line 4", async () => {
    const { log } = await testBuild({ engine, buildspec: spec(["no-such-tool"], env) });
    expect(log).toContain(
      shell === "bash"
        ? "WORK/codebuild/output/tmp/script.sh: line 4: no-such-tool: command not found\n"
        : "WORK/codebuild/output/tmp/script.sh: 4: no-such-tool: not found\n",
    );
  });

  it("lose their state when they call exit", async () => {
    const { log, result } = await testBuild({ engine, buildspec: spec(["X=1; exit 0", 'echo "X is [${X-}]"'], env) });
    expect(log).toContain("X is []\n");
    expect(result.buildStatus).toBe("SUCCEEDED");
  });
});

describe("a build on the host", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kiln-source-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false", ...args], {
      cwd: folder,
      encoding: "utf8",
    }).trim();

  it("tells POST_BUILD that the build is failing", async () => {
    const { log } = await testBuild({
      engine,
      buildspec:
        "version: 0.2\nphases:\n  build:\n    commands: ['echo before=$CODEBUILD_BUILD_SUCCEEDING', 'false']\n  post_build:\n    commands: ['echo after=$CODEBUILD_BUILD_SUCCEEDING']\n",
    });
    expect(log).toContain("before=1\n");
    expect(log).toContain("after=0\n");
  });

  it("hides values of parameters in everything it says", async () => {
    const { events, log } = await testBuild({
      engine,
      buildspec: spec(
        ["echo \"user=$USER_NAME\"; printf 'hun'; sleep 0.02; echo 'ter2-x'; false"],
        "env:\n  parameter-store:\n    USER_NAME: /u\n",
      ),
      role: { GetParameters: () => ({ Parameters: [{ Name: "/u", Value: "hunter2-x" }] }) },
    });
    expect(log).toContain("user=***\n***\n");
    expect(JSON.stringify(events)).not.toContain("hunter2-x");
  });

  it("sets phase variables for that phase only", async () => {
    const { log } = await testBuild({
      engine,
      buildspec:
        "version: 0.2\nphases:\n  pre_build:\n    commands: ['echo pre=[${V-}]']\n  build:\n    environment:\n      variables:\n        V: 'ssm:/v'\n    commands: ['echo build=[${V-}]']\n  post_build:\n    commands: ['echo post=[${V-}]']\n",
      role: { GetParameters: () => ({ Parameters: [{ Name: "/v", Value: "plain-value" }] }) },
    });
    expect(log).toContain("pre=[]\n");
    expect(log).toContain("build=[***]\n");
    expect(log).toContain("post=[]\n");
  });

  it("takes tracked and untracked files, not ignored ones, with history at a detached HEAD", async () => {
    await writeFile(join(folder, ".gitignore"), "ignored\n");
    await writeFile(join(folder, "tracked"), "old\n");
    git("init", "-q");
    git("add", ".");
    git("commit", "-q", "-m", "first");
    await writeFile(join(folder, "tracked"), "new\n");
    await writeFile(join(folder, "untracked"), "u\n");
    await writeFile(join(folder, "ignored"), "i\n");
    await symlink("/etc/passwd", join(folder, "link"));
    await writeFile(
      join(folder, "buildspec.yml"),
      spec([
        "cat tracked; ls; readlink link; git status --short; git log --format=%s; git rev-parse --abbrev-ref HEAD",
      ]),
    );
    const { log, result, notices } = await testBuild({
      engine,
      request: { source: { type: "GITHUB", location: `file://${folder}` } },
    });
    expect(log).toContain(
      "new\nbuildspec.yml\nlink\ntracked\nuntracked\n/etc/passwd\n M tracked\n?? buildspec.yml\n?? link\n?? untracked\nfirst\nHEAD\n",
    );
    expect(result.resolvedSourceVersion).toBe(git("rev-parse", "HEAD"));
    expect(notices[0]).toBe(
      `source: 5 files of ${folder} as they are now (tracked ones, and untracked ones that git does not ignore)`,
    );
    expect(git("status", "--short")).toContain("M tracked");
  });

  it("takes a revision when a source version is given, and fails as CodeBuild does for an unknown one", async () => {
    await writeFile(join(folder, "buildspec.yml"), spec(["cat file"]));
    await writeFile(join(folder, "file"), "committed\n");
    git("init", "-q");
    git("add", ".");
    git("commit", "-q", "-m", "first");
    await writeFile(join(folder, "file"), "changed\n");
    const source = { type: "GITHUB", location: `file://${folder}` };
    const { log } = await testBuild({ engine, request: { source, sourceVersion: "HEAD" } });
    expect(log).toContain("committed\n");
    const { result } = await testBuild({ engine, request: { source, sourceVersion: "nope" } });
    expect(result.phases[3]?.contexts).toEqual([
      { statusCode: "CLIENT_ERROR", message: "reference not found for primary source and source version nope" },
    ]);
  });

  it("names a missing buildspec that was asked for by path", async () => {
    const { result, log } = await testBuild({
      engine,
      request: { source: { type: "GITHUB", location: `file://${folder}`, buildspec: "ci/spec.yml" } },
    });
    expect(result.phases[3]?.contexts?.[0]?.message).toMatch(
      /^stat \/.*\/codebuild\/output\/src\d+\/src\/ci\/spec\.yml: no such file or directory$/,
    );
    expect(log).toContain(
      "C Phase context status code: YAML_FILE_ERROR Message: stat SRC/ci/spec.yml: no such file or directory",
    );
  });

  it("collects artifacts with CodeBuild's lines", async () => {
    const target = join(folder, "out");
    const { log, result } = await testBuild({
      engine,
      request: { artifacts: { type: "S3" } },
      dependencies: { artifactsDir: target },
      buildspec: `${spec(["mkdir -p dist/sub && echo 1 > dist/a.txt && echo 2 > dist/sub/b.txt && echo 3 > dist/sub/c.log"])}artifacts:\n  base-directory: dist\n  files: ['**/*', missing.txt]\n  exclude-paths: ['**/*.log']\n`,
    });
    expect(result.artifacts).toEqual({ location: pathToFileURL(target).href });
    expect(await readFile(join(target, "sub", "b.txt"), "utf8")).toBe("2\n");
    expect(existsSync(join(target, "sub", "c.log"))).toBe(false);
    expect(log).toContain(`C Expanding base directory path: dist
C Assembling file list
C Expanding dist
C Expanding file paths for base directory dist
C Assembling file list
C Expanding **/*
C Found 2 file(s)
C Expanding missing.txt
C Skipping invalid file path missing.txt
C Phase complete: UPLOAD_ARTIFACTS State: SUCCEEDED`);
  });

  it.each([
    ["files: [nope.zip]", "no matching artifact paths found"],
    ["base-directory: nowhere\n  files: ['**/*']", "no matching base directory path found for nowhere"],
  ])("fails the upload for %s", async (artifacts, message) => {
    const { result } = await testBuild({
      engine,
      request: { artifacts: { type: "S3" } },
      buildspec: `${spec(["true"])}artifacts:\n  ${artifacts}\n`,
    });
    expect(result.buildStatus).toBe("FAILED");
    expect(phaseLine(result)).toContain("UPLOAD_ARTIFACTS:FAILED FINALIZING");
    expect(result.phases.find((phase) => phase.phaseStatus === "FAILED")?.contexts).toEqual([
      { statusCode: "CLIENT_ERROR", message },
    ]);
  });

  it("gives exported variables their last values", async () => {
    const { result } = await testBuild({
      engine,
      buildspec: spec(["export TAG=v1; AWS_X=1"], "env:\n  exported-variables: [TAG, MISSING, AWS_X]\n"),
    });
    expect(result.exportedVariables).toEqual([
      { name: "TAG", value: "v1" },
      { name: "MISSING", value: "" },
    ]);
  });

  it("installs python packages into the build's folder", async () => {
    await mkdir(join(folder, "pkg"));
    const { log, result } = await testBuild({
      engine,
      buildspec: spec(["pip --version", "python -c 'import sys; print(sys.prefix != sys.base_prefix)'"]),
    });
    expect(result.buildStatus).toBe("SUCCEEDED");
    expect(log).toContain("WORK/python/");
    expect(log).toContain("True\n");
  });

  it("uses another version of a runtime with a warning that names both", async () => {
    const { notices, log } = await testBuild({
      engine,
      buildspec:
        "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      nodejs: 1.2\n  build:\n    commands: ['true']\n",
    });
    expect(log).toContain("C Selecting 'nodejs' runtime version '1.2' based on manual selections...");
    expect(log).toContain("C No commands found for phase name: install");
    expect(notices.join("\n")).toMatch(
      /nodejs 1\.2 is not on this machine; the build uses nodejs \d+\.\d+\.\d+ \(.*node\), which may behave differently/,
    );
  });
});
