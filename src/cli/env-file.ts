/** `-e KEY=VALUE`, `-p NAME=VALUE` and `.env` files. */
import { readFileSync } from "node:fs";
import { KilnError, usageError } from "../core/errors.ts";
import { absolute } from "./settings.ts";

export interface Assignment {
  readonly name: string;
  readonly value: string;
}

/** `NAME=VALUE`; the value is never repeated in the error. */
export function parseAssignment(text: string, flag: string): Assignment {
  const at = text.indexOf("=");
  if (at > 0) return { name: text.slice(0, at), value: text.slice(at + 1) };
  throw usageError(`${flag} expects NAME=VALUE, not \`${at === 0 ? "=…" : text}\``);
}

/** `-e NAME=VALUE`: an assignment whose name a shell takes, as CodeBuild demands. */
export function parseVariable(text: string): Assignment {
  const assignment = parseAssignment(text, "--env");
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(assignment.name)) return assignment;
  throw usageError(
    `\`${assignment.name}\` is not a name of a variable`,
    [],
    "a name has letters, digits and `_`, and does not begin with a digit",
  );
}

/** Lines `NAME=VALUE`; `#` comments, `export `, single and double quotes as dotenv files have them. */
export function readEnvFile(file: string, cwd: string): Assignment[] {
  let text: string;
  try {
    text = readFileSync(absolute(file, cwd), "utf8");
  } catch (error) {
    throw new KilnError({
      code: "KILN_E_NO_FILE",
      message: `cannot read the file \`${file}\`: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`,
      exitCode: 2,
      cause: error,
    });
  }
  return parseEnvText(text, file);
}

export function parseEnvText(text: string, file: string): Assignment[] {
  const assignments: Assignment[] = [];
  text.split(/\r?\n/).forEach((raw, index) => {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) return;
    const match = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_./-]*)\s*=\s*(.*)$/.exec(line);
    if (!match) {
      throw new KilnError({
        code: "KILN_E_ENV_FILE",
        message: `${file}:${index + 1}: expected NAME=VALUE`,
        exitCode: 2,
      });
    }
    assignments.push({ name: match[1] ?? "", value: unquote(match[2] ?? "") });
  });
  return assignments;
}

function unquote(value: string): string {
  const double = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/.exec(value);
  if (double)
    return (double[1] ?? "").replace(/\\([nrt"\\$])/g, (_, c: string) => ({ n: "\n", r: "\r", t: "\t" })[c] ?? c);
  const single = /^'([^']*)'\s*(?:#.*)?$/.exec(value);
  if (single) return single[1] ?? "";
  return value.replace(/\s+#.*$/, "");
}
