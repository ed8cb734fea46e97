/**
 * Runs the `console` blocks of the documents: lines that begin with `$ ` are commands, the lines after them what they
 * print. A document is one bash session in a copy of the sample app, with a state folder of its own. In an expected
 * output `…` stands for anything on its line, and a line that is only `…` for any lines. `<!-- needs: aws -->` before a
 * block names a program without which the rest of the document is skipped, with a printed reason. The documents run side
 * by side.
 */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const DOCUMENTS = [
  "README.md",
  "docs/first-pipeline.md",
  "docs/checks.md",
  "docs/builds.md",
  "docs/builds-and-s3.md",
  "docs/batch.md",
  "docs/sandboxes-and-fleets.md",
  "docs/events.md",
  "docs/iam.md",
  "docs/containers.md",
  "docs/explain.md",
  "docs/policy.md",
  "docs/leak-guard.md",
  "docs/testing.md",
  "docs/control-api.md",
];

interface Example {
  readonly command: string;
  readonly expected: string;
}

/** The examples up to the first `needs` that this machine does not fulfil. */
function examplesOf(document: string): Example[] {
  const text = readFileSync(join(root, document), "utf8");
  const lacking = [...text.matchAll(/<!-- needs: (\S+) -->/g)].find(
    ([, name = ""]) => spawnSync(name, ["--version"]).error,
  );
  if (lacking) process.stderr.write(`${document}: ends at a block that needs ${lacking[1]} on PATH\n`);
  const examples: Example[] = [];
  for (const [, block = ""] of text.slice(0, lacking?.index).matchAll(/^```console\n([\s\S]*?)^```/gm)) {
    for (const part of block.split(/^\$ /m).slice(1)) {
      const lines = part.split("\n");
      const commandLines = commandLinesOf(lines);
      examples.push({
        command: lines.slice(0, commandLines).join("\n"),
        expected: lines.slice(commandLines).join("\n").trimEnd(),
      });
    }
  }
  return examples;
}

/** Lines of a command: it goes on after a `\` at a line's end, and to the end of its here-document. */
function commandLinesOf(lines: readonly string[]): number {
  let count = 1;
  while (lines[count - 1]?.endsWith("\\")) count++;
  const end = /<<'?(\w+)/.exec(lines[count - 1] ?? "")?.[1];
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

describe("the console examples print what they say in", () => {
  test.concurrent.each(DOCUMENTS.filter((document) => existsSync(join(root, document))))(
    "%s",
    { timeout: 600_000 },
    async (document) => {
      const examples = examplesOf(document);
      const folder = mkdtempSync(join(tmpdir(), "kiln-docs-"));
      try {
        const outputs = await runSession(folder, examples);
        for (const [index, { command, expected }] of examples.entries()) {
          const output = `${outputs[index]?.trimEnd() ?? "(the session ended before)"}\n`;
          expect(output, `$ ${command}`).toMatch(expected === "" ? /[\s\S]*/ : patternOf(expected));
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});

/** What each example printed. */
async function runSession(folder: string, examples: readonly Example[]): Promise<string[]> {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeScript(bin, "kiln", `exec "${process.execPath}" -- "${join(root, "dist/main.js")}" "$@"`);
  const app = join(folder, "sample-python-flask-app");
  cpSync(join(root, "examples/sample-python-flask-app"), app, { recursive: true });
  const mark = "@@ example";
  const script = [
    "trap 'kill $(jobs -p) 2>/dev/null; kiln stop >/dev/null 2>&1' EXIT",
    ...examples.flatMap(({ command }, index) => [`printf '%s\\n' '${mark} ${index}'`, command]),
  ].join("\n");
  const { AWS_PROFILE: _profile, AWS_SESSION_TOKEN: _token, AWS_ENDPOINT_URL: _url, ...environment } = process.env;
  const session = spawn("bash", ["-c", `exec 2>&1\n${script}`], {
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
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 580_000,
  });
  let stdout = "";
  for await (const chunk of session.stdout.setEncoding("utf8")) stdout += chunk;
  return stdout.split(new RegExp(`^${mark} \\d+\\n`, "m")).slice(1);
}

function writeScript(folder: string, name: string, text: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(folder, name), 0o755);
}
