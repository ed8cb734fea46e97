/** Gradle: what its own `What went wrong` means; a compiler or a test inside is the cause. Source: https://docs.gradle.org/current/userguide/troubleshooting.html */
import { place, placed } from "../code-places.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { MAX_LINES, type Reading, type ToolReader } from "../tool-failure.ts";
import { find, findAll, findBefore, lineAfter, type ToolLog } from "../tool-log.ts";

export const gradle: ToolReader = {
  tool: "gradle",
  marks: [
    "* What went wrong:",
    "Gradle build daemon disappeared",
    "Could not find or load main class org.gradle.wrapper",
    " FAILED",
  ],
  read: (log) => wrapper(log) ?? wrong(log),
};

function wrong(log: ToolLog): Reading | undefined {
  const start = find(log, "* What went wrong:", /^\* What went wrong:/);
  if (!start) return undefined;
  const end =
    lineAfter(log, start.at, (line) => /^\* (?:Try|Exception is|Get more help)/.test(line), 200) ?? start.at + 10;
  const said = Array.from({ length: end - start.at - 1 }, (_, index) => start.at + 1 + index).filter(
    (at) => (log.lines[at] ?? "").trim() !== "",
  );
  const where = find(log, "* Where:", /^\* Where:/);
  const place_ =
    where && where.at < start.at ? /(?:file|script) '([^']+)' line: (\d+)/.exec(log.lines[where.at + 1] ?? "") : null;
  const text = said.map((at) => (log.lines[at] ?? "").trim().replace(/^> /, ""));
  const task = /Execution failed for task '([^']+)'/.exec(text[0] ?? "")?.[1];
  const inside = text.join(" ");
  const test = task === undefined ? undefined : testFailure(log, task, inside);
  if (test) return test;
  const trouble = knownTrouble(inside);
  const dependency = /Could not (?:resolve|find|download|get resource) (\S+:\S+?)\.?(?: |$)/.exec(inside)?.[1];
  const passedOn =
    /Compilation (?:failed|error)|finished with non-zero exit value|There were failing tests|Process 'command|exit (?:code|value)/.test(
      inside,
    );
  const printed = passedOn ? printedAbove(log, start.at) : [];
  const missingTask = /Task '([^']+)' not found/.exec(inside)?.[1];
  const jdk =
    /Unsupported class file major version (\d+)|Could not determine java version|incompatible with the Java|Dependency requires at least JVM|invalid source release|No matching toolchain|requires Java (\d+)/.exec(
      inside,
    );
  return {
    rank: passedOn ? "wrapper" : "verdict",
    at: start.at,
    from: where && where.at < start.at ? where.at : start.at,
    to: end,
    lines: [...printed, ...(place_ && where ? [where.at + 1] : []), ...said].slice(0, MAX_LINES),
    kind:
      missingTask !== undefined
        ? "usage"
        : jdk
          ? "version-mismatch"
          : trouble && trouble.kind !== "permission"
            ? trouble.kind
            : dependency !== undefined
              ? "dependency-not-found"
              : place_
                ? "configuration"
                : "runtime-error",
    headline:
      missingTask !== undefined
        ? `gradle has no task ${quote(missingTask)}`
        : dependency !== undefined
          ? `gradle cannot get ${quote(dependency)}: ${short(trouble?.what ?? text.at(-1))}`
          : `gradle failed${task === undefined ? "" : ` in the task ${quote(task)}`}: ${short(task === undefined ? text.join(" ") : text.slice(1).join(" "), 200)}`,
    ...placed(place(place_?.[1], place_?.[2])),
    ...(task === undefined ? {} : { within: [`gradle task ${quote(task)}`] }),
    ...(jdk
      ? { next: "choose the version under `phases.install.runtime-versions.java`, or a newer gradle wrapper" }
      : trouble?.next === undefined
        ? {}
        : { next: trouble.next }),
  };
}

/** What the failed task printed: the last lines above gradle's own report. */
function printedAbove(log: ToolLog, start: number): number[] {
  const report = findBefore(log, "FAILURE: Build", /^FAILURE: Build/, start)?.at ?? start;
  const above: number[] = [];
  for (let at = report - 1; at >= 0 && at > report - 12 && above.length < 3; at -= 1) {
    const line = log.lines[at] ?? "";
    if (line.trim() === "" || /^ ?(?:> Task \S+ )?FAILED$/.test(line)) continue;
    if (/^> Task |^> Configure/.test(line)) break;
    above.unshift(at);
  }
  return above;
}

/** `SumTest > adds FAILED`, the exception and the place below it. */
function testFailure(log: ToolLog, task: string, inside: string): Reading | undefined {
  if (!/There were failing tests/.test(inside)) return undefined;
  const tests = findAll(log, " FAILED", /^(?!> Task|:)(\S.* > .+) FAILED$/, 100);
  const [first] = tests;
  if (!first) return undefined;
  const frame = lineAfter(log, first.at, (line) => /\bat .{1,300}\.(?:java|kt|groovy|scala):\d+\)?$/.test(line), 12);
  const [, file, line] = /([\w$]+\.(?:java|kt|groovy|scala)):(\d+)/.exec(log.lines[frame ?? -1] ?? "") ?? [];
  const more = tests.length > 1 ? ` (and ${tests.length - 1} more)` : "";
  const end = find(log, "BUILD FAILED", /^BUILD FAILED/, first.at);
  return {
    rank: "verdict",
    at: first.at,
    to: end?.at ?? first.at,
    lines: [first.at, first.at + 1, ...(frame === undefined || frame === first.at + 1 ? [] : [frame])],
    kind: "test-failure",
    headline: `the test ${quote(first.match[1])} failed: ${quote(log.lines[first.at + 1], 160)}${more}`,
    within: [`gradle task ${quote(task)}`],
    ...placed(place(file, line)),
    next: "the reports are in `build/test-results`: name them under `reports` of the buildspec",
  };
}

function wrapper(log: ToolLog): Reading | undefined {
  const missing = find(
    log,
    "GradleWrapperMain",
    /Could not find or load main class org\.gradle\.wrapper\.GradleWrapperMain/,
  );
  if (missing)
    return {
      rank: "verdict",
      at: missing.at,
      lines: [missing.at],
      kind: "file-not-found",
      headline: "`gradle/wrapper/gradle-wrapper.jar` is not in the source",
      next: "commit it: a rule such as `*.jar` in `.gitignore` leaves it out (`git add -f gradle/wrapper/gradle-wrapper.jar`)",
    };
  const gone = find(log, "daemon disappeared", /Gradle build daemon disappeared unexpectedly/);
  return (
    gone && {
      rank: "verdict",
      at: gone.at,
      lines: [gone.at],
      kind: "out-of-memory",
      headline: "gradle's daemon was killed: most often because memory ran out",
      next: "lower `org.gradle.jvmargs=-Xmx…` and `org.gradle.workers.max` in gradle.properties, or take a larger compute type",
    }
  );
}
