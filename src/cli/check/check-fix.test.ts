/** `kiln check --fix` and `--diff`: what is written, what is kept, what is refused. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it } from "vitest";
import { memoryIo } from "../io.ts";
import { runCli } from "../run-cli.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "kiln-check-fix-")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bad = "version: 0.2\nphases:\n  build:\n    commands:\n      - echo Result: ok # why\n      - echo b\n";
const fixed = bad.replace("echo Result: ok", "'echo Result: ok'");
let count = 0;
let dir = "";
let file = "";
beforeEach(() => {
  dir = join(folder, `source-${count++}`);
  mkdirSync(dir);
  file = join(dir, "buildspec.yml");
});

async function check(...argv: readonly string[]) {
  const io = memoryIo({ cwd: dir });
  const exitCode = await runCli(["check", ...argv], io);
  return { exitCode, out: io.written(), err: io.complained() };
}

it("writes the fix, keeps the mode and leaves nothing beside the file", async () => {
  writeFileSync(file, bad);
  chmodSync(file, 0o640);
  expect(await check("--fix")).toEqual({
    exitCode: 0,
    out: "",
    err: "fixed buildspec.yml:5  quote the whole command\nfixed 1 finding in 1 file\nno problem found\n",
  });
  expect(readFileSync(file, "utf8")).toBe(fixed);
  expect(statSync(file).mode & 0o777).toBe(0o640);
  expect(readdirSync(dir)).toEqual(["buildspec.yml"]);
  expect((await check("--fix")).err).toBe("no problem found\n");
});

it("keeps line ends and the byte order mark", async () => {
  const text = `\uFEFF${bad.replaceAll("\n", "\r\n")}`;
  writeFileSync(file, text);
  await check("--fix");
  expect(readFileSync(file, "utf8")).toBe(`\uFEFF${fixed.replaceAll("\n", "\r\n")}`);
});

it.each([["--diff"], ["--fix", "--dry-run"]])("%s %s shows the change and writes nothing", async (...flags) => {
  writeFileSync(file, bad);
  expect(await check(...flags)).toEqual({
    exitCode: 3,
    out: [
      "--- a/buildspec.yml",
      "+++ b/buildspec.yml",
      "@@ -2,5 +2,5 @@",
      " phases:",
      "   build:",
      "     commands:",
      "-      - echo Result: ok # why",
      "+      - 'echo Result: ok' # why",
      "       - echo b",
      "",
    ].join("\n"),
    err: "would fix 1 finding in 1 file\n",
  });
  expect(readFileSync(file, "utf8")).toBe(bad);
});

it("names the files of several folders from where the command runs", async () => {
  for (const name of ["a", "b"]) {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, "buildspec.yml"), bad);
  }
  expect((await check("a", "b", "--fix")).err).toBe(
    "fixed a/buildspec.yml:5  quote the whole command\nfixed b/buildspec.yml:5  quote the whole command\nfixed 2 findings in 2 files\nno problem found in 2 files\n",
  );
});

it("renames a misnamed buildspec, and fixes it too", async () => {
  writeFileSync(join(dir, "buildspec.yaml"), bad);
  const { err } = await check("--fix");
  expect(err).toContain("fixed buildspec.yaml  renamed to buildspec.yml\n");
  expect(readFileSync(file, "utf8")).toBe(fixed);
});

it("fixes what a link inside the folder points to, and keeps the link", async () => {
  writeFileSync(join(dir, "real.yml"), bad);
  symlinkSync("real.yml", file);
  expect((await check("--fix")).exitCode).toBe(0);
  expect(lstatSync(file).isSymbolicLink()).toBe(true);
  expect(readFileSync(join(dir, "real.yml"), "utf8")).toBe(fixed);
});

it("takes nothing away that lies where its own file would", async () => {
  writeFileSync(file, bad);
  const theirs = join(dir, `.kiln-fix-${process.pid}`);
  writeFileSync(theirs, "theirs");
  expect((await check("--fix")).exitCode).toBe(4);
  expect(readFileSync(theirs, "utf8")).toBe("theirs");
  expect(readFileSync(file, "utf8")).toBe(bad);
});

it("leaves a link out of the folder alone", async () => {
  const outside = join(folder, "outside.yml");
  writeFileSync(outside, bad);
  symlinkSync(outside, file);
  expect((await check("--fix")).exitCode).toBe(3);
  expect(readFileSync(outside, "utf8")).toBe(bad);
});

it("refuses a read-only file, by name and with the cure", async () => {
  writeFileSync(file, bad);
  chmodSync(file, 0o444);
  expect(await check("--fix")).toEqual({
    exitCode: 4,
    out: "",
    err: "error: `buildspec.yml` cannot be fixed\n  why: it is read-only\n  fix: chmod u+w buildspec.yml\n",
  });
  expect(readFileSync(file, "utf8")).toBe(bad);
});

it("refuses a file that is not UTF-8, because the rest of it would change", async () => {
  writeFileSync(file, Buffer.from(bad.replace("# why", "# caf\u00e9"), "latin1"));
  const { exitCode, err } = await check("--fix");
  expect(exitCode).toBe(4);
  expect(err).toContain("why: it is not UTF-8");
});

it("does not fix what a comment keeps", async () => {
  const kept = bad.replace("# why", "# kiln-ignore phases/command-is-mapping: a test of the tool");
  writeFileSync(file, kept);
  expect((await check("--fix")).err).toBe("no problem found, 1 suppressed\n");
  expect(readFileSync(file, "utf8")).toBe(kept);
});

it.each([
  [["--dry-run"], "`--dry-run` goes with `--fix`"],
  [["--diff", "-o", "json"], "`--diff` prints a diff, `-o json` findings"],
  [["-", "--fix"], "standard input cannot be fixed in place"],
])("%j is refused", async (argv, message) => {
  writeFileSync(file, bad);
  const { exitCode, err } = await check(...argv);
  expect(exitCode).toBe(2);
  expect(err).toContain(message);
});
