/**
 * jest and vitest: the first failing test with its assertion and place, suites that do not load, coverage thresholds.
 * Sources: https://jestjs.io/docs/cli, https://vitest.dev/guide/reporters
 */
import { nodeFrame, place, placed } from "../code-places.ts";
import { quote, short } from "../known-trouble.ts";
import { type CodePlace, MAX_LINES, type Reading, type ToolReader } from "../tool-failure.ts";
import { find, findAll, findBefore, type ToolLog } from "../tool-log.ts";

export const jest: ToolReader = {
  tool: "jest",
  marks: ["● ", "Jest: ", "No tests found, exiting with code 1"],
  read: (log) => jestFailure(log) ?? jestOther(log),
};

const DIFF =
  /^\s*(?:Expected\b.*|Received\b.*|thrown: .*|[A-Z]\w*Error\b.*|expect\(.*|Cannot find module .*|Error: .*|Snapshot name: .*|Your test suite must contain.*|Jest encountered an unexpected token.*|.*\berror TS\d+: .*|Property: .*)$/;

function jestFailure(log: ToolLog): Reading | undefined {
  const titles = findAll(
    log,
    "● ",
    /^\s{0,4}● (?!Console$|Deprecation|Validation Warning|Cannot log after)(.+)$/,
    300,
  ).filter(({ at }) => !/^\s*(?:console\.|●)/.test(log.lines[at + 1] ?? ""));
  const [first] = titles;
  if (!first) return undefined;
  const next = titles.find(({ at }) => at > first.at)?.at ?? log.lines.length;
  const end = Math.min(next, first.at + 80);
  const fail = findBefore(log, "FAIL ", /^\s?FAIL (\S.+?)(?: \([\d.]+ m?s\))?$/, first.at);
  const said: number[] = [];
  let own: { at: number; place: CodePlace } | undefined;
  let pointer: number | undefined;
  for (let at = first.at + 1; at < end; at += 1) {
    const line = log.lines[at] ?? "";
    if (/^\s*at /.test(line)) own ??= ownFrame(line, at);
    else if (/^\s*>\s*\d+ \|/.test(line)) pointer ??= at;
    else if (DIFF.test(line) && said.length < 3) said.push(at);
    else if (said.length === 0 && line.trim() !== "" && !/^\s*\d+ \|/.test(line)) said.push(at);
  }
  const name = first.match[1] ?? "";
  const isSuite = name === "Test suite failed to run";
  const suite = fail?.match[1];
  const text = said.map((at) => (log.lines[at] ?? "").trim());
  const pair = said.filter((_, index) => /^(?:Expected|Received)\b/.test(text[index] ?? ""));
  const inText = /\/?([^\s:]+\.[cm]?[jt]sx?)(?:: .+ )?[(:](\d+)[,:](\d+)/.exec(text[0] ?? "");
  const where =
    isSuite && inText
      ? place((text[0] ?? "").match(/(\S+\.[cm]?[jt]sx?)/)?.[1]?.replace(/[:(].*$/, ""), inText[2], inText[3])
      : (own?.place ?? place(suite));
  const missing = /Cannot find module '([^']+)' from '([^']+)'/.exec(text[0] ?? "");
  const lines = [
    ...(isSuite && fail ? [fail.at] : []),
    first.at,
    ...(pair.length > 1 ? pair : said).slice(0, 2 + (own ? 0 : 1)),
    ...(pointer === undefined ? [] : [pointer]),
    ...(own ? [own.at] : []),
  ].slice(0, MAX_LINES + 1);
  const failing = titles.filter(
    ({ match }, index) => titles.findIndex((other) => other.match[1] === match[1]) === index,
  ).length;
  const more = failing > 1 ? ` (and ${failing - 1} more)` : "";
  const summary = find(log, "Test Suites:", /^Test Suites:/, first.at);
  return {
    rank: "verdict",
    at: first.at,
    from: fail?.at ?? first.at,
    to: summary ? summary.at + 5 : log.lines.length - 1,
    lines: lines.sort((a, b) => a - b).slice(-MAX_LINES),
    ...placed(where),
    kind: missing
      ? /^[./]/.test(missing[1] ?? "")
        ? "file-not-found"
        : "dependency-not-found"
      : isSuite && /SyntaxError|unexpected token/.test(text.join(" "))
        ? "syntax"
        : isSuite && /error TS\d/.test(text.join(" "))
          ? "compile-error"
          : "test-failure",
    headline: isSuite
      ? `jest could not load ${quote(suite)}: ${short(text[0])}${more}`
      : `the test ${quote(name)} failed: ${quote(summaryOf(text), 160)}${more}`,
    ...(missing && !/^[./]/.test(missing[1] ?? "")
      ? { next: `install it: \`npm install --save-dev ${missing[1]}\`` }
      : {}),
  };
}

const ownFrame = (line: string, at: number): { at: number; place: CodePlace } | undefined => {
  const frame = nodeFrame(line);
  return frame && !/node_modules\//.test(line) ? { at, place: frame } : undefined;
};

/** `Expected: 3 Received: -1` says more than the call of the matcher. */
function summaryOf(text: readonly string[]): string {
  const pair = text.filter((line) => /^(?:Expected|Received)\b/.test(line));
  return pair.length > 0 ? pair.join(", ") : (text[0] ?? "");
}

function jestOther(log: ToolLog): Reading | undefined {
  const thresholds = findAll(log, "Jest: ", /^Jest: ("?.+ (?:threshold|does not meet).+)$/, MAX_LINES);
  const [first] = thresholds;
  if (first) {
    return {
      rank: "verdict",
      at: first.at,
      lines: thresholds.map(({ at }) => at),
      kind: "test-failure",
      headline: `the tests passed, the coverage is too low: ${short(first.match[1])}`,
      next: "test more, or lower `coverageThreshold` in jest's configuration",
    };
  }
  const none = find(log, "No tests found", /^No tests found, exiting with code 1/);
  return (
    none && {
      rank: "verdict",
      at: none.at,
      lines: [none.at, none.at + 1, none.at + 2],
      kind: "test-failure",
      headline: "jest found no tests",
      next: "is the folder right, and does `testMatch` fit? `--passWithNoTests` lets a build pass without",
    }
  );
}

export const vitest: ToolReader = {
  tool: "vitest",
  marks: [" FAIL ", "No test files found, exiting", "Coverage for "],
  read: (log) => vitestFailure(log) ?? vitestOther(log),
};

function vitestFailure(log: ToolLog): Reading | undefined {
  const isVitest =
    log.text.includes(" RUN ") || log.text.includes("Failed Tests") || log.text.includes("Failed Suites");
  const titles = isVitest ? findAll(log, "FAIL ", /^\s?FAIL\s+(\S.*)$/, 200) : [];
  const [first] = titles;
  if (!first) return undefined;
  let own: { at: number; place: CodePlace } | undefined;
  let pointer: number | undefined;
  let received: number[] = [];
  for (let at = first.at + 2; at < Math.min(log.lines.length, first.at + 60) && own === undefined; at += 1) {
    const line = log.lines[at] ?? "";
    if (/^\s?FAIL /.test(line)) break;
    const frame = /^\s*❯ (?:.{0,200} )?([^\s:]+):(\d+):(\d+)$/.exec(line);
    const here = frame ? place(frame[1], frame[2], frame[3]) : undefined;
    if (here) own = { at, place: here };
    if (/^[-+] (?!Expected$|Received$)/.test(line) && received.length < 2) received = [...received, at];
  }
  if (own) {
    const source = new RegExp(`^\\s*${own.place.line}\\|`);
    for (let at = own.at + 1; at < own.at + 8; at += 1) if (source.test(log.lines[at] ?? "")) pointer = at;
  }
  let error = first.at + 1;
  while (error < first.at + 30 && (/^\s?FAIL /.test(log.lines[error] ?? "") || (log.lines[error] ?? "").trim() === ""))
    error += 1;
  const text = (log.lines[error] ?? "").trim();
  const name = first.match[1] ?? "";
  const isSuite = /\[ .+ \]$/.test(name);
  const missing = /(?:Cannot find (?:module|package)|Failed to (?:resolve import|load url)) ['"]?([^'"\s]+)/.exec(
    text,
  )?.[1];
  const more = titles.length > 1 ? ` (and ${titles.length - 1} more)` : "";
  const end = find(log, "Duration", /^\s+Duration /, first.at);
  return {
    rank: "verdict",
    at: first.at,
    from: findBefore(log, " RUN ", /^\s?RUN /, first.at)?.at ?? first.at,
    to: end?.at ?? log.lines.length - 1,
    lines: [
      first.at,
      error,
      ...(pointer === undefined ? received : received.slice(-1)),
      ...(own ? [own.at] : []),
      ...(pointer === undefined ? [] : [pointer]),
    ]
      .sort((a, b) => a - b)
      .slice(0, MAX_LINES),
    ...placed(own?.place ?? place(/^\S+/.exec(name)?.[0])),
    kind:
      missing === undefined
        ? isSuite && /SyntaxError|Transform failed|Parse/.test(text)
          ? "syntax"
          : "test-failure"
        : /^[./@]\/|^\.|^\//.test(missing)
          ? "file-not-found"
          : "dependency-not-found",
    headline: isSuite
      ? `vitest could not load ${quote(name.replace(/ \[.*$/, ""))}: ${short(text)}${more}`
      : `the test ${quote(name)} failed: ${quote(text, 160)}${more}`,
  };
}

function vitestOther(log: ToolLog): Reading | undefined {
  const none = find(log, "No test files found", /^No test files found, exiting with code 1/);
  if (none) {
    return {
      rank: "verdict",
      at: none.at,
      lines: [none.at, none.at + 1, none.at + 2, none.at + 3].filter((at) => (log.lines[at] ?? "").trim() !== ""),
      kind: "test-failure",
      headline: "vitest found no test files",
      next: "is the folder right, and does `include` fit? `--passWithNoTests` lets a build pass without",
    };
  }
  const low = findAll(log, "Coverage for ", /^ERROR: (Coverage for .+)$/, MAX_LINES);
  const [first] = low;
  return (
    first && {
      rank: "verdict",
      at: first.at,
      lines: low.map(({ at }) => at),
      kind: "test-failure",
      headline: `the tests passed, the coverage is too low: ${short(first.match[1])}`,
    }
  );
}

export const mocha: ToolReader = {
  tool: "mocha",
  marks: [" failing"],
  read(log) {
    const count = find(log, " failing", /^\s+(\d+) failing$/);
    const first = count && find(log, "1) ", /^\s{2}1\) (.+?):?$/, count.at);
    if (!count || !first) return undefined;
    const next = find(log, "2) ", /^\s{2}2\) /, first.at)?.at ?? Math.min(log.lines.length, first.at + 60);
    let title = first.match[1] ?? "";
    let at = first.at + 1;
    const names = [first.at];
    for (; at < next && !(log.lines[first.at] ?? "").endsWith(":"); at += 1) {
      const line = log.lines[at] ?? "";
      if (line.trim() === "") break;
      title += ` › ${line.trim().replace(/:$/, "")}`;
      names.push(at);
      if (line.endsWith(":")) {
        at += 1;
        break;
      }
    }
    while (at < next && (log.lines[at] ?? "").trim() === "") at += 1;
    const difference = log.lines.slice(at, next).findIndex((line) => / [!=]==? /.test(line) && !/^\s*at /.test(line));
    const frame = log.lines.slice(at, next).findIndex((line) => nodeFrame(line) !== undefined);
    const own = frame < 0 ? undefined : nodeFrame(log.lines[at + frame] ?? "");
    const more = Number(count.match[1]) - 1;
    return {
      rank: "verdict",
      at: count.at,
      from: count.at,
      to: log.lines.length - 1,
      lines: [...names.slice(-2), at, ...(difference < 1 ? [] : [at + difference]), ...(frame < 0 ? [] : [at + frame])],
      ...placed(own),
      kind: "test-failure",
      headline: `the test ${quote(title)} failed: ${quote(difference < 1 ? log.lines[at] : `${(log.lines[at] ?? "").trim()} ${(log.lines[at + difference] ?? "").trim()}`, 200)}${more > 0 ? ` (and ${more} more)` : ""}`,
    };
  },
};
