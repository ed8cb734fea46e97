import { describe, expect, it } from "vitest";
import { TestIds } from "../../../core/ids.ts";
import { openStore } from "../../../store/index.ts";
import type { BatchRecord } from "../batches/batch-records.ts";
import type { BuildRecord } from "../records.ts";
import { batchChangesBetween } from "./batch-change.ts";
import { changesBetween, dateText, type StateChangeEvent } from "./state-change.ts";
import { appendEvents, eventsAfter, KEPT_EVENTS, lastSequence, oldestSequence } from "./state-change-log.ts";

const START = Date.UTC(2017, 8, 1, 16, 12, 29);
const SCOPE = { partition: "aws", region: "us-west-2", accountId: "123456789012" };
const ARN = "arn:aws:codebuild:us-west-2:123456789012:build/my-sample-project:8745a7a9-c340-456a-9166-edf953571bee";

const NEW = {
  scope: SCOPE,
  settings: {
    projectName: "my-sample-project",
    source: { type: "S3", location: "bucket/input.zip" },
    cache: { type: "NO_CACHE" },
    environment: {
      type: "LINUX_CONTAINER",
      image: "aws/codebuild/standard:4.0",
      computeType: "BUILD_GENERAL1_SMALL",
      privilegedMode: false,
      imagePullCredentialsType: "CODEBUILD",
    },
    timeoutInMinutes: 60,
    queuedTimeoutInMinutes: 480,
  },
  build: {
    arn: ARN,
    buildNumber: 3,
    startTime: START,
    buildStatus: "IN_PROGRESS",
    buildComplete: false,
    initiator: "MyCodeBuildDemoUser",
    environment: { environmentVariables: [{ name: "A", value: "/my/parameter", type: "PARAMETER_STORE" }] },
    logs: { deepLink: "https://console.aws.amazon.com/" },
  },
  phases: [
    { phaseType: "SUBMITTED", phaseStatus: "SUCCEEDED", startTimeMs: START, endTimeMs: START, durationInSeconds: 0 },
    { phaseType: "QUEUED", startTimeMs: START },
  ],
} as unknown as BuildRecord;

const failedPhase = {
  phaseType: "BUILD",
  phaseStatus: "FAILED",
  startTimeMs: START,
  endTimeMs: START + 4_000,
  durationInSeconds: 4,
  contexts: [{ statusCode: "COMMAND_EXECUTION_ERROR", message: "Error while executing command: false." }],
} as const;

const FAILED = {
  ...NEW,
  build: {
    ...NEW.build,
    buildStatus: "FAILED",
    buildComplete: true,
    endTime: START + 5_000,
    currentPhase: "COMPLETED",
  },
  phases: [...NEW.phases.slice(0, 1), failedPhase, { phaseType: "COMPLETED", startTimeMs: START + 5_000 }],
} as BuildRecord;

const told = (events: readonly StateChangeEvent[]): string[] =>
  events.map(({ detail }) =>
    String(detail["completed-phase"] ?? detail["build-status"] ?? detail["build-batch-status"]),
  );

describe("changes of a build", () => {
  it("show no credentials of a source's URL", () => {
    const source = { type: "GITHUB", location: "https://someone:a-token@git.example/owner/app.git" } as const;
    const [event] = changesBetween(undefined, { ...NEW, settings: { ...NEW.settings, source } });
    expect(event?.detail["additional-information"]).toMatchObject({
      source: { location: "https://git.example/owner/app.git", type: "GITHUB" },
    });
    expect(JSON.stringify(event)).not.toContain("a-token");
  });

  it("begin with its state and its first phase", () => {
    const events = changesBetween(undefined, NEW);
    expect(told(events)).toEqual(["IN_PROGRESS", "SUBMITTED"]);
    expect(events[0]).toEqual({
      version: "0",
      id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      "detail-type": "CodeBuild Build State Change",
      source: "aws.codebuild",
      account: "123456789012",
      time: "2017-09-01T16:12:29Z",
      region: "us-west-2",
      resources: [ARN],
      detail: {
        "build-status": "IN_PROGRESS",
        "project-name": "my-sample-project",
        "build-id": ARN,
        "additional-information": {
          artifact: { location: "" },
          cache: { type: "NO_CACHE" },
          environment: {
            image: "aws/codebuild/standard:4.0",
            "privileged-mode": false,
            "image-pull-credentials-type": "CODEBUILD",
            "compute-type": "BUILD_GENERAL1_SMALL",
            type: "LINUX_CONTAINER",
            "environment-variables": [{ name: "A", type: "PARAMETER_STORE", value: "/my/parameter" }],
          },
          "timeout-in-minutes": 60,
          "build-complete": false,
          "build-number": 3,
          initiator: "MyCodeBuildDemoUser",
          "build-start-time": "Sep 1, 2017 4:12:29 PM",
          source: { location: "bucket/input.zip", type: "S3" },
          logs: { "deep-link": "https://console.aws.amazon.com/" },
          phases: [
            {
              "phase-context": [],
              "start-time": "Sep 1, 2017 4:12:29 PM",
              "end-time": "Sep 1, 2017 4:12:29 PM",
              "duration-in-seconds": 0,
              "phase-type": "SUBMITTED",
              "phase-status": "SUCCEEDED",
            },
            { "start-time": "Sep 1, 2017 4:12:29 PM", "phase-type": "QUEUED" },
          ],
          "queued-timeout-in-minutes": 480,
        },
        "current-phase": "SUBMITTED",
        "current-phase-context": "[]",
        version: "1",
      },
    });
  });

  it("name the phase that failed, and why", () => {
    const [phase, state] = changesBetween(NEW, FAILED);
    expect(phase?.detail).toMatchObject({
      "completed-phase": "BUILD",
      "completed-phase-status": "FAILED",
      "completed-phase-context": "[COMMAND_EXECUTION_ERROR: Error while executing command: false.]",
      "completed-phase-duration-seconds": 4,
      "completed-phase-start": "Sep 1, 2017 4:12:29 PM",
      "completed-phase-end": "Sep 1, 2017 4:12:33 PM",
    });
    expect(state?.detail).toMatchObject({
      "build-status": "FAILED",
      "current-phase": "COMPLETED",
      "current-phase-context": "[COMMAND_EXECUTION_ERROR: Error while executing command: false.]",
    });
  });

  it("are none where nothing changed, and the same each time they are made", () => {
    expect(changesBetween(FAILED, FAILED)).toEqual([]);
    expect(changesBetween(NEW, FAILED)).toEqual(changesBetween(NEW, FAILED));
  });

  it("have dates in UTC, without leading zeros in the hour", () => {
    expect(dateText(Date.UTC(2026, 0, 2, 0, 5, 9))).toBe("Jan 2, 2026 12:05:09 AM");
    expect(dateText(Date.UTC(2026, 11, 31, 12, 0, 0))).toBe("Dec 31, 2026 12:00:00 PM");
  });
});

describe("changes of a batch", () => {
  const batch = (complete: boolean, phases: object[], status = "IN_PROGRESS"): BatchRecord =>
    ({
      scope: SCOPE,
      initiator: "root",
      settings: NEW.settings,
      batch: { arn: ARN, startTime: START, complete, buildBatchStatus: status },
      phases,
      groups: [],
    }) as unknown as BatchRecord;
  const submitted = { phaseType: "SUBMITTED", phaseStatus: "SUCCEEDED", startTimeMs: START, endTimeMs: START };

  it("follow the pattern of a build's, and begin again with a retry", () => {
    const running = batch(false, [submitted]);
    const failed = batch(true, [submitted, { phaseType: "FAILED", startTimeMs: START + 1 }], "FAILED");
    expect(told(batchChangesBetween(undefined, running))).toEqual(["IN_PROGRESS", "SUBMITTED"]);
    expect(told(batchChangesBetween(running, failed))).toEqual(["FAILED"]);
    const again = batch(false, [submitted, { phaseType: "IN_PROGRESS", startTimeMs: START + 2 }]);
    expect(told(batchChangesBetween(failed, again))).toEqual(["IN_PROGRESS"]);
    expect(batchChangesBetween(running, failed)[0]?.["detail-type"]).toBe("CodeBuild Build Batch State Change");
  });
});

describe("the log of events", () => {
  it("keeps the newest, in order, with numbers that go on", async () => {
    const store = await openStore({ ids: new TestIds() });
    const [event] = changesBetween(undefined, NEW);
    if (!event) throw new Error("no event");
    const many = Array<StateChangeEvent>(1_000).fill(event);
    for (let round = 0; round < 12; round++) await store.write(() => appendEvents(store, many));
    expect(lastSequence(store)).toBe(12_000);
    expect(oldestSequence(store)).toBe(12_000 - KEPT_EVENTS + 1);
    expect(eventsAfter(store, 11_998, 10).map(({ sequence }) => sequence)).toEqual([11_999, 12_000]);
    await store.close();
  });
});
