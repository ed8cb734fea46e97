/**
 * `kiln check` as a whole process on a buildspec of 300 lines in a git tree of 2,000 files, against the start of a bare Node
 * process; the language server on the same file, change by change; then the corpus of real buildspecs in one process, where
 * it is (KILN_CORPUS).
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createMessageConnection } from "vscode-jsonrpc/node";
import { check, createMemoryWorkspace } from "../dist/check/index.js";
import { median, row } from "./report.mjs";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const CORPUS = process.env.KILN_CORPUS ?? fileURLToPath(new URL("../../shared/corpus/buildspecs", import.meta.url));
const FILES = 2000;

export async function run({ smoke }) {
  wholeProcess(smoke ? 1 : 15);
  await languageServer(smoke ? 1 : 20);
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

/** From a change of one word to the diagnostics of that version. */
async function languageServer(rounds) {
  const folder = mkdtempSync(join(tmpdir(), "kiln-bench-lsp-"));
  const server = spawn(process.execPath, [MAIN, "lsp", "--stdio", "--state-dir", join(folder, ".none")], {
    cwd: folder,
  });
  const connection = createMessageConnection(server.stdout, server.stdin);
  try {
    const text = makeSource(folder);
    const uri = pathToFileURL(join(folder, "buildspec.yml")).href;
    let answered;
    connection.onNotification("textDocument/publishDiagnostics", (params) => {
      if (params.uri === uri) answered?.(params);
    });
    connection.listen();
    const timed = async (method, version, more) => {
      const said = new Promise((resolve) => {
        answered = (params) => (params.version === version ? resolve(params.diagnostics) : undefined);
      });
      const startedMs = performance.now();
      await connection.sendNotification(method, more);
      if ((await said).length !== 1) throw new Error("the language server did not find the one error of the source");
      return performance.now() - startedMs;
    };
    const workspaceFolders = [{ uri: pathToFileURL(folder).href, name: "source" }];
    await connection.sendRequest("initialize", { processId: null, rootUri: null, capabilities: {}, workspaceFolders });
    await connection.sendNotification("initialized", {});
    const textDocument = { uri, languageId: "yaml", version: 1, text };
    const first = await timed("textDocument/didOpen", 1, { textDocument });
    const line = text.split("\n").findIndex((one) => one.includes('echo "step 3"'));
    const character = text.split("\n")[line].indexOf("step 3");
    const elapsed = [];
    for (let version = 2; version < rounds + 2; version++) {
      const range = { start: { line, character }, end: { line, character: character + 1 } };
      const changed = { textDocument: { uri, version }, contentChanges: [{ range, text: version % 2 ? "s" : "S" }] };
      elapsed.push(await timed("textDocument/didChange", version, changed));
    }
    row("language server: the file is opened", `${first.toFixed(0)} ms`, "the tree is listed, too");
    const [least, most] = [Math.min(...elapsed), Math.max(...elapsed)].map((ms) => ms.toFixed(0));
    row("a word is changed", `${median(elapsed).toFixed(0)} ms`, `${least} to ${most} ms (bar 100 ms)`);
    await connection.sendRequest("shutdown");
    await connection.sendNotification("exit");
  } finally {
    connection.dispose();
    server.kill();
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
