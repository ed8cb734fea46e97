/** `kiln builds show` and `kiln builds reports` after a real build with a failing test and a coverage report. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { memoryIo } from "./io.ts";
import { runCli } from "./run-cli.ts";

const SPEC = `version: 0.2
phases:
  build:
    commands:
      - "true"
reports:
  unit:
    files: [junit.xml]
  coverage:
    files: [clover.xml]
    file-format: CLOVERXML
`;
const JUNIT =
  '<testsuite name="cart"><testcase classname="Cart" name="adds" time="0.5"/><testcase classname="Cart" name="pays" time="1"><failure message="no money">at cart.js:1</failure></testcase><testcase name="later"><skipped/></testcase></testsuite>';
const CLOVER =
  '<coverage generated="1"><project><file path="a.js"><line num="1" type="stmt" count="1"/><line num="2" type="stmt" count="0"/></file><file path="b.js"><line num="1" type="stmt" count="2"/></file></project></coverage>';

let folder = "";
async function kiln(...argv: string[]) {
  const io = memoryIo({
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, KILN_STATE_DIR: join(folder, ".kiln") },
  });
  const exitCode = await runCli(argv, io);
  return { exitCode, out: io.written(), err: io.complained() };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "kiln-reports-"));
  writeFileSync(join(folder, "buildspec.yml"), SPEC);
  writeFileSync(join(folder, "junit.xml"), JUNIT);
  writeFileSync(join(folder, "clover.xml"), CLOVER);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("shows the reports of a build, with the failing test cases", async () => {
  const done = await kiln("run", "--engine", "host");
  expect(done.exitCode, done.err + done.out).toBe(0);
  expect(done.err).toContain("codebuild:CreateReportGroup");
  const unit = /^report (\S+-unit) FAILED: 3 tests, 1 succeeded, 1 failed, 1 skipped$/m.exec(done.out)?.[1];
  const project = unit?.slice(0, -"-unit".length);
  expect(done.out).toContain(`report ${project}-coverage SUCCEEDED: 66.67 % of lines, 0 % of branches\n`);

  const heads = [
    `${project}-unit FAILED: 3 tests, 1 succeeded, 1 failed, 1 skipped (1.5 s)`,
    `${project}-coverage SUCCEEDED: 66.67 % of lines, 0 % of branches`,
  ];
  expect((await kiln("builds", "show")).out).toContain(`\nreports\n  ${heads[0]}\n  ${heads[1]}\n`);
  expect(await kiln("builds", "reports")).toEqual({
    exitCode: 0,
    out: `${heads[0]}\n  FAILED Cart > pays (junit.xml)\n    no money\n    at cart.js:1\n\n${heads[1]}\n  a.js: 50 %, 1 line missed\n`,
    err: "",
  });
  const { reports } = JSON.parse((await kiln("builds", "reports", "-o", "json")).out) as { reports: object[] };
  expect(reports).toMatchObject([
    { type: "TEST", status: "FAILED", testCases: [{ name: "adds" }, { name: "pays" }, { name: "later" }] },
    { type: "CODE_COVERAGE", codeCoverages: [{ filePath: "a.js" }, { filePath: "b.js" }] },
  ]);
});

it("says so when a build has no reports", async () => {
  writeFileSync(join(folder, "buildspec.yml"), "version: 0.2\nphases: { build: { commands: [rm *.xml] } }\n");
  expect((await kiln("run", "--engine", "host", "-q")).exitCode).toBe(0);
  const { out, err, exitCode } = await kiln("builds", "reports");
  expect({ out, exitCode }).toEqual({ out: "", exitCode: 0 });
  expect(err).toMatch(
    /^the build \S+ has no reports: name report files under `reports` in the buildspec, or leave them where auto-discovery finds them\n$/,
  );
});
