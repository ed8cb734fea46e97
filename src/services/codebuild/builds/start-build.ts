/**
 * StartBuild and RetryBuild: checks, the build's number and record, then over to the runner.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html; shapes from the CLI's samples.
 */
import { plannedLocation } from "../../../build/run/index.ts";
import { ownMark } from "../../../core/process-mark.ts";
import { type OperationContext, type OperationDefinition, operation } from "../../service.ts";
import {
  buildNotFound,
  fleetNotFound,
  invalidInput,
  notOffered,
  projectNotFound,
  queueIsFull,
  roleNotAssumable,
  tooManyBuilds,
} from "../errors.ts";
import {
  buildAccess,
  projectAccess,
  requireOwnProject,
  requireOwnScope,
  requireProject,
} from "../projects/find-project.ts";
import { passRole, requireAssumableRole } from "../projects/project-access.ts";
import { withoutUndefined } from "../projects/project-settings.ts";
import {
  type BuildOrigin,
  type BuildRecord,
  type BuildSettings,
  buildArn,
  buildKey,
  buildShape,
  parseBuildId,
  projectKey,
  recordsIn,
} from "../records.ts";
import type {
  Build,
  LogsLocation,
  RetryBuildInput,
  RetryBuildOutput,
  StartBuildInput,
  StartBuildOutput,
} from "../shapes.gen.ts";
import { autoRetryConfigOf } from "./auto-retry.ts";
import type { BuildContext } from "./build-context.ts";
import { removeFolders } from "./build-folders.ts";
import { addBuild } from "./build-index.ts";
import { requireRoom, requireUsableFleet } from "./build-limits.ts";
import type { BuildRunner } from "./build-runner.ts";
import { overrideKeys, settingsFrom, shownSettings } from "./build-settings.ts";
import { keepToken, madeBefore, type Token, tokenOf } from "./idempotency.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";
const NO_ORIGIN: BuildOrigin = { variables: {} };

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const startOperations = (runner: BuildRunner): readonly OperationDefinition<any, object>[] => [
  operation<StartBuildInput, StartBuildOutput>({
    name: "StartBuild",
    support: "partial",
    gaps: [
      "`debugSessionEnabled` is kept and said to have no effect: there is no Session Manager, `codebuild-breakpoint` does not pause",
      "a VPC of the project is kept and said to have no effect; Windows, macOS, EFS and docker servers are refused",
    ],
    source: `${API}API_StartBuild.html`,
    authorize(input, context) {
      const role = input.serviceRoleOverride;
      const start = projectAccess(context, "StartBuild", input.projectName, overrideKeys(input));
      return [start, ...(role === undefined ? [] : [passRole(role, start.resource)])];
    },
    errors: [invalidInput, notOffered, projectNotFound, fleetNotFound, roleNotAssumable, tooManyBuilds, queueIsFull],
    async run(input, context) {
      const project = requireOwnProject(context, input.projectName);
      const token = tokenOf(input.idempotencyToken, "StartBuild", input);
      const repeated = repetitionOf(token, context);
      if (repeated) return { build: buildShape(repeated) };
      const settings = settingsFrom(project, input, context);
      requireUsableFleet(settings.environment, context);
      const check = (): void => requireRoom(project, context, runner.accountLimit);
      check();
      return { build: await makeBuild(settings, context, runner, { startedBy: initiatorOf(context), token, check }) };
    },
  }),

  operation<RetryBuildInput, RetryBuildOutput>({
    name: "RetryBuild",
    support: "supported",
    source: `${API}API_RetryBuild.html`,
    authorize: (input, context) => [buildAccess(context, "RetryBuild", input.id ?? "")],
    errors: [invalidInput, buildNotFound, projectNotFound, fleetNotFound, roleNotAssumable, tooManyBuilds, queueIsFull],
    async run(input, context) {
      if (input.id === undefined) throw invalidInput("Invalid input: id must be set");
      const { id } = input;
      requireOwnScope(context, id, () => buildNotFound(id));
      const { projectName, uuid } = parseBuildId(id);
      const record = recordsIn(context.store).builds.get(buildKey(context.scope, projectName, uuid));
      if (!record) throw buildNotFound(input.id);
      const token = tokenOf(input.idempotencyToken, "RetryBuild", input);
      const repeated = repetitionOf(token, context);
      if (repeated) return { build: buildShape(repeated) };
      if (record.build.buildComplete !== true) throw invalidInput(`Build is still in progress: ${record.build.id}`);
      const project = requireProject(context, projectName);
      requireUsableFleet(record.settings.environment, context);
      const check = (): void => requireRoom(project, context, runner.accountLimit);
      check();
      const origin = { ...record.origin, autoRetry: runner.autoRetries.find(input.idempotencyToken) };
      const startedBy = initiatorOf(context);
      return { build: await makeBuild(record.settings, context, runner, { origin, startedBy, token, check }) };
    },
  }),
];

/** The build an earlier call with the same token made. */
function repetitionOf(token: Token | undefined, context: BuildContext): BuildRecord | undefined {
  const records = recordsIn(context.store);
  const made = madeBefore(token, records.tokens, context);
  return made && records.builds.get(buildKey(context.scope, made.projectName, made.uuid));
}

export interface MakeBuildOptions {
  readonly origin?: BuildOrigin;
  /** The caller, where the origin names no initiator. */
  readonly startedBy?: string;
  readonly token?: Token | undefined;
  /** Asked once more when the record is written, so that two calls at the same time cannot both pass. */
  readonly check?: () => void;
}

/** Assumes the role, writes the record, starts the build. Resolves with the shape AWS answers at once. */
export async function makeBuild(
  settings: BuildSettings,
  context: BuildContext,
  runner: BuildRunner,
  { origin = NO_ORIGIN, startedBy, token, check }: MakeBuildOptions = {},
): Promise<Build> {
  const { store, scope, clock, ids } = context;
  const uuid = ids.uuid();
  const arn = buildArn(scope, `${settings.projectName}:${uuid}`);
  const session = runner.newSession(uuid, settings.projectName, settings.serviceRole, scope, arn);
  await requireAssumableRole(session);
  const folders = await runner.newFolders(uuid);
  const records = recordsIn(store);
  const nowMs = clock.nowMs();
  const written = store.write((): { record: BuildRecord; isNew: boolean } => {
    const repeated = repetitionOf(token, context);
    if (repeated) return { record: repeated, isNew: false };
    check?.();
    const numberKey = projectKey(scope, settings.projectName);
    const buildNumber = (records.numbers.get(numberKey) ?? 0) + 1;
    records.numbers.put(numberKey, buildNumber);
    const made: BuildRecord = {
      scope,
      uuid,
      settings,
      origin,
      build: firstShape(settings, origin, uuid, buildNumber, nowMs, context, startedBy),
      phases: [
        {
          phaseType: "SUBMITTED",
          phaseStatus: "SUCCEEDED",
          startTimeMs: nowMs,
          endTimeMs: nowMs,
          durationInSeconds: 0,
        },
        { phaseType: "QUEUED", startTimeMs: nowMs },
      ],
      owner: ownMark(),
      ...folders,
    };
    addBuild(records, made);
    keepToken(token, records.tokens, { uuid, projectName: settings.projectName }, context);
    return { record: made, isNew: true };
  });
  const { record, isNew } = await written.catch(async (error: unknown) => {
    await removeFolders(folders);
    throw error;
  });
  if (isNew) runner.start(record, session);
  else await removeFolders(folders);
  return buildShape(record);
}

function firstShape(
  settings: BuildSettings,
  origin: BuildOrigin,
  uuid: string,
  buildNumber: number,
  nowMs: number,
  { scope }: BuildContext,
  startedBy: string | undefined,
): Build {
  const id = `${settings.projectName}:${uuid}`;
  return withoutUndefined<Build>({
    id,
    arn: buildArn(scope, id),
    buildNumber,
    startTime: nowMs,
    currentPhase: "QUEUED",
    buildStatus: "IN_PROGRESS",
    ...shownSettings(settings),
    artifacts: { location: plannedLocation(settings.artifacts, uuid, settings.projectName) },
    logs: logsBeforeRun(settings, scope),
    timeoutInMinutes: settings.timeoutInMinutes,
    debugSession: settings.debugSessionEnabled === true ? { sessionEnabled: true } : undefined,
    buildComplete: false,
    initiator: origin.initiator ?? startedBy,
    buildBatchArn: origin.buildBatchArn,
    autoRetryConfig: autoRetryConfigOf(settings, origin.autoRetry),
    exportedEnvironmentVariables: [],
  });
}

/** AWS: group and stream are not known before the build is provisioned. */
export const logsBeforeRun = (settings: BuildSettings, scope: OperationContext["scope"]): LogsLocation =>
  withoutUndefined({
    deepLink: `https://console.aws.amazon.com/cloudwatch/home?region=${scope.region}#logEvent:group=null;stream=null`,
    cloudWatchLogsArn: `arn:${scope.partition}:logs:${scope.region}:${scope.accountId}:log-group:null:log-stream:null`,
    cloudWatchLogs: settings.logsConfig?.cloudWatchLogs ?? { status: "ENABLED" },
    s3Logs: settings.logsConfig?.s3Logs,
  });

/** AWS: the user's name; for a role session `<role>/<session>`. */
export function initiatorOf({ principal }: Pick<OperationContext, "principal">): string {
  switch (principal.type) {
    case "User":
      return principal.userName;
    case "AssumedRole":
      return `${principal.roleName}/${principal.sessionName}`;
    case "FederatedUser":
      return principal.name;
    case "AWSService":
      return principal.serviceName;
    case "Root":
      return "root";
  }
}
