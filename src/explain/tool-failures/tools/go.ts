/** Go: compiler, vet, tests, modules, panics. Source: https://pkg.go.dev/cmd/go */
import { isOwnCode, place, placed } from "../code-places.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { type LineForm, lineReader } from "../line-reader.ts";
import { MAX_LINES, type Reading, type ToolReader } from "../tool-failure.ts";
import { find, findAll, findBefore, type ToolLog } from "../tool-log.ts";

const ERROR = /^(?:vet: )?((?:\.{0,2}\/)?[^\s:]{1,300}\.go):(\d+):(?:(\d+):)? (.+)$/;

export const go: ToolReader = {
  tool: "go",
  marks: [".go:", "--- FAIL: ", "FAIL\t", "panic: ", "go: ", "pattern ./", "no required module", "golangci-lint"],
  read(log) {
    const readings = [compile, test, panic, (each: ToolLog) => modules.read(each)].flatMap((read) => read(log) ?? []);
    return readings.sort((a, b) => a.at - b.at)[0];
  },
};

function compile(log: ToolLog): Reading | undefined {
  // A test's own line is indented; a compiler's stands at the margin, below `# package`.
  const errors = findAll(log, ".go:", ERROR, 100).filter(({ at }) => !/^\s/.test(log.lines[at] ?? ""));
  const [first] = errors;
  if (!first) return undefined;
  const text = first.match[4] ?? "";
  const header = findBefore(log, "# ", /^# \S+/, first.at);
  const isLint =
    / \(\w[\w-]*\)$/.test(text) || log.lines[first.at - 1]?.startsWith("# [") || /\bgo vet\b/.test(log.command);
  const isModule =
    /no required module provides|missing go\.sum entry|cannot find (?:module|package)|is not in (?:GOROOT|std)|import lookup disabled/.test(
      text,
    );
  const module = /(?:package|module providing package|provides package) (\S+?)[;:]? /.exec(`${text} `)?.[1];
  const built =
    header !== undefined ||
    isModule ||
    isLint ||
    findAll(log, "FAIL", /\[build failed\]|\[setup failed\]/, 1, first.at).length > 0 ||
    /^(?:undefined|syntax error|cannot use|declared and not used|imported and not used|expected)/.test(text) ||
    /\bgo (?:build|vet|run|install|test)\b/.test(log.command);
  const follow = log.lines[first.at + 1] ?? "";
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return {
    rank: built ? "verdict" : "symptom",
    at: first.at,
    from: header && header.at >= first.at - 2 ? header.at : first.at,
    to: errors.at(-1)?.at ?? first.at,
    lines: [
      first.at,
      ...(/^\tgo (?:get|mod)/.test(follow) ? [first.at + 1] : []),
      ...errors.slice(1).map(({ at }) => at),
    ].slice(0, MAX_LINES),
    kind: isModule ? "dependency-not-found" : isLint ? "lint" : /^syntax error/.test(text) ? "syntax" : "compile-error",
    headline: isModule
      ? `go has no module for ${quote(module?.replace(/"/g, ""))}: ${short(text.replace(/; to add.*$/, "").replace(/ in any of:$/, ""))}`
      : `${isLint ? "a check of go" : "go"} says: ${short(text)}${more}`,
    ...placed(place(first.match[1], first.match[2], first.match[3])),
    ...(isModule
      ? {
          fix: {
            kind: "command",
            title: "bring go.mod and go.sum up to date and commit them",
            commands: ["go mod tidy", "git add go.mod go.sum"],
          },
        }
      : {}),
  };
}

function test(log: ToolLog): Reading | undefined {
  const all = findAll(log, "--- FAIL: ", /^\s*--- FAIL: (\S+) \(/, 200);
  const [first] = all;
  if (!first) return undefined;
  // A parent fails because of its subtest: the innermost has the message.
  const inner =
    all.findLast(
      ({ match }, index) =>
        index < 20 &&
        match[1]?.startsWith(`${first.match[1]}/`) &&
        all.slice(0, index).every(({ match: other }) => match[1]?.startsWith(other[1] ?? "")),
    ) ?? first;
  const said: number[] = [];
  for (let at = inner.at + 1; at < inner.at + 30 && at < log.lines.length && said.length < 3; at += 1) {
    const line = log.lines[at] ?? "";
    if (/^\s*--- (?:FAIL|PASS)|^(?:FAIL|ok|PASS|=== )/.test(line)) break;
    if (line.trim() !== "") said.push(at);
  }
  // With -v the messages stand above the verdict.
  if (said.length === 0) {
    for (let at = inner.at - 1; at >= 0 && at > inner.at - 60 && !/^=== RUN/.test(log.lines[at] ?? ""); at -= 1) {
      if (/^\s+\S+_test\.go:\d+: |^\s+Error(?: Trace)?:/.test(log.lines[at] ?? "")) said.unshift(at);
    }
  }
  const panicked = find(log, "panic: ", /^panic: /, inner.at);
  if (panicked && panicked.at <= inner.at + 2) {
    const stack = panic(log);
    if (stack)
      return {
        ...stack,
        at: inner.at,
        to: stack.to ?? inner.at,
        lines: [inner.at, ...stack.lines].slice(0, MAX_LINES),
        kind: "test-failure",
        headline: `the test ${quote(inner.match[1])} panicked: ${short((log.lines[panicked.at] ?? "").replace(/^panic: /, "").replace(/ \[recovered\].*$/, ""))}`,
      };
  }
  const [, file, line, text] = /^\s*(\S+?\.go):(\d+):(?: (.*))?$/.exec(log.lines[said[0] ?? -1] ?? "") ?? [];
  const testify = said.length === 0 ? undefined : find(log, "Error:", /^\s+Error:\s+(.+)$/, said[0]);
  const error = testify && testify.at < (said[0] ?? 0) + 12 ? testify : undefined;
  const package_ = find(log, "FAIL\t", /^FAIL\t(\S+)\t/, inner.at);
  const tests = all.filter(({ match }) => !all.some((other) => other.match[1]?.startsWith(`${match[1]}/`)));
  return {
    rank: "verdict",
    at: first.at,
    from: Math.min(first.at, said[0] ?? first.at),
    to: package_?.at ?? inner.at,
    lines: [
      ...new Set([inner.at, ...said.slice(0, 2), ...(error ? [error.at] : []), ...(package_ ? [package_.at] : [])]),
    ]
      .sort((a, b) => a - b)
      .slice(0, MAX_LINES),
    kind: "test-failure",
    headline: `the test ${quote(inner.match[1])} failed: ${quote(error?.match[1] ?? (text === undefined || text === "" ? log.lines[said[0] ?? -1] : text), 160)}${tests.length > 1 ? ` (and ${tests.length - 1} more)` : ""}`,
    ...placed(place(packageFile(package_?.match[1], file, log), line)),
  };
}

/** `FAIL example.com/shop/sum` and `sum_test.go`: the module's path is not the folder's, its end is. */
function packageFile(name: string | undefined, file: string | undefined, log: ToolLog): string | undefined {
  if (name === undefined || file === undefined || file.includes("/")) return file;
  const parts = name.split("/");
  const others = [...findAll(log, "\t", /^(?:FAIL|ok {2}|\? {3})\t(\S+)\t/, 100)].map(({ match }) =>
    (match[1] ?? "").split("/"),
  );
  let common = /^[^/]+\.[^/]+$/.test(parts[0] ?? "")
    ? Math.min(/^(?:github|gitlab|bitbucket)\./.test(parts[0] ?? "") ? 3 : 2, parts.length)
    : 1;
  if (others.length > 1) {
    let shared = 0;
    while (shared < parts.length && others.every((other) => other[shared] === parts[shared])) shared += 1;
    common = Math.max(common, Math.min(shared, parts.length));
    if (others.every((other) => other.length === parts.length && other.join("/") === parts.join("/")))
      common = Math.min(common, parts.length);
  }
  return [...parts.slice(common), file].join("/");
}

function panic(log: ToolLog): Reading | undefined {
  const found = find(log, "panic: ", /^(?:panic: |fatal error: )(.+)$/);
  if (!found) return undefined;
  let own: { at: number; file: string; line: string } | undefined;
  for (let at = found.at + 1; at < found.at + 80 && at < log.lines.length && !own; at += 1) {
    const frame = /^\s+(\/?[^\s:]+\.go):(\d+)/.exec(log.lines[at] ?? "");
    if (
      frame &&
      isOwnCode(frame[1] ?? "") &&
      !/\/go[\w./-]*\/src\/(?:runtime|testing|os|net|sync|reflect)\//.test(frame[1] ?? "")
    )
      own = { at, file: frame[1] ?? "", line: frame[2] ?? "" };
  }
  if (!own && !/^goroutine \d+/.test(log.lines[found.at + 2] ?? log.lines[found.at + 1] ?? "")) return undefined;
  return {
    rank: "verdict",
    at: found.at,
    to: own?.at ?? found.at,
    lines: [found.at, ...(own ? [own.at - 1, own.at] : [])],
    kind: "crash",
    headline: `go panicked: ${short(found.match[1])}`,
    ...placed(own && place(own.file, own.line)),
  };
}

const TIDY = () => ({
  kind: "command" as const,
  title: "bring go.mod and go.sum up to date and commit them",
  commands: ["go mod tidy", "git add go.mod go.sum"],
});
const MODULES: readonly LineForm[] = [
  {
    mark: "go.mod requires go >=",
    pattern: /^go: .*requires go >= (\S+) \(running go ([^;)]+)/,
    kind: "version-mismatch",
    say: ([, wanted, has]) => `the module wants go ${quote(wanted)}, and this is go ${quote(has)}`,
    next: "choose the version under `phases.install.runtime-versions.golang`, or lower the `go` line of go.mod",
  },
  {
    mark: "invalid go version",
    pattern: /^go: errors parsing go\.mod:|invalid go version '([^']+)'/,
    kind: "version-mismatch",
    say: ([, version]) =>
      `this go is too old for go.mod${version === undefined ? "" : `, which says ${quote(version)}`}`,
    next: "choose a newer version under `phases.install.runtime-versions.golang`",
    below: /go\.mod:\d+/,
  },
  {
    mark: "go.mod file not found",
    pattern: /^go: (?:go\.mod file not found in current directory|cannot find main module)/,
    kind: "file-not-found",
    say: () => "there is no go.mod in the folder of the command, nor above it",
    next: "change to the module's folder first (`cd`)",
  },
  {
    mark: "cannot find main module",
    pattern: /^go: cannot find main module/,
    kind: "file-not-found",
    say: () => "there is no go.mod in the folder of the command, nor above it",
    next: "change to the module's folder first (`cd`)",
  },
  {
    mark: "does not contain main module",
    pattern: /^pattern \S+: directory prefix \S+ does not contain main module/,
    kind: "file-not-found",
    say: () => "there is no go.mod in the folder of the command, nor above it",
    next: "change to the module's folder first (`cd`)",
  },
  {
    mark: "updates to go.mod needed",
    pattern: /^go: updates to go\.(?:mod|sum) needed/,
    kind: "lock-out-of-date",
    say: () => "go.mod does not fit the source",
    fix: TIDY,
  },
  {
    mark: "missing go.sum entry",
    pattern: /^go: (\S+): missing go\.sum entry/,
    kind: "lock-out-of-date",
    say: ([, module]) => `go.sum has no line for ${quote(module)}`,
    fix: TIDY,
  },
  {
    mark: "inconsistent vendoring",
    pattern: /^go: inconsistent vendoring/,
    kind: "lock-out-of-date",
    say: () => "the folder vendor does not fit go.mod",
    fix: () => ({
      kind: "command",
      title: "make it anew and commit it",
      commands: ["go mod vendor", "git add vendor"],
    }),
  },
  {
    mark: "checksum mismatch",
    pattern: /(?:verifying )?(\S+): checksum mismatch/,
    kind: "lock-out-of-date",
    say: ([, module]) => `the checksum of ${quote(module)} is not the one in go.sum`,
    below: /^\s+(?:downloaded|go\.sum):/,
  },
  {
    mark: "go: ",
    pattern: /^go: (?:downloading .+|finding .+)$/,
    rank: "wrapper",
    kind: "runtime-error",
    say: () => "go did not finish",
  },
  {
    mark: "unknown revision",
    pattern: /^(?:go: )?(\S+): (?:invalid version: )?unknown revision (\S+)/,
    kind: "dependency-not-found",
    say: ([, module, revision]) => `go finds no revision ${quote(revision)} of ${quote(module)}`,
  },
  {
    mark: "could not read Username",
    pattern: /^\s*fatal: could not read Username for '([^']+)'/,
    kind: "authentication",
    say: ([, url]) => `go may not read the private module at ${quote(url)}`,
    next: 'set `GOPRIVATE`, and give git a token: `git config --global url."https://TOKEN@HOST/".insteadOf https://HOST/`',
  },
  {
    mark: "go: ",
    pattern: /^go: (\S+@\S+): (.+)$/,
    kind: ([, , text]) => knownTrouble(text ?? "")?.kind ?? "dependency-not-found",
    say: ([, module, text]) => `go cannot get ${quote(module)}: ${knownTrouble(text ?? "")?.what ?? short(text)}`,
  },
];
const modules = lineReader(
  "go",
  MODULES.filter(({ rank }) => rank !== "wrapper"),
);
