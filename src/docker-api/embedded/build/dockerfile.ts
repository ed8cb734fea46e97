/**
 * Dockerfile text to instructions, by docker's own rules for lines: directives, comments, continuations, heredocs, flags.
 * Pure. Failures are `DockerfileError` with docker's text (`dockerfile parse error on line N: …`).
 * Source: https://docs.docker.com/reference/dockerfile/ . Gap: other frontends named by `# syntax=` are refused by name.
 */

export interface Heredoc {
  readonly name: string;
  readonly content: string;
  /** False when the delimiter was quoted: variables stay as they are. */
  readonly isExpanded: boolean;
}

export interface Instruction {
  /** Upper case, e.g. `RUN`. */
  readonly keyword: string;
  readonly flags: readonly { readonly name: string; readonly value: string }[];
  /** Everything after the flags, continuations joined. */
  readonly text: string;
  /** The array of the JSON form, when the text is one. */
  readonly json: readonly string[] | undefined;
  readonly heredocs: readonly Heredoc[];
  readonly line: number;
  /** As shown in `Step 1/3 : …`. */
  readonly original: string;
}

export interface Stage {
  readonly from: Instruction;
  /** Lower case, or undefined. */
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  readonly escape: "\\" | "`";
  /** ARG before the first FROM. */
  readonly globalArgs: readonly Instruction[];
  readonly stages: readonly Stage[];
}

export class DockerfileError extends Error {
  override readonly name = "DockerfileError";
}

export const KEYWORDS = [
  ...[
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
  ],
  ...["RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"],
] as const;
const WITH_HEREDOC = new Set(["ADD", "COPY", "RUN"]);
const WITH_JSON = new Set(["ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"]);
const WITH_FLAGS = new Set(["ADD", "COPY", "FROM", "HEALTHCHECK", "RUN"]);

export function parseDockerfile(text: string): Dockerfile {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  const escapeChar = readDirectives(lines);
  const instructions = readInstructions(lines, escapeChar);
  if (instructions.length === 0) throw new DockerfileError("the Dockerfile (Dockerfile) cannot be empty");
  const globalArgs: Instruction[] = [];
  const stages: { from: Instruction; name: string | undefined; instructions: Instruction[] }[] = [];
  for (const instruction of instructions) {
    const stage = stages.at(-1);
    if (instruction.keyword === "FROM") stages.push(readStage(instruction));
    else if (stage) stage.instructions.push(instruction);
    else if (instruction.keyword === "ARG") globalArgs.push(instruction);
    else throw new DockerfileError("no build stage in current context");
  }
  if (stages.length === 0) throw new DockerfileError("no build stage in current context");
  return { escape: escapeChar, globalArgs, stages };
}

/** One instruction of ONBUILD, or of `docker commit --change`. */
export function parseInstruction(text: string, escapeChar: "\\" | "`", line = 1): Instruction {
  const [instruction] = readInstructions([text], escapeChar);
  if (!instruction) throw new DockerfileError(`dockerfile parse error on line ${line}: empty instruction`);
  return { ...instruction, line };
}

function readDirectives(lines: readonly string[]): "\\" | "`" {
  let escapeChar: "\\" | "`" = "\\";
  for (const line of lines) {
    const match = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line);
    if (!match) break;
    const [, name = "", value = ""] = match;
    if (name.toLowerCase() === "escape") {
      if (value !== "\\" && value !== "`") throw new DockerfileError(`invalid ESCAPE '${value}'. Must be \` or \\`);
      escapeChar = value;
    }
    if (name.toLowerCase() === "syntax" && !/^(docker\.io\/)?docker\/dockerfile(-upstream)?(:|@|$)/.test(value)) {
      throw new DockerfileError(
        `kiln's embedded builder does not run the Dockerfile frontend \`${value}\` of \`# syntax=\``,
      );
    }
  }
  return escapeChar;
}

function readInstructions(lines: readonly string[], escapeChar: "\\" | "`"): Instruction[] {
  const continuation = escapeChar === "\\" ? /\\[ \t]*$/ : /`[ \t]*$/;
  const instructions: Instruction[] = [];
  for (let at = 0; at < lines.length; at++) {
    const first = (lines[at] ?? "").trim();
    if (first === "" || first.startsWith("#")) continue;
    const line = at + 1;
    let logical = "";
    let current = (lines[at] ?? "").replace(/^\s+/, "");
    for (;;) {
      const isContinued = continuation.test(current);
      logical += isContinued ? current.replace(continuation, "") : current;
      if (!isContinued) break;
      // Empty lines and comments inside an instruction are left out.
      do at++;
      while (at < lines.length && /^\s*(#.*)?$/.test(lines[at] ?? ""));
      if (at >= lines.length) break;
      current = lines[at] ?? "";
    }
    const { keyword, rest } = splitKeyword(logical.trim(), line);
    const { flags, text } = WITH_FLAGS.has(keyword) ? splitFlags(rest) : { flags: [], text: rest };
    const heredocs: Heredoc[] = [];
    let original = logical.trim();
    if (WITH_HEREDOC.has(keyword)) {
      for (const { name, isQuoted, stripsTabs } of heredocNames(text)) {
        const content: string[] = [];
        for (at++; ; at++) {
          if (at >= lines.length)
            throw new DockerfileError(`dockerfile parse error on line ${line}: unterminated heredoc`);
          const raw = stripsTabs ? (lines[at] ?? "").replace(/^\t+/, "") : (lines[at] ?? "");
          if (raw === name) break;
          content.push(`${raw}\n`);
        }
        heredocs.push({ name, content: content.join(""), isExpanded: !isQuoted });
        original += `\n${content.join("")}${name}`;
      }
    }
    const json = WITH_JSON.has(keyword) ? jsonForm(text) : undefined;
    if (text === "" && heredocs.length === 0 && keyword !== "CMD" && keyword !== "ENTRYPOINT") {
      throw new DockerfileError(`dockerfile parse error on line ${line}: ${keyword} requires ${arity(keyword)}`);
    }
    instructions.push({ keyword, flags, text, json, heredocs, line, original });
  }
  return instructions;
}

const arity = (keyword: string): string =>
  ({
    ADD: "at least two arguments, but only one was provided. Destination could not be determined",
    COPY: "at least two arguments, but only one was provided. Destination could not be determined",
    FROM: "either one or three arguments",
    WORKDIR: "exactly one argument",
    USER: "exactly one argument",
    MAINTAINER: "exactly one argument",
    STOPSIGNAL: "exactly one argument",
  })[keyword] ?? "at least one argument";

function splitKeyword(logical: string, line: number): { keyword: string; rest: string } {
  const match = /^(\S+)\s*([\s\S]*)$/.exec(logical);
  const word = match?.[1] ?? "";
  const keyword = word.toUpperCase();
  if (!(KEYWORDS as readonly string[]).includes(keyword)) {
    const near = nearest(keyword);
    const hint = near ? ` (did you mean ${near}?)` : "";
    throw new DockerfileError(`dockerfile parse error on line ${line}: unknown instruction: ${word}${hint}`);
  }
  return { keyword, rest: (match?.[2] ?? "").trim() };
}

function splitFlags(rest: string): { flags: { name: string; value: string }[]; text: string } {
  const flags: { name: string; value: string }[] = [];
  let text = rest;
  for (;;) {
    const match = /^--([a-zA-Z][\w-]*)(?:=("[^"]*"|'[^']*'|\S*))?(?:\s+|$)/.exec(text);
    if (!match) return { flags, text };
    flags.push({ name: (match[1] ?? "").toLowerCase(), value: (match[2] ?? "true").replace(/^(["'])(.*)\1$/, "$2") });
    text = text.slice(match[0].length);
  }
}

function heredocNames(text: string): { name: string; isQuoted: boolean; stripsTabs: boolean }[] {
  const found: { name: string; isQuoted: boolean; stripsTabs: boolean }[] = [];
  for (const match of text.matchAll(/(?:^|\s)\d*<<(-?)(["']?)([A-Za-z_][\w.-]*)\2(?=\s|$)/g)) {
    found.push({ name: match[3] ?? "", isQuoted: match[2] !== "", stripsTabs: match[1] === "-" });
  }
  return found;
}

function jsonForm(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}

function readStage(from: Instruction): { from: Instruction; name: string | undefined; instructions: Instruction[] } {
  const words = from.text.split(/\s+/);
  if (words.length !== 1 && !(words.length === 3 && words[1]?.toLowerCase() === "as")) {
    throw new DockerfileError(
      `dockerfile parse error on line ${from.line}: FROM requires either one or three arguments`,
    );
  }
  const name = words[2]?.toLowerCase();
  if (name !== undefined && !/^[a-z][a-z0-9-_.]*$/.test(name)) {
    throw new DockerfileError(
      `dockerfile parse error on line ${from.line}: invalid name for build stage: "${words[2]}", name can't start with a number or contain symbols`,
    );
  }
  return { from, name, instructions: [] };
}

function nearest(keyword: string): string | undefined {
  const ranked = KEYWORDS.map((known) => ({ known, distance: distance(keyword, known) })).sort(
    (a, b) => a.distance - b.distance,
  );
  const [best] = ranked;
  return best && best.distance <= 2 && best.distance < keyword.length ? best.known : undefined;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + same));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
