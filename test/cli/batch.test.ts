/** `kiln run --batch` and what belongs to it, as processes: output side by side, exit codes, interruption, kill -9. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isBuilt, kiln as kilnIn, startProcess, temporaryFolder } from "./kiln-process.ts";

const GRAPH = `version: 0.2
batch:
  build-graph:
    - identifier: compile
    - identifier: test
      depend-on: [compile]
      env: { variables: { CODE: "0" } }
phases:
  build:
    commands:
      - echo "this is $CODEBUILD_BATCH_BUILD_IDENTIFIER"
      - exit \${CODE:-0}
`;

describe.skipIf(!isBuilt)("kiln run --batch", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());
  // A state of its own, whatever lies above the temporary folder.
  const state = (): Record<string, string> => ({ KILN_STATE_DIR: join(folder.path, ".kiln") });
  const kiln = (cwd: string, argv: readonly string[], input = "") => kilnIn(cwd, argv, input, state());
  const write = (text: string, file = "buildspec.yml"): void => {
    mkdirSync(dirname(join(folder.path, file)), { recursive: true });
    writeFileSync(join(folder.path, file), text);
  };

  it("runs the builds, each line with its build's name, and ends with a table", async () => {
    write(GRAPH);
    const { exitCode, out, err } = await kiln(folder.path, ["run", "--batch"]);
    expect(exitCode).toBe(0);
    expect(out).toContain("compile         | this is compile\n");
    expect(out).toMatch(/^compile +\| build SUCCEEDED in [\d.]+ s$/m);
    expect(out.indexOf("this is compile")).toBeLessThan(out.indexOf("this is test"));
    expect(out).toMatch(/\nBUILD +STATUS +SECONDS +ID\nDOWNLOAD_SOURCE +SUCCEEDED +[\d.]+ +\S+\ncompile +SUCCEEDED/);
    expect(out).toMatch(/\nbatch SUCCEEDED in [\d.]+ s \(\S+:[0-9a-f-]{36}\)\n$/);
    expect(err).toContain("batch    build-graph of 2 builds in 2 levels, fast-fail off\n");
    expect(err).toMatch(
      /-batch-role, generated with exactly these permissions:\n +codebuild:RetryBuild, codebuild:StartBuild, codebuild:StopBuild on arn:aws:codebuild:us-east-1:000000000000:project\//,
    );
  });

  it("fails with exit code 1, says why, and is shown, retried and stopped by its id", async () => {
    write(`${GRAPH.replace("CODE:-0", "CODE:-3")}`);
    const first = await kiln(folder.path, ["run", "--batch", "-j", "1"]);
    expect(first.exitCode).toBe(1);
    expect(first.out).toContain("\ncompile\n");
    expect(first.out).toMatch(/\ntest +STOPPED +not started\n/);
    expect(first.out).toContain(
      "\nIN_PROGRESS FAILED: CLIENT_ERROR: build groups that did not succeed: compile, test\n",
    );
    const id = /^batch FAILED in [\d.]+ s \((\S+)\)$/m.exec(first.out)?.[1] ?? "";
    const shown = await kiln(folder.path, ["builds", "show", id]);
    expect(shown.out).toMatch(/^batch {3}\S+:\S+\nstatus {2}FAILED\n/);
    expect(shown.out).toMatch(/\ncompile +FAILED +[\d.]+ +\S+\n/);
    expect((await kiln(folder.path, ["builds", "ls"])).out).toContain(`\n${id}  FAILED  FAILED`);
    expect((await kiln(folder.path, ["builds", "stop", id.split(":")[1] ?? ""])).out).toBe(`${id}: FAILED\n`);
    expect((await kiln(folder.path, ["builds", "logs", id])).err).toBe(
      `error: \`${id}\` is a batch: its builds have the logs and reports\n  fix: name one of them: \`kiln builds show ${id}\` lists them\n`,
    );
    expect((await kiln(folder.path, ["builds", "events", id, "-f"])).out).toContain(`  ${id}  FAILED (COMPLETED)\n`);
    write(GRAPH);
    const again = await kiln(folder.path, ["builds", "retry", id]);
    expect(again.exitCode).toBe(0);
    expect(again.out).toMatch(new RegExp(`\\nbatch SUCCEEDED in [\\d.]+ s \\(${id}\\)\\n$`));
    expect(again.out).not.toContain("DOWNLOAD_SOURCE |");
  });

  it("prints one event a line with -o json, the batch last, and little with -q", async () => {
    write(GRAPH);
    const { exitCode, out } = await kiln(folder.path, ["run", "--batch", "-o", "json", "-q"]);
    expect(exitCode).toBe(0);
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ identifier: "DOWNLOAD_SOURCE", type: "build-started" });
    expect(lines).toContainEqual(
      expect.objectContaining({ identifier: "test", type: "log", kind: "output", text: "this is test" }),
    );
    expect(lines.at(-1)).toMatchObject({ buildBatchStatus: "SUCCEEDED", complete: true });
    const quiet = await kiln(folder.path, ["run", "--batch", "-q"]);
    expect(quiet.out).toMatch(
      /^compile +\| build SUCCEEDED\ntest +\| build SUCCEEDED\n\nbatch SUCCEEDED in [\d.]+ s \(\S+\)\n$/,
    );
  });

  it("splits the test files of a fan-out", async () => {
    write(`version: 0.2
batch:
  build-fanout:
    parallelism: 2
phases:
  build:
    commands:
      - codebuild-tests-run --test-command 'echo "shard:"' --files-search "codebuild-glob-search 'tests/**/*.js'"
      - codebuild-tests-run --test-command "sh -c 'printenv CODEBUILD_CURRENT_SHARD_FILES' sh" --files-search 'ls tests/*.js'
`);
    for (const name of ["d", "b", "a", "c"]) write("", `tests/${name}.js`);
    const { exitCode, out } = await kiln(folder.path, ["run", "--batch"]);
    expect(out).toContain("build_fanout_1  | shard: tests/a.js tests/b.js\n");
    expect(out).toContain("build_fanout_2  | shard: tests/c.js tests/d.js\n");
    expect(out).toMatch(/build_fanout_2 +\| tests\/c\.js\nbuild_fanout_2 +\| tests\/d\.js\n/);
    expect(exitCode).toBe(0);
    // Outside a fan-out the tool runs all files.
    expect((await kiln(folder.path, ["run"])).out).toContain("\nshard: tests/a.js tests/b.js tests/c.js tests/d.js\n");
  });

  it("takes each build's own buildspec, and makes the role for all of them", async () => {
    write("version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      buildspec: ci/a.yml\n");
    write(
      "version: 0.2\nenv:\n  parameter-store:\n    P: my-parameter\nphases:\n  build:\n    commands: ['test \"$P\" = here']\n",
      "ci/a.yml",
    );
    const missing = await kiln(folder.path, ["run", "--batch"]);
    expect(missing.exitCode).toBe(4);
    expect(missing.err).toContain("my-parameter");
    await kiln(folder.path, ["params", "put", "my-parameter"], "here");
    const { exitCode, err } = await kiln(folder.path, ["run", "--batch"]);
    expect(exitCode).toBe(0);
    expect(err).toContain("ssm:GetParameters on arn:aws:ssm:us-east-1:000000000000:parameter/my-parameter\n");
  });

  it("refuses what makes no sense", async () => {
    write("version: 0.2\nphases:\n  build:\n    commands: [true]\n");
    const none = await kiln(folder.path, ["run", "--batch"]);
    expect(none.exitCode).toBe(2);
    expect(none.err).toContain("`buildspec.yml` has no `batch`\n");
    const jobs = await kiln(folder.path, ["run", "-j", "2"]);
    expect(jobs.err).toContain("`--jobs` goes with `--batch`: one build is one job\n");
    expect((await kiln(folder.path, ["run", "--batch", "-j", "0"])).err).toContain(
      "--jobs expects a number of builds from 1 to 1000, not `0`\n",
    );
    write("version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      buildspec: b.yml\n");
    const plain = await kiln(folder.path, ["run"]);
    expect(plain.err).toContain(
      "`buildspec.yml` has a `batch` and no commands of its own, so that one build of it would run nothing\n",
    );
    expect(plain.err).toContain("run the batch: kiln run --batch\n");
  });

  it("plans the graph, in each format", async () => {
    write(GRAPH);
    const text = await kiln(folder.path, ["plan", "--graph"]);
    expect(text.out).toBe(
      "build-graph of 2 builds in 2 levels, fast-fail off\n  1  compile\n  2  test     after compile · CODE\n",
    );
    expect((await kiln(folder.path, ["plan", "--graph", "mermaid"])).out).toContain("\n  t_compile --> t_test\n");
    const json = JSON.parse((await kiln(folder.path, ["plan", "--graph", "json"])).out) as object;
    expect(json).toMatchObject({ kind: "build-graph", levels: [["compile"], ["test"]] });
    expect((await kiln(folder.path, ["plan"])).out).toContain("\nbatch (kiln run --batch)\n  build-graph of 2 builds");
    write(GRAPH.replace("[compile]", "[nothing]"));
    const bad = await kiln(folder.path, ["plan", "--graph"]);
    expect(bad.exitCode).toBe(3);
    expect(bad.err).toContain(
      "`test` depends on `nothing`, which is no build of the batch; the others are `compile`\n",
    );
    expect((await kiln(folder.path, ["run", "--batch"])).exitCode).toBe(1);
  });

  const SLOW = GRAPH.replace("exit ${CODE:-0}", "sleep 60");

  it("stops the batch with all its builds on Ctrl-C, exit code 130", async () => {
    write(SLOW);
    const run = startProcess(folder.path, ["run", "--batch"], "", state());
    await run.printed("| this is compile");
    run.kill("SIGINT");
    expect((await run.finished).exitCode).toBe(130);
    const { out } = await kiln(folder.path, ["builds", "ls", "-o", "json"]);
    const { builds, batches } = JSON.parse(out) as { builds: { buildStatus: string }[]; batches: object[] };
    expect(batches).toMatchObject([{ buildBatchStatus: "STOPPED", complete: true }]);
    expect(builds.map(({ buildStatus }) => buildStatus).sort()).toEqual(["STOPPED", "SUCCEEDED"]);
  });

  it("is shown as interrupted after kill -9", async () => {
    write(SLOW);
    const run = startProcess(folder.path, ["run", "--batch"], "", state());
    await run.printed("| this is compile");
    run.kill("SIGKILL");
    await run.finished;
    const { out } = await kiln(folder.path, ["builds", "ls", "-o", "json"]);
    const { builds, batches } = JSON.parse(out) as {
      builds: { buildStatus: string }[];
      batches: { buildGroups: { currentBuildSummary: { buildStatus: string } }[] }[];
    };
    expect(batches).toMatchObject([{ buildBatchStatus: "FAULT", complete: true, currentPhase: "FAILED" }]);
    expect(batches[0]?.buildGroups.map(({ currentBuildSummary }) => currentBuildSummary.buildStatus)).toEqual([
      "SUCCEEDED",
      "FAULT",
      "STOPPED",
    ]);
    expect(builds.map(({ buildStatus }) => buildStatus).sort()).toEqual(["FAULT", "SUCCEEDED"]);
  });
});
