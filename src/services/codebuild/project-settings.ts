/**
 * Checks and default values of a project's settings, as CreateProject and UpdateProject apply them.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html; texts from published logs where given.
 */

import { isCuratedImage } from "../../build/run/index.ts";
import type { AwsScope } from "../../core/arn.ts";
import { invalidInput, notOffered } from "./errors.ts";
import { projectArn } from "./records.ts";
import type {
  CreateProjectInput,
  EnvironmentVariable,
  Project,
  ProjectArtifacts,
  ProjectCache,
  ProjectEnvironment,
  ProjectSource,
} from "./shapes.gen.ts";

export const DEFAULT_TIMEOUT_MINUTES = 60;
export const DEFAULT_QUEUED_TIMEOUT_MINUTES = 480;
const NAME = /^[A-Za-z0-9][A-Za-z0-9\-_]{1,149}$/;
const GIT_STATUS_SOURCES = new Set(["GITHUB", "GITHUB_ENTERPRISE", "BITBUCKET", "GITLAB", "GITLAB_SELF_MANAGED"]);

export const defaultEncryptionKey = (scope: AwsScope): string =>
  `arn:${scope.partition}:kms:${scope.region}:${scope.accountId}:alias/aws/s3`;

/** The project of an input, with AWS's defaults filled in. Throws InvalidInputException. */
export function projectFrom(input: CreateProjectInput, scope: AwsScope, nowMs: number): Project {
  if (!NAME.test(input.name)) {
    throw invalidInput(
      `Project name must be 2 to 150 characters of letters, digits, - and _, and start with a letter or digit: ${input.name}`,
    );
  }
  checkSource(input.source);
  checkArtifacts(input.artifacts);
  checkEnvironment(input.environment);
  checkCache(input.cache, input.environment);
  checkVariables(input.environment.environmentVariables ?? []);
  if (input.vpcConfig?.vpcId) throw notOffered("builds inside a VPC");
  if ((input.fileSystemLocations?.length ?? 0) > 0) throw notOffered("EFS file systems");
  return withoutUndefined({
    name: input.name,
    arn: projectArn(scope, input.name),
    description: input.description,
    source: { insecureSsl: false, ...input.source },
    secondarySources: input.secondarySources,
    sourceVersion: input.sourceVersion,
    secondarySourceVersions: input.secondarySourceVersions,
    artifacts: artifactsWithDefaults(input.artifacts, input.name),
    secondaryArtifacts: input.secondaryArtifacts?.map((artifacts) => artifactsWithDefaults(artifacts, input.name)),
    cache: input.cache ?? { type: "NO_CACHE" },
    environment: environmentWithDefaults(input.environment),
    serviceRole: input.serviceRole,
    timeoutInMinutes: input.timeoutInMinutes ?? DEFAULT_TIMEOUT_MINUTES,
    queuedTimeoutInMinutes: input.queuedTimeoutInMinutes ?? DEFAULT_QUEUED_TIMEOUT_MINUTES,
    encryptionKey: input.encryptionKey ?? defaultEncryptionKey(scope),
    tags: input.tags ?? [],
    created: nowMs,
    lastModified: nowMs,
    badge: { badgeEnabled: false },
    logsConfig: input.logsConfig,
    concurrentBuildLimit: input.concurrentBuildLimit,
    projectVisibility: "PRIVATE",
    autoRetryLimit: input.autoRetryLimit,
    buildBatchConfig: input.buildBatchConfig,
  });
}

export function checkSource(source: ProjectSource): void {
  const { type, location } = source;
  if (type === "NO_SOURCE" || type === "CODEPIPELINE") {
    if (type === "NO_SOURCE" && (source.buildspec ?? "") === "") {
      throw invalidInput("Invalid project source: source type NO_SOURCE requires a buildspec");
    }
  } else if ((location ?? "") === "") {
    throw invalidInput(`Invalid project source: location must be set for source type ${type}`);
  }
  if (source.reportBuildStatus === true && !GIT_STATUS_SOURCES.has(type)) {
    throw invalidInput(`Invalid project source: reportBuildStatus is not supported for source type ${type}`);
  }
}

export function checkArtifacts(artifacts: ProjectArtifacts): void {
  const { type, location, name } = artifacts;
  if (type === "NO_ARTIFACTS") {
    if (location !== undefined) {
      throw invalidInput("Invalid artifacts: artifact type NO_ARTIFACTS should have null location");
    }
    if (name !== undefined) {
      throw invalidInput("Invalid artifacts: artifact type NO_ARTIFACTS should have null output name");
    }
  }
  if (type === "S3") {
    if ((location ?? "") === "") throw invalidInput("Invalid artifacts: location must be set for artifact type S3");
    if (location?.includes("/")) throw invalidInput("Invalid artifacts: location should not have a forward-slash");
  } else if (artifacts.encryptionDisabled === true) {
    throw invalidInput("Invalid artifacts: encryptionDisabled can only be set for artifact type S3");
  }
}

export function checkEnvironment(environment: ProjectEnvironment): void {
  const { image, imagePullCredentialsType, registryCredential } = environment;
  const curated = isCuratedImage(image);
  if (curated && imagePullCredentialsType === "SERVICE_ROLE") {
    throw invalidInput("Invalid environment: curated images need imagePullCredentialsType CODEBUILD");
  }
  if (registryCredential && (curated || imagePullCredentialsType !== "SERVICE_ROLE")) {
    throw invalidInput(
      "Invalid environment: registryCredential needs imagePullCredentialsType SERVICE_ROLE and an image that is not curated",
    );
  }
  if (environment.type.startsWith("WINDOWS") || environment.type === "MAC_ARM") {
    throw notOffered(`environments of type ${environment.type}`);
  }
}

export function checkCache(cache: ProjectCache | undefined, environment: ProjectEnvironment): void {
  if (cache?.type === "S3" && (cache.location ?? "") === "") {
    throw invalidInput("Invalid cache: location must be set for cache type S3");
  }
  if (cache?.modes?.includes("LOCAL_DOCKER_LAYER_CACHE") && environment.privilegedMode !== true) {
    throw invalidInput("Invalid cache: LOCAL_DOCKER_LAYER_CACHE needs privilegedMode");
  }
}

export function checkVariables(variables: readonly EnvironmentVariable[]): void {
  const names = new Set<string>();
  for (const { name } of variables) {
    if (names.has(name)) throw invalidInput(`Duplicate environment variable name: ${name}`);
    names.add(name);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw invalidInput(`Invalid environment variable name: ${name}`);
    }
  }
}

const environmentWithDefaults = (environment: ProjectEnvironment): ProjectEnvironment => ({
  ...environment,
  privilegedMode: environment.privilegedMode ?? false,
  imagePullCredentialsType: environment.imagePullCredentialsType ?? "CODEBUILD",
  environmentVariables: (environment.environmentVariables ?? []).map((variable) => ({
    ...variable,
    type: variable.type ?? "PLAINTEXT",
  })),
});

const artifactsWithDefaults = (artifacts: ProjectArtifacts, projectName: string): ProjectArtifacts =>
  artifacts.type === "S3"
    ? { namespaceType: "NONE", packaging: "NONE", name: projectName, encryptionDisabled: false, ...artifacts }
    : artifacts;

/** The same object without members that are undefined: records are plain JSON. */
export function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
