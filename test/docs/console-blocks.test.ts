/**
 * Runs the `console` blocks of the documents: lines that begin with `$ ` are commands, the lines after them what they
 * print. A document is one bash session in a copy of the sample app, with a state folder of its own. In an expected
 * output `…` stands for anything on its line, and a line that is only `…` for any lines. `<!-- needs: aws -->` before a
 * block names a program without which the rest of the document is skipped, with a printed reason.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const DOCUMENTS = ["README.md", "docs/first-pipeline.md"];

interface Example {
  readonly command: string;
  readonly expected: string;
}

function examplesOf(document: string): { examples: Example[]; needs: string[] } {
  const text = readFileSync(join(root, document), "utf8");
  const needs = [...text.matchAll(/<!-- needs: (\S+) -->/g)].map((m) => m[1] ?? "");
  const examples: Example[] = [];
  for (const [, block = ""] of text.matchAll(/^```console\n([\s\S]*?)^```/gm)) {
    for (const part of block.split(/^\$ /m).slice(1)) {
      const lines = part.split("\n");
      const commandLines = commandLinesOf(lines);
      examples.push({
        command: lines.slice(0, commandLines).join("\n"),
        expected: lines.slice(commandLines).join("\n").trimEnd(),
      });
    }
  }
  return { examples, needs };
}

/** Lines of a command: it goes on after a `\` at a line's end, and to the end of its here-document. */
function commandLinesOf(lines: readonly string[]): number {
  let count = 1;
  while (lines[count - 1]?.endsWith("\\")) count++;
  const end = /<<'(\w+)'/.exec(lines[count - 1] ?? "")?.[1];
  return end === undefined ? count : lines.indexOf(end) + 1;
}

/** A pattern for an expected output: `…` is anything on the line, a `…` line any lines. */
function patternOf(expected: string): RegExp {
  const lines = expected
    .split("\n")
    .map((line) => (line === "…" ? "(?:.*\\n)*?" : `${line.split("…").map(escapeRegExp).join(".*")}\\n`));
  return new RegExp(`^${lines.join("")}$`);
}

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

describe.each(DOCUMENTS.filter((document) => existsSync(join(root, document))))("%s", (document) => {
  const { examples, needs } = examplesOf(document);
  const missing = needs.filter((program) => spawnSync(program, ["--version"]).error);
  if (missing.length > 0) process.stderr.write(`${document}: skipped, needs ${missing.join(", ")} on PATH\n`);

  test.skipIf(missing.length > 0)("its console examples print what it says", { timeout: 240_000 }, () => {
    expect(examples.length).toBeGreaterThan(0);
    const folder = mkdtempSync(join(tmpdir(), "kiln-docs-"));
    try {
      const outputs = runSession(folder, examples);
      for (const [index, { command, expected }] of examples.entries()) {
        const output = `${outputs[index]?.trimEnd() ?? "(the session ended before)"}\n`;
        expect(output, `$ ${command}`).toMatch(expected === "" ? /[\s\S]*/ : patternOf(expected));
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function runSession(folder: string, examples: readonly Example[]): string[] {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "kiln"), `#!/bin/sh\nexec "${process.execPath}" -- "${join(root, "dist/main.js")}" "$@"\n`);
  chmodSync(join(bin, "kiln"), 0o755);
  const app = join(folder, "sample-python-flask-app");
  cpSync(join(root, "examples/sample-python-flask-app"), app, { recursive: true });
  const mark = "@@ example";
  const script = [
    "trap 'kiln stop >/dev/null 2>&1' EXIT",
    ...examples.flatMap(({ command }, index) => [`printf '%s\\n' '${mark} ${index}'`, command]),
  ].join("\n");
  const { AWS_PROFILE: _profile, AWS_SESSION_TOKEN: _token, ...environment } = process.env;
  const { stdout } = spawnSync("bash", ["-c", `exec 2>&1\n${script}`], {
    cwd: app,
    env: {
      ...environment,
      PATH: `${bin}:${process.env["PATH"]}`,
      KILN_STATE_DIR: join(folder, "state"),
      KILN_PORT: "0",
      NO_COLOR: "1",
      AWS_CONFIG_FILE: join(folder, "aws-config"),
      AWS_SHARED_CREDENTIALS_FILE: join(folder, "aws-credentials"),
      AWS_PAGER: "",
    },
    encoding: "utf8",
    timeout: 230_000,
  });
  return stdout.split(new RegExp(`^${mark} \\d+\\n`, "m")).slice(1);
}
