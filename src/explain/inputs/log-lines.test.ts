/** One log, saved in every way that people save it, is read alike. */
import { describe, expect, it } from "vitest";
import { explainBuild, readEvidence } from "../index.ts";

const UUID = "8c2f6d1e-3b7a-4f0e-9d55-2a1b6c7d8e9f";
const LINES = [
  "[Container] 2026/01/02 03:04:05.100001 Running on CodeBuild On-demand",
  "[Container] 2026/01/02 03:04:05.100001 Waiting for agent ping",
  "[Container] 2026/01/02 03:04:05.100001 Phase complete: DOWNLOAD_SOURCE State: SUCCEEDED",
  "[Container] 2026/01/02 03:04:05.100001 Phase context status code:  Message: ",
  "[Container] 2026/01/02 03:04:05.100001 Entering phase BUILD",
  "[Container] 2026/01/02 03:04:05.100001 Running command docker build -t shop .",
  "2026-01-02T03:04:05Z starting",
  "ERROR: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
  "",
  "[Container] 2026/01/02 03:04:06.100001 Command did not exit successfully docker build -t shop . exit status 1",
  "[Container] 2026/01/02 03:04:06.100001 Phase complete: BUILD State: FAILED",
  "[Container] 2026/01/02 03:04:06.100001 Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing command: docker build -t shop .. Reason: exit status 1",
];
const LOG = `${LINES.join("\n")}\n`;
const events = LINES.map((line, index) => ({
  timestamp: 1767323045000 + index,
  message: `${line}\n`,
  ingestionTime: 1767323046000,
}));
const ago = (line: string) => `2026-01-02T03:04:05.123000+00:00 ${UUID} ${line}`;

const SPELLINGS: readonly (readonly [string, string])[] = [
  ["the console's download", LOG],
  ["Windows line ends", LOG.replaceAll("\n", "\r\n")],
  ["a byte order mark", `\uFEFF${LOG}`],
  ["colours", LOG.replaceAll("[Container]", "\u001b[0m[Container]").replace("ERROR:", "\u001b[31;1mERROR:\u001b[0m")],
  ["progress that goes back to the line's start", LOG.replace("ERROR:", "10%\r50%\rERROR:")],
  [
    "aws logs get-log-events",
    JSON.stringify({ events, nextForwardToken: "f/1/s", nextBackwardToken: "b/1/s" }, undefined, 4),
  ],
  [
    "pages of get-log-events after each other",
    `${JSON.stringify({ events: events.slice(0, 6) })}\n${JSON.stringify({ events: events.slice(6) })}\n`,
  ],
  [
    "aws logs filter-log-events",
    JSON.stringify({
      events: events.map((event) => ({ logStreamName: UUID, eventId: "3", ...event })),
      searchedLogStreams: [],
    }),
  ],
  ["a query's events", JSON.stringify(events)],
  [
    "CloudWatch Logs Insights",
    JSON.stringify({
      status: "Complete",
      results: LINES.map((value) => [
        { field: "@timestamp", value: "2026-01-02 03:04:05.000" },
        { field: "@message", value },
        { field: "@ptr", value: "p" },
      ]),
    }),
  ],
  ["a subscription's record", JSON.stringify({ logGroup: "/aws/codebuild/shop", logStream: UUID, logEvents: events })],
  ["aws logs tail", `${LINES.map(ago).join("\n")}\n`],
  ["aws logs tail --format short", `${LINES.map((line) => `2026-01-02T03:04:05 ${line}`).join("\n")}\n`],
  [
    "aws logs get-log-events --output text",
    `b/1/s\tf/1/s\n${events.map(({ message, timestamp }) => `EVENTS\t1767323046000\t${message}\t${timestamp}\n`).join("")}`,
  ],
  [
    "the CloudWatch console's CSV",
    `timestamp,message\n${events.map(({ timestamp, message }) => `${timestamp},"${message.replaceAll('"', '""')}"`).join("\n")}\n`,
  ],
  ["the local agent", `${LINES.map((line) => `agent_1  | ${line.replace(/\.1\d{5} /, " ")}`).join("\n")}\n`],
  ["docker compose 2", `${LINES.map((line) => `build-agent-1  | ${line}`).join("\n")}\n`],
  ["a step of GitHub Actions", `${LINES.map((line) => `2026-01-02T03:04:09.1234567Z ${line}`).join("\n")}\n`],
  [
    "a log of 2018",
    LOG.replaceAll(/(\d\d:\d\d:\d\d)\.\d+ /g, "$1 ")
      .replaceAll("State: FAILED", "Success: false")
      .replaceAll("State: SUCCEEDED", "Success: true"),
  ],
  ["a head that is cut off", LINES.slice(6).join("\n")],
  ["a tail that is cut off", LINES.slice(0, 10).join("\n")],
];

describe("readEvidence of a log", () => {
  it.each(SPELLINGS)("reads %s", (_, text) => {
    const evidence = readEvidence(text);
    expect(evidence.kind).toBe("log");
    expect(evidence.builds).toHaveLength(1);
    const [facts] = evidence.builds;
    if (!facts) throw new Error("no build was read");
    const diagnosis = explainBuild(facts);
    expect(diagnosis).toMatchObject({ code: "docker/privileged-mode-off", phase: "BUILD" });
    expect(diagnosis.evidence[0]).toBe(LINES[7]);
  });

  it("keeps a time that a command printed", () => {
    const [facts] = readEvidence(LINES.map(ago).join("\n")).builds;
    expect(facts?.events).toContainEqual(
      expect.objectContaining({ type: "log", text: "2026-01-02T03:04:05Z starting" }),
    );
  });

  it("tells the builds of one file apart, also where their heads are cut off", () => {
    const failed = LOG.replaceAll("docker build", "docker buildx build");
    expect(readEvidence(LOG + failed).builds.map(({ build }) => build.buildStatus)).toEqual(["FAILED", "FAILED"]);
    const headless = LINES.slice(4).join("\n");
    expect(readEvidence(`${headless}\n${headless}`).builds).toHaveLength(2);
    const other = UUID.replace("8c2f", "9d30");
    const mixed = LINES.flatMap((line) => [ago(line), ago(line).replace(UUID, other)]).join("\n");
    expect(readEvidence(mixed).builds.map(({ build }) => build.phases?.length)).toEqual([2, 2]);
  });

  it("takes a command of several lines for one, and what follows for its output", () => {
    const command = "docker build \\\n  -t shop \\\n  .";
    const text = LOG.replaceAll("docker build -t shop .", command);
    const [facts] = readEvidence(text).builds;
    const finished = facts?.events.find((event) => event.type === "command-finished");
    expect(finished).toMatchObject({ command, exitStatus: 1 });
    expect(facts && explainBuild(facts)).toMatchObject({ code: "docker/privileged-mode-off" });
    expect(facts?.events.filter((event) => event.type === "log" && event.kind === "output")).toHaveLength(3);
  });

  it("says that a log which ends while a command runs is not the whole", () => {
    const [facts] = readEvidence(LINES.slice(0, 7).join("\n")).builds;
    expect(facts && explainBuild(facts)).toMatchObject({
      outcome: "undiagnosed",
      cause: "the log ends while a command runs: `docker build -t shop .`",
      next: "get the rest of it (`aws logs tail /aws/codebuild/PROJECT --since 1d`), or the build's end: `aws codebuild batch-get-builds --ids PROJECT:UUID`, with `--build`",
    });
  });
});
