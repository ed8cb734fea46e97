/**
 * Dockerfile text to instructions and stages, by docker's own rules for lines: directives, comments, continuations,
 * heredocs, flags. Pure. What is wrong is a `DockerfileError` with BuildKit's text and the lines it is about.
 * What single instructions take is in instruction-forms.ts.
 * Source: https://docs.docker.com/reference/dockerfile/ . Gap: other frontends named by `# syntax=` are refused by name.
 */
import { didYouMean } from "./go-text.ts";
import {
  DockerfileError,
  type EscapeChar,
  type Heredoc,
  type Instruction,
  KEYWORDS,
  type Keyword,
  type Lines,
  parseError,
} from "./instruction.ts";
import { checkForm, jsonForm, readFlags, WITH_HEREDOC, WITH_JSON } from "./instruction-forms.ts";

export interface Stage {
  readonly from: Instruction;
  /** Lower case, or undefined. */
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  readonly escape: EscapeChar;
  /** Value of the directive `# check=`, or empty. */
  readonly check: string;
  /** ARG before the first FROM. */
  readonly globalArgs: readonly Instruction[];
  readonly stages: readonly Stage[];
}

export function parseDockerfile(text: string): Dockerfile {
  if (text === "") throw new DockerfileError("the Dockerfile cannot be empty");
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  const { escape: escapeChar, check } = readDirectives(lines);
  const instructions = readInstructions(lines, escapeChar);
  if (instructions.length === 0)
    throw new DockerfileError("file with no instructions", { line: 1, endLine: lines.length }, true);
  const globalArgs: Instruction[] = [];
  const stages: { from: Instruction; name: string | undefined; instructions: Instruction[] }[] = [];
  for (const instruction of instructions) {
    const stage = stages.at(-1);
    if (instruction.keyword === "FROM") stages.push(readStage(instruction));
    else if (stage) stage.instructions.push(instruction);
    else if (instruction.keyword === "ARG") globalArgs.push(instruction);
    else throw new DockerfileError("no build stage in current context", instruction);
  }
  if (stages.length === 0) throw new DockerfileError("dockerfile contains no stages to build");
  return { escape: escapeChar, check, globalArgs, stages };
}

/** As {@link parseDockerfile}, where what is wrong with it is somebody else's to say: undefined. */
export function readDockerfile(text: string): Dockerfile | undefined {
  try {
    return parseDockerfile(text);
  } catch (error) {
    if (error instanceof DockerfileError) return undefined;
    throw error;
  }
}

/** One instruction of ONBUILD, or of `docker commit --change`. */
export function parseInstruction(
  text: string,
  escapeChar: EscapeChar,
  at: Lines = { line: 1, endLine: 1 },
): Instruction {
  const [instruction, second] = readInstructions(text.split("\n"), escapeChar);
  if (!instruction || second) throw parseError(at, "onbuild trigger should be a single expression");
  return { ...instruction, line: at.line, endLine: at.endLine };
}

const DIRECTIVES = new Set(["escape", "syntax", "check"]);

function readDirectives(lines: readonly string[]): Pick<Dockerfile, "escape" | "check"> {
  let escapeChar: EscapeChar = "\\";
  let check = "";
  const seen = new Set<string>();
  for (const [index, line] of lines.entries()) {
    const at = { line: index + 1, endLine: index + 1 };
    const [, word = "", value = ""] = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line.trimStart()) ?? [];
    const name = word.toLowerCase();
    if (!DIRECTIVES.has(name)) break;
    if (seen.has(name)) throw new DockerfileError(`only one ${name} parser directive can be used`, at, true);
    seen.add(name);
    if (name === "check") check = value;
    if (name === "escape") {
      if (value !== "\\" && value !== "`")
        throw new DockerfileError(`invalid escape token '${value}' does not match \` or \\`, at, true);
      escapeChar = value;
    }
    if (name === "syntax" && !/^(docker\.io\/)?docker\/dockerfile(-upstream)?(:|@|$)/.test(value)) {
      throw new DockerfileError(
        `kiln's embedded builder does not run the Dockerfile frontend \`${value}\` of \`# syntax=\``,
        at,
      );
    }
  }
  return { escape: escapeChar, check };
}

const MAX_LINE_BYTES = 65_535;

function readInstructions(lines: readonly string[], escapeChar: EscapeChar): Instruction[] {
  const continuation = escapeChar === "\\" ? /\\[ \t]*$/ : /`[ \t]*$/;
  const instructions: Instruction[] = [];
  for (let at = 0; at < lines.length; at++) {
    const first = (lines[at] ?? "").trimStart();
    if (first === "" || first.startsWith("#")) continue;
    const line = at + 1;
    let logical = "";
    let current = first;
    for (;;) {
      if (current.length > MAX_LINE_BYTES)
        throw new DockerfileError(
          `dockerfile line greater than max allowed size of ${MAX_LINE_BYTES}`,
          { line: at + 1, endLine: at + 1 },
          true,
        );
      const isContinued = continuation.test(current);
      logical += isContinued ? current.replace(continuation, "") : current;
      if (!isContinued) break;
      // Empty lines and comments inside an instruction are left out.
      do at++;
      while (at < lines.length && /^\s*(#.*)?$/.test(lines[at] ?? ""));
      if (at >= lines.length) break;
      current = lines[at] ?? "";
    }
    const lastLine = Math.min(at + 1, lines.length);
    const original = logical.trim();
    if (original === "") continue;
    const keyword = keywordOf(original, { line, endLine: lastLine });
    const rest = original.slice(keyword.length).trim();
    const { flags, text } = splitFlags(rest);
    const heredocs: Heredoc[] = [];
    const isExec = WITH_HEREDOC.has(keyword) && jsonForm(text) !== undefined;
    const names = WITH_HEREDOC.has(keyword) && !isExec ? heredocNames(text) : [];
    for (const { name, isQuoted, stripsTabs } of names) {
      const content: string[] = [];
      for (at++; ; at++) {
        if (at >= lines.length)
          throw new DockerfileError("unterminated heredoc", { line, endLine: lines.length }, true);
        const raw = stripsTabs ? (lines[at] ?? "").replace(/^\t+/, "") : (lines[at] ?? "");
        if (raw === name) break;
        content.push(`${raw}\n`);
      }
      heredocs.push({ name, content: content.join(""), isExpanded: !isQuoted });
    }
    const lineRange = { line, endLine: Math.max(lastLine, Math.min(at + 1, lines.length)) };
    const json = WITH_JSON.has(keyword) ? jsonForm(text) : undefined;
    if (json === "mixed")
      throw new DockerfileError(
        "when using JSON array syntax, arrays must be comprised of strings only",
        lineRange,
        true,
      );
    const instruction = {
      keyword,
      flags: readFlags(keyword, flags, lineRange),
      text,
      json,
      heredocs,
      ...lineRange,
      original,
    };
    checkForm(instruction, escapeChar);
    instructions.push(instruction);
  }
  return instructions;
}

function keywordOf(logical: string, at: Lines): Keyword {
  const word = /^\S+/.exec(logical)?.[0] ?? "";
  const keyword = word.toUpperCase();
  if ((KEYWORDS as readonly string[]).includes(keyword)) return keyword as Keyword;
  throw parseError(at, `unknown instruction: ${word}${didYouMean(word, KEYWORDS, false)}`);
}

/** Words with `--` before everything else; quotes in them hold blanks together. */
function splitFlags(rest: string): { flags: string[]; text: string } {
  const flags: string[] = [];
  let text = rest;
  for (;;) {
    const match = /^--(?:"[^"]*"|'[^']*'|\\.|[^\s"'\\])*(?:\s+|$)/.exec(text);
    if (!match) return { flags, text };
    const word = match[0].trim();
    text = text.slice(match[0].length);
    if (word === "--") return { flags, text };
    flags.push(word.replace(/"([^"]*)"|'([^']*)'|\\(.)/g, "$1$2$3"));
  }
}

function heredocNames(text: string): { name: string; isQuoted: boolean; stripsTabs: boolean }[] {
  const found: { name: string; isQuoted: boolean; stripsTabs: boolean }[] = [];
  for (const match of text.matchAll(/(?:^|\s)\d*<<(-?)\s*(["']?)([A-Za-z_][\w.-]*)\2(?=[\s;|&<>)]|$)/g)) {
    found.push({ name: match[3] ?? "", isQuoted: match[2] !== "", stripsTabs: match[1] === "-" });
  }
  return found;
}

function readStage(from: Instruction): { from: Instruction; name: string | undefined; instructions: Instruction[] } {
  const words = from.text.split(/\s+/);
  if (words.length !== 1 && !(words.length === 3 && words[1]?.toLowerCase() === "as"))
    throw parseError(from, "FROM requires either one or three arguments");
  const name = words[2]?.toLowerCase();
  if (name !== undefined && !/^[a-z][a-z0-9-_.]*$/.test(name))
    throw parseError(
      from,
      `invalid name for build stage: "${words[2]}", name can't start with a number or contain symbols`,
    );
  return { from, name, instructions: [] };
}
