/**
 * What a build is started with: the project's settings with StartBuild's overrides applied and checked.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
 */
import type { RequestContext } from "../../../authorize/decision.ts";
import { invalidInput } from "../errors.ts";
import { requestFieldKeys } from "../projects/condition-keys.ts";
import {
  DEFAULT_QUEUED_TIMEOUT_MINUTES,
  DEFAULT_TIMEOUT_MINUTES,
  defaultEncryptionKey,
  withoutUndefined,
} from "../projects/project-settings.ts";
import {
  checkArtifacts,
  checkAutoRetryLimit,
  checkCache,
  checkEnvironment,
  checkLogs,
  checkSecondaryArtifacts,
  checkSecondarySources,
  checkSource,
  checkSourceVersion,
  checkVariables,
} from "../projects/setting-checks.ts";
import type { BuildSettings } from "../records.ts";
import type {
  EnvironmentVariable,
  Project,
  ProjectEnvironment,
  ProjectSource,
  StartBuildInput,
} from "../shapes.gen.ts";
import type { BuildContext } from "./build-context.ts";

/** The project's settings with the overrides of one build. Throws InvalidInputException. */
export function settingsFrom(project: Project, input: StartBuildInput, { scope }: BuildContext): BuildSettings {
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
    fleet: input.fleetOverride ?? projectEnvironment.fleet,
    certificate: input.certificateOverride ?? projectEnvironment.certificate,
    registryCredential: input.registryCredentialOverride ?? projectEnvironment.registryCredential,
    imagePullCredentialsType: input.imagePullCredentialsTypeOverride ?? projectEnvironment.imagePullCredentialsType,
    environmentVariables: undefined,
  });
  const source = sourceFrom(project.source as ProjectSource, input);
  const artifacts = input.artifactsOverride ?? project.artifacts ?? { type: "NO_ARTIFACTS" };
  const cache = input.cacheOverride ?? project.cache ?? { type: "NO_CACHE" };
  const overrideVariables = withTypes(input.environmentVariablesOverride ?? []);
  const secondarySources = input.secondarySourcesOverride ?? project.secondarySources ?? [];
  // AWS: versions of the project's secondary sources do not apply to others.
  const secondarySourceVersions =
    input.secondarySourcesVersionOverride ??
    (project.secondarySourceVersions ?? []).filter((version) =>
      secondarySources.some((source) => source.sourceIdentifier === version.sourceIdentifier),
    );
  const secondaryArtifacts = input.secondaryArtifactsOverride ?? project.secondaryArtifacts ?? [];
  const logsConfig = input.logsConfigOverride ?? project.logsConfig;
  const autoRetryLimit = input.autoRetryLimitOverride ?? project.autoRetryLimit;
  const sourceVersion = input.sourceVersion ?? project.sourceVersion;
  checkSource(source);
  checkSecondarySources(source, secondarySources, secondarySourceVersions);
  checkSourceVersion(source, sourceVersion);
  for (const { sourceIdentifier, sourceVersion: version } of secondarySourceVersions) {
    const named = secondarySources.find((one) => one.sourceIdentifier === sourceIdentifier);
    if (named) checkSourceVersion(named, version);
  }
  checkArtifacts(artifacts);
  checkSecondaryArtifacts(secondaryArtifacts);
  checkEnvironment(environment);
  checkCache(cache, environment);
  checkVariables(overrideVariables);
  checkLogs(logsConfig);
  checkAutoRetryLimit(input.autoRetryLimitOverride, source.type);
  return withoutUndefined({
    projectName: project.name ?? "",
    source,
    sourceVersion,
    secondarySources,
    secondarySourceVersions,
    artifacts,
    secondaryArtifacts,
    cache,
    environment,
    projectVariables: projectEnvironment.environmentVariables ?? [],
    overrideVariables,
    serviceRole: input.serviceRoleOverride ?? project.serviceRole ?? "",
    timeoutInMinutes: input.timeoutInMinutesOverride ?? project.timeoutInMinutes ?? DEFAULT_TIMEOUT_MINUTES,
    queuedTimeoutInMinutes:
      input.queuedTimeoutInMinutesOverride ?? project.queuedTimeoutInMinutes ?? DEFAULT_QUEUED_TIMEOUT_MINUTES,
    encryptionKey: input.encryptionKeyOverride ?? project.encryptionKey ?? defaultEncryptionKey(scope),
    logsConfig,
    autoRetryLimit,
    vpcConfig: project.vpcConfig,
    debugSessionEnabled: input.debugSessionEnabled,
  });
}

/** The settings that a build and a batch show as they are, in AWS's shape. */
export function shownSettings(settings: BuildSettings) {
  const merged = new Map<string, EnvironmentVariable>();
  for (const variable of [...settings.projectVariables, ...settings.overrideVariables])
    merged.set(variable.name, variable);
  return {
    sourceVersion: settings.sourceVersion,
    projectName: settings.projectName,
    source: settings.source,
    secondarySources: settings.secondarySources,
    secondarySourceVersions: settings.secondarySourceVersions,
    secondaryArtifacts: [],
    cache: settings.cache,
    environment: { ...settings.environment, environmentVariables: [...merged.values()] },
    serviceRole: settings.serviceRole,
    queuedTimeoutInMinutes: settings.queuedTimeoutInMinutes,
    vpcConfig: settings.vpcConfig,
    encryptionKey: settings.encryptionKey,
  };
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

/** Condition keys of the fields that an input overrides. */
export const overrideKeys = (input: StartBuildInput): RequestContext =>
  requestFieldKeys({
    source: given({
      location: input.sourceLocationOverride,
      buildspec: input.buildspecOverride,
      insecureSsl: input.insecureSslOverride,
      auth: input.sourceAuthOverride,
      buildStatusConfig: input.buildStatusConfigOverride,
    }),
    secondarySources: input.secondarySourcesOverride,
    artifacts: input.artifactsOverride,
    secondaryArtifacts: input.secondaryArtifactsOverride,
    cache: input.cacheOverride,
    environment: given({
      type: input.environmentTypeOverride,
      image: input.imageOverride,
      computeType: input.computeTypeOverride,
      privilegedMode: input.privilegedModeOverride,
      imagePullCredentialsType: input.imagePullCredentialsTypeOverride,
      fleet: input.fleetOverride,
      certificate: input.certificateOverride,
      registryCredential: input.registryCredentialOverride,
    }),
    environmentVariables: input.environmentVariablesOverride,
    logsConfig: input.logsConfigOverride,
    serviceRole: input.serviceRoleOverride,
    encryptionKey: input.encryptionKeyOverride,
    autoRetryLimit: input.autoRetryLimitOverride,
  });

/** The members that an input has, or undefined when it has none of them. */
function given<T extends object>(members: T): T | undefined {
  const found = withoutUndefined(members);
  return Object.keys(found).length > 0 ? found : undefined;
}
