/**
 * `kiln check` as a whole process on a buildspec of 300 lines in a git tree of 2,000 files, against the start of a bare Node
 * process; then the corpus of real buildspecs in one process, where it is (KILN_CORPUS).
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { check, createMemoryWorkspace } from "../dist/check/index.js";
import { median, row } from "./report.mjs";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const CORPUS = process.env.KILN_CORPUS ?? fileURLToPath(new URL("../../shared/corpus/buildspecs", import.meta.url));
const FILES = 2000;

export async function run({ smoke }) {
  wholeProcess(smoke ? 1 : 15);
  corpus(smoke ? 1 : 5);
}

function wholeProcess(rounds) {
  const folder = mkdtempSync(join(tmpdir(), "kiln-bench-check-"));
  try {
    const text = makeSource(folder);
    const [bare, whole] = [[], []];
    const timed = (argv, into) => {
      const startedMs = performance.now();
      const { status } = spawnSync(process.execPath, argv, { cwd: folder, stdio: "ignore" });
      into.push(performance.now() - startedMs);
      return status;
    };
    for (let round = 0; round < rounds; round++) {
      timed(["-e", "0"], bare);
      const status = timed([MAIN, "check", "--state-dir", join(folder, ".none")], whole);
      if (status !== 3) throw new Error(`kiln check answered ${status}, expected the one error of the source`);
    }
    row("bare node process", `${median(bare).toFixed(0)} ms`);
    row(
      `check of ${text.split("\n").length} lines, ${FILES} files in git`,
      `${median(whole).toFixed(0)} ms`,
      `least ${Math.min(...whole).toFixed(0)} ms, ${(median(whole) / median(bare)).toFixed(1)} x baseline (bar 250 ms)`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A repository with modules, a Dockerfile and requirements, and a buildspec that uses many of its files; one is missing. */
function makeSource(folder) {
  const write = (path, text) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (let index = 0; index < FILES; index++) write(`src/module-${index % 50}/file-${index}.py`, `print(${index})\n`);
  write("requirements.txt", "flask\n");
  write("Dockerfile", "FROM python:3.12-slim\nCOPY . /app\n");
  const lines = ["version: 0.2", "env:", "  variables:"];
  for (let index = 0; index < 20; index++) lines.push(`    NAME_${index}: value-${index}`);
  lines.push("phases:");
  for (const phase of ["install", "pre_build", "build", "post_build"]) {
    lines.push(`  ${phase}:`, "    commands:");
    if (phase === "install") lines.push("      - pip install -r missing/requirements.txt");
    for (let index = 0; index < 33; index++) {
      const module = (index * 7) % 50;
      lines.push(
        `      - cd src/module-${module} && python file-${module}.py --name "$NAME_${index % 20}" | tee log && cd -`,
      );
      lines.push(`      - if [ -n "$NAME_${index % 20}" ]; then echo "step ${index}"; fi`);
    }
  }
  lines.push("artifacts:", "  files:", "    - 'src/**/*'");
  const text = `${lines.join("\n")}\n`;
  write("buildspec.yml", text);
  const git = (...argv) => spawnSync("git", ["-C", folder, ...argv], { stdio: "ignore" });
  git("init", "-q");
  git("add", "-A");
  git("-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "-qm", "source");
  return text;
}

function corpus(rounds) {
  if (!existsSync(join(CORPUS, "index.tsv"))) {
    row("corpus of real buildspecs", "skipped", "not here (KILN_CORPUS)");
    return;
  }
  const read = (name) => readFileSync(join(CORPUS, name), "utf8");
  const rows = read("index.tsv").trim().split("\n").slice(1);
  const trees = new Map();
  const inputs = rows.map((line) => {
    const [name, , buildspecPath, , , tree = ""] = line.split("\t");
    const workspace =
      trees.get(tree) ?? createMemoryWorkspace(tree === "" ? [] : read(tree).split("\n").filter(Boolean));
    trees.set(tree, workspace);
    return { workspace, buildspecPath, text: read(name) };
  });
  const elapsed = [];
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    for (const input of inputs) check(input);
    elapsed.push(performance.now() - startedMs);
  }
  row(`${inputs.length} real buildspecs, first time`, `${elapsed[0].toFixed(0)} ms`, "in one process (bar 2,000 ms)");
  if (rounds > 1) row("the same again", `${median(elapsed.slice(1)).toFixed(0)} ms`);
}
