/** Maven: the first `[ERROR]` that says something; compilation, tests, dependencies. Source: https://maven.apache.org/guides/introduction/introduction-to-the-lifecycle.html */
import { place, placed } from "../code-places.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { MAX_LINES, type Reading, type ToolReader } from "../tool-failure.ts";
import { type Found, find, findAll, type ToolLog } from "../tool-log.ts";

export const maven: ToolReader = {
  tool: "maven",
  marks: ["[ERROR] ", "[FATAL] "],
  read(log) {
    if (!/\[INFO\] |\[ERROR\] |\[FATAL\] /.test(log.text.slice(0, 200_000))) return undefined;
    const reading = compilation(log) ?? tests(log) ?? model(log) ?? goal(log);
    if (!reading) return undefined;
    const start = find(log, "Scanning for projects", /\[INFO\] Scanning for projects/);
    const last = findAll(log, "[ERROR]", /^\[ERROR\]/, 500, reading.at).at(-1);
    return { ...reading, from: start && start.at < reading.at ? start.at : reading.at, to: last?.at ?? reading.at };
  },
};

type Inside = Omit<Reading, "from" | "to">;

function compilation(log: ToolLog): Inside | undefined {
  const errors = findAll(
    log,
    "[ERROR] ",
    /^\[ERROR\] (?:file:\/\/)?(\S+\.(?:java|kt|scala|groovy)):\[?(\d+)(?:[,:](\d+)\]?)?:? (?:error: )?(.+)$/,
    60,
  );
  const [first] = errors;
  if (!first) return undefined;
  // Maven says them twice; the second time in its summary.
  const seen = new Set<string>();
  const unique = errors.filter(({ match }) => !seen.has(match[0]) && seen.add(match[0]));
  const symbol = [1, 2]
    .map((below) => first.at + below)
    .filter((at) => /^(?:\[ERROR\])?\s+(?:symbol|location):/.test(log.lines[at] ?? ""));
  const missing = /package (\S+) does not exist/.exec(first.match[4] ?? "")?.[1];
  return {
    rank: "verdict",
    at: first.at,
    lines: [first.at, ...symbol.slice(0, 1), ...unique.slice(1, 4).map(({ at }) => at)]
      .sort((a, b) => a - b)
      .slice(0, MAX_LINES),
    kind: missing === undefined ? "compile-error" : "dependency-not-found",
    headline: `java does not compile: ${short(first.match[4])}${unique.length > 1 ? ` (and ${unique.length - 1} more)` : ""}`,
    ...placed(place(first.match[1], first.match[2], first.match[3])),
    ...(missing === undefined
      ? {}
      : { next: `add the dependency that has \`${missing}\` to pom.xml, and mind its \`scope\`` }),
  };
}

/** Surefire and failsafe: `[ERROR]   SumTest.adds:9 expected:<3> but was:<2>` in the summary, stacks above. */
function tests(log: ToolLog): Inside | undefined {
  const summary = find(log, "Tests run:", /^\[(?:ERROR|WARNING)\] Tests run: \d+, Failures: (\d+), Errors: (\d+)/);
  if (!summary) return undefined;
  const listed = findAll(
    log,
    "[ERROR]   ",
    /^\[ERROR\] {3}(?:(\w[\w.$]*)(?:\.|:)(\w[\w$ ]*?)(?:\[\d+\])?(?::\d+->\S+)*:(\d+)(?:->[\w.$]+:\d+)* ?(.*)|(\w[\w.$]*?\.\w+) (.+))$/,
    60,
  ).filter(({ match }) => !/^\[ERROR\] {3}(?:Run \d)/.test(match[0]));
  const [first] = listed;
  const failing = find(
    log,
    "<<< ",
    /^\[ERROR\] (?!Tests run)(.+?)(?: --)?(?: {1,2}Time elapsed: .+)?<<< (FAILURE|ERROR)!/,
  );
  const start = failing?.at ?? first?.at ?? summary.at;
  const frame = failing ? ownFrame(log, failing.at, failing.match[1]) : undefined;
  const said = failing ? failing.at + 1 : undefined;
  const text = said === undefined ? first?.match[4] : log.lines[said];
  const count = Math.max(listed.length, 1);
  const name =
    failing?.match[1]?.trim() ??
    (first?.match[1] === undefined ? first?.match[5] : `${first.match[1]}.${first.match[2]}`);
  const total = findAll(
    log,
    "Tests run:",
    /^\[ERROR\] Tests run: \d+, Failures: (\d+), Errors: (\d+), Skipped: \d+$/,
    5,
  ).at(-1);
  return {
    rank: "verdict",
    at: start,
    lines: [
      ...new Set([
        ...(failing ? [failing.at] : []),
        ...(said === undefined ? [] : [said]),
        ...(frame ? [frame.at] : []),
        ...(first ? [first.at] : []),
        ...(total ? [total.at] : []),
      ]),
    ]
      .sort((a, b) => a - b)
      .slice(0, MAX_LINES),
    kind: "test-failure",
    headline: `the test ${quote(name)} failed: ${quote(text, 160)}${count > 1 ? ` (and ${count - 1} more)` : ""}`,
    ...placed(
      frame
        ? place(frame.file, frame.line)
        : first?.match[1] === undefined
          ? undefined
          : place(`${first.match[1].split(".").at(-1)}.java`, first.match[3]),
    ),
    next: "the reports are in `target/surefire-reports`: name them under `reports` of the buildspec",
  };
}

function ownFrame(
  log: ToolLog,
  from: number,
  test: string | undefined,
): { at: number; file: string; line: string } | undefined {
  const type = /([\w$]+)\.\w+(?:\(|$)|\(([\w.$]+)\)/.exec(test?.trim() ?? "");
  const name = type?.[1] ?? type?.[2]?.split(".").at(-1);
  for (let at = from + 1; at < from + 40; at += 1) {
    const frame = /^\s+at .{1,300}\((\w+\.(?:java|kt)):(\d+)\)$/.exec(log.lines[at] ?? "");
    if (frame && (name === undefined || frame[1]?.startsWith(name)))
      return { at, file: frame[1] ?? "", line: frame[2] ?? "" };
  }
  return undefined;
}

/** A pom.xml that cannot be read. */
function model(log: ToolLog): Inside | undefined {
  const found = find(
    log,
    "problems were encountered while processing the POMs",
    /^\[ERROR\] (?:\[ERROR\] )?Some problems were encountered/,
  );
  if (!found) return undefined;
  const said = findAll(log, "] ", /^\[(?:ERROR|FATAL)\] (?!\[ERROR\] Some)(.+)$/, 3, found.at + 1).filter(
    ({ at }) => at < found.at + 6 && !/The build could not read/.test(log.lines[at] ?? ""),
  );
  const [first] = said;
  const text = first?.match[1] ?? "";
  const [, line, column] = /(?:@ line |@)(\d+)(?:, column |:)(\d+)/.exec(text) ?? [];
  return {
    rank: "verdict",
    at: found.at,
    lines: [found.at, ...said.map(({ at }) => at)].slice(0, MAX_LINES),
    kind: /Non-resolvable parent/.test(text)
      ? "dependency-not-found"
      : /Non-parseable|Malformed/.test(text)
        ? "syntax"
        : "configuration",
    headline: `maven cannot use pom.xml: ${short(text, 200)}`,
    ...placed(place(/POM (\S+pom\.xml)/.exec(text)?.[1] ?? "pom.xml", line, column)),
  };
}

const SAYS_NOTHING =
  /^\[ERROR\] (?:To see the full|Re-run Maven|For more information|After correcting|\[Help \d|-> \[Help|See |The following|Please refer|.{0,10}$)|^\[ERROR\] +$/;

function goal(log: ToolLog): Inside | undefined {
  const found: Found | undefined =
    find(
      log,
      "Failed to execute goal",
      /^\[ERROR\] Failed to execute goal (?:(\S+) )?(?:\(([^)]+)\) )?on project (\S+?): (.+)$/,
    ) ?? findAll(log, "[ERROR] ", /^\[ERROR\] (.+)$/, 20).find(({ match }) => !SAYS_NOTHING.test(match[0]));
  if (!found) return undefined;
  const text = (found.match[4] ?? found.match[1] ?? "").replace(/ -> \[Help \d+\]$/, "");
  const plugin = found.match[4] === undefined ? undefined : found.match[1]?.split(":")[1];
  const details = [1, 2, 3]
    .map((below) => found.at + below)
    .filter(
      (at) => /^\[ERROR\] \S|^\[ERROR\]\s+\S/.test(log.lines[at] ?? "") && !SAYS_NOTHING.test(log.lines[at] ?? ""),
    );
  const artifact =
    /(?:Could not (?:find|transfer) artifact|Failure to find|The following artifacts could not be resolved:|The POM for) (\S+?)(?: \(|,| from| in | is missing|:? ?$)/.exec(
      text,
    )?.[1] ?? /has not been downloaded from it before.*?(\S+:\S+:\S+)/.exec(text)?.[1];
  const missing = find(log, "is missing, no dependency information", /^\[WARNING\] The POM for (\S+) is missing/);
  const dependency =
    /Could not resolve dependencies|Plugin \S+ or one of its dependencies|Could not find artifact|Failure to find|could not be resolved/.test(
      text,
    );
  const phase = /Unknown lifecycle phase "([^"]+)"/.exec(text)?.[1];
  const trouble = knownTrouble(text);
  if (/there is no POM in this directory/.test(text)) {
    return {
      rank: "verdict",
      at: found.at,
      lines: [found.at],
      kind: "file-not-found",
      headline: `there is no pom.xml in ${quote(/this directory \(([^)]+)\)/.exec(text)?.[1])}`,
      next: "change to its folder first (`cd`), or name it: `mvn -f FOLDER/pom.xml`",
    };
  }
  const jdk =
    /(?:invalid target release: |release version |Source option |class file version )(\S+)( not supported)?/.exec(text);
  return {
    rank: "verdict",
    at: found.at,
    lines: [...(dependency && missing && missing.at < found.at ? [missing.at] : []), found.at, ...details].slice(
      0,
      MAX_LINES,
    ),
    kind:
      phase !== undefined
        ? "usage"
        : jdk
          ? "version-mismatch"
          : trouble && trouble.kind !== "permission"
            ? trouble.kind
            : dependency
              ? "dependency-not-found"
              : plugin?.includes("enforcer")
                ? "version-mismatch"
                : "configuration",
    headline:
      phase !== undefined
        ? `maven has no phase ${quote(phase)}`
        : trouble && dependency
          ? `maven cannot get ${quote(artifact ?? "a dependency")}: ${trouble.what}`
          : dependency
            ? `maven finds no ${quote(artifact ?? missing?.match[1] ?? "dependency")}: ${short(text, 200)}`
            : `maven failed${plugin === undefined ? "" : ` in ${quote(plugin)}`}: ${short(text, 200)}`,
    ...(jdk
      ? {
          next: "choose the version under `phases.install.runtime-versions.java`, or set `maven.compiler.release` to what is there",
        }
      : dependency
        ? {
            next:
              trouble?.next ??
              "is it in a repository of pom.xml or settings.xml? CodeBuild's images bring a settings.xml of their own (`~/.m2`)",
          }
        : trouble?.next === undefined
          ? {}
          : { next: trouble.next }),
  };
}
