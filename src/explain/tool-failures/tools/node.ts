/**
 * Node.js: an exception nobody caught, a module that is not there, a file that cannot be read, memory; its own test runner.
 * Source: https://nodejs.org/api/errors.html
 */
import { nodeFrame, place, placed } from "../code-places.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import type { CodePlace, Reading, ToolReader } from "../tool-failure.ts";
import { find, findAll, findBefore, type ToolLog } from "../tool-log.ts";

/** `TypeError: …`, `Error [ERR_X]: …`, `Uncaught …`; mocha and jest have their own readers. */
const ERROR =
  /^(?:Uncaught )?\s?(?:Exception during run: )?((?:[A-Z]\w{0,60})?(?:Error|Exception|Rejection|AggregateError)(?: \[\w{1,60}\])?)(?:: (.*))?$/;
const SOURCE = /^((?:file:\/\/)?(?:\/|[A-Z]:\\|\.{0,2}\/)?[^\s:()][^:()]{0,300}\.[cm]?[jt]sx?):(\d+)$/;

export const node: ToolReader = {
  tool: "node",
  marks: ["Error", "Exception", "UnhandledPromiseRejection", "JavaScript heap out of memory"],
  read: (log) => heap(log) ?? thrown(log),
};

function heap(log: ToolLog): Reading | undefined {
  const found = find(log, "JavaScript heap out of memory", /^(?:FATAL ERROR: )?.{0,200}JavaScript heap out of memory/);
  return (
    found && {
      rank: "verdict",
      at: found.at,
      lines: [found.at],
      kind: "out-of-memory",
      headline: "node ran out of memory: its heap reached the limit",
      next: "raise the limit with `NODE_OPTIONS=--max-old-space-size=4096` (MiB) under `env.variables`, below what the compute type has",
    }
  );
}

function thrown(log: ToolLog): Reading | undefined {
  const candidates = ["Error", "Exception", "Rejection"].flatMap((mark) => findAll(log, mark, ERROR, 40));
  candidates.sort((a, b) => a.at - b.at);
  let symptom: Reading | undefined;
  for (const { at, match } of candidates) {
    const frames = framesBelow(log, at);
    const above = sourceAbove(log, at);
    if (frames.at.length === 0 && above === undefined) continue;
    const reading = readingOf(log, at, match, frames, above);
    // Only a program that ends prints the place above, or node's version below.
    const isFatal = above !== undefined || find(log, "Node.js v", /^Node\.js v\d/, at) !== undefined;
    if (isFatal) return reading;
    symptom ??= { ...reading, rank: "symptom" };
  }
  return symptom;
}

interface Frames {
  readonly at: readonly number[];
  readonly own?: { readonly at: number; readonly place: CodePlace };
  readonly end: number;
}

function framesBelow(log: ToolLog, from: number): Frames {
  const at: number[] = [];
  let own: Frames["own"];
  let line = from + 1;
  for (; line < log.lines.length && line <= from + 60; line += 1) {
    const text = log.lines[line] ?? "";
    if (/^\s+at /.test(text)) {
      at.push(line);
      const frame = own ? undefined : nodeFrame(text);
      if (frame) own = { at: line, place: frame };
    } else if (at.length > 0) break;
    else if (/^(?:npm |\$ |> )/.test(text)) break;
  }
  return { at, end: line - 1, ...(own ? { own } : {}) };
}

/** Node shows file and line, the source and carets above the error. */
function sourceAbove(log: ToolLog, at: number): { at: number; place?: CodePlace } | undefined {
  for (let line = at - 1; line >= 0 && line >= at - 8; line -= 1) {
    const text = log.lines[line] ?? "";
    const match = SOURCE.exec(text);
    if (match) return { at: line, ...placed(place(match[1], match[2])) };
    if (/^node:internal\/|^node:[a-z_/]+:\d+$|^internal\/modules\//.test(text)) return { at: line };
  }
  return undefined;
}

function readingOf(
  log: ToolLog,
  at: number,
  match: RegExpExecArray,
  frames: Frames,
  above: { at: number; place?: CodePlace } | undefined,
): Reading {
  const [, name = "", text = ""] = match;
  // `Expected values to be strictly equal:` says it two lines below.
  const compared = text.endsWith(":") && / [!=]==? /.test(log.lines[at + 2] ?? "") ? at + 2 : undefined;
  const said = `${text === "" ? name : `${name}: ${text}`}${compared === undefined ? "" : ` ${log.lines[compared]?.trim()}`}`;
  const isSyntax = name.startsWith("SyntaxError");
  const where = (isSyntax ? above?.place : frames.own?.place) ?? above?.place ?? frames.own?.place;
  const context = above?.place ? [above.at, above.at + 1] : [];
  const base = {
    rank: "verdict" as const,
    at,
    from: above?.at ?? at,
    to: frames.end,
    lines: [
      ...context,
      at,
      ...(compared === undefined ? [] : [compared]),
      ...(frames.own ? [frames.own.at] : []),
    ].filter((line, index, all) => all.indexOf(line) === index),
    ...placed(where),
  };
  const missing = /Cannot find (?:module|package) '([^']+)'(?: imported from (.+))?/.exec(text);
  if (missing) {
    const [, module = "", importer] = missing;
    const required = findBefore(log, "- /", /^- (\/.+)$/, Math.min(at + 3, log.lines.length));
    const from = importer?.replace(/^file:\/\//, "") ?? required?.match[1];
    const isPath = /^[./]/.test(module);
    return {
      ...base,
      lines: required && required.at > at ? [...base.lines, required.at].sort((a, b) => a - b) : base.lines,
      ...placed(where ?? place(from)),
      kind: isPath ? "file-not-found" : "dependency-not-found",
      headline: `node finds no module ${quote(module)}${from === undefined ? "" : `, which ${quote(from)} asks for`}`,
      next: isPath
        ? "is the file in the source, and was it built before? upper and lower case count"
        : `install it: \`npm install ${module
            .split("/")
            .slice(0, module.startsWith("@") ? 2 : 1)
            .join("/")}\`, or run \`npm ci\` before`,
    };
  }
  if (/Cannot use import statement outside a module|Unexpected token 'export'/.test(text)) {
    return {
      ...base,
      kind: "configuration",
      headline: `node reads an ES module as CommonJS: ${short(text)}`,
      next: 'set `"type": "module"` in package.json, name the file `.mjs`, or let the build translate it',
    };
  }
  const engine =
    /Unsupported engine|requires Node|ERR_REQUIRE_ESM|digital envelope routines::unsupported|ERR_OSSL_EVP_UNSUPPORTED/.exec(
      text,
    );
  const brought = [above?.at, ...frames.at]
    .map((line) => packageOf(log.lines[line ?? -1]))
    .find((one) => one !== undefined);
  // Syntax of a newer JavaScript, in a file that a published package brought.
  const isNewer =
    isSyntax && brought !== undefined && /Unexpected token '?(?:\?|\?\?=|\|\|=|&&=|\.|\{|#\w+)'?$/.test(text);
  const trouble = knownTrouble(said);
  const inUse = /listen EADDRINUSE: address already in use (\S+)/.exec(text)?.[1];
  return {
    ...base,
    kind: isNewer
      ? "version-mismatch"
      : isSyntax
        ? "syntax"
        : engine
          ? "version-mismatch"
          : (trouble?.kind ?? "runtime-error"),
    headline:
      inUse === undefined
        ? isNewer
          ? `this node is too old for ${quote(brought)}: ${short(said)}`
          : `node ended with ${quote(said, 200)}`
        : `the port ${quote(inUse)} is taken by another process`,
    ...(/digital envelope|EVP_UNSUPPORTED/.test(text)
      ? { next: "an old webpack with node 17 or newer: update it, or set `NODE_OPTIONS=--openssl-legacy-provider`" }
      : isNewer
        ? {
            next: "choose a newer node under `phases.install.runtime-versions.nodejs`, or pin an older version of the package",
          }
        : trouble?.next === undefined
          ? {}
          : { next: trouble.next }),
  };
}

/** `…/node_modules/@scope/name/lib/x.js` → `@scope/name` */
const packageOf = (file: string | undefined): string | undefined =>
  /node_modules\/((?:@[^/\s]{1,100}\/)?[^/\s]{1,100})/.exec(file ?? "")?.[1];

/** `node --test`, in TAP and in its own form. */
export const nodeTest: ToolReader = {
  tool: "node",
  marks: ["not ok ", "✖ "],
  read(log) {
    const tap = findAll(log, "not ok ", /^\s*not ok \d+ - (.+)$/, 200);
    // A file or suite fails because of a test in it: the innermost comes first.
    const [first] = tap;
    if (!first) return undefined;
    const end = find(log, "...", /^\s*\.\.\.$/, first.at)?.at ?? first.at + 30;
    const inside = (pattern: RegExp) => {
      for (let line = first.at + 1; line < end; line += 1) if (pattern.test(log.lines[line] ?? "")) return line;
      return undefined;
    };
    const error = inside(/^\s*error: /);
    const message = error === undefined ? undefined : /error: (?:\|-|['"](.+)['"])$/.exec(log.lines[error] ?? "");
    const text = error === undefined ? undefined : message?.[1] === undefined ? error + 1 : error;
    const location = inside(/^\s*location: /);
    const operator = text === undefined ? undefined : inside(/^\s*\S.* [!=]==? .+$/);
    const own = Array.from({ length: Math.max(0, end - first.at) }, (_, index) => first.at + index)
      .map((line) => ({
        line,
        frame: /\(?(?:file:\/\/)?([^()\s']+\.[cm]?[jt]sx?):(\d+):(\d+)\)?$/.exec(log.lines[line] ?? ""),
      }))
      .find(({ frame }) => frame && !frame[1]?.startsWith("node:"));
    const at = location === undefined ? null : /location: '(.+):(\d+):(\d+)'/.exec(log.lines[location] ?? "");
    return {
      rank: "verdict",
      at: first.at,
      to: log.lines.length - 1,
      from: findBefore(log, "TAP version", /^TAP version/, first.at)?.at ?? first.at,
      lines: [
        ...new Set([
          first.at,
          ...(location === undefined ? [] : [location]),
          ...(text === undefined ? [] : [text]),
          ...(operator === undefined ? [] : [operator]),
          ...(own ? [own.line] : []),
        ]),
      ]
        .sort((a, b) => a - b)
        .slice(0, 5),
      kind: "test-failure",
      headline: `the test ${quote(first.match[1])} failed${text === undefined ? "" : `: ${quote(`${log.lines[text]?.replace(/^\s*error: /, "").trim()} ${operator === undefined ? "" : log.lines[operator]?.trim()}`)}`}`,
      ...placed(
        own?.frame ? place(own.frame[1], own.frame[2], own.frame[3]) : at ? place(at[1], at[2], at[3]) : undefined,
      ),
    };
  },
};
