/** Facts of made-up builds for tests of explanations: a buildspec, the failing phase, what its command printed. */
import { parseBuildspec } from "../../src/build/buildspec/index.ts";
import { planBuild } from "../../src/build/plan/index.ts";
import type { BuildEvent, PhaseType } from "../../src/build/run/events.ts";
import { createMemoryWorkspace } from "../../src/check/index.ts";
import type { BuildFacts, ParameterFacts } from "../../src/explain/index.ts";

export const BUILD_ID = "flask:00000000-0000-4000-8000-000000000001";
const UUID = "00000000-0000-4000-8000-000000000001";

export interface FactsInput {
  readonly buildspec?: string;
  readonly phase: PhaseType;
  readonly phaseStatus?: string;
  readonly statusCode?: string;
  readonly message?: string;
  /** The failing command: must stand in the buildspec when one is given. */
  readonly command?: string;
  readonly exitStatus?: number;
  readonly output?: readonly string[];
  /** Below the source folder. */
  readonly directory?: string;
  readonly files?: readonly string[] | Readonly<Record<string, string>>;
  readonly ignored?: readonly string[];
  readonly parameters?: readonly ParameterFacts[];
  readonly privilegedMode?: boolean;
  /** The facts are those of a build of AWS's, read from files. */
  readonly isSaved?: boolean;
  readonly lastSuccess?: BuildFacts["lastSuccess"];
  readonly decisions?: BuildFacts["decisions"];
  /** More members of the build. */
  readonly build?: BuildFacts["build"];
  /** More events, after those of the command. */
  readonly events?: BuildFacts["events"];
}

export function factsOf(input: FactsInput): BuildFacts {
  const parsed = input.buildspec === undefined ? undefined : parseBuildspec(input.buildspec, "buildspec.yml");
  const buildspec = parsed?.buildspec;
  const environment = {
    type: "LINUX_CONTAINER",
    image: "aws/codebuild/standard:7.0",
    computeType: "BUILD_GENERAL1_SMALL",
    privilegedMode: input.privilegedMode ?? true,
  };
  const exitStatus = input.exitStatus ?? 1;
  const context =
    input.command === undefined
      ? { statusCode: input.statusCode ?? "", message: input.message ?? "" }
      : {
          statusCode: "COMMAND_EXECUTION_ERROR",
          message: `Error while executing command: ${input.command}. Reason: exit status ${exitStatus}`,
        };
  return {
    build: {
      id: BUILD_ID,
      arn: `arn:aws:codebuild:us-east-1:000000000000:build/${BUILD_ID}`,
      projectName: "flask",
      buildStatus: "FAILED",
      serviceRole: "arn:aws:iam::000000000000:role/CodeBuildServiceRole",
      timeoutInMinutes: 60,
      environment,
      phases: [{ phaseType: input.phase, phaseStatus: input.phaseStatus ?? "FAILED", contexts: [context] }],
      ...input.build,
    },
    events: [
      ...(input.command === undefined ? [] : eventsOf(input, input.command, exitStatus)),
      ...(input.events ?? []),
    ],
    ...(buildspec === undefined
      ? {}
      : { buildspec, plan: planBuild({ buildspec, project: { name: "flask", environment } }).plan }),
    decisions: input.decisions ?? [],
    ...(input.files === undefined
      ? {}
      : { workspace: createMemoryWorkspace(input.files, { ignored: input.ignored ?? [] }) }),
    parameters: input.parameters ?? [],
    ...(input.isSaved ? { isSaved: true } : {}),
    ...(input.lastSuccess === undefined ? {} : { lastSuccess: input.lastSuccess }),
  };
}

function eventsOf(input: FactsInput, command: string, exitStatus: number): BuildEvent[] {
  const base = { buildId: BUILD_ID, atMs: 0 };
  const at = (input.buildspec ?? "").split("\n").findIndex((line) => line.includes(command.split("\n", 1)[0] ?? ""));
  const about = { phaseType: input.phase, command, line: at + 1 };
  const workingDirectory = `/codebuild/output/src123/src${input.directory === undefined ? "" : `/${input.directory}`}`;
  return [
    { ...base, type: "phase-started", phaseType: input.phase },
    { ...base, type: "command-started", ...about },
    ...(input.output ?? []).map((text) => ({ ...base, type: "log" as const, kind: "output" as const, text })),
    { ...base, type: "command-finished", ...about, exitStatus, durationMs: 1, workingDirectory },
  ];
}

/** AWS's denial in a build, as the phase context carries it. */
export const denialMessage = (action: string, resource: string): string =>
  `AccessDeniedException: User: arn:aws:sts::000000000000:assumed-role/CodeBuildServiceRole/AWSCodeBuild-${UUID} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action\n\tstatus code: 400, request id: 11111111-2222-4333-8444-555555555555`;

/** The buildspec of the documents, with a login. */
export const FLASK_BUILDSPEC = `version: 0.2

env:
  parameter-store:
    DOCKER_REGISTRY_URL: my_app_Docker_registry_URL
    DOCKER_USERNAME: my_app_Docker_credentials_username
    DOCKER_PASSWORD: my_app_Docker_credentials_password

phases:
  install:
    commands:
      - pip install -r day_14/simple_python_app/requirements.txt
  pre_build:
    commands:
      - echo "$DOCKER_PASSWORD" | docker login --username "$DOCKER_USERNAME" --password-stdin "$DOCKER_REGISTRY_URL"
  build:
    commands:
      - docker build -t $DOCKER_REGISTRY_URL/$DOCKER_USERNAME/sample-python-flask-app:latest .
      - docker push $DOCKER_REGISTRY_URL/$DOCKER_USERNAME/sample-python-flask-app:latest
`;
