import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { TestClock } from "../../core/clock.ts";
import type { BuildEvent } from "../run/events.ts";
import {
  createAwsReporter,
  createJsonReporter,
  createPlainReporter,
  createQuietReporter,
  createTtyReporter,
} from "./index.ts";

const START = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
type Body<E> = E extends unknown ? Omit<E, "buildId" | "atMs"> : never;
const at = (offsetMs: number, body: Body<BuildEvent>): BuildEvent => ({
  buildId: "app:1",
  atMs: START + offsetMs,
  ...body,
});
const container = (offsetMs: number, text: string): BuildEvent =>
  at(offsetMs, { type: "log", kind: "container", text });
const output = (offsetMs: number, text: string): BuildEvent => at(offsetMs, { type: "log", kind: "output", text });

const failure = {
  statusCode: "COMMAND_EXECUTION_ERROR",
  message: "Error while executing command: make\nall. Reason: exit status 2",
};
const EVENTS: readonly BuildEvent[] = [
  at(0, {
    type: "build-started",
    buildNumber: 3,
    projectName: "app",
    image: "aws/codebuild/standard:7.0",
    engine: "host",
    serviceRole: "arn:aws:iam::1:role/r",
  }),
  at(0, { type: "phase-started", phaseType: "QUEUED" }),
  at(1, {
    type: "phase-finished",
    phase: { phaseType: "QUEUED", phaseStatus: "SUCCEEDED", startTimeMs: START, endTimeMs: START + 1 },
  }),
  at(1, { type: "phase-started", phaseType: "BUILD" }),
  at(1, { type: "notice", level: "warning", text: "something differs" }),
  container(1, "Entering phase BUILD"),
  at(2, { type: "command-started", phaseType: "BUILD", command: "make\nall", line: 9 }),
  container(2, "Running command make\nall"),
  output(3, "one"),
  output(4, ""),
  at(1500, {
    type: "command-finished",
    phaseType: "BUILD",
    command: "make\nall",
    line: 9,
    exitStatus: 2,
    durationMs: 1498,
    workingDirectory: "/src",
  }),
  container(1500, "Command did not exit successfully make\nall exit status 2"),
  at(1500, {
    type: "phase-finished",
    phase: {
      phaseType: "BUILD",
      phaseStatus: "FAILED",
      startTimeMs: START + 1,
      endTimeMs: START + 1500,
      contexts: [failure],
    },
  }),
  at(1600, { type: "build-finished", buildStatus: "FAILED", phases: [] }),
];

const written = (
  make: (options: { output: { write(text: string): void; columns: number }; clock: TestClock; colour: boolean }) => {
    event(event: BuildEvent): void;
    close(): void;
  },
): string => {
  let text = "";
  const reporter = make({
    output: {
      write: (more) => {
        text += more;
      },
      columns: 60,
    },
    clock: new TestClock(START),
    colour: false,
  });
  for (const event of EVENTS) reporter.event(event);
  reporter.close();
  return text;
};

describe("reports of a build", () => {
  it("plain: what runs, its output, how phases ended", () => {
    expect(
      written(createPlainReporter),
    ).toBe(`build 3 of app (app:1, aws/codebuild/standard:7.0, engine host, role arn:aws:iam::1:role/r)
BUILD
warning: something differs
$ make
> all
one

exit status 2 (buildspec line 9)
BUILD FAILED (1.5 s)
  COMMAND_EXECUTION_ERROR: Error while executing command: make
  all. Reason: exit status 2
build FAILED in 1.6 s
`);
  });

  it("aws: CodeBuild's own log", () => {
    expect(written(createAwsReporter)).toBe(`[Container] 2026/01/02 03:04:05.679000 Entering phase BUILD
[Container] 2026/01/02 03:04:05.680000 Running command make
all
one

[Container] 2026/01/02 03:04:07.178000 Command did not exit successfully make
all exit status 2
`);
  });

  it("aws: shows the phase context of a build that failed before it had a log", () => {
    let text = "";
    const reporter = createAwsReporter({
      output: {
        write: (more) => {
          text += more;
        },
      },
    });
    reporter.event(
      at(0, {
        type: "phase-finished",
        phase: {
          phaseType: "QUEUED",
          phaseStatus: "FAILED",
          startTimeMs: START,
          contexts: [{ statusCode: "ACCESS_DENIED", message: "Service role r does not allow" }],
        },
      }),
    );
    expect(text).toBe(`[Container] 2026/01/02 03:04:05.678000 Phase complete: QUEUED State: FAILED
[Container] 2026/01/02 03:04:05.678000 Phase context status code: ACCESS_DENIED Message: Service role r does not allow
`);
  });

  it("json: every event on a line", () => {
    const lines = written(createJsonReporter).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual(EVENTS);
  });

  it("quiet: warnings, failures, the end", () => {
    expect(written(createQuietReporter)).toBe(`warning: something differs
BUILD FAILED COMMAND_EXECUTION_ERROR: Error while executing command: make
all. Reason: exit status 2
build FAILED
`);
  });

  it("tty: keeps what failed on the screen, and gives the cursor back", () => {
    const text = written(createTtyReporter);
    expect(text.endsWith("\u001b[?25h")).toBe(true);
    const plain = stripVTControlCharacters(text);
    expect(plain).toContain("✗ make\n    all\n    one\n    exit status 2 buildspec line 9\n");
    expect(plain).toContain("✗ BUILD FAILED 1.5 s\n");
    expect(plain).toContain("build FAILED in 1.6 s\n");
  });

  it("tty: redraws timers and last lines in place", () => {
    let text = "";
    const clock = new TestClock(START);
    const reporter = createTtyReporter({
      output: {
        write: (more) => {
          text += more;
        },
        columns: 40,
      },
      clock,
      colour: false,
    });
    for (const event of EVENTS.slice(0, 9)) reporter.event(event);
    text = "";
    clock.advance(2000);
    expect(stripVTControlCharacters(text)).toContain("BUILD 2.0 s\n  $ make … (2.0 s)\n  │ one\n");
    reporter.close();
    text = "";
    clock.advance(1000);
    expect(text).toBe("");
  });

  const liveView = (options: { columns: number; unicode?: boolean }) => {
    let text = "";
    const clock = new TestClock(START);
    const write = (more: string) => {
      text += more;
    };
    const { columns, ...rest } = options;
    const reporter = createTtyReporter({ output: { write, columns }, clock, colour: false, ...rest });
    const command = "make everything that there is to make";
    reporter.event({ type: "phase-started", phaseType: "BUILD", buildId: "b", atMs: START });
    reporter.event({ type: "build-started", ...STARTED, atMs: START });
    reporter.event({ type: "command-started", phaseType: "BUILD", command, line: 3, buildId: "b", atMs: START });
    reporter.event({ type: "log", kind: "output", text: "one", buildId: "b", atMs: START });
    clock.advance(1000);
    reporter.close();
    return stripVTControlCharacters(text);
  };
  const STARTED = {
    buildId: "b",
    buildNumber: 1,
    projectName: "app",
    image: "aws/codebuild/standard:7.0",
    engine: "host",
    serviceRole: "arn:aws:iam::000000000000:role/r",
  } as const;

  it("tty: cuts a long command, never its timer", () => {
    expect(liveView({ columns: 30 })).toContain("\n  $ make everything … (1.0 s)\n");
  });

  it("tty: draws in ASCII where the locale has nothing else", () => {
    const text = liveView({ columns: 30, unicode: false });
    expect(text).toContain("\n  $ make everything ~ (1.0 s)\n  | one\n");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: everything beyond ASCII is what must not be there
    expect(text).not.toMatch(/[^\u0000-\u007f]/);
  });
});
