/** on-failure in all its forms, and builds that end before their time. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { phaseLine, testBuild } from "../../../test/support/run-test-build.ts";
import { systemClock, TestClock } from "../../core/clock.ts";
import { createFakeEngine, createHostEngine } from "../../engines/index.ts";
import type { BuildDocker } from "./build-request.ts";
import type { BuildEvent } from "./events.ts";

const fourPhases = (onFailure: Partial<Record<"install" | "pre_build" | "build" | "post_build", string>>): string =>
  `version: 0.2\nphases:\n${(["install", "pre_build", "build", "post_build"] as const)
    .map((name) => {
      const value = onFailure[name];
      return `  ${name}:\n${value === undefined ? "" : `    on-failure: ${JSON.stringify(value)}\n`}    commands: [do-${name}]\n`;
    })
    .join("")}`;
const failing = (...phases: string[]) =>
  createFakeEngine(
    phases.map((name) => ({ match: `do-${name}\n`, outcome: { kind: "exited", exitCode: 1 } as const })),
  );
const fromInstall = (line: string): string => line.slice(line.indexOf("INSTALL"));

describe("on-failure", () => {
  it.each([
    ["install", undefined, "INSTALL:FAILED FINALIZING:SUCCEEDED COMPLETED", "FAILED"],
    ["install", "ABORT", "INSTALL:FAILED FINALIZING:SUCCEEDED COMPLETED", "FAILED"],
    [
      "install",
      "CONTINUE",
      "INSTALL:FAILED PRE_BUILD:SUCCEEDED BUILD:SUCCEEDED POST_BUILD:SUCCEEDED UPLOAD_ARTIFACTS:SUCCEEDED FINALIZING:SUCCEEDED COMPLETED",
      "SUCCEEDED",
    ],
    [
      "pre_build",
      "CONTINUE",
      "INSTALL:SUCCEEDED PRE_BUILD:FAILED BUILD:SUCCEEDED POST_BUILD:SUCCEEDED UPLOAD_ARTIFACTS:SUCCEEDED FINALIZING:SUCCEEDED COMPLETED",
      "SUCCEEDED",
    ],
    [
      "build",
      undefined,
      "INSTALL:SUCCEEDED PRE_BUILD:SUCCEEDED BUILD:FAILED POST_BUILD:SUCCEEDED UPLOAD_ARTIFACTS:SUCCEEDED FINALIZING:SUCCEEDED COMPLETED",
      "FAILED",
    ],
    ["build", "ABORT", "INSTALL:SUCCEEDED PRE_BUILD:SUCCEEDED BUILD:FAILED FINALIZING:SUCCEEDED COMPLETED", "FAILED"],
    [
      "build",
      "CONTINUE",
      "INSTALL:SUCCEEDED PRE_BUILD:SUCCEEDED BUILD:FAILED POST_BUILD:SUCCEEDED UPLOAD_ARTIFACTS:SUCCEEDED FINALIZING:SUCCEEDED COMPLETED",
      "SUCCEEDED",
    ],
    [
      "post_build",
      "ABORT",
      "INSTALL:SUCCEEDED PRE_BUILD:SUCCEEDED BUILD:SUCCEEDED POST_BUILD:FAILED FINALIZING:SUCCEEDED COMPLETED",
      "FAILED",
    ],
    [
      "post_build",
      undefined,
      "INSTALL:SUCCEEDED PRE_BUILD:SUCCEEDED BUILD:SUCCEEDED POST_BUILD:FAILED UPLOAD_ARTIFACTS:SUCCEEDED FINALIZING:SUCCEEDED COMPLETED",
      "FAILED",
    ],
    [
      "build",
      "RETRY-2",
      "INSTALL:SUCCEEDED PRE_BUILD:SUCCEEDED BUILD:FAILED POST_BUILD:SUCCEEDED UPLOAD_ARTIFACTS:SUCCEEDED FINALIZING:SUCCEEDED COMPLETED",
      "FAILED",
    ],
  ] as const)("%s failing under %s", async (phase, value, expected, status) => {
    const { result } = await testBuild({
      buildspec: fourPhases(value === undefined ? {} : { [phase]: value }),
      engine: failing(phase),
    });
    expect(fromInstall(phaseLine(result))).toBe(expected);
    expect(result.buildStatus).toBe(status);
  });

  it.each([
    ["RETRY", { maximum: 3 }],
    ["RETRY-1", { maximum: 1 }],
    ["RETRY-2-exit status [1-3]", { maximum: 2 }],
    ["RETRY-exit status 7", undefined],
    ["RETRY-0", { maximum: 0 }],
    ["ABORT", undefined],
  ])("%s asks for %o after a matching failure", async (value, expected) => {
    const { result } = await testBuild({
      buildspec: fourPhases({ pre_build: value }),
      engine: failing("pre_build"),
      clock: systemClock,
    });
    expect(result.retry).toEqual(expected);
  });

  it("a failing finally fails the phase; CONTINUE keeps CODEBUILD_BUILD_SUCCEEDING at 1", async () => {
    const engine = createHostEngine();
    const { log, result } = await testBuild({
      engine,
      buildspec:
        "version: 0.2\nphases:\n  pre_build:\n    on-failure: CONTINUE\n    commands: ['true']\n    finally: ['false']\n  build:\n    commands: ['echo pre=$CODEBUILD_BUILD_SUCCEEDING; false']\n    finally: ['echo finally=$CODEBUILD_BUILD_SUCCEEDING']\n",
    });
    expect(phaseLine(result)).toContain("PRE_BUILD:FAILED BUILD:FAILED POST_BUILD");
    expect(log).toContain("\npre=1\n");
    expect(log).toContain("\nfinally=0\n");
    expect(result.phases.find((phase) => phase.phaseType === "PRE_BUILD")?.contexts?.[0]?.message).toBe(
      "Error while executing command: false. Reason: exit status 1",
    );
  });
});

describe("a build that ends before its time", () => {
  const spec = fourPhases({});

  it("in the queue is TIMED_OUT there and runs nothing", async () => {
    const engine = createFakeEngine();
    const { result } = await testBuild({ buildspec: spec, engine, dependencies: { queueTimedOut: true } });
    expect(result.buildStatus).toBe("TIMED_OUT");
    expect(phaseLine(result)).toBe("SUBMITTED:SUCCEEDED QUEUED:TIMED_OUT COMPLETED");
    expect(engine.opened).toEqual([]);
  });

  it("counts its wait as QUEUED, from when it was submitted", async () => {
    const clock = new TestClock();
    const startTimeMs = clock.nowMs() - 90_000;
    const { result } = await testBuild({
      buildspec: spec,
      engine: createFakeEngine(),
      clock,
      request: { startTimeMs },
    });
    expect(result.phases.slice(0, 2)).toMatchObject([
      { phaseType: "SUBMITTED", startTimeMs, endTimeMs: startTimeMs, durationInSeconds: 0 },
      { phaseType: "QUEUED", startTimeMs, durationInSeconds: 90 },
    ]);
  });

  it("is STOPPED in QUEUED when it was stopped there", async () => {
    const { result } = await testBuild({
      buildspec: spec,
      engine: createFakeEngine(),
      dependencies: { signal: AbortSignal.abort() },
    });
    expect(phaseLine(result)).toBe("SUBMITTED:SUCCEEDED QUEUED:STOPPED COMPLETED");
  });

  it("is STOPPED in PROVISIONING, although what happens there does not listen", async () => {
    const controller = new AbortController();
    const clock = new TestClock();
    const never = new Promise<BuildDocker>(() => {});
    const { result } = await testBuild({
      buildspec: spec,
      engine: createFakeEngine(),
      clock,
      dependencies: {
        signal: controller.signal,
        openDocker: () => {
          setImmediate(() => {
            controller.abort();
            clock.advance(10_000);
          });
          return never;
        },
      },
    });
    expect(phaseLine(result)).toBe("SUBMITTED:SUCCEEDED QUEUED:SUCCEEDED PROVISIONING:STOPPED COMPLETED");
    expect(result.phases.at(-2)).not.toHaveProperty("contexts");
  });

  it("is STOPPED between two phases in the one that would have begun", async () => {
    const controller = new AbortController();
    const { result, log } = await testBuild({
      buildspec: spec,
      engine: createFakeEngine(),
      dependencies: { signal: controller.signal },
      onEvent: (event) => {
        if (event.type === "phase-finished" && event.phase.phaseType === "PRE_BUILD") controller.abort();
      },
    });
    expect(fromInstall(phaseLine(result))).toBe("INSTALL:SUCCEEDED PRE_BUILD:SUCCEEDED BUILD:STOPPED COMPLETED");
    expect(result.buildStatus).toBe("STOPPED");
    expect(log).not.toContain("Phase complete: BUILD");
  });

  it("times out in the phase that runs, and nothing follows", async () => {
    const clock = new TestClock();
    const { result, log } = await testBuild({
      buildspec: spec,
      clock,
      engine: createFakeEngine([{ match: "do-build", output: ["x\n"], hangs: true }]),
      onEvent: (event) => {
        if (event.type === "log" && event.text === "x") clock.advance(3_600_000);
      },
    });
    expect(fromInstall(phaseLine(result))).toBe("INSTALL:SUCCEEDED PRE_BUILD:SUCCEEDED BUILD:TIMED_OUT COMPLETED");
    expect(result.retry).toBeUndefined();
    expect(log).toContain("C Phase context status code: BUILD_TIMED_OUT Message: Build has timed out. ");
  });

  it("leaves no process of a real command behind", async () => {
    // Of this run: others may go on beside it.
    const own = String(process.pid).padStart(7, "0");
    const controller = new AbortController();
    const { result } = await testBuild({
      engine: createHostEngine({ graceMs: 100 }),
      clock: systemClock,
      dependencies: { signal: controller.signal },
      buildspec: `version: 0.2\nphases:\n  build:\n    commands: ['trap "" TERM; setsid -f sleep 4711${own}; (sleep 4712${own} &) ; echo up; while :; do sleep 1; echo more; done']\n`,
      onEvent: (event) => {
        if (event.type === "log" && event.text === "up") controller.abort();
      },
    });
    expect(result.buildStatus).toBe("STOPPED");
    expect(spawnSync("pgrep", ["-f", `sleep 471[12]${own}`], { encoding: "utf8" }).stdout).toBe("");
  });

  it("is a FAULT that names the full disk when its events cannot be kept", async () => {
    const seen: BuildEvent[] = [];
    let isFull = false;
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const { result } = await testBuild({
      engine: createHostEngine({ graceMs: 100 }),
      clock: systemClock,
      buildspec: "version: 0.2\nphases:\n  build:\n    commands: ['echo one; sleep 600', 'echo two']\n",
      dependencies: {
        emit: (event) => {
          if (isFull) throw full;
          if (event.type === "log" && event.text === "one") {
            isFull = true;
            throw full;
          }
          seen.push(event);
        },
      },
    });
    expect(result.buildStatus).toBe("FAULT");
    expect(result.phases.find((phase) => phase.phaseType === "BUILD")).toMatchObject({
      phaseStatus: "FAULT",
      contexts: [
        {
          statusCode: "INTERNAL_SERVICE_ERROR",
          message: "no space is left on this machine for the build's log; free some and start the build again",
        },
      ],
    });
    expect(phaseLine(result)).toMatch(/BUILD:FAULT COMPLETED$/);
    expect(seen.at(-1)).toMatchObject({ type: "log", text: expect.stringContaining("Running command echo one") });
  });
});
