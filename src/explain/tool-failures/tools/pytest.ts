/**
 * pytest: the first failure with its assertion and place; errors of collecting, fixtures and conftest; wrong use. All
 * spellings of `--tb`. Source: https://docs.pytest.org/en/stable/how-to/output.html
 */
import { isOwnCode, place, placed } from "../code-places.ts";
import { quote, short } from "../known-trouble.ts";
import { MAX_LINES, type Reading, type ToolReader } from "../tool-failure.ts";
import { find, findAll, findBefore, lineAfter, type ToolLog } from "../tool-log.ts";
import { saidBy } from "./python.ts";

const SECTION = /^=+ (FAILURES|ERRORS) =+$/;
const TITLE = /^_{3,} (.+?) _{3,}$/;
const SUMMARY = /^(FAILED|ERROR) (\S+)(?: - (.*))?$/;
const RESULT = /^(?:=+ )?(?=.{0,200}\b\d+ (?:failed|errors?)\b)(?:\d+ [a-z]+,? ?)+ in [\d.]+s/;
const PLACE = /^(?:E\s+)?([^\s:"<>|][^:"<>|]{0,300}\.py):(\d+)(?::\s*(?:in .+|[\w.]+.*)?)?$/;
const NATIVE = /^\s*(?:E\s+)?File "([^"]{1,400})", line (\d+)/;

export const pytest: ToolReader = {
  tool: "pytest",
  marks: [
    "= FAILURES =",
    "= ERRORS =",
    "short test summary",
    "pytest: error:",
    "ERROR: file or directory not found:",
    "ImportError while loading conftest",
    "no tests ran in",
  ],
  read: (log) => usage(log) ?? conftest(log) ?? failed(log) ?? nothingRan(log),
};

function usage(log: ToolLog): Reading | undefined {
  const unknown = find(log, "error: ", /^\S{0,80}(?:py\.?test|__main__\.py): error: (.+)$/);
  if (unknown) {
    const plugin = /--cov\b|--cov[-=]/.test(unknown.match[1] ?? "")
      ? "pytest-cov"
      : /(?:^|\s)-n\b/.test(unknown.match[1] ?? "")
        ? "pytest-xdist"
        : undefined;
    return {
      rank: "verdict",
      at: unknown.at,
      lines: [unknown.at],
      kind: "usage",
      headline: `pytest does not know an argument: ${short(unknown.match[1])}`,
      ...(plugin === undefined
        ? { next: "take it out, or install the plugin it belongs to" }
        : { fix: { kind: "command", title: `install the plugin it belongs to`, commands: [`pip install ${plugin}`] } }),
    };
  }
  const path = find(log, "file or directory not found:", /^ERROR: file or directory not found: (.+)$/);
  return (
    path && {
      rank: "verdict",
      at: path.at,
      from: findBefore(log, "test session starts", /=/, path.at)?.at ?? path.at,
      lines: [path.at],
      kind: "file-not-found",
      headline: `pytest finds no file or folder ${quote(path.match[1])}`,
      next: "the path counts from the folder the command runs in",
    }
  );
}

function conftest(log: ToolLog): Reading | undefined {
  const start = find(log, "while loading conftest", /^ImportError while loading conftest '([^']+)'/);
  if (!start) return undefined;
  const end = log.lines.findIndex((line, at) => at > start.at && /^E\s+\S/.test(line));
  return end < 0
    ? undefined
    : block(log, start.at, Math.min(end + 3, log.lines.length), `loading ${quote("conftest.py")}`, start.at, end);
}

function failed(log: ToolLog): Reading | undefined {
  const section = findAll(log, "=", SECTION, 3).find(({ match }) => match[1] !== undefined);
  const names = findAll(log, " ", SUMMARY, 200).filter(({ match }) => match[2]?.includes("."));
  const result = find(log, " in ", RESULT);
  if (!section) {
    const [first] = names;
    return first && result ? fromSummary(log, first.at, names.length) : undefined;
  }
  if (!log.lines.slice(section.at, section.at + 60).some((line) => TITLE.test(line)) && names[0])
    return byLine(log, section.at, names[0].at, names.length);
  const title = log.lines.findIndex((line, at) => at > section.at && TITLE.test(line));
  const summary = find(log, "short test summary", /^=+ short test summary/, section.at);
  const next = log.lines.findIndex((line, at) => at > title && (TITLE.test(line) || /^=+ .+ =+$/.test(line)));
  const end = next < 0 ? (summary?.at ?? log.lines.length) : next;
  const start = title < 0 || title > end ? section.at : title;
  const name = TITLE.exec(log.lines[start] ?? "")?.[1];
  const test = names.find(
    ({ match }) => name !== undefined && match[2]?.endsWith(name.replace(/\./g, "::").replace(/^ERROR .* of /, "")),
  );
  const what = test?.match[2] ?? name;
  const bounds = {
    from: findBefore(log, "test session starts", /^=+ test session starts/, section.at)?.at ?? section.at,
    to: result && result.at > section.at ? result.at : (names.at(-1)?.at ?? end),
  };
  const reading = block(log, start, end, quote(what), section.at, undefined, test?.at);
  const more = new Set(names.map(({ match }) => match[2])).size - 1;
  return reading && { ...reading, ...bounds, headline: `${reading.headline}${more > 0 ? ` (and ${more} more)` : ""}` };
}

/** One failure: its `E` lines, the statement, the place in own code. */
function block(
  log: ToolLog,
  start: number,
  end: number,
  what: string,
  at: number,
  firstE?: number,
  summary?: number,
): Reading | undefined {
  const inside = log.lines.slice(start, end);
  const errors = inside.flatMap((line, index) => (/^E(?:\s|$)/.test(line) ? [start + index] : []));
  const native =
    errors.length === 0
      ? inside.findLastIndex((line) => /^[A-Za-z_][\w.]*(?:Error|Exception|Failed)\b/.test(line))
      : -1;
  const said =
    firstE ??
    errors.find((line) => /^E\s+\S*(?:Error|Exception|Warning|Exit)\b/.test(log.lines[line] ?? "")) ??
    errors[0] ??
    (native < 0 ? undefined : start + native);
  const places = inside.flatMap((line, index) => {
    const match = PLACE.exec(line) ?? NATIVE.exec(line);
    return match && isOwnCode(match[1] ?? "") ? [{ at: start + index, file: match[1], line: match[2] }] : [];
  });
  const own = places.at(-1);
  const statement = inside.findLastIndex(
    (line) => /^>\s/.test(line) && !/^>\s+(?:available fixtures|use 'pytest)/.test(line),
  );
  const text = said === undefined ? "" : (log.lines[said] ?? "").replace(/^E\s+/, "");
  const [, name = "", message = ""] = /^([\w.]+?)(?::\s*(.*))?$/.exec(text) ?? [];
  const bare = name.split(".").at(-1) ?? "";
  const isAssertion = /^assert\b|^AssertionError/.test(text) || /^Failed\b/.test(text);
  const collecting = /ERROR collecting/.test(what) || /conftest/.test(what);
  const chosen = [
    ...(start < at || !TITLE.test(log.lines[start] ?? "") ? [] : [start]),
    ...(statement < 0 ? [] : [start + statement]),
    ...(said === undefined ? [] : [said, ...errors.filter((line) => line > said).slice(0, 1)]),
    ...(own ? [own.at] : []),
    ...(summary === undefined ? [] : [summary]),
  ];
  const lines = [...new Set(chosen)].sort((a, b) => a - b).slice(0, MAX_LINES);
  if (lines.length === 0) return undefined;
  const python = /(?:Error|Exception)$/.test(bare) && !isAssertion ? saidBy(text, bare, message) : undefined;
  const isSyntax = python?.kind === "syntax";
  return {
    rank: "verdict",
    at,
    lines,
    ...placed(own && place(own.file, own.line)),
    kind: isAssertion
      ? "test-failure"
      : collecting || /ERROR collecting/.test(what)
        ? (python?.kind ?? "test-failure")
        : python?.kind === "dependency-not-found" || isSyntax
          ? python.kind
          : "test-failure",
    headline: collecting
      ? `pytest could not load the tests: ${python?.headline ?? quote(text)}`
      : `the test ${what} failed: ${quote(text, 160)}`,
    ...(python?.next === undefined ? {} : { next: python.next }),
  };
}

function fromSummary(log: ToolLog, at: number, count: number): Reading {
  const [, , name, text] = SUMMARY.exec(log.lines[at] ?? "") ?? [];
  const more = count > 1 ? ` (and ${count - 1} more)` : "";
  return {
    rank: "verdict",
    at,
    from: findBefore(log, "test session starts", /^=+ test session starts/, at)?.at ?? at,
    lines: Array.from({ length: Math.min(count, MAX_LINES) }, (_, index) => at + index),
    kind: "test-failure",
    headline: `the test ${quote(name)} failed${text ? `: ${quote(text)}` : ""}${more}`,
    ...placed(place(name?.split("::")[0])),
  };
}

/** `--tb=line`: the errors, each with its place below. */
function byLine(log: ToolLog, section: number, summary: number, count: number): Reading {
  const reading = fromSummary(log, summary, count);
  const end = lineAfter(log, section, (line) => PLACE.test(line), 12);
  const [, file, line] = PLACE.exec(log.lines[end ?? -1] ?? "") ?? [];
  const errors = Array.from({ length: Math.max(0, (end ?? section) - section - 1) }, (_, index) => section + 1 + index);
  return {
    ...reading,
    at: section,
    lines: [...errors.slice(0, 2), ...(end === undefined ? [] : [end]), summary],
    ...placed(place(file, line) ?? reading.place),
  };
}

function nothingRan(log: ToolLog): Reading | undefined {
  const found = find(log, "no tests ran in", /\bno tests ran in [\d.]+s/);
  return (
    found && {
      rank: "verdict",
      at: found.at,
      from: findBefore(log, "test session starts", /=/, found.at)?.at ?? found.at,
      lines: [findBefore(log, "collected", /^collected /, found.at)?.at ?? found.at, found.at].filter(
        (at, index, all) => all.indexOf(at) === index,
      ),
      kind: "test-failure",
      headline: "pytest found no tests to run (exit status 5)",
      next: "tests are functions `test_…` in files `test_*.py` or `*_test.py`; see `testpaths` and the folder the command runs in",
    }
  );
}
