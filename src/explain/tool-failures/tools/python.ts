/**
 * Python: an exception that nobody caught, with the deepest frame of the user's own code; syntax errors, which have no
 * traceback. Source: https://docs.python.org/3/library/traceback.html
 */
import { isOwnCode, place, placed } from "../code-places.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import type { Reading, ToolFailureKind, ToolReader } from "../tool-failure.ts";
import { find, findAll, type ToolLog } from "../tool-log.ts";

const FRAME = /^\s*File "([^"]{1,400})", line (\d+)(?:, in (.+))?$/;
/** `module.Error: text` at the left margin. */
const EXCEPTION =
  /^(?:[A-Za-z_][\w.]{0,120}?)?\b([A-Z]\w{0,80}(?:Error|Exception|Warning|Interrupt|Exit|Failed|Timeout|NotFound|Denied|Refused|DoesNotExist|[a-z]))(?::\s(.*)|:?)$/;
const LOGGED = /^(?:ERROR|WARNING|WARN|INFO|DEBUG|CRITICAL)\b|\b(?:ERROR|WARNING|WARN)\b.{0,80}$|^\[(?:ERROR|WARN)/;
const MODULE = /No module named '?([\w.]+)'?/;
const CHAINED = /^(?:The above exception was the direct cause|During handling of the above exception)/;

export const pythonTrace: ToolReader = {
  tool: "python",
  marks: [
    "Traceback (most recent call last)",
    "SyntaxError: ",
    "IndentationError: ",
    "TabError: ",
    "ModuleNotFoundError: ",
  ],
  read(log) {
    const traces = findAll(
      log,
      "Traceback (most recent call last)",
      /^\s*(?:Exception ignored )?.{0,40}Traceback \(most/,
      30,
    )
      .map(({ at }) => traceAt(log, at))
      .filter((trace) => trace !== undefined);
    // One that was logged matters only when nothing came after it.
    const last = traces.at(-1);
    const goesOn = last && log.lines.slice((last.to ?? last.at) + 1).some((line) => line.trim() !== "");
    const fatal = traces.find(({ rank }) => rank === "verdict") ?? (goesOn ? undefined : last);
    return fatal ?? syntaxError(log) ?? (traces.length > 0 ? undefined : cutTrace(log));
  },
};

/** The end of a traceback whose beginning is not there. */
function cutTrace(log: ToolLog): Reading | undefined {
  const found = find(log, "ModuleNotFoundError: ", /^(ModuleNotFoundError): (No module named .+)$/);
  if (!found) return undefined;
  const frame = [found.at - 2, found.at - 1].find((at) => FRAME.test(log.lines[at] ?? ""));
  const [, file = "", line] = FRAME.exec(log.lines[frame ?? -1] ?? "") ?? [];
  return {
    rank: "symptom",
    at: found.at,
    lines: [...(frame === undefined ? [] : [frame, found.at - 1]), found.at],
    ...saidBy(log.lines[found.at] ?? "", found.match[1] ?? "", found.match[2] ?? ""),
    ...placed(isOwnCode(file) ? place(file, line) : undefined),
  };
}

/** The exception, what it says, and the frames above it; a chain is told by its first exception. */
export function traceAt(log: ToolLog, start: number): Reading | undefined {
  const indent = /^\s*/.exec(log.lines[start] ?? "")?.[0].length ?? 0;
  const frames: { at: number; file: string; line: string }[] = [];
  let at = start + 1;
  for (; at < log.lines.length && at < start + 400; at += 1) {
    const line = log.lines[at] ?? "";
    const frame = FRAME.exec(line);
    if (frame) frames.push({ at, file: frame[1] ?? "", line: frame[2] ?? "" });
    else if (line.trim() !== "" && (/^\s*/.exec(line)?.[0].length ?? 0) <= indent) break;
  }
  const said = (log.lines[at] ?? "").trim();
  const exception = EXCEPTION.exec(said);
  if (!exception) return undefined;
  const own = frames.findLast(({ file }) => isOwnCode(file)) ?? frames.at(-1);
  const end = log.lines.slice(at + 1, at + 4).findIndex((line) => CHAINED.test(line.trim()));
  const last = end < 0 ? undefined : outermost(log, at + 1 + end);
  const lines = [...(own ? [own.at, own.at + 1].filter((line) => line < at) : []), at, ...(last ? [last.at] : [])];
  const isLogged = start > 0 && LOGGED.test(log.lines[start - 1] ?? "") && !/^E\b/.test(log.lines[start - 1] ?? "");
  return {
    rank: isLogged || /^Exception ignored/.test(log.lines[start] ?? "") ? "symptom" : "verdict",
    at: start,
    from: start,
    to: last?.at ?? at,
    lines,
    ...saidBy(said, exception[1] ?? "", exception[2] ?? "", last?.said),
    ...placed(own && place(own.file, own.line)),
  };
}

/** The exception that the program ended with, after a chain of causes. */
function outermost(log: ToolLog, from: number): { at: number; said: string } | undefined {
  const start = find(log, "Traceback (most", /^\s*Traceback \(most/, from);
  if (!start || start.at > from + 6) return undefined;
  for (let at = start.at + 1; at < log.lines.length && at < start.at + 400; at += 1) {
    const line = log.lines[at] ?? "";
    if (line !== "" && !line.startsWith(" ")) return EXCEPTION.test(line) ? { at, said: line } : undefined;
  }
  return undefined;
}

/** Kind and headline of an exception; used by pytest and unittest, too. */
export function saidBy(
  said: string,
  name: string,
  text: string,
  outer?: string,
): { kind: ToolFailureKind; headline: string; next?: string } {
  const module = MODULE.exec(said)?.[1];
  if (module !== undefined && /ModuleNotFoundError|ImportError/.test(name)) {
    return {
      kind: "dependency-not-found",
      headline: `python finds no module \`${module}\``,
      next: `install it (\`pip install\`, or a line in requirements.txt); a module of your own must be on \`PYTHONPATH\``,
    };
  }
  const file = /No such file or directory: '([^']+)'/.exec(text)?.[1];
  if (name === "FileNotFoundError" && file !== undefined)
    return { kind: "file-not-found", headline: `python finds no file ${quote(file)}` };
  if (/^(?:Syntax|Indentation|Tab)Error$/.test(name))
    return { kind: "syntax", headline: `python cannot read the source: ${short(text)}` };
  const aws = /An error occurred \((\w+)\) when calling the (\w+) operation/.exec(text);
  if (aws) return { kind: "service-error", headline: `AWS refused \`${aws[2]}\` (${aws[1]}): ${short(said, 200)}` };
  if (name === "KeyError" && outer === undefined && /^'[A-Z][A-Z0-9_]+'$/.test(text)) {
    return {
      kind: "configuration",
      headline: `python ended with ${quote(said)}`,
      next: `if it is an environment variable: set ${quote(text.replace(/'/g, ""))} under \`env.variables\` or in the project`,
    };
  }
  const trouble = knownTrouble(said);
  return {
    kind: trouble?.kind ?? "runtime-error",
    headline: `python ended with ${quote(said, 200)}${outer === undefined ? "" : `, and so with ${quote(outer)}`}`,
    ...(trouble?.next === undefined ? {} : { next: trouble.next }),
  };
}

function syntaxError(log: ToolLog): Reading | undefined {
  const found = ["SyntaxError: ", "IndentationError: ", "TabError: "]
    .flatMap((mark) => find(log, mark, /^(Syntax|Indentation|Tab)Error: (.+)$/) ?? [])
    .sort((a, b) => a.at - b.at)[0];
  if (!found) return undefined;
  const first = Math.max(0, found.at - 4);
  const frame = log.lines.slice(first, found.at).findLastIndex((line) => FRAME.test(line));
  if (frame < 0) return undefined;
  const [, file, line] = FRAME.exec(log.lines[first + frame] ?? "") ?? [];
  return {
    rank: "verdict",
    at: found.at,
    from: first + frame,
    lines: Array.from({ length: found.at - first - frame + 1 }, (_, index) => first + frame + index),
    kind: "syntax",
    headline: `python cannot read the source: ${short(found.match[2])}`,
    ...placed(place(file, line)),
  };
}
