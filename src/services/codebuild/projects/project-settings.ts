/**
 * A project as CreateProject and UpdateProject store it: checked, with AWS's default values filled in.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html, the CLI's samples.
 */
import type { AwsScope } from "../../../core/arn.ts";
import { batchConfigWithDefaults } from "../batches/batch-config.ts";
import { invalidInput, notOffered } from "../errors.ts";
import { projectArn } from "../records.ts";
import type { CreateProjectInput, Project, ProjectArtifacts, ProjectEnvironment } from "../shapes.gen.ts";
import { checkBadge } from "./badge.ts";
import {
  checkArtifacts,
  checkCache,
  checkEnvironment,
  checkLimits,
  checkLogs,
  checkPipeline,
  checkSecondaryArtifacts,
  checkSecondarySources,
  checkSource,
  checkTags,
  checkVariables,
  checkVpc,
} from "./setting-checks.ts";

export const DEFAULT_TIMEOUT_MINUTES = 60;
export const DEFAULT_QUEUED_TIMEOUT_MINUTES = 480;
const NAME = /^[A-Za-z0-9][A-Za-z0-9\-_]{1,149}$/;

export const defaultEncryptionKey = (scope: AwsScope): string =>
  `arn:${scope.partition}:kms:${scope.region}:${scope.accountId}:alias/aws/s3`;

/** What making a project depends on besides its input. */
export interface ProjectFacts {
  readonly scope: AwsScope;
  readonly nowMs: number;
  /** Concurrent builds the account may have. */
  readonly accountLimit: number;
}

/** The project of an input, with AWS's defaults filled in. Throws InvalidInputException. */
export function projectFrom(input: CreateProjectInput, { scope, nowMs, accountLimit }: ProjectFacts): Project {
  checkProject(input, accountLimit);
  const { vpcConfig } = input;
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
    badge: { badgeEnabled: input.badgeEnabled ?? false },
    // AWS: an empty vpcConfig takes the project out of its VPC.
    vpcConfig: vpcConfig?.vpcId ? vpcConfig : undefined,
    logsConfig: input.logsConfig,
    concurrentBuildLimit: input.concurrentBuildLimit,
    projectVisibility: "PRIVATE",
    autoRetryLimit: input.autoRetryLimit,
    buildBatchConfig: batchConfigWithDefaults(input.buildBatchConfig),
  });
}

function checkProject(input: CreateProjectInput, accountLimit: number): void {
  if (!NAME.test(input.name)) {
    throw invalidInput(
      `Project name must be 2 to 150 characters of letters, digits, - and _, and start with a letter or digit: ${input.name}`,
    );
  }
  checkSource(input.source);
  checkBadge(input.badgeEnabled, input.source.type);
  checkSecondarySources(input.source, input.secondarySources, input.secondarySourceVersions);
  checkArtifacts(input.artifacts);
  checkSecondaryArtifacts(input.secondaryArtifacts);
  checkPipeline(input.source, input.artifacts);
  checkEnvironment(input.environment);
  checkCache(input.cache, input.environment);
  checkVariables(input.environment.environmentVariables ?? []);
  checkVpc(input.vpcConfig, input.environment.type);
  checkLogs(input.logsConfig);
  checkTags(input.tags);
  checkLimits(input, input.source.type, accountLimit);
  if ((input.fileSystemLocations?.length ?? 0) > 0) throw notOffered("EFS file systems");
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
