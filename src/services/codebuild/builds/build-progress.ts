/** How a build's record changes while it runs: at each phase, and at its end. Pure. */
import type { BuildEvent, BuildResult } from "../../../build/run/index.ts";
import type { BuildRecord } from "../records.ts";
import type { LogsLocation } from "../shapes.gen.ts";
import { s3LogsOf } from "./s3-log.ts";

/** The record after a phase began or ended. */
export function duringRun(
  record: BuildRecord,
  event: Extract<BuildEvent, { type: "phase-started" | "phase-finished" }>,
): BuildRecord {
  if (event.type === "phase-started") {
    const open = { phaseType: event.phaseType, startTimeMs: event.atMs };
    const done = record.phases.filter((phase) => phase.phaseType !== event.phaseType);
    return {
      ...record,
      build: {
        ...record.build,
        currentPhase: event.phaseType,
        ...(event.phaseType === "PROVISIONING" ? { logs: logsOf(record) } : {}),
      },
      phases: [...done, open],
    };
  }
  return {
    ...record,
    phases: [...record.phases.filter((phase) => phase.phaseType !== event.phase.phaseType), event.phase],
  };
}

/** The record after a report was made. */
export const withReport = (record: BuildRecord, reportArn: string): BuildRecord => ({
  ...record,
  build: { ...record.build, reportArns: [...(record.build.reportArns ?? []), reportArn] },
});

/** The record of a build that is over. */
export function afterRun(record: BuildRecord, result: BuildResult, nowMs: number): BuildRecord {
  return {
    ...record,
    build: {
      ...record.build,
      buildStatus: result.buildStatus,
      buildComplete: true,
      currentPhase: "COMPLETED",
      endTime: nowMs,
      ...(result.resolvedSourceVersion === undefined ? {} : { resolvedSourceVersion: result.resolvedSourceVersion }),
      ...(result.secondarySourceVersions === undefined
        ? {}
        : { secondarySourceVersions: [...result.secondarySourceVersions] }),
      ...(result.artifacts === undefined ? {} : { artifacts: result.artifacts }),
      ...(result.secondaryArtifacts.length === 0 ? {} : { secondaryArtifacts: [...result.secondaryArtifacts] }),
      exportedEnvironmentVariables: result.exportedVariables,
    },
    phases: result.phases,
  };
}

/** AWS: log group and stream are known once the build is provisioned. */
export function logsOf(record: BuildRecord): LogsLocation {
  const { settings, scope, uuid } = record;
  const config = settings.logsConfig?.cloudWatchLogs;
  const s3 = s3LogsOf(settings.logsConfig?.s3Logs, uuid, scope);
  if (config?.status === "DISABLED") return { cloudWatchLogs: config, ...s3 };
  const groupName = config?.groupName ?? `/aws/codebuild/${settings.projectName}`;
  const streamName = config?.streamName ? `${config.streamName}/${uuid}` : uuid;
  const encoded = (text: string): string => encodeURIComponent(encodeURIComponent(text)).replaceAll("%", "$");
  return {
    groupName,
    streamName,
    deepLink: `https://console.aws.amazon.com/cloudwatch/home?region=${scope.region}#logsV2:log-groups/log-group/${encoded(groupName)}/log-events/${encoded(streamName)}`,
    cloudWatchLogsArn: `arn:${scope.partition}:logs:${scope.region}:${scope.accountId}:log-group:${groupName}:log-stream:${streamName}`,
    cloudWatchLogs: config ?? { status: "ENABLED" },
    ...s3,
  };
}
