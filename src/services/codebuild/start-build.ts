/**
 * StartBuild and RetryBuild: checks, the build's number and record, then over to the runner.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html; shapes from the CLI's samples.
 */
import { type OperationContext, type OperationDefinition, operation } from "../service.ts";
import type { BuildRunner } from "./build-runner.ts";
import { buildNotFound, invalidInput, notOffered, projectNotFound, roleNotAssumable, tooManyBuilds } from "./errors.ts";
import { ownMark } from "./process-mark.ts";
import { fieldKeys, onBuild, onProject, passRole, requireAssumableRole, resourceTags } from "./project-access.ts";
import {
  checkArtifacts,
  checkCache,
  checkEnvironment,
  checkSource,
  checkVariables,
  DEFAULT_QUEUED_TIMEOUT_MINUTES,
  DEFAULT_TIMEOUT_MINUTES,
  defaultEncryptionKey,
  withoutUndefined,
} from "./project-settings.ts";
import { findProject, requireProject } from "./projects.ts";
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
} from "./records.ts";
import type {
  Build,
  EnvironmentVariable,
  Project,
  ProjectEnvironment,
  ProjectSource,
  RetryBuildInput,
  RetryBuildOutput,
  StartBuildInput,
  StartBuildOutput,
} from "./shapes.gen.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";
const TOKEN_LIFE_MS = 5 * 60_000;
const NO_ORIGIN: BuildOrigin = { variables: {} };

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const startOperations = (runner: BuildRunner): readonly OperationDefinition<any, object>[] => [
  operation<StartBuildInput, StartBuildOutput>({
    name: "StartBuild",
    support: "partial",
    gaps: ["secondary sources and artifacts, session debugging, fleets and automatic retries are refused or not done"],
    source: `${API}API_StartBuild.html`,
    authorize(input, context) {
      const project = findProject(context, input.projectName);
      const keys = { ...resourceTags(project), ...overrideKeys(input) };
      const role = input.serviceRoleOverride;
      return [
        onProject("StartBuild", input.projectName, context.scope, keys),
        ...(role === undefined ? [] : [passRole(role)]),
      ];
    },
    errors: [invalidInput, notOffered, projectNotFound, roleNotAssumable, tooManyBuilds],
    async run(input, context) {
      const project = requireProject(context, input.projectName);
      const repeated = repetitionOf(input, context);
      if (repeated) return { build: buildShape(repeated) };
      const settings = settingsFrom(project, input, context);
      requireRoom(project, context);
      return { build: await makeBuild(settings, context, runner, { input }) };
    },
  }),

  operation<RetryBuildInput, RetryBuildOutput>({
    name: "RetryBuild",
    support: "supported",
    source: `${API}API_RetryBuild.html`,
    authorize: (input, context) => [
      onBuild(
        "RetryBuild",
        input.id ?? "",
        context.scope,
        findProject(context, parseBuildId(input.id ?? "").projectName),
      ),
    ],
    errors: [invalidInput, buildNotFound, projectNotFound, roleNotAssumable, tooManyBuilds],
    async run(input, context) {
      const { projectName, uuid } = parseBuildId(input.id ?? "");
      const record = recordsIn(context.store).builds.get(buildKey(context.scope, projectName, uuid));
      if (!record) throw buildNotFound(input.id ?? "");
      if (record.build.buildComplete !== true) throw invalidInput(`Build is still in progress: ${record.build.id}`);
      requireRoom(requireProject(context, projectName), context);
      return { build: await makeBuild(record.settings, context, runner, { origin: record.origin }) };
    },
  }),
];

/** The project's settings with the overrides of one build. Throws InvalidInputException. */
export function settingsFrom(project: Project, input: StartBuildInput, { scope }: OperationContext): BuildSettings {
  if (input.debugSessionEnabled === true) throw notOffered("session debugging");
  if (input.fleetOverride) throw notOffered("fleets");
  if (project.artifacts?.type === "CODEPIPELINE" && !input.artifactsOverride) {
    throw invalidInput("ArtifactsOverride must be set when using artifacts type CodePipelines");
  }
  const projectEnvironment = project.environment as ProjectEnvironment;
  const environment = withoutUndefined<ProjectEnvironment>({
    ...projectEnvironment,
    type: input.environmentTypeOverride ?? projectEnvironment.type,
    image: input.imageOverride ?? projectEnvironment.image,
    computeType: input.computeTypeOverride ?? projectEnvironment.computeType,
    privilegedMode: input.privilegedModeOverride ?? projectEnvironment.privilegedMode,
    certificate: input.certificateOverride ?? projectEnvironment.certificate,
    registryCredential: input.registryCredentialOverride ?? projectEnvironment.registryCredential,
    imagePullCredentialsType: input.imagePullCredentialsTypeOverride ?? projectEnvironment.imagePullCredentialsType,
    environmentVariables: undefined,
  });
  const source = sourceFrom(project.source as ProjectSource, input);
  const artifacts = input.artifactsOverride ?? project.artifacts ?? { type: "NO_ARTIFACTS" };
  const cache = input.cacheOverride ?? project.cache ?? { type: "NO_CACHE" };
  const overrideVariables = withTypes(input.environmentVariablesOverride ?? []);
  checkSource(source);
  checkArtifacts(artifacts);
  checkEnvironment(environment);
  checkCache(cache, environment);
  checkVariables(overrideVariables);
  return withoutUndefined({
    projectName: project.name ?? "",
    source,
    sourceVersion: input.sourceVersion ?? project.sourceVersion,
    secondarySources: input.secondarySourcesOverride ?? project.secondarySources ?? [],
    secondarySourceVersions: input.secondarySourcesVersionOverride ?? project.secondarySourceVersions ?? [],
    artifacts,
    secondaryArtifacts: input.secondaryArtifactsOverride ?? project.secondaryArtifacts ?? [],
    cache,
    environment,
    projectVariables: projectEnvironment.environmentVariables ?? [],
    overrideVariables,
    serviceRole: input.serviceRoleOverride ?? project.serviceRole ?? "",
    timeoutInMinutes: input.timeoutInMinutesOverride ?? project.timeoutInMinutes ?? DEFAULT_TIMEOUT_MINUTES,
    queuedTimeoutInMinutes:
      input.queuedTimeoutInMinutesOverride ?? project.queuedTimeoutInMinutes ?? DEFAULT_QUEUED_TIMEOUT_MINUTES,
    encryptionKey: input.encryptionKeyOverride ?? project.encryptionKey ?? defaultEncryptionKey(scope),
    logsConfig: input.logsConfigOverride ?? project.logsConfig,
    autoRetryLimit: input.autoRetryLimitOverride ?? project.autoRetryLimit,
  });
}

const sourceFrom = (source: ProjectSource, input: StartBuildInput): ProjectSource =>
  withoutUndefined({
    ...source,
    type: input.sourceTypeOverride ?? source.type,
    location: input.sourceTypeOverride === "NO_SOURCE" ? undefined : (input.sourceLocationOverride ?? source.location),
    buildspec: input.buildspecOverride || source.buildspec,
    auth: input.sourceAuthOverride ?? source.auth,
    gitCloneDepth: input.gitCloneDepthOverride ?? source.gitCloneDepth,
    gitSubmodulesConfig: input.gitSubmodulesConfigOverride ?? source.gitSubmodulesConfig,
    insecureSsl: input.insecureSslOverride ?? source.insecureSsl,
    reportBuildStatus: input.reportBuildStatusOverride ?? source.reportBuildStatus,
    buildStatusConfig: input.buildStatusConfigOverride ?? source.buildStatusConfig,
  });

const withTypes = (variables: readonly EnvironmentVariable[]): EnvironmentVariable[] =>
  variables.map((variable) => ({ ...variable, type: variable.type ?? "PLAINTEXT" }));

/** AWS: StartBuild fails at once when the project's own limit is reached. */
function requireRoom(project: Project, { store, scope }: OperationContext): void {
  const limit = project.concurrentBuildLimit;
  if (limit === undefined) return;
  const active = recordsIn(store)
    .builds.list([scope.accountId, scope.region, project.name ?? ""])
    .filter(({ value }) => value.build.buildComplete !== true);
  if (active.length >= limit) throw tooManyBuilds(limit);
}

/** The build an earlier call with the same token made, within five minutes. */
function repetitionOf(input: StartBuildInput, { store, scope, clock }: OperationContext): BuildRecord | undefined {
  if (input.idempotencyToken === undefined) return undefined;
  const { tokens, builds } = recordsIn(store);
  const token = tokens.get([scope.accountId, scope.region, input.idempotencyToken]);
  if (!token || clock.nowMs() - token.atMs > TOKEN_LIFE_MS) return undefined;
  if (token.input !== JSON.stringify(input)) {
    throw invalidInput("The idempotency token was used with other parameters within the last five minutes");
  }
  return builds.get(buildKey(scope, token.projectName, token.uuid));
}

/** Assumes the role, writes the record, starts the build. Resolves with the shape AWS answers at once. */
export async function makeBuild(
  settings: BuildSettings,
  context: OperationContext,
  runner: BuildRunner,
  { input, origin = NO_ORIGIN }: { readonly input?: StartBuildInput; readonly origin?: BuildOrigin } = {},
): Promise<Build> {
  const { store, scope, clock, ids } = context;
  const uuid = ids.uuid();
  const session = runner.newSession(uuid, settings.projectName, settings.serviceRole, scope);
  await requireAssumableRole(session);
  const folders = await runner.newFolders(uuid);
  const records = recordsIn(store);
  const nowMs = clock.nowMs();
  const record = await store.write((): BuildRecord => {
    const numberKey = projectKey(scope, settings.projectName);
    const buildNumber = (records.numbers.get(numberKey) ?? 0) + 1;
    records.numbers.put(numberKey, buildNumber);
    const made: BuildRecord = {
      scope,
      uuid,
      settings,
      origin,
      build: firstShape(settings, origin, uuid, buildNumber, nowMs, context),
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
    records.builds.put(buildKey(scope, settings.projectName, uuid), made);
    if (input?.idempotencyToken !== undefined) {
      records.tokens.put([scope.accountId, scope.region, input.idempotencyToken], {
        uuid,
        projectName: settings.projectName,
        input: JSON.stringify(input),
        atMs: nowMs,
      });
    }
    return made;
  });
  runner.start(record, session);
  return buildShape(record);
}

function firstShape(
  settings: BuildSettings,
  origin: BuildOrigin,
  uuid: string,
  buildNumber: number,
  nowMs: number,
  { scope, principal }: OperationContext,
): Build {
  const id = `${settings.projectName}:${uuid}`;
  const merged = new Map<string, EnvironmentVariable>();
  for (const variable of [...settings.projectVariables, ...settings.overrideVariables])
    merged.set(variable.name, variable);
  return withoutUndefined<Build>({
    id,
    arn: buildArn(scope, id),
    buildNumber,
    startTime: nowMs,
    currentPhase: "QUEUED",
    buildStatus: "IN_PROGRESS",
    sourceVersion: settings.sourceVersion,
    projectName: settings.projectName,
    source: settings.source,
    secondarySources: settings.secondarySources,
    secondarySourceVersions: settings.secondarySourceVersions,
    artifacts: { location: "" },
    secondaryArtifacts: [],
    cache: settings.cache,
    environment: { ...settings.environment, environmentVariables: [...merged.values()] },
    serviceRole: settings.serviceRole,
    logs: {
      deepLink: `https://console.aws.amazon.com/cloudwatch/home?region=${scope.region}#logEvent:group=null;stream=null`,
      cloudWatchLogsArn: `arn:${scope.partition}:logs:${scope.region}:${scope.accountId}:log-group:null:log-stream:null`,
      cloudWatchLogs: settings.logsConfig?.cloudWatchLogs ?? { status: "ENABLED" },
    },
    timeoutInMinutes: settings.timeoutInMinutes,
    queuedTimeoutInMinutes: settings.queuedTimeoutInMinutes,
    buildComplete: false,
    initiator: origin.initiator ?? initiatorOf(principal),
    buildBatchArn: origin.buildBatchArn,
    encryptionKey: settings.encryptionKey,
    exportedEnvironmentVariables: [],
  });
}

/** AWS: the user's name; for a role session `<role>/<session>`. */
function initiatorOf(principal: OperationContext["principal"]): string {
  switch (principal.type) {
    case "User":
      return principal.userName;
    case "AssumedRole":
      return `${principal.roleName}/${principal.sessionName}`;
    case "AWSService":
      return principal.serviceName;
    case "Root":
      return "root";
  }
}

const overrideKeys = (input: StartBuildInput): ReturnType<typeof fieldKeys> =>
  fieldKeys({
    serviceRole: input.serviceRoleOverride,
    environment: withoutUndefined({
      type: input.environmentTypeOverride,
      image: input.imageOverride,
      computeType: input.computeTypeOverride,
      privilegedMode: input.privilegedModeOverride,
      imagePullCredentialsType: input.imagePullCredentialsTypeOverride,
    }),
    environmentVariables: input.environmentVariablesOverride,
    sourceLocation: input.sourceLocationOverride,
    buildspec: input.buildspecOverride,
    encryptionKey: input.encryptionKeyOverride,
    artifactsLocation: input.artifactsOverride?.location,
  });
