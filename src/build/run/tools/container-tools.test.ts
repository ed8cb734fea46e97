/** The scripts for containers answer what the modules answer, with the shell and the awk of this machine and of busybox. */
import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { staticBusybox } from "../../../../test/support/docker-fixture.ts";
import { CONTAINER_TOOLS } from "./container-tools.ts";
import { globSearch } from "./glob-search.ts";
import { hashFiles } from "./hash-files.ts";
import { filesOfShard } from "./test-shards.ts";

const busybox = await staticBusybox();
const FILES = [
  "a.py",
  "b.lock",
  ".env",
  "tests/a.py",
  "tests/deep/er/b.py",
  "tests/.hidden/c.py",
  "tests/x y.py",
  "tests/[a].py",
  "tests/a+b.py",
  "other/a.pyc",
  "other/a{b}.txt",
  ".git/config",
  "sub/.git/a.py",
];

describe.each(["this machine's", "busybox's"])("codebuild tools of a container with %s programs", (whose) => {
  let folder: string;
  let bin: string;
  let path: string;
  const isHere = whose !== "busybox's" || busybox !== undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kiln-tools-"));
    bin = join(folder, "bin");
    const programs = join(folder, "programs");
    for (const name of FILES) {
      await mkdir(dirname(join(folder, "src", name)), { recursive: true });
      await writeFile(join(folder, "src", name), `text of ${name}`);
    }
    await symlink("a.py", join(folder, "src/tests/link.py"));
    await symlink("tests", join(folder, "src/folder"));
    await mkdir(bin);
    await mkdir(programs);
    for (const [name, script] of Object.entries(CONTAINER_TOOLS)) {
      await writeFile(join(bin, name), script);
      await chmod(join(bin, name), 0o755);
    }
    path = process.env["PATH"] ?? "";
    if (whose !== "busybox's" || busybox === undefined) return;
    for (const name of ["sh", "find", "awk", "sort", "sha256sum", "readlink", "cat"]) {
      await symlink(busybox, join(programs, name));
    }
    path = programs;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const run = (tool: string, argv: readonly string[], variables: Readonly<Record<string, string>> = {}) => {
    const cwd = join(folder, "src");
    const env = { PATH: `${bin}:${path}`, CODEBUILD_SRC_DIR: cwd, ...variables };
    const shell = whose === "busybox's" ? join(path, "sh") : "sh";
    const { status, stdout, stderr } = spawnSync(shell, [join(bin, tool), ...argv], { cwd, env, encoding: "utf8" });
    return { status, stdout, stderr };
  };
  const src = (): string => join(folder, "src");

  const pattern = fc
    .array(
      fc.constantFrom("**", "*", "*.py", "tests", "other", "?.py", "[ab].*", "{a,b}.*", "a*", ".*", "deep", "x y.py"),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    .map((parts) => parts.join("/"))
    .filter((text) => !text.endsWith("/**"));

  it.skipIf(!isHere)("glob-search finds the same files", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(pattern, { minLength: 1, maxLength: 2 }), async (patterns) => {
        const wanted = await globSearch(src(), patterns);
        expect(run("codebuild-glob-search", patterns)).toEqual({
          ...{ status: 0, stderr: "" },
          stdout: wanted.map((name) => `${name}\n`).join(""),
        });
      }),
      { numRuns: 60 },
    );
  });

  it.skipIf(!isHere)("hash-files prints the same hash", async () => {
    for (const patterns of [
      ["**/*.py"],
      ["a.py", "tests/[a].py", "./b.lock"],
      [join(src(), "b.lock")],
      ["**/*"],
      ["folder"],
    ]) {
      const { stdout, stderr } = run("codebuild-hash-files", patterns);
      expect(stderr).toBe("");
      expect(stdout).toBe(`${await hashFiles(src(), patterns)}\n`);
    }
    expect(run("codebuild-hash-files", ["*.nope", "/etc/passwd", "../*"])).toEqual({
      ...{ status: 1, stdout: "" },
      stderr: "codebuild-hash-files: no file matches *.nope /etc/passwd ../*\n",
    });
  });

  it.skipIf(!isHere)("tests-run runs the same shards", () => {
    const argv = (strategy: string) => [
      ...["--test-command", 'printf "%s\\n" "$CODEBUILD_CURRENT_SHARD_FILES" --; printf "<%s>\\n"'],
      ...["--files-search", "codebuild-glob-search 'tests/**/*.py'", `--sharding-strategy=${strategy}`],
    ];
    const all = [
      "tests/.hidden/c.py",
      "tests/[a].py",
      "tests/a+b.py",
      "tests/a.py",
      "tests/deep/er/b.py",
      "tests/x y.py",
    ];
    for (const strategy of ["equal-distribution", "stability"] as const) {
      for (let index = 0; index < 4; index++) {
        const wanted = filesOfShard(all, { index, count: 4 }, strategy);
        const variables = { KILN_SHARD_INDEX: String(index), KILN_SHARD_COUNT: "4" };
        expect(run("codebuild-tests-run", argv(strategy), variables)).toEqual({
          status: 0,
          stderr: `codebuild-tests-run: shard ${index + 1} of 4: ${wanted.length} of 6 files (${strategy})\n`,
          stdout:
            wanted.length === 0 ? "" : `${wanted.join("\n")}\n--\n${wanted.map((name) => `<${name}>\n`).join("")}`,
        });
      }
    }
    expect(run("codebuild-tests-run", ["--files-search", "exit 3", "--test-command", "true"])).toMatchObject({
      status: 3,
      stderr: "codebuild-tests-run: the files search ended with exit status 3: exit 3\n",
    });
    expect(run("codebuild-tests-run", ["--files", "x"])).toMatchObject({
      status: 2,
      stderr:
        "codebuild-tests-run: unknown argument --files, expected --test-command, --files-search, --sharding-strategy\n",
    });
    expect(run("codebuild-tests-run", ["--files-search", "echo a", "--test-command", "exit 7;"])).toMatchObject({
      status: 7,
    });
  });

  it.skipIf(!isHere)("refuse what they cannot answer as the modules would", () => {
    for (const unfit of ["@(a|b)", "{1..3}", "!a", "a**b", "{a,{b,c}}", "(a)", "[z"]) {
      expect(run("codebuild-glob-search", [unfit])).toEqual({
        ...{ status: 2, stdout: "" },
        stderr: `codebuild-glob-search: the pattern ${unfit} is not understood in a container; it may have *, **, ?, [...], {a,b} and \\x\n`,
      });
    }
  });

  it("say what the image lacks", () => {
    const { status, stderr } = spawnSync("/bin/sh", [join(bin, "codebuild-glob-search"), "*"], {
      ...{ env: { PATH: bin }, encoding: "utf8" },
    });
    expect({ status, stderr }).toEqual({
      status: 127,
      stderr: "codebuild-glob-search: it needs `find`, which the image does not have\n",
    });
  });
});
