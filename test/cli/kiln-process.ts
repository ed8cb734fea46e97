/** Runs the built `kiln` as a process of its own, as a person does. Needs `npm run build`; tests skip without it. */
import { spawn } from "node:child_process";
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
  /** Resolves when standard output holds the text. */
  printed(text: string): Promise<void>;
  /** The `url` that `kiln start -o json` prints when it is ready. Rejects when the process ends before. */
  printedUrl(): Promise<string>;
}

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
  let out = "";
  let err = "";
  const waiting: { text: string; resolve: () => void }[] = [];
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString("utf8");
    for (const wait of waiting) if (out.includes(wait.text)) wait.resolve();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString("utf8");
  });
  child.stdin.end(input);
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, out, err }));
  });
  const printed = (text: string): Promise<void> =>
    new Promise((resolve) => (out.includes(text) ? resolve() : waiting.push({ text, resolve })));
  return {
    finished,
    pid: child.pid ?? 0,
    kill: (signal) => void child.kill(signal),
    output: () => out + err,
    printed,
    async printedUrl() {
      const ended = await Promise.race([printed("\n}"), finished]);
      if (ended) throw new Error(`kiln ended before it was ready: ${ended.err}`);
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
