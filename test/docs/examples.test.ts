/** Runs the examples of tests with Kiln for real, each in a copy with the built package: vitest, node:test, pytest. */
import { execFile, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);
const TESTS = 5;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kiln-examples-"));
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  symlinkSync(root, join(modules, "kiln"));
  for (const name of ["vitest", "@aws-sdk"]) symlinkSync(join(root, "node_modules", name), join(modules, name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the command prints, in a copy of the example. */
async function output(example: string, command: string, ...args: string[]): Promise<string> {
  const copy = join(folder, example);
  cpSync(join(root, "examples", example), copy, { recursive: true });
  const { VITEST: _vitest, NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  const kiln = join(bin, "kiln");
  writeFileSync(kiln, `#!/bin/sh\nexec "${process.execPath}" "${join(root, "dist/main.js")}" "$@"\n`);
  chmodSync(kiln, 0o755);
  const ran = run(command, args, {
    cwd: copy,
    timeout: 170_000,
    env: { ...env, PATH: `${bin}:${env["PATH"]}`, NO_COLOR: "1", PYTHONDONTWRITEBYTECODE: "1" },
  });
  const { stdout } = await ran.catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  return stdout;
}

test("vitest", async () => {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  // Its own five seconds a test are a user's; here the machine may be busy with other tests.
  const patient = ["--testTimeout=60000", "--hookTimeout=120000"];
  expect(await output("vitest", process.execPath, vitest, "run", ...patient)).toMatch(
    new RegExp(`Tests +${TESTS} passed`),
  );
});

test("node:test", async () => {
  expect(await output("node-test", process.execPath, "--test", "--test-reporter=tap")).toContain(`# pass ${TESTS}\n`);
});

test("pytest", async ({ skip }) => {
  if (spawnSync("python3", ["-c", "import boto3, pytest"]).status !== 0) {
    process.stderr.write("skipped: the example of pytest needs python3 with boto3 and pytest\n");
    return skip();
  }
  expect(await output("pytest", "python3", "-m", "pytest", "-q", "-p", "no:cacheprovider")).toContain(
    `${TESTS} passed`,
  );
});
