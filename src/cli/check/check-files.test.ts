/** `kiln check` on many files: which ones, in which order, how the result is printed and what it exits with. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { memoryIo } from "../io.ts";
import { runCli } from "../run-cli.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "kiln-check-files-")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const good = "version: 0.2\nphases:\n  build:\n    commands:\n      - echo ok\n";
const bad = "version: 0.2\nphases:\n  build:\n    commands:\n      - echo Result: ok\n";
const warned = "version: 0.2\nenv:\n  variables:\n    my-var: a\nphases:\n  build:\n    commands:\n      - echo ok\n";

function source(name: string, files: Readonly<Record<string, string>>): string {
  const dir = join(folder, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

async function check(cwd: string, argv: readonly string[], input?: string) {
  const io = memoryIo({ cwd, ...(input !== undefined && { input }) });
  const exitCode = await runCli(["check", ...argv], io);
  return { exitCode, out: io.written(), err: io.complained() };
}

const places = async (cwd: string, argv: readonly string[]) => {
  const { out } = await check(cwd, [...argv, "-o", "json"]);
  const json = JSON.parse(out) as { diagnostics: { file: string | null; code: string }[] };
  return json.diagnostics.map(({ file, code }) => `${file} ${code}`);
};

const tree = source("tree", {
  "buildspec.yml": good,
  "ci/build.yml": bad,
  "ci/deploy.yaml": warned,
  "ci/notes.yml": "version: 0.2\nnotes: none\n",
  "ci/action.yml": "on: push\njobs:\n  build:\n    steps: []\n",
  "oci/build_spec.yaml": "version: 0.1\ncomponent: build\nsteps: []\n",
  "oci/buildspec.yml": "version: 0.1\ncomponent: build\nsteps: []\n",
  "lib/template.yml":
    "Resources:\n  Project:\n    Properties:\n      BuildSpec: |\n        version: 0.2\n        phases: {}\n",
  "service/buildspec.yml": bad,
});

describe("which files", () => {
  it("a folder is its buildspec, a file itself, in the order given and once", async () => {
    expect(await places(tree, ["service", "ci/build.yml", ".", "service"])).toEqual([
      "service/buildspec.yml phases/command-is-mapping",
      "ci/build.yml phases/command-is-mapping",
    ]);
  });

  it("--all is every buildspec by what is in it, and another product's `buildspec.yml` is said once", async () => {
    const expected = [
      "ci/build.yml phases/command-is-mapping",
      "ci/deploy.yaml env/variable-name",
      "oci/buildspec.yml buildspec/not-codebuild",
      "service/buildspec.yml phases/command-is-mapping",
    ];
    expect(await places(tree, ["--all"])).toEqual(expected);
    expect(await places(folder, ["--all", "tree"])).toEqual(expected.map((place) => `tree/${place}`));
  });

  it("a pattern that the shell left alone", async () => {
    expect(await places(tree, ["{ci,service}/{build,buildspec}.yml"])).toEqual([
      "ci/build.yml phases/command-is-mapping",
      "service/buildspec.yml phases/command-is-mapping",
    ]);
  });

  it("`-` is standard input, as if it were the file of -b", async () => {
    expect(await check(tree, ["-", "-b", "ci/new.yml", "-o", "github"], bad)).toMatchObject({
      exitCode: 3,
      out: expect.stringMatching(/^::error file=ci\/new\.yml,line=5,/) as string,
    });
    expect((await check(tree, ["-"], good)).err).toBe("no problem found\n");
  });

  it("what is not there is refused by name, with the nearest", async () => {
    expect(await check(tree, ["ci/biuld.yml"])).toMatchObject({
      exitCode: 2,
      err: "error: `ci/biuld.yml` does not exist; the nearest is `ci/build.yml`\n  fix: name folders or buildspec files\n",
    });
    expect((await check(tree, ["x/*.yml"])).err).toMatch(/^error: `x\/\*\.yml` matches no file\n/);
    expect(await check(tree, ["--all", "lib"])).toMatchObject({
      exitCode: 2,
      err: "error: there is no buildspec in `lib`\n  why: a file is one if it has `phases` or `batch` of CodeBuild at its top level, or is named like one\n",
    });
    symlinkSync("nowhere", join(tree, "dangling.yml"));
    expect((await check(tree, ["dangling.yml"])).err).toMatch(/is a link to something that does not exist/);
  });

  it("what cannot be read is a finding at its name, and the others are checked", async () => {
    writeFileSync(join(tree, "binary.yml"), Buffer.from([0, 1, 2]));
    expect(await places(tree, ["binary.yml", "ci/build.yml"])).toEqual([
      "binary.yml buildspec/syntax",
      "ci/build.yml phases/command-is-mapping",
    ]);
  });
});

describe("what is reported", () => {
  it("--severity leaves out the lesser ones, --only the other checks", async () => {
    const all = ["ci/build.yml", "ci/deploy.yaml"];
    expect(await places(tree, [...all, "--severity", "error"])).toEqual(["ci/build.yml phases/command-is-mapping"]);
    expect(await places(tree, [...all, "--only", "env"])).toEqual(["ci/deploy.yaml env/variable-name"]);
    expect(await places(tree, [...all, "--only", "env/variable-name,phases"])).toHaveLength(2);
    expect((await check(tree, ["--only", "env/variable-nam"])).err).toBe(
      "error: there is no check `env/variable-nam`; the nearest is `env/variable-name`\n  fix: `kiln check --list` lists them\n",
    );
  });

  it("--max-warnings makes warnings count", async () => {
    expect((await check(tree, ["ci/deploy.yaml"])).exitCode).toBe(0);
    expect((await check(tree, ["ci/deploy.yaml", "--max-warnings", "1"])).exitCode).toBe(0);
    expect(await check(tree, ["ci/deploy.yaml", "--max-warnings", "0"])).toMatchObject({
      exitCode: 3,
      err: "0 errors, 1 warning\nmore than 0 warnings (--max-warnings)\n",
    });
    expect((await check(tree, ["--max-warnings", "few"])).exitCode).toBe(2);
  });

  it("counts files and suppressed findings", async () => {
    const dir = source("kept", {
      "a.yml": warned.replace("my-var: a", "my-var: a # kiln-ignore env/variable-name: read by a tool"),
      "b.yml": good,
    });
    expect(await check(dir, ["a.yml", "b.yml"])).toEqual({
      exitCode: 0,
      out: "",
      err: "no problem found, 1 suppressed in 2 files\n",
    });
    const json = JSON.parse((await check(dir, ["a.yml", "-o", "json"])).out) as Record<string, unknown>;
    expect(json).toMatchObject({
      diagnostics: [],
      suppressed: [{ file: "a.yml", code: "env/variable-name", suppressed: { reason: "read by a tool" } }],
    });
  });

  it("--list and --explain print the pages that come with the package", async () => {
    const list = (await check(tree, ["--list"])).out;
    expect(list).toMatch(/^phases\/command-is-mapping +error +a command with an unquoted `: `/m);
    const { out } = await check(tree, ["--explain", "phases/command-is-mapping"]);
    expect(out).toMatch(/^# phases\/command-is-mapping\n[\s\S]*\nFix: .*\n$/);
    const json = JSON.parse((await check(tree, ["--explain", "check/suppression", "-o", "json"])).out) as object;
    expect(json).toMatchObject({ id: "check/suppression", severity: "warning", page: expect.any(String) as string });
  });

  it("SARIF holds the help of every check", async () => {
    const log = JSON.parse((await check(tree, ["ci/build.yml", "-o", "sarif"])).out) as {
      runs: { tool: { driver: { rules: { id: string; help?: unknown }[] } }; results: unknown[] }[];
    };
    expect(log.runs[0]?.results).toHaveLength(1);
    expect(log.runs[0]?.tool.driver.rules.find(({ id }) => id === "phases/command-is-mapping")?.help).toBeDefined();
  });
});

it("an unreadable folder of the tree hides only itself", async () => {
  const dir = source("locked", { "buildspec.yml": good, "secret/x.yml": good });
  chmodSync(join(dir, "secret"), 0);
  try {
    expect((await check(dir, ["--all"])).exitCode).toBe(0);
  } finally {
    chmodSync(join(dir, "secret"), 0o755);
  }
});
