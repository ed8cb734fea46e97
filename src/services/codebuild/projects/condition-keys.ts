/**
 * The condition keys of requests that set a project's or a build's fields: one key a field, so that a policy can allow
 * CreateProject, UpdateProject and StartBuild only with certain values. A structure that is given has the key `true`.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html
 */
import type { AuthorizationRequest, RequestContext } from "../../../authorize/decision.ts";
import type {
  EnvironmentVariable,
  LogsConfig,
  ProjectArtifacts,
  ProjectBuildBatchConfig,
  ProjectCache,
  ProjectEnvironment,
  ProjectFileSystemLocation,
  ProjectSource,
  VpcConfig,
} from "../shapes.gen.ts";

type Given<T> = { readonly [K in keyof T]?: T[K] | undefined } | undefined;

export interface RequestFields {
  readonly source?: Given<ProjectSource>;
  readonly secondarySources?: readonly ProjectSource[] | undefined;
  readonly artifacts?: ProjectArtifacts | undefined;
  readonly secondaryArtifacts?: readonly ProjectArtifacts[] | undefined;
  readonly cache?: ProjectCache | undefined;
  readonly environment?: Given<ProjectEnvironment>;
  readonly environmentVariables?: readonly EnvironmentVariable[] | undefined;
  readonly logsConfig?: LogsConfig | undefined;
  readonly vpcConfig?: VpcConfig | undefined;
  readonly buildBatchConfig?: ProjectBuildBatchConfig | undefined;
  readonly serviceRole?: string | undefined;
  readonly encryptionKey?: string | undefined;
  readonly concurrentBuildLimit?: number | undefined;
  readonly autoRetryLimit?: number | undefined;
  readonly fileSystemLocations?: readonly ProjectFileSystemLocation[] | undefined;
}

type Value = string | number | boolean | undefined | readonly (string | boolean | undefined)[];

export function requestFieldKeys(fields: RequestFields): RequestContext {
  const { artifacts, cache, environment, environmentVariables, logsConfig, source, vpcConfig } = fields;
  const { buildBatchConfig, secondaryArtifacts, secondarySources } = fields;
  const s3Logs = logsConfig?.s3Logs;
  return contextOf({
    serviceRole: fields.serviceRole,
    encryptionKey: fields.encryptionKey,
    concurrentBuildLimit: fields.concurrentBuildLimit,
    autoRetryLimit: fields.autoRetryLimit,
    ...under("source", source, sourceValues(source ?? {})),
    ...listed("secondarySources", secondarySources, "sourceIdentifier", sourceValues),
    ...under("artifacts", artifacts, artifactsValues(artifacts ?? {})),
    ...listed("secondaryArtifacts", secondaryArtifacts, "artifactIdentifier", artifactsValues),
    ...under("cache", cache, { type: cache?.type, location: cache?.location, modes: cache?.modes }),
    ...under("environment", environment, environmentValues(environment ?? {})),
    ...variableValues(environmentVariables),
    logsConfig: isGiven(logsConfig),
    ...fileSystemValues(fields.fileSystemLocations),
    ...under("logsConfig.s3Logs", s3Logs, {
      status: s3Logs?.status,
      location: s3Logs?.location,
      encryptionDisabled: s3Logs?.encryptionDisabled,
      bucketOwnerAccess: s3Logs?.bucketOwnerAccess,
    }),
    ...under("vpcConfig", vpcConfig, {
      vpcId: vpcConfig?.vpcId,
      subnets: vpcConfig?.subnets,
      securityGroupIds: vpcConfig?.securityGroupIds,
    }),
    ...under("buildBatchConfig", buildBatchConfig, {
      serviceRole: buildBatchConfig?.serviceRole,
      "restrictions.computeTypesAllowed": buildBatchConfig?.restrictions?.computeTypesAllowed,
      "restrictions.fleetsAllowed": buildBatchConfig?.restrictions?.fleetsAllowed,
    }),
  });
}

const sourceValues = (source: NonNullable<RequestFields["source"]>): Record<string, Value> => ({
  location: source.location,
  buildspec: isGiven(source.buildspec),
  insecureSsl: source.insecureSsl,
  "auth.type": source.auth?.type,
  "auth.resource": source.auth?.resource,
  "buildStatusConfig.context": source.buildStatusConfig?.context,
  "buildStatusConfig.targetUrl": source.buildStatusConfig?.targetUrl,
});

const artifactsValues = (artifacts: Partial<ProjectArtifacts>): Record<string, Value> => ({
  location: artifacts.location,
  encryptionDisabled: artifacts.encryptionDisabled,
  bucketOwnerAccess: artifacts.bucketOwnerAccess,
});

function environmentValues(environment: NonNullable<RequestFields["environment"]>): Record<string, Value> {
  const { computeConfiguration: compute, registryCredential } = environment;
  return {
    type: environment.type,
    image: environment.image,
    computeType: environment.computeType,
    privilegedMode: environment.privilegedMode,
    imagePullCredentialsType: environment.imagePullCredentialsType,
    certificate: environment.certificate,
    "fleet.fleetArn": environment.fleet?.fleetArn,
    registryCredential: isGiven(registryCredential),
    "registryCredential.credential": registryCredential?.credential,
    "registryCredential.credentialProvider": registryCredential?.credentialProvider,
    computeConfiguration: isGiven(compute),
    "computeConfiguration.vCpu": compute?.vCpu,
    "computeConfiguration.memory": compute?.memory,
    "computeConfiguration.disk": compute?.disk,
    "computeConfiguration.machineType": compute?.machineType,
    "computeConfiguration.instanceType": compute?.instanceType,
  };
}

function variableValues(variables: readonly EnvironmentVariable[] | undefined): Record<string, Value> {
  const values: Record<string, Value> = {
    "environment.environmentVariables": isGiven(variables),
    "environment.environmentVariables.name": variables?.map(({ name }) => name),
    "environment.environmentVariables.value": variables?.map(({ value }) => value),
  };
  for (const { name, value } of variables ?? []) values[`environment.environmentVariables/${name}.value`] = value;
  return values;
}

/** Unlike other lists this one has no key of its own name. */
const fileSystemValues = (locations: RequestFields["fileSystemLocations"]): Record<string, Value> => {
  const { fileSystemLocations: _, ...values } = listed(
    "fileSystemLocations",
    locations,
    "identifier",
    ({ type, location }) => ({ type, location }),
  );
  return values;
};

const isGiven = (value: unknown): true | undefined => (value === undefined ? undefined : true);

/** A structure and its members. */
export const under = (
  name: string,
  structure: object | undefined,
  members: Record<string, Value>,
): Record<string, Value> =>
  structure === undefined
    ? {}
    : { [name]: true, ...Object.fromEntries(Object.entries(members).map(([key, value]) => [`${name}.${key}`, value])) };

/** A list: every member's values together under the list's name, and each item's under `list/<identifier>`. */
function listed<T extends object>(
  name: string,
  items: readonly T[] | undefined,
  identifier: keyof T & string,
  valuesOf: (item: T) => Record<string, Value>,
): Record<string, Value> {
  if (items === undefined) return {};
  const values: Record<string, Value> = {
    [name]: true,
    [`${name}.${identifier}`]: items.map((item) => String(item[identifier])),
  };
  for (const key of Object.keys(items[0] ? valuesOf(items[0]) : {})) {
    values[`${name}.${key}`] = items.map((item) => valuesOf(item)[key] as string | boolean | undefined);
  }
  for (const item of items) {
    for (const [key, value] of Object.entries(valuesOf(item)))
      values[`${name}/${String(item[identifier])}.${key}`] = value;
  }
  return values;
}

/** Keys that carry what a caller keeps to himself: a token of a source provider, values of variables. */
const SECRET_KEY = /^codebuild:(?:token|environment\.environmentVariables(?:\/[\s\S]*)?\.value)$/;

/** The request, with those of its keys declared that carry secrets. Every request with keys of this file goes through it. */
export function withSecretKeys(request: AuthorizationRequest): AuthorizationRequest {
  const secretKeys = Object.keys(request.context ?? {}).filter((key) => SECRET_KEY.test(key));
  return secretKeys.length === 0 ? request : { ...request, secretKeys };
}

/** `codebuild:<name>` for each value that is there. */
export function contextOf(values: Record<string, Value>): RequestContext {
  const context: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    if (!Array.isArray(value)) context[`codebuild:${name}`] = String(value);
    else if (value.some((item) => item !== undefined)) {
      context[`codebuild:${name}`] = value.filter((item) => item !== undefined).map(String);
    }
  }
  return context;
}
