/** A project as CreateProject takes it and BatchGetProjects answers it → what the checker may know of it. */
import type { RoleSettings } from "../../build/plan/index.ts";
import type { CheckProject } from "../../check/index.ts";
import { type KnownProject, roleSettingsOf } from "../project/planned-project.ts";

/** The members that are read here. */
export interface WireCheckProject {
  readonly name?: string;
  readonly environment?: Pick<
    CheckProject,
    | "type"
    | "image"
    | "computeType"
    | "privilegedMode"
    | "imagePullCredentialsType"
    | "registryCredential"
    | "fleet"
    | "environmentVariables"
  > & { readonly certificate?: string };
  readonly source?: NonNullable<CheckProject["source"]>;
  readonly secondarySources?: CheckProject["secondarySources"];
  readonly sourceVersion?: string;
  readonly artifacts?: RoleSettings["artifacts"];
  readonly secondaryArtifacts?: RoleSettings["secondaryArtifacts"];
  readonly cache?: { readonly type: string; readonly location?: string; readonly modes?: readonly string[] };
  readonly timeoutInMinutes?: number;
  readonly queuedTimeoutInMinutes?: number;
  readonly concurrentBuildLimit?: number;
  readonly autoRetryLimit?: number;
  readonly serviceRole?: string;
  readonly encryptionKey?: string;
  readonly vpcConfig?: CheckProject["vpcConfig"];
  readonly logsConfig?: {
    readonly cloudWatchLogs?: RoleSettings["cloudWatchLogs"];
    readonly s3Logs?: NonNullable<RoleSettings["s3Logs"]> & { readonly status?: string };
  };
  readonly webhook?: CheckProject["webhook"];
  readonly buildBatchConfig?: NonNullable<CheckProject["buildBatchConfig"]> & {
    readonly restrictions?: CheckProject["batchRestrictions"];
  };
}

export function checkProjectOf(project: WireCheckProject): CheckProject {
  const { environment, logsConfig, buildBatchConfig } = project;
  // A member that is there without a value is one that nobody knows; one that is absent has AWS's default.
  const unlessGiven = <T>(member: keyof WireCheckProject, value: T): T | undefined =>
    member in project ? undefined : value;
  return {
    ...(environment && { privilegedMode: false, imagePullCredentialsType: "CODEBUILD", environmentVariables: [] }),
    ...environment,
    name: project.name,
    source: project.source,
    secondarySources: project.secondarySources ?? unlessGiven("secondarySources", []),
    sourceVersion: project.sourceVersion,
    artifacts: project.artifacts,
    secondaryArtifacts: project.secondaryArtifacts ?? unlessGiven("secondaryArtifacts", []),
    cache: project.cache,
    timeoutInMinutes: project.timeoutInMinutes,
    queuedTimeoutInMinutes: project.queuedTimeoutInMinutes,
    concurrentBuildLimit: project.concurrentBuildLimit,
    autoRetryLimit: project.autoRetryLimit,
    serviceRole: project.serviceRole,
    encryptionKey: project.encryptionKey,
    vpcConfig: project.vpcConfig,
    logsConfig,
    webhook: project.webhook,
    buildBatchConfig: buildBatchConfig ?? unlessGiven("buildBatchConfig", null),
    batchRestrictions: buildBatchConfig?.restrictions,
    roleSettings: roleSettingsOf(project as KnownProject, false),
  };
}
