/** Runs the built `kiln` as a process of its own, as a person does. Needs `npm run build`; tests skip without it. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const MAIN = process.env["KILN_TEST_MAIN"] ?? fileURLToPath(new URL("../../dist/main.js", import.meta.url));

export const isBuilt = existsSync(MAIN);

export interface Finished {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly finished: Promise<Finished>;
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Both streams so far. */
  output(): string;
  /** Resolves when standard output holds the text; rejects, with all that was said, when the process ends without. */
  printed(text: string): Promise<void>;
  /** The `url` that `kiln start -o json` prints when it is ready. Rejects when the process ends before. */
  printedUrl(): Promise<string>;
}

/** A test that fails leaves none of them behind. */
const alive = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

/** A folder of its own with the given files, removed by `remove`. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "kiln-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function startProcess(
  cwd: string,
  argv: readonly string[],
  input = "",
  variables: Readonly<Record<string, string>> = {},
): Running {
  const env = { ...process.env, NO_COLOR: "1", ...variables };
  const child = spawn(process.execPath, [MAIN, ...argv], { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
  alive.add(child);
  child.once("close", () => alive.delete(child));
  let out = "";
  let err = "";
  const waiting: { text: string; resolve: () => void }[] = [];
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    out += chunk;
    for (const wait of waiting) if (out.includes(wait.text)) wait.resolve();
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    err += chunk;
  });
  // A process that ends before it has read: what it says and how it ends is what is tested.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, out, err }));
  });
  const printed = async (text: string): Promise<void> => {
    const isThere = new Promise<void>((resolve) => {
      waiting.push({ text, resolve });
    });
    if (!out.includes(text)) await Promise.race([isThere, finished]);
    if (!out.includes(text)) throw new Error(`kiln ended without ${JSON.stringify(text)}: ${out}${err}`);
  };
  return {
    finished,
    pid: child.pid ?? 0,
    kill: (signal) => void child.kill(signal),
    output: () => out + err,
    printed,
    async printedUrl() {
      await printed("\n}");
      return (JSON.parse(out) as { url: string }).url;
    },
  };
}

export const kiln = (
  cwd: string,
  argv: readonly string[],
  input = "",
  variables: Readonly<Record<string, string>> = {},
): Promise<Finished> => startProcess(cwd, argv, input, variables).finished;
