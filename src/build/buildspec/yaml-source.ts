/**
 * Text → YAML tree with positions, and the first syntax error in the words of CodeBuild's parser.
 * Scalars stay source text (failsafe schema), so `python: 3.10` is `3.10` and `yes` is `yes`.
 * Sources: docs/…/build-spec-ref.html (YAML, tabs fail the build); the texts are libyaml's problem strings, of which
 * `mapping values are not allowed in this context at line n` has been seen in CodeBuild's own answers.
 * Gap: which line CodeBuild prints for the other problems has not been recorded; ours is the line of the offending token.
 */
import { type Document, isAlias, LineCounter, parseDocument, visit, type YAMLParseError } from "yaml";
import type { Span } from "../../core/diagnostics.ts";

export interface YamlSource {
  readonly file: string;
  readonly text: string;
  readonly document: Document;
  spanOf(startOffset: number, endOffset: number): Span;
}

export interface YamlProblem {
  /** libyaml's words, without the line. */
  readonly problem: string;
  /** What it means, for people. */
  readonly explanation: string;
  readonly startOffset: number;
  readonly endOffset: number;
}

/** Parses `text`; never throws. `document` is best effort when there is a problem. */
export function readYaml(
  file: string,
  text: string,
): { source: YamlSource; problems: readonly YamlProblem[]; documents: number } {
  const lines = new LineCounter();
  const spanOf = (startOffset: number, endOffset: number): Span => {
    const start = lines.linePos(startOffset);
    const end = lines.linePos(endOffset);
    return {
      file,
      line: start.line,
      column: start.col,
      endLine: end.line,
      endColumn: end.col,
      startOffset,
      endOffset,
    };
  };
  let document: Document;
  const problems: YamlProblem[] = [];
  let documents = 1;
  try {
    document = parseDocument(text, {
      schema: "failsafe",
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: "silent",
    }) as unknown as Document;
    for (const error of document.errors) {
      if (error.code === "MULTIPLE_DOCS") documents = 2;
      else problems.push(problemOf(error as YAMLParseError, text));
    }
    const marker = problems.length > 0 ? mergeConflict(text) : undefined;
    if (marker) problems.unshift(marker);
    problems.push(...aliasProblems(document, text));
  } catch {
    // Thousands of nested brackets exhaust the parser's stack; that is the only way it throws.
    document = parseDocument("") as unknown as Document;
    problems.push({
      problem: "exceeded max depth",
      explanation: "the text is nested too deeply to be read",
      startOffset: 0,
      endOffset: 0,
    });
  }
  problems.sort((a, b) => a.startOffset - b.startOffset);
  const tab = problems[0] && tabNear(text, problems[0].startOffset);
  if (tab) problems.unshift(tab);
  return { source: { file, text, document, spanOf }, problems, documents };
}

/** A tab in the indentation of the line or of the next one, which the parser meets in other ways too. */
function tabNear(text: string, offset: number): YamlProblem | undefined {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const [here = "", next = ""] = text.slice(lineStart).split("\n", 2);
  const [start, line] = /^ *\t/.test(here) ? [lineStart, here] : [lineStart + here.length + 1, next];
  const tab = /^ *\t/.exec(line);
  if (!tab) return undefined;
  const startOffset = start + tab[0].length - 1;
  return { ...TAB, startOffset, endOffset: startOffset + 1 };
}

const TAB = {
  problem: "found character that cannot start any token",
  explanation: "the line is indented with a tab; YAML allows spaces only",
};

/** What git leaves in a file that two sides changed: the start of all the trouble below it. */
function mergeConflict(text: string): YamlProblem | undefined {
  const start = /^<{7}(?: .*)?$/m.exec(text);
  if (!start || !/^={7}\r?$/m.test(text) || !/^>{7}(?: |\r?$)/m.test(text)) return undefined;
  return {
    problem: "could not find expected ':'",
    explanation: `a merge conflict is left in the file: \`${start[0].trimEnd()}\``,
    startOffset: start.index,
    endOffset: start.index + start[0].trimEnd().length,
  };
}

function problemOf(error: YAMLParseError, text: string): YamlProblem {
  const [startOffset, endOffset] = error.pos;
  const at = (problem: string, explanation: string, start = startOffset): YamlProblem => ({
    problem,
    explanation,
    startOffset: Math.min(start, text.length),
    endOffset: Math.min(Math.max(endOffset, start + 1), text.length),
  });
  switch (error.code) {
    case "TAB_AS_INDENT":
      return at(TAB.problem, TAB.explanation);
    case "BAD_SCALAR_START":
      return at(
        "found character that cannot start any token",
        `a value cannot start with \`${text[startOffset] ?? ""}\` unless it is quoted`,
      );
    case "MISSING_CHAR":
      return /quote/.test(error.message)
        ? at("found unexpected end of stream", "a quote is opened and never closed")
        : at("did not find expected key", "a key is not followed by a value");
    case "BLOCK_AS_IMPLICIT_KEY":
      return /sequence/.test(error.message)
        ? at("did not find expected key", "the indentation does not match the lines above")
        : at("mapping values are not allowed in this context", secondColon(text, startOffset));
    case "BAD_DQ_ESCAPE":
      return at(
        "found unknown escape character",
        `\`${text.slice(startOffset, startOffset + 2)}\` means nothing in a double-quoted text; write two backslashes`,
      );
    case "MULTILINE_IMPLICIT_KEY":
      return at(
        "mapping values are not allowed in this context",
        "a line above lacks its colon, or is indented differently",
        startOfLastLine(text, startOffset, endOffset),
      );
    case "BAD_INDENT":
      return at(
        flowProblem(error.message) ?? "did not find expected key",
        flowExplanation(error.message) ?? "the indentation does not match the lines above",
        startOffset + (/^ */.exec(text.slice(startOffset, startOffset + 1000))?.[0].length ?? 0),
      );
    case "BAD_ALIAS":
      return at("did not find expected alphabetic or numeric character", "`*` at the start of a value must be quoted");
    case "UNEXPECTED_TOKEN":
    case "KEY_OVER_1024_CHARS":
      return at(
        unexpectedProblem(error.message),
        "text follows where the value has already ended; quote the whole value",
      );
    default:
      return at("did not find expected key", "the text is not YAML here");
  }
}

/** `key: a: b`, or `key: arn:x::` whose last colon makes a key of the value. */
function secondColon(text: string, startOffset: number): string {
  const [line = ""] = text.slice(startOffset, startOffset + 2000).split("\n", 1);
  const value = (line.split(/\s#/)[0] ?? "").trimEnd();
  return value.endsWith(":") && !/:\s/.test(value)
    ? "the value ends in `:`, which makes it a key; quote it"
    : "there is a second `: ` on this line";
}

const unexpectedProblem = (message: string): string =>
  /anchor/.test(message)
    ? "did not find expected alphabetic or numeric character"
    : /flow/i.test(message)
      ? "did not find expected ',' or ']'"
      : "did not find expected key";

function flowProblem(message: string): string | undefined {
  if (!message.startsWith("Flow")) return undefined;
  return message.endsWith("}") ? "did not find expected ',' or '}'" : "did not find expected ',' or ']'";
}

/** The parser says the same of a bracket that is never closed and of one whose lines stand too far left. */
function flowExplanation(message: string): string | undefined {
  if (!message.startsWith("Flow")) return undefined;
  const [opening, closing] = message.endsWith("}") ? ["{", "}"] : ["[", "]"];
  return `\`${opening}\` is not closed by a \`${closing}\` that is indented more than the key above`;
}

/** An implicit key that spans lines is reported at its last line, where libyaml meets the colon. */
function startOfLastLine(text: string, startOffset: number, endOffset: number): number {
  const lineStart = text.lastIndexOf("\n", Math.max(startOffset, endOffset - 1)) + 1;
  if (lineStart > startOffset) return lineStart;
  const nextLine = text.indexOf("\n", startOffset);
  const colon = text.indexOf(":", startOffset);
  return nextLine !== -1 && colon > nextLine ? text.lastIndexOf("\n", colon) + 1 : startOffset;
}

function aliasProblems(document: Document, text: string): YamlProblem[] {
  const problems: YamlProblem[] = [];
  const anchors = new Set<string>();
  visit(document, {
    Node(_key, node) {
      if (isAlias(node)) {
        const [start = 0, end = 0] = node.range ?? [];
        if (anchors.has(node.source)) return;
        problems.push(
          /^[A-Za-z0-9_-]+$/.test(node.source)
            ? {
                problem: `unknown anchor '${node.source}' referenced`,
                explanation: `\`*${node.source}\` refers to an anchor that does not exist`,
                startOffset: start,
                endOffset: end,
              }
            : {
                problem: "did not find expected alphabetic or numeric character",
                explanation: `\`${text.slice(start, end)}\` starts with \`*\`, which YAML reads as an alias; quote it`,
                startOffset: start,
                endOffset: end,
              },
        );
      } else if (node.anchor) anchors.add(node.anchor);
    },
  });
  return problems;
}
