/**
 * What CodeBuild refuses in the settings of a project or of one build. Each throws InvalidInputException.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html. Texts are AWS's where published
 * logs and issue threads show them (`// AWS:`), Kiln's own elsewhere. Lengths, ranges and enums are the model's.
 */

import { isCuratedImage } from "../../../build/run/index.ts";
import { parseEcrImage } from "../../../core/ecr-host.ts";
import { invalidInput, limitAboveAccount, notOffered } from "../errors.ts";
import type {
  EnvironmentVariable,
  LogsConfig,
  ProjectArtifacts,
  ProjectCache,
  ProjectEnvironment,
  ProjectSource,
  ProjectSourceVersion,
  Tag,
  VpcConfig,
} from "../shapes.gen.ts";

const GIT_STATUS_SOURCES = new Set(["GITHUB", "GITHUB_ENTERPRISE", "BITBUCKET", "GITLAB", "GITLAB_SELF_MANAGED"]);
const IDENTIFIER = /^[A-Za-z0-9_]{1,127}$/;
const MAX_AUTO_RETRIES = 10;

/** AWS: one text for the identifiers of sources, artifacts and file systems. */
function checkIdentifier(identifier: string): void {
  if (IDENTIFIER.test(identifier)) return;
  throw invalidInput(
    "Invalid input: identifier must contain only alphanumeric characters and underscores and be less than 128 characters in length",
  );
}

export function checkSource(source: ProjectSource): void {
  const { type, location } = source;
  if (source.sourceIdentifier !== undefined) checkIdentifier(source.sourceIdentifier);
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
  const { auth } = source;
  if (auth && auth.type !== "OAUTH" && (auth.resource ?? "") === "") {
    throw invalidInput(`Invalid project source: auth type ${auth.type} requires a resource`);
  }
}

/** AWS: a pipeline with several inputs gives the primary source and, as secondary ones, the other artifacts. */
export function checkSecondarySources(
  primary: ProjectSource,
  sources: readonly ProjectSource[] = [],
  versions: readonly ProjectSourceVersion[] = [],
): void {
  const identifiers = new Set<string>();
  for (const source of sources) {
    const identifier = source.sourceIdentifier ?? "";
    if (identifier === "") throw invalidInput("Invalid secondary source: sourceIdentifier must be set");
    if (source.type === "NO_SOURCE") {
      throw invalidInput("Invalid secondary source: source type NO_SOURCE is not supported for secondary sources");
    }
    if (source.type === "CODEPIPELINE" && primary.type !== "CODEPIPELINE") {
      throw invalidInput(
        `Invalid secondary source: source type CODEPIPELINE needs a primary source of type CODEPIPELINE, not ${primary.type}`,
      );
    }
    checkSource(source);
    if (identifiers.has(identifier)) {
      throw invalidInput(`Invalid secondary source: duplicate sourceIdentifier: ${identifier}`);
    }
    identifiers.add(identifier);
  }
  const versioned = new Set<string>();
  for (const { sourceIdentifier } of versions) {
    if (!identifiers.has(sourceIdentifier)) {
      throw invalidInput(
        `Invalid secondary source version: there is no secondary source with sourceIdentifier: ${sourceIdentifier}`,
      );
    }
    if (versioned.has(sourceIdentifier)) {
      throw invalidInput(`Invalid secondary source version: duplicate sourceIdentifier: ${sourceIdentifier}`);
    }
    versioned.add(sourceIdentifier);
  }
}

/** AWS: StartBuild refuses a version of a folder in S3; only objects have versions. */
export function checkSourceVersion({ type, location = "" }: ProjectSource, version: string | undefined): void {
  // A folder of this machine has revisions.
  if (type !== "S3" || (version ?? "") === "" || location.startsWith("file:")) return;
  const path = location.replace(/^arn:[^:]*:s3:::/, "");
  if (path.includes("/") && !path.endsWith("/")) return;
  throw invalidInput("Source version should be empty for S3 folder source location");
}

/** AWS: a pipeline gives the source and takes the artifacts, or does neither. */
export function checkPipeline(source: ProjectSource, artifacts: ProjectArtifacts): void {
  if ((source.type === "CODEPIPELINE") === (artifacts.type === "CODEPIPELINE")) return;
  throw invalidInput(
    "Invalid input: when using CodePipeline both sourceType, and artifactType must be set to: CODEPIPELINE",
  );
}

export function checkArtifacts(artifacts: ProjectArtifacts): void {
  const { type, location, name } = artifacts;
  if (artifacts.artifactIdentifier !== undefined) checkIdentifier(artifacts.artifactIdentifier);
  if (type === "NO_ARTIFACTS") {
    // AWS: both texts.
    if (location !== undefined) {
      throw invalidInput("Invalid artifacts: artifact type NO_ARTIFACTS should have null location");
    }
    if (name !== undefined) {
      throw invalidInput("Invalid artifacts: artifact type NO_ARTIFACTS should have null output name");
    }
  }
  if (type === "S3") {
    if ((location ?? "") === "") throw invalidInput("Invalid artifacts: location must be set for artifact type S3");
    // A folder of this machine stands in for a bucket.
    if (location?.includes("/") && !location.startsWith("file:///")) {
      throw invalidInput("Invalid artifacts: location should not have a forward-slash");
    }
  } else if (artifacts.encryptionDisabled === true) {
    throw invalidInput("Invalid artifacts: encryptionDisabled can only be set for artifact type S3");
  }
}

export function checkSecondaryArtifacts(list: readonly ProjectArtifacts[] = []): void {
  const identifiers = new Set<string>();
  for (const artifacts of list) {
    const identifier = artifacts.artifactIdentifier ?? "";
    if (identifier === "") throw invalidInput("Invalid secondary artifacts: artifactIdentifier must be set");
    if (artifacts.type === "CODEPIPELINE") {
      throw invalidInput("Invalid secondary artifacts: artifact type CODEPIPELINE is not supported");
    }
    checkArtifacts(artifacts);
    if (identifiers.has(identifier)) {
      throw invalidInput(`Invalid secondary artifacts: duplicate artifactIdentifier: ${identifier}`);
    }
    identifiers.add(identifier);
  }
}

export function checkEnvironment(environment: ProjectEnvironment): void {
  const { type, image, computeType, imagePullCredentialsType, registryCredential } = environment;
  if (type.startsWith("WINDOWS") || type === "MAC_ARM") throw notOffered(`environments of type ${type}`);
  if (environment.dockerServer) throw notOffered("docker servers beside a build: set privilegedMode instead");
  const curated = isCuratedImage(image);
  if (curated && imagePullCredentialsType === "SERVICE_ROLE") {
    throw invalidInput("Invalid environment: curated images need imagePullCredentialsType CODEBUILD");
  }
  if (registryCredential && (curated || imagePullCredentialsType !== "SERVICE_ROLE")) {
    throw invalidInput(
      "Invalid environment: registryCredential needs imagePullCredentialsType SERVICE_ROLE and an image that is not curated",
    );
  }
  if (registryCredential && parseEcrImage(image)) {
    throw invalidInput("Invalid environment: registryCredential cannot be used with images of Amazon ECR");
  }
  if (type.includes("LAMBDA") !== computeType.startsWith("BUILD_LAMBDA_")) {
    throw invalidInput(
      `Invalid environment: compute type ${computeType} is not supported for environment type ${type}`,
    );
  }
  if (type.includes("LAMBDA") && environment.privilegedMode === true) {
    throw invalidInput(`Invalid environment: privilegedMode is not supported for environment type ${type}`);
  }
  checkComputeConfiguration(environment);
}

/** Also of fleets. */
export function checkComputeConfiguration(given: {
  readonly computeType: string;
  readonly computeConfiguration?: ProjectEnvironment["computeConfiguration"];
}): void {
  if (given.computeType === "ATTRIBUTE_BASED_COMPUTE" && !given.computeConfiguration) {
    throw invalidInput("Invalid compute type: ATTRIBUTE_BASED_COMPUTE needs a computeConfiguration");
  }
  if (given.computeType === "CUSTOM_INSTANCE_TYPE" && !given.computeConfiguration?.instanceType) {
    // AWS's text.
    throw invalidInput("Invalid instance type: InstanceType should be a valid EC2 instance type");
  }
}

/** AWS: Lambda compute has no cache, no VPC and no queue. */
export function checkCache(cache: ProjectCache | undefined, environment: ProjectEnvironment): void {
  if (cache === undefined || cache.type === "NO_CACHE") return;
  if (environment.type.includes("LAMBDA")) {
    throw invalidInput(
      `Invalid cache: cache type ${cache.type} is not supported for environment type ${environment.type}`,
    );
  }
  if (cache.type === "S3" && (cache.location ?? "") === "") {
    throw invalidInput("Invalid cache: location must be set for cache type S3");
  }
  if (cache.modes?.includes("LOCAL_DOCKER_LAYER_CACHE") && environment.privilegedMode !== true) {
    throw invalidInput("Invalid cache: LOCAL_DOCKER_LAYER_CACHE needs privilegedMode");
  }
}

export function checkVpc(vpc: VpcConfig | undefined, environmentType: string): void {
  const parts = [vpc?.vpcId, vpc?.subnets?.length, vpc?.securityGroupIds?.length].map(Boolean);
  if (!parts.includes(true)) return;
  if (parts.includes(false)) {
    throw invalidInput("Invalid vpcConfig: vpcId, subnets and securityGroupIds must be set together");
  }
  if (environmentType.includes("LAMBDA")) {
    throw invalidInput(`Invalid vpcConfig: a VPC is not supported for environment type ${environmentType}`);
  }
}

export function checkLogs(logs: LogsConfig | undefined): void {
  if (logs?.s3Logs?.status === "ENABLED" && (logs.s3Logs.location ?? "") === "") {
    throw invalidInput("Invalid logsConfig: location must be set for S3 logs");
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

export function checkTags(tags: readonly Tag[] = []): void {
  const keys = new Set<string>();
  for (const { key = "" } of tags) {
    if (key === "") throw invalidInput("Invalid tags: a tag must have a key");
    if (key.toLowerCase().startsWith("aws:")) {
      throw invalidInput(`Invalid tags: keys that start with aws: are reserved: ${key}`);
    }
    if (keys.has(key)) throw invalidInput(`Invalid tags: duplicate key: ${key}`);
    keys.add(key);
  }
}

export function checkLimits(
  limits: { readonly concurrentBuildLimit?: number | undefined; readonly autoRetryLimit?: number | undefined },
  sourceType: string,
  accountLimit: number,
): void {
  const { concurrentBuildLimit, autoRetryLimit } = limits;
  if (concurrentBuildLimit !== undefined && concurrentBuildLimit < 1) {
    throw invalidInput("Invalid concurrent build limit: it must be 1 or more");
  }
  if (concurrentBuildLimit !== undefined && concurrentBuildLimit > accountLimit) throw limitAboveAccount(accountLimit);
  checkAutoRetryLimit(autoRetryLimit, sourceType);
}

export function checkAutoRetryLimit(limit: number | undefined, sourceType: string): void {
  if (limit === undefined) return;
  if (limit < 0 || limit > MAX_AUTO_RETRIES) {
    throw invalidInput(`Invalid auto-retry limit: it must be from 0 to ${MAX_AUTO_RETRIES}`);
  }
  if (limit > 0 && sourceType === "CODEPIPELINE") {
    throw invalidInput("Invalid auto-retry limit: builds of CodePipeline are not retried");
  }
}
