/** What a saved text is, and what is read from it. */
import { describe, expect, it } from "vitest";
import { explainBuild, joinFacts, readEvidence } from "../index.ts";

const ARN = "arn:aws:codebuild:eu-west-1:111122223333:build/shop:8c2f6d1e-3b7a-4f0e-9d55-2a1b6c7d8e9f";
const MESSAGE = "Error while executing command: make. Reason: exit status 2";
const phase = {
  phaseType: "BUILD",
  phaseStatus: "FAILED",
  startTime: 1767323045.123,
  contexts: [{ statusCode: "COMMAND_EXECUTION_ERROR", message: MESSAGE }],
};
const BUILD = { id: "shop:8c2f", arn: ARN, projectName: "shop", buildStatus: "FAILED", phases: [phase] };
const EVENT = {
  source: "aws.codebuild",
  "detail-type": "CodeBuild Build Phase Change",
  detail: {
    "completed-phase": "BUILD",
    "completed-phase-status": "FAILED",
    "completed-phase-context": `[COMMAND_EXECUTION_ERROR: ${MESSAGE}]`,
    "project-name": "shop",
    "build-id": ARN,
    "additional-information": { environment: { image: "aws/codebuild/standard:7.0", "privileged-mode": false } },
  },
};
const STATE = {
  ...EVENT,
  "detail-type": "CodeBuild Build State Change",
  detail: {
    "build-status": "FAILED",
    "project-name": "shop",
    "build-id": ARN,
    "additional-information": {
      phases: [
        { "phase-type": "INSTALL", "phase-status": "SUCCEEDED", "phase-context": [": "] },
        { "phase-type": "BUILD", "phase-status": "FAILED", "phase-context": [`COMMAND_EXECUTION_ERROR: ${MESSAGE}`] },
      ],
    },
  },
};

describe("readEvidence of builds", () => {
  it.each([
    ["BatchGetBuilds", { builds: [BUILD], buildsNotFound: [] }],
    ["StopBuild and StartBuild", { build: BUILD }],
    ["a build alone", BUILD],
    ["an EventBridge phase change", EVENT],
    ["an EventBridge state change", STATE],
    ["events in an SNS envelope", { Type: "Notification", Message: JSON.stringify(STATE) }],
    ["events that a queue holds", { Messages: [{ Body: JSON.stringify(EVENT) }] }],
  ])("reads %s", (_, value) => {
    const { kind, builds } = readEvidence(JSON.stringify(value, undefined, 2));
    expect(kind).toBe("build");
    expect(builds).toHaveLength(1);
    expect(builds[0] && explainBuild(builds[0])).toMatchObject({ phase: "BUILD", evidence: [MESSAGE] });
    expect(builds[0]?.build.projectName).toBe("shop");
  });

  it("reads times of the wire and of the aws CLI", () => {
    const startOf = (startTime: unknown) =>
      readEvidence(JSON.stringify({ ...BUILD, startTime })).builds[0]?.build.startTime;
    expect(startOf(1767323045.123)).toBe(1767323045123);
    expect(startOf("2026-01-02T03:04:05.123000+00:00")).toBe(1767323045123);
  });

  it("puts the events of one build together", () => {
    const queued = {
      ...EVENT,
      detail: {
        ...EVENT.detail,
        "completed-phase": "QUEUED",
        "completed-phase-status": "SUCCEEDED",
        "completed-phase-context": "[]",
      },
    };
    const { builds } = readEvidence(JSON.stringify([queued, EVENT]));
    expect(builds.map(({ build }) => build.phases?.map(({ phaseType }) => phaseType))).toEqual([["QUEUED", "BUILD"]]);
  });

  it("completes a record with its log", () => {
    const [record] = readEvidence(
      JSON.stringify({ ...BUILD, environment: { privilegedMode: false }, phases: [{ ...phase, contexts: [] }] }),
    ).builds;
    const [log] = readEvidence(
      "[Container] 2026/01/02 03:04:05.1 Entering phase BUILD\n[Container] 2026/01/02 03:04:05.1 Running command docker ps\nCannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n\n[Container] 2026/01/02 03:04:05.1 Command did not exit successfully docker ps exit status 1\n",
    ).builds;
    expect(record && log && explainBuild(joinFacts(log, record))).toMatchObject({ code: "docker/privileged-mode-off" });
  });
});

const REFUSED = "Cannot have more than 60 active builds for the account";

describe("readEvidence of errors", () => {
  it.each([
    [
      "the aws CLI",
      `\nAn error occurred (AccountLimitExceededException) when calling the StartBuild operation: ${REFUSED}\n`,
    ],
    [
      "boto3",
      `botocore.errorfactory.AccountLimitExceededException: An error occurred (AccountLimitExceededException) when calling the StartBuild operation (reached max retries: 4): ${REFUSED}`,
    ],
    [
      "Terraform",
      `╷\n│ Error: starting build: operation error CodeBuild: StartBuild, https response error\n│ StatusCode: 400, RequestID: 11111111-2222, AccountLimitExceededException:\n│ Cannot have more than 60 active builds for the account\n╵`,
    ],
    [
      "the SDK for Java",
      `${REFUSED} (Service: AWSCodeBuild; Status Code: 400; Error Code: AccountLimitExceededException; Request ID: 1; Proxy: null)`,
    ],
    [
      "CloudFormation",
      `CREATE_FAILED AWS::CodeBuild::Project Resource handler returned message: "Invalid request provided: ${REFUSED} (Service: AWSCodeBuild; Status Code: 400; Error Code: AccountLimitExceededException; Request ID: 1; Proxy: null)" (RequestToken: 1)`,
    ],
    [
      "the SDK for JavaScript",
      `AccountLimitExceededException: ${REFUSED}\n    at throwDefaultError (/app/node_modules/x.js:1:1)`,
    ],
    ["the wire", JSON.stringify({ __type: "AccountLimitExceededException", message: REFUSED })],
    ["the console", `Code:AccountLimitExceededException, Message:${REFUSED}`],
  ])("reads one of %s", (_, text) => {
    const { kind, builds } = readEvidence(text);
    expect(kind).toBe("error");
    expect(builds[0] && explainBuild(builds[0])).toMatchObject({
      code: "account/active-builds-limit",
      evidence: [expect.stringContaining(REFUSED)],
    });
  });

  it.each([
    [
      "CodePipeline",
      "Build terminated with state: FAILED. Phase: DOWNLOAD_SOURCE, Code: YAML_FILE_ERROR, Message: YAML file does not exist",
    ],
    [
      "a pipeline's execution as JSON",
      JSON.stringify({
        errorDetails: {
          message:
            "Build terminated with state: FAILED. Phase: DOWNLOAD_SOURCE, Code: YAML_FILE_ERROR, Message: YAML file does not exist",
        },
      }),
    ],
    ["the console", "YAML_FILE_ERROR: YAML file does not exist"],
    ["a line of the log alone", "Phase context status code: YAML_FILE_ERROR Message: YAML file does not exist"],
  ])("reads a phase's failure from %s", (_, text) => {
    const [facts] = readEvidence(text).builds;
    expect(facts && explainBuild(facts)).toMatchObject({ code: "buildspec/missing", phase: "DOWNLOAD_SOURCE" });
  });

  it("says what it does not know of a refused call", () => {
    const [facts] = readEvidence(
      "An error occurred (InvalidInputException) when calling the CreateProject operation: Invalid cache: location is required",
    ).builds;
    expect(facts && explainBuild(facts)).toMatchObject({
      outcome: "undiagnosed",
      code: "api/request-refused",
      cause: "`CreateProject` was refused with `InvalidInputException`: Invalid cache: location is required",
    });
  });

  it("reads who may not make a call", () => {
    const [facts] = readEvidence(
      "An error occurred (AccessDeniedException) when calling the CreateProject operation: User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/build because no identity-based policy allows the iam:PassRole action",
    ).builds;
    const diagnosis = facts && explainBuild(facts);
    expect(diagnosis).toMatchObject({
      code: "iam/request-denied",
      cause:
        "`arn:aws:iam::111122223333:user/ann` may not make this call: no policy allows `iam:PassRole` on `arn:aws:iam::111122223333:role/build`",
      fix: {
        policy: {
          Statement: [
            {
              Action: ["iam:PassRole"],
              Condition: { StringEquals: { "iam:PassedToService": "codebuild.amazonaws.com" } },
            },
          ],
        },
      },
    });
    expect(diagnosis?.fix).toMatchObject({
      commands: [expect.stringContaining("aws iam put-user-policy --user-name ann")],
    });
  });
});

describe("texts that somebody made to be no evidence", () => {
  const inLog = (output: string) =>
    [
      "[Container] 2026/01/02 03:04:05.000000 Entering phase BUILD",
      "[Container] 2026/01/02 03:04:05.000000 Running command make",
      output,
      "[Container] 2026/01/02 03:04:06.000000 Command did not exit successfully make exit status 2",
      "[Container] 2026/01/02 03:04:06.000000 Phase complete: BUILD State: FAILED",
    ].join("\n");
  const explained = (text: string) => readEvidence(text).builds.map((facts) => explainBuild(facts).code);

  it("are read in time, however long their lines are", () => {
    const pumped = [
      "\r",
      " ",
      "E: Unable to locate package x",
      "ENOTDIR .git",
      "Phase context status code: ",
      "`",
      "| -- ",
    ];
    for (const part of pumped) {
      expect(explained(inLog(part.repeat(1_000_000 / part.length)))).toHaveLength(1);
    }
    for (const part of [
      "[Container] ",
      "x (Service: ",
      "Phase context status code:  ",
      "\n",
      "Unable to pull customer's container image`",
    ]) {
      expect(explained(part.repeat(500_000 / part.length)).length).toBeLessThan(20);
    }
  });

  it("say nothing by members that are not of AWS's kind", () => {
    const odd = [
      { id: 1, buildStatus: "FAILED", phases: { a: 1 }, environment: [], source: "x", logs: 3, artifacts: null },
      { id: "a:b", buildStatus: "FAILED", phases: [null, 1, { phaseType: 3, contexts: "x" }] },
      { id: "a:b", buildStatus: "FAILED", phases: [{ ...phase, contexts: [null, { message: 5 }] }] },
      { id: "a:b", buildStatus: 7, phases: [phase], environment: { environmentVariables: { a: 1 } } },
    ];
    for (const build of odd) expect(explained(JSON.stringify({ builds: [build] }))).toHaveLength(1);
  });

  it("do not nest without end", () => {
    expect(readEvidence("[".repeat(20_000) + "]".repeat(20_000)).kind).toBe("text");
    expect(readEvidence(`${'{"build":'.repeat(5_000)}1${"}".repeat(5_000)}`).kind).toBe("text");
    const deep = `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`;
    expect(readEvidence(`{"id":"a:b","buildStatus":"FAILED","x":${deep}}`).kind).toBe("build");
  });
});
