/** Runs a buildspec on an engine with a scripted role and collects what happened. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseBuildspec } from "../../src/build/buildspec/index.ts";
import { type PlanProject, planBuild } from "../../src/build/plan/index.ts";
import type { BuildRequest, BuildResult, RunDependencies } from "../../src/build/run/build-request.ts";
import type { BuildEvent } from "../../src/build/run/events.ts";
import { expandEvent } from "../../src/build/run/expand-events.ts";
import { runBuild } from "../../src/build/run/run-build.ts";
import type { AwsCaller } from "../../src/core/aws.ts";
import { type Clock, TestClock } from "../../src/core/clock.ts";
import { type AwsErrorType, awsError } from "../../src/core/errors.ts";
import { TestIds } from "../../src/core/ids.ts";
import { ok } from "../../src/core/result.ts";
import type { Engine } from "../../src/engines/engine.ts";

/** Its own in each test process: builds end by sweeping up what carries their id. */
export const TEST_UUID = `11111111-2222-4333-8444-${String(process.pid).padStart(8, "0")}${(process.env["VITEST_POOL_ID"] ?? "0").padStart(4, "0")}`;
export const TEST_ROLE = "arn:aws:iam::111122223333:role/CodeBuildServiceRole";

/** Answers by operation name; a function may throw an AwsError. */
export type RoleScript = Readonly<Record<string, (input: never) => object>>;

export const scriptedRole = (script: RoleScript): AwsCaller => ({
  async call<O>(_service: string, operation: string, input: object): Promise<O> {
    const answer = script[operation];
    if (!answer) throw new Error(`the test's role has no answer for ${operation}`);
    return (await answer(input as never)) as O;
  },
});

const denial: AwsErrorType<readonly [string, string]> = awsError({
  code: "AccessDeniedException",
  status: 400,
  fault: "client",
  source: "test",
  message: (action: string, resource: string) =>
    `User: arn:aws:sts::111122223333:assumed-role/CodeBuildServiceRole/AWSCodeBuild-${TEST_UUID} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
});

export function denied(action: string, resource: string): Error {
  const error = denial(action, resource);
  error.requestId = "request-1";
  return error;
}

export interface TestBuild {
  readonly buildspec?: string;
  readonly engine: Engine;
  readonly role?: RoleScript;
  readonly request?: Partial<BuildRequest>;
  readonly project?: Partial<PlanProject["environment"]>;
  readonly dependencies?: Partial<RunDependencies>;
  readonly clock?: Clock;
  readonly onEvent?: (event: BuildEvent) => void;
}

export interface TestedBuild {
  readonly result: BuildResult;
  readonly events: readonly BuildEvent[];
  /** The log as text, `[Container]` lines with `C `. The build's folder is written `WORK`, the source folder `SRC`. */
  readonly log: string;
  readonly notices: readonly string[];
}

export async function testBuild(input: TestBuild): Promise<TestedBuild> {
  const workDir = await mkdtemp(join(tmpdir(), "kiln-run-"));
  const clock = input.clock ?? new TestClock();
  const events: BuildEvent[] = [];
  try {
    const request: BuildRequest = {
      buildId: `my-project:${TEST_UUID}`,
      uuid: TEST_UUID,
      buildArn: `arn:aws:codebuild:us-east-1:111122223333:build/my-project:${TEST_UUID}`,
      buildNumber: 1,
      projectName: "my-project",
      projectArn: "arn:aws:codebuild:us-east-1:111122223333:project/my-project",
      scope: { partition: "aws", region: "us-east-1", accountId: "111122223333" },
      serviceRole: TEST_ROLE,
      initiator: "tester",
      startTimeMs: clock.nowMs(),
      image: "aws/codebuild/standard:7.0",
      privilegedMode: false,
      encryptionKey: "alias/aws/s3",
      source: { type: "NO_SOURCE", buildspec: input.buildspec },
      secondarySources: [],
      artifacts: { type: "NO_ARTIFACTS" },
      secondaryArtifacts: [],
      cache: { type: "NO_CACHE" },
      environmentType: "LINUX_CONTAINER",
      computeType: "BUILD_GENERAL1_SMALL",
      variables: {},
      queuedTimeoutMs: 28_800_000,
      timeoutMs: 3_600_000,
      strict: false,
      ...input.request,
    };
    const result = await runBuild(request, {
      engine: ok(input.engine),
      role: scriptedRole(input.role ?? {}),
      clock,
      ids: new TestIds(),
      loadPlan: (text, file) => {
        const parsed = parseBuildspec(text, file);
        if (parsed.failure || !parsed.buildspec) {
          return {
            kind: "failure",
            failure: parsed.failure ?? { statusCode: "YAML_FILE_ERROR", message: "no buildspec" },
          };
        }
        const { plan } = planBuild({
          buildspec: parsed.buildspec,
          project: {
            name: "my-project",
            environment: {
              type: "LINUX_CONTAINER",
              image: request.image,
              computeType: "BUILD_GENERAL1_SMALL",
              ...input.project,
            },
          },
          strict: request.strict,
        });
        return { kind: "plan", plan };
      },
      workDir,
      privateDir: workDir,
      artifactsDir: join(workDir, "artifacts"),
      credentials: { uri: "http://127.0.0.1:4566/_kiln/credentials/x", token: "token-of-the-tests-build" },
      endpointUrl: "http://127.0.0.1:4566",
      emit: (event) => {
        for (const one of expandEvent(event)) {
          events.push(one);
          input.onEvent?.(one);
        }
      },
      signal: new AbortController().signal,
      ...input.dependencies,
    });
    const logs = events.flatMap((event) => (event.type === "log" ? [event] : []));
    const text = logs.map((event) => `${event.kind === "container" ? "C " : ""}${event.text}`).join("\n");
    return {
      result,
      events,
      log: text.replaceAll(/[^\s=]*\/codebuild\/output\/src\d+\/src/g, "SRC").replaceAll(workDir, "WORK"),
      notices: events.flatMap((event) => (event.type === "notice" ? [event.text] : [])),
    };
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** `INSTALL SUCCEEDED, BUILD FAILED COMMAND_EXECUTION_ERROR …` from BUILD on, for short assertions. */
export const phaseLine = (result: BuildResult): string =>
  result.phases
    .map(({ phaseType, phaseStatus }) => `${phaseType}${phaseStatus === undefined ? "" : `:${phaseStatus}`}`)
    .join(" ");
