/** Java without a build tool: a stack with its first cause, javac and kotlinc, class versions, jars. Source: https://docs.oracle.com/en/java/javase/17/docs/api/java.base/java/lang/Throwable.html */
import { place, placed } from "../code-places.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";
import type { Reading, ToolReader } from "../tool-failure.ts";
import { find, findAll, type ToolLog } from "../tool-log.ts";

const LIBRARY_FRAME =
  /^\s+at (?:java|javax|jdk|sun|com\.sun|org\.junit|org\.apache\.maven|org\.gradle|org\.springframework|kotlin|scala|groovy|org\.codehaus|worker)\b|\$\$/;
const FRAME = /^\s+at (?:[\w.-]+\/{1,2})?[\w.$<>-]{1,300}\(([\w$-]+\.(?:java|kt|scala|groovy)):(\d+)\)$/;

export const java: ToolReader = {
  tool: "java",
  marks: [
    "Exception in thread ",
    "Caused by: ",
    "Error: Unable to access jarfile",
    "Error: Could not find or load main class",
    "UnsupportedClassVersionError",
    "OutOfMemoryError",
  ],
  read: (log) => startUp(log) ?? stack(log),
};

function startUp(log: ToolLog): Reading | undefined {
  const version = find(
    log,
    "UnsupportedClassVersionError",
    /UnsupportedClassVersionError: (\S+) has been compiled by a more recent version of the Java Runtime \(class file version (\d+)\.\d+\).{0,120}?up to (\d+)/,
  );
  if (version) {
    const [, name, made, has] = version.match;
    return {
      rank: "verdict",
      at: version.at,
      lines: [version.at],
      kind: "version-mismatch",
      headline: `${quote(name)} was compiled for Java ${Number(made) - 44}, and this is Java ${Number(has) - 44}`,
      next: `choose \`java: corretto${Number(made) - 44}\` under \`phases.install.runtime-versions\`, or compile with \`--release ${Number(has) - 44}\``,
    };
  }
  const jar = find(log, "Unable to access jarfile", /^Error: Unable to access jarfile (.+)$/);
  if (jar)
    return {
      rank: "verdict",
      at: jar.at,
      lines: [jar.at],
      kind: "file-not-found",
      headline: `java finds no jar ${quote(jar.match[1])}`,
      next: "was it built before, and under this name? `ls` its folder in the command before",
    };
  const main = find(log, "Could not find or load main class", /^Error: Could not find or load main class (.+)$/);
  return (
    main && {
      rank: "verdict",
      at: main.at,
      lines: [main.at, ...(/^Caused by/.test(log.lines[main.at + 1] ?? "") ? [main.at + 1] : [])],
      kind: "file-not-found",
      headline: `java finds no class ${quote(main.match[1])}`,
      next: "see the class path (`-cp`), which counts from the folder the command runs in",
    }
  );
}

function stack(log: ToolLog): Reading | undefined {
  const fatal = find(log, "Exception in thread ", /^.{0,80}Exception in thread "([^"]+)" (.+)$/);
  const start = fatal ?? find(log, "Caused by: ", /^.{0,60}Caused by: .+$/);
  if (!start) return undefined;
  let cause = start.at;
  let own: { at: number; file: string; line: string } | undefined;
  let at = start.at + 1;
  for (; at < log.lines.length && at < start.at + 400; at += 1) {
    const line = log.lines[at] ?? "";
    if (/^\s*Caused by: /.test(line)) {
      cause = at;
      own = undefined;
    } else if (!/^\s+(?:at |\.\.\. \d+|Suppressed: )/.test(line)) break;
    const frame = !own && !LIBRARY_FRAME.test(line) ? FRAME.exec(line) : null;
    if (frame) own = { at, file: frame[1] ?? "", line: frame[2] ?? "" };
  }
  const said = (log.lines[cause] ?? "").replace(/^.*?(?:Caused by: |Exception in thread "[^"]*" )/, "");
  const outer = cause === start.at ? "" : (log.lines[start.at] ?? "").replace(/^.*?Exception in thread "[^"]*" /, "");
  const trouble = knownTrouble(said);
  return {
    rank: fatal ? "verdict" : "symptom",
    at: start.at,
    to: at - 1,
    lines: [start.at, ...(cause === start.at ? [] : [cause]), ...(own ? [own.at] : [])],
    kind: trouble?.kind ?? "runtime-error",
    headline: `java ended with ${quote(said, 200)}${outer === "" ? "" : `, and so with ${quote(outer)}`}`,
    ...(trouble?.next === undefined ? {} : { next: trouble.next }),
    ...placed(own && place(own.file, own.line)),
  };
}

const JAVAC =
  /^(?:\[ERROR\] |(?::\w+)+(?=\/))?((?:\/|[\w.-]+\/)?[^\s:]{1,300}\.(?:java|scala|groovy)):(\d+): error: (.+)$/;

export const javac: ToolReader = {
  tool: "javac",
  marks: [": error: ", "e: "],
  read(log) {
    const found = findAll(log, ": error: ", JAVAC, 100);
    const kotlin = findAll(log, "e: ", /^e: (?:file:\/\/)?(\S+\.kts?):(?: ?\()?(\d+)(?:, |:)(\d+)\)?:? (.+)$/, 100);
    const [first] = [...found, ...kotlin].sort((a, b) => a.at - b.at);
    if (!first) return undefined;
    const all = [...found, ...kotlin];
    const isKotlin = kotlin.includes(first);
    const text = isKotlin ? first.match[4] : first.match[3];
    const more = all.length > 1 ? ` (and ${all.length - 1} more)` : "";
    const details = isKotlin ? [] : [first.at + 1, first.at + 2].filter((at) => /^\s/.test(log.lines[at] ?? ""));
    const symbol = [3, 4]
      .map((below) => first.at + below)
      .filter((at) => /^\s+(?:symbol|location):/.test(log.lines[at] ?? ""));
    const missing = /package (\S+) does not exist/.exec(text ?? "")?.[1];
    return {
      rank: "verdict",
      tool: isKotlin ? "kotlinc" : "javac",
      at: first.at,
      to: (all.map(({ at }) => at).sort((a, b) => b - a)[0] ?? first.at) + 6,
      lines: [
        first.at,
        ...details.slice(0, 1),
        ...symbol.slice(0, 1),
        ...all
          .filter(({ at }) => at > first.at)
          .slice(0, 2)
          .map(({ at }) => at),
      ]
        .sort((a, b) => a - b)
        .slice(0, 5),
      kind: missing === undefined ? "compile-error" : "dependency-not-found",
      headline: `${isKotlin ? "kotlin" : "java"} does not compile: ${short(text)}${more}`,
      ...placed(
        place(first.match[1]?.replace(/^:\w+(?=\/)/, ""), first.match[2], isKotlin ? first.match[3] : undefined),
      ),
      ...(missing === undefined ? {} : { next: `the dependency that has \`${missing}\` is not on the class path` }),
    };
  },
};

export const scalaSbt = lineReader("sbt", [
  {
    mark: "[error] ",
    pattern: /^\[error\] (\/?\S+\.scala):(\d+):(?:(\d+):)? (.+)$/,
    kind: "compile-error",
    say: ([, , , , text]) => `scala does not compile: ${short(text)}`,
    place: ([, file, line, column]) => place(file, line, column),
    below: /^\[error\] {2,}/,
  },
  {
    mark: "Error downloading",
    pattern: /^\[error\] .*Error downloading (\S+)/,
    kind: "dependency-not-found",
    say: ([, name]) => `sbt finds no dependency ${quote(name)}`,
  },
]);
