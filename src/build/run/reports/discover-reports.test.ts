import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Clock, TestClock } from "../../../core/clock.ts";
import { BroughtFiles } from "../brought-files.ts";
import { OwnFiles } from "../own-files.ts";
import { discoverReports } from "./discover-reports.ts";

const JUNIT = '<?xml version="1.0"?><testsuites><testsuite name="a"/></testsuites>';

describe("auto-discovery", () => {
  let srcDir: string;
  beforeEach(async () => {
    srcDir = await mkdtemp(join(tmpdir(), "kiln-discover-"));
  });
  afterEach(() => rm(srcDir, { recursive: true, force: true }));

  const write = async (path: string, text = JUNIT): Promise<void> => {
    await mkdir(dirname(join(srcDir, path)), { recursive: true });
    await writeFile(join(srcDir, path), text);
  };
  const discover = async (pattern = "", more: { clock?: Clock; signal?: AbortSignal; taken?: string[] } = {}) => {
    const log: string[] = [];
    const warnings: string[] = [];
    const found = await discoverReports({
      srcDir,
      pattern,
      taken: new Set((more.taken ?? []).map((path) => join(srcDir, path))),
      brought: new BroughtFiles({
        environment: { toHostPath: (path) => path, toEnvironmentPath: (path) => path },
        own: new OwnFiles({ workDir: srcDir, isApart: false }),
        workDir: srcDir,
        signal: new AbortController().signal,
      }),
      clock: more.clock ?? new TestClock(),
      signal: more.signal ?? new AbortController().signal,
      log: (text) => log.push(text),
      warn: (text) => warnings.push(text),
    });
    return { found: [...found].map(([format, files]) => [format, ...files.map(({ path }) => path)]), log, warnings };
  };

  it("says what it does in CodeBuild's lines", async () => {
    expect((await discover()).log).toEqual([
      "Set report auto-discover timeout to 5 seconds",
      "Expanding base directory path:  .",
      "Assembling file list",
      "Expanding .",
      "Expanding file paths for base directory .",
      "Assembling file list",
      "Expanding **/*",
      "No matching auto-discover report paths found",
      "Report auto-discover file discovery took 0.000000 seconds",
    ]);
  });

  it("knows report files by what they begin with, dot files too, and enters neither .git nor links", async () => {
    await write("a/b/TEST-x.xml");
    await write(".reports/junit.xml");
    await write(".git/junit.xml");
    await write("pom.xml", "<project><testsuites/></project>");
    await write("package.json", '{ "name": "x" }');
    await write("no-extension");
    await write("coverage/.resultset.json", '{ "RSpec": { "coverage": { "a.rb": [1] } } }');
    await symlink("/", join(srcDir, "root"));
    expect((await discover()).found).toEqual([
      ["JUNITXML", ".reports/junit.xml", "a/b/TEST-x.xml"],
      ["SIMPLECOV", "coverage/.resultset.json"],
    ]);
  });

  it.each([
    ["out/*xml", ["out/a.xml"]],
    ["./out", ["out/a.xml", "out/deep/b.xml"]],
    ["nothing/**", []],
    ["../**/*", []],
  ])("searches where it is told: %s", async (pattern, expected) => {
    await write("out/a.xml");
    await write("out/deep/b.xml");
    await write("c.xml");
    const { found, log } = await discover(pattern);
    expect(found.flatMap(([, ...paths]) => paths)).toEqual(expected);
    expect(log).toContain(`Expanding ${pattern.replace(/^\.\//, "")}`);
  });

  it("takes an absolute pattern below the source", async () => {
    await write("out/a.xml");
    expect((await discover(`${srcDir}/out/*`)).found).toEqual([["JUNITXML", "out/a.xml"]]);
  });

  it("leaves out what was read already", async () => {
    await write("a.xml");
    await write("b.xml");
    expect((await discover("", { taken: ["a.xml"] })).found).toEqual([["JUNITXML", "b.xml"]]);
  });

  it("stops after 5 seconds with what it has, and says so", async () => {
    await write("a.xml");
    const clock = new TestClock();
    // The time is over at once.
    const hasty: Clock = {
      nowMs: () => clock.nowMs(),
      after: (ms, run) => {
        run();
        return clock.after(ms, run);
      },
    };
    expect(await discover("", { clock: hasty })).toMatchObject({
      found: [],
      warnings: [
        "report auto-discovery stopped after 5 seconds; `CODEBUILD_CONFIG_AUTO_DISCOVER_DIR` narrows it, `CODEBUILD_CONFIG_AUTO_DISCOVER=false` turns it off",
      ],
    });
  });

  it("ends with the build", async () => {
    await write("a.xml");
    await expect(discover("", { signal: AbortSignal.abort(new Error("STOPPED")) })).rejects.toThrow("STOPPED");
  });
});
