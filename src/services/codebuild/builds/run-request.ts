/** From a build's record to what build/run executes: the request, and the plan of its buildspec. */
import { type Buildspec, parseBuildspec } from "../../../build/buildspec/index.ts";
import { planBuild } from "../../../build/plan/index.ts";
import type { BuildRequest, LoadedPlan } from "../../../build/run/index.ts";
import { MINUTE_MS } from "../../../core/clock.ts";
import { type BuildRecord, type BuildSettings, projectArn } from "../records.ts";

export function requestOf(record: BuildRecord, strict: boolean): BuildRequest {
  const { settings, build, scope, uuid } = record;
  const cloudWatch = settings.logsConfig?.cloudWatchLogs;
  const prefix = cloudWatch?.streamName;
  return {
    buildId: build.id ?? "",
    uuid,
    buildArn: build.arn ?? "",
    buildNumber: build.buildNumber ?? 0,
    projectName: settings.projectName,
    projectArn: projectArn(scope, settings.projectName),
    scope,
    serviceRole: settings.serviceRole,
    initiator: build.initiator ?? "",
    startTimeMs: build.startTime ?? 0,
    image: settings.environment.image,
    privilegedMode: settings.environment.privilegedMode === true,
    imagePullCredentialsType: settings.environment.imagePullCredentialsType,
    registryCredential: settings.environment.registryCredential?.credential,
    encryptionKey: settings.encryptionKey,
    source: settings.source,
    sourceVersion: settings.sourceVersion,
    secondarySources: settings.secondarySources.map((source) => ({
      ...source,
      sourceVersion: settings.secondarySourceVersions.find((item) => item.sourceIdentifier === source.sourceIdentifier)
        ?.sourceVersion,
    })),
    artifacts: settings.artifacts,
    secondaryArtifacts: settings.secondaryArtifacts,
    cache: settings.cache,
    environmentType: settings.environment.type,
    computeType: settings.environment.computeType,
    certificate: settings.environment.certificate || undefined,
    variables: record.origin.variables,
    ...(settings.logsConfig?.s3Logs?.status === "ENABLED" ? { s3Logs: settings.logsConfig.s3Logs } : {}),
    ...(cloudWatch?.status === "DISABLED"
      ? {}
      : {
          logs: {
            groupName: cloudWatch?.groupName ?? `/aws/codebuild/${settings.projectName}`,
            streamName: prefix === undefined || prefix === "" ? uuid : `${prefix}/${uuid}`,
          },
        }),
    timeoutMs: settings.timeoutInMinutes * MINUTE_MS,
    queuedTimeoutMs: settings.queuedTimeoutInMinutes * MINUTE_MS,
    strict,
  };
}

/** Settings that are kept and do nothing here, each said at the start of the build. */
export function withoutEffect({ vpcConfig, debugSessionEnabled }: BuildSettings): string[] {
  return [
    ...(vpcConfig
      ? [`vpcConfig has no effect: the build runs in this machine's network, not in ${vpcConfig.vpcId}`]
      : []),
    ...(debugSessionEnabled === true
      ? [
          "debugSessionEnabled has no effect: there is no Session Manager, and `codebuild-breakpoint` does not pause the build; try commands in the build's environment with `kiln sandbox`",
        ]
      : []),
  ];
}

export function loadPlan(record: BuildRecord, text: string, file: string, strict: boolean): LoadedPlan {
  const { buildspec, failure } = parseBuildspec(text, file);
  if (failure || !buildspec) {
    return {
      kind: "failure",
      failure: {
        statusCode: failure?.statusCode ?? "YAML_FILE_ERROR",
        message: failure?.message ?? "YAML file is empty",
      },
    };
  }
  return planOf(record, buildspec, strict);
}

/** The plan of a buildspec that was read, with the settings of a build. */
export function planOf({ settings }: BuildRecord, buildspec: Buildspec, strict: boolean): LoadedPlan {
  const { plan, diagnostics } = planBuild({
    buildspec,
    project: {
      name: settings.projectName,
      environment: { ...settings.environment, environmentVariables: settings.projectVariables },
      timeoutInMinutes: settings.timeoutInMinutes,
    },
    overrides: { environmentVariablesOverride: settings.overrideVariables },
    strict,
  });
  const refusal = diagnostics.find(({ severity }) => severity === "error");
  // Why it is refused is for `check` and `explain` to say.
  if (refusal) return { kind: "failure", failure: { statusCode: "YAML_FILE_ERROR", message: refusal.message } };
  return { kind: "plan", plan };
}
