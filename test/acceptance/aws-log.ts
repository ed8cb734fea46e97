/** Logs, records and events in the form that AWS keeps them, for rows that only AWS can show. */

export const ACCOUNT = "111122223333";
export const REGION = "us-east-1";
export const PROJECT = "shop";
export const UUID = "8c2f6d1e-3b7a-4f0e-9d55-2a1b6c7d8e9f";
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/service-role/codebuild-shop-service-role`;
export const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/codebuild-shop-service-role/AWSCodeBuild-${UUID}`;

export interface LoggedCommand {
  readonly text: string;
  readonly output?: string;
  /** 0 unless told. */
  readonly exit?: number;
}

export interface LogScript {
  readonly download?: readonly string[];
  /** `CODE: message` with which DOWNLOAD_SOURCE fails. */
  readonly downloadFails?: readonly [code: string, message: string];
  readonly install?: readonly LoggedCommand[];
  readonly preBuild?: readonly LoggedCommand[];
  readonly build?: readonly LoggedCommand[];
  readonly postBuild?: readonly LoggedCommand[];
  readonly upload?: readonly string[];
  readonly uploadFails?: readonly [code: string, message: string];
}

/** A whole log as the console downloads it. */
export function awsLog(script: LogScript): string {
  const lines: string[] = [];
  let second = 0;
  const say = (text: string) => {
    const at = `2026/03/04 10:${String(10 + Math.floor(second / 60)).padStart(2, "0")}:${String(second % 60).padStart(2, "0")}`;
    second++;
    lines.push(`[Container] ${at}.${String(100000 + second * 731)} ${text}`);
  };
  const end = (phase: string, failed?: readonly [string, string]) => {
    say(`Phase complete: ${phase} State: ${failed ? "FAILED" : "SUCCEEDED"}`);
    say(`Phase context status code: ${failed?.[0] ?? ""} Message: ${failed?.[1] ?? ""}`);
  };
  say("Running on CodeBuild On-demand");
  say("Waiting for agent ping");
  say("Waiting for DOWNLOAD_SOURCE");
  say("Phase is DOWNLOAD_SOURCE");
  say("CODEBUILD_SRC_DIR=/codebuild/output/src48989638/src");
  say("YAML location is /codebuild/output/src48989638/src/buildspec.yml");
  for (const line of script.download ?? ["Processing environment variables"]) say(line);
  end("DOWNLOAD_SOURCE", script.downloadFails);
  if (script.downloadFails) return `${lines.join("\n")}\n`;
  const phases = [
    ["INSTALL", script.install],
    ["PRE_BUILD", script.preBuild],
    ["BUILD", script.build],
    ["POST_BUILD", script.postBuild],
  ] as const;
  for (const [phase, commands = []] of phases) {
    say(`Entering phase ${phase}`);
    let failed: readonly [string, string] | undefined;
    for (const { text, output = "", exit = 0 } of commands) {
      say(`Running command ${text}`);
      lines.push(...output.split("\n"), "");
      if (exit === 0) continue;
      say(`Command did not exit successfully ${text} exit status ${exit}`);
      failed = ["COMMAND_EXECUTION_ERROR", `Error while executing command: ${text}. Reason: exit status ${exit}`];
      break;
    }
    end(phase, failed);
    if (failed && (phase === "INSTALL" || phase === "PRE_BUILD")) return `${lines.join("\n")}\n`;
  }
  for (const line of script.upload ?? []) say(line);
  end("UPLOAD_ARTIFACTS", script.uploadFails);
  return `${lines.join("\n")}\n`;
}

/** A build that ended before its containers began, or of which only the record is known. */
export function awsBuild(
  phaseType: string,
  statusCode: string,
  message: string,
  more: Readonly<Record<string, unknown>> = {},
): unknown {
  const order = [
    "SUBMITTED",
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "UPLOAD_ARTIFACTS",
  ];
  const before = order.slice(0, order.indexOf(phaseType));
  const at = (second: number) => `2026-03-04T10:10:${String(second).padStart(2, "0")}.123000+00:00`;
  const phases = [
    ...before.map((phase, index) => ({
      phaseType: phase,
      phaseStatus: "SUCCEEDED",
      startTime: at(index),
      endTime: at(index + 1),
      durationInSeconds: 1,
      ...(index > 1 ? { contexts: [{ statusCode: "", message: "" }] } : {}),
    })),
    {
      phaseType,
      phaseStatus: "FAILED",
      startTime: at(before.length),
      endTime: at(before.length + 7),
      durationInSeconds: 7,
      contexts: [{ statusCode, message }],
    },
    { phaseType: "COMPLETED", startTime: at(before.length + 7) },
  ];
  const { environment, ...rest } = more;
  const build = {
    id: `${PROJECT}:${UUID}`,
    arn: `arn:aws:codebuild:${REGION}:${ACCOUNT}:build/${PROJECT}:${UUID}`,
    buildNumber: 12,
    startTime: at(0),
    endTime: at(30),
    currentPhase: "COMPLETED",
    buildStatus: "FAILED",
    sourceVersion: "refs/heads/main",
    projectName: PROJECT,
    phases,
    source: {
      type: "CODECOMMIT",
      location: `https://git-codecommit.${REGION}.amazonaws.com/v1/repos/shop`,
      insecureSsl: false,
    },
    secondarySources: [],
    artifacts: { location: "" },
    cache: { type: "NO_CACHE" },
    environment: {
      type: "LINUX_CONTAINER",
      image: "aws/codebuild/standard:7.0",
      computeType: "BUILD_GENERAL1_SMALL",
      environmentVariables: [],
      privilegedMode: false,
      imagePullCredentialsType: "CODEBUILD",
      ...(environment as object | undefined),
    },
    serviceRole: ROLE,
    logs: { groupName: `/aws/codebuild/${PROJECT}`, streamName: UUID },
    timeoutInMinutes: 60,
    queuedTimeoutInMinutes: 480,
    buildComplete: true,
    initiator: "ann",
    encryptionKey: `arn:aws:kms:${REGION}:${ACCOUNT}:alias/aws/s3`,
    ...rest,
  };
  return { builds: [build], buildsNotFound: [] };
}

/** A project as BatchGetProjects answers it. */
export const awsProject = (more: Readonly<Record<string, unknown>>): unknown => ({
  projects: [
    {
      name: PROJECT,
      arn: `arn:aws:codebuild:${REGION}:${ACCOUNT}:project/${PROJECT}`,
      source: { type: "GITHUB", location: "https://github.com/example/shop.git", reportBuildStatus: false },
      artifacts: { type: "NO_ARTIFACTS" },
      environment: {
        type: "LINUX_CONTAINER",
        image: "aws/codebuild/standard:7.0",
        computeType: "BUILD_GENERAL1_SMALL",
      },
      serviceRole: ROLE,
      ...more,
    },
  ],
  projectsNotFound: [],
});

/** What the aws CLI prints of a refused call. */
export const cliError = (code: string, operation: string, message: string): string =>
  `\nAn error occurred (${code}) when calling the ${operation} operation: ${message}\n`;
