/** What `kiln run`, `kiln builds show` and `kiln explain` tell of leaks, and `--fail-on-leak`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { memoryIo } from "./io.ts";
import { runCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-told-"));
const app = join(folder, "app");
mkdirSync(app);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const VALUE = "n0t-for-every0ne";

async function kiln(argv: readonly string[]) {
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder };
  const io = memoryIo({ cwd: app, env });
  const exitCode = await runCli([...argv, "--state-dir", join(folder, "state")], io);
  expect(io.written() + io.complained()).not.toContain(VALUE);
  return { exitCode, out: io.written(), err: io.complained() };
}

function spec(command: string): void {
  writeFileSync(
    join(app, "buildspec.yml"),
    `version: 0.2\nenv:\n  parameter-store:\n    API_TOKEN: /app/token\nphases:\n  build:\n    commands:\n      - ${command}\n`,
  );
}

const LEAKING = "printf %s $API_TOKEN | base64";
const TEXT = `the build leaks its secrets in 1 place
leak buildspec.yml:8: \`API_TOKEN\` (parameter \`/app/token\`) is in the log, line LINE (base64)
  CodeBuild hides the exact value only, not its base64 form: whoever may read the log can turn it back
  fix: do not print what is made of \`$API_TOKEN\`: pipe it into the command that needs it, and keep \`set -x\` off
  fix: change the secret: it must count as known
`;

describe("a build that leaks", () => {
  it("succeeds and says so at its end; so do the record and the explanation", async () => {
    spec(LEAKING);
    const run = await kiln(["run", "-p", `/app/token=${VALUE}`]);
    expect(run.exitCode, run.err).toBe(0);
    const lineless = (text: string): string => text.replace(/line \d+ \(/, "line LINE (");
    expect(lineless(run.out)).toContain(`build SUCCEEDED in `);
    expect(lineless(run.out).endsWith(`\n\n${TEXT}`), run.out).toBe(true);
    expect(lineless((await kiln(["builds", "show"])).out)).toContain(`\n\n${TEXT}`);
    expect(lineless((await kiln(["explain"])).out)).toContain(TEXT);
    const shown = JSON.parse((await kiln(["builds", "show", "-o", "json"])).out) as Record<string, unknown>;
    expect(shown).toMatchObject({
      buildStatus: "SUCCEEDED",
      leaks: [{ place: { kind: "log" }, form: "base64", secret: { parameter: "/app/token" } }],
      leakCheck: { leaks: 1, notLookedAt: [], notSearched: [] },
    });
  });

  it("ends with exit code 1 under --fail-on-leak, or its variable, and stays SUCCEEDED", async () => {
    spec(LEAKING);
    const flag = await kiln(["run", "--fail-on-leak", "-o", "json", "-p", `/app/token=${VALUE}`]);
    expect(flag.exitCode).toBe(1);
    const lines = flag.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.at(-1)).toMatchObject({ buildStatus: "SUCCEEDED" });
    expect(lines.flatMap(({ type }) => type ?? []).slice(-3)).toEqual(["leak", "leak-check", "build-finished"]);
    vi.stubEnv("KILN_FAIL_ON_LEAK", "1");
    try {
      expect((await kiln(["run", "-p", `/app/token=${VALUE}`])).exitCode).toBe(1);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe("a build that does not leak", () => {
  it("says nothing, and ends with 0", async () => {
    spec("test -n $API_TOKEN && echo $API_TOKEN");
    const run = await kiln(["run", "--fail-on-leak", "-p", `/app/token=${VALUE}`]);
    expect(run.exitCode, run.err).toBe(0);
    expect(run.out).not.toMatch(/leak|not looked/);
    expect((await kiln(["builds", "show"])).out).toMatch(/\nno leak: \d secrets looked for in 0\.0 MiB in \d\.\d s\n$/);
  });

  it("has no word on leaks in its record when it was given no secret", async () => {
    writeFileSync(join(app, "buildspec.yml"), "version: 0.2\nphases: { build: { commands: [echo hello] } }\n");
    expect((await kiln(["run"])).exitCode).toBe(0);
    expect((await kiln(["builds", "show"])).out).not.toContain("leak");
  });
});
