/**
 * What `kiln plan` and `kiln policy` know before a run: the buildspec, the plans of it and of the buildspecs that its
 * batch names, and the project's settings: the default project's, or those of `--project` and `--template`.
 */
import { existsSync } from "node:fs";
import type { Kiln } from "../../app.ts";
import { type Buildspec, parseBuildspec } from "../../build/buildspec/index.ts";
import {
  type BuildPlan,
  type EnvironmentVariable,
  type PlanProject,
  planBuild,
  type RoleSettings,
} from "../../build/plan/index.ts";
import type { CommandPermissions } from "../../check/index.ts";
import { createFolderWorkspace } from "../../check/tree/folder-workspace.ts";
import type { AwsScope } from "../../core/arn.ts";
import { KilnError, usageError } from "../../core/errors.ts";
import { chunksOf, type StreamingBlob } from "../../core/streaming-blob.ts";
import { type CommandContext, withKiln } from "../command-context.ts";
import { parseVariable } from "../env-file.ts";
import type { Settings } from "../settings.ts";
import { batchOf, type ProjectBatch } from "./batch-project.ts";
import { commandCalls } from "./command-calls.ts";
import { customerKeys } from "./customer-keys.ts";
import {
  DEFAULT_IMAGE,
  DEFAULT_TIMEOUT_MINUTES,
  environmentOf,
  requireProject,
  usesDocker,
} from "./default-project.ts";
import { DEFAULT_BUILDSPEC, isBuildspecFile, type ProjectFiles, projectNameOf, readProject } from "./project-files.ts";
import { readTemplate } from "./template.ts";

export interface PlanValues {
  readonly buildspec?: string;
  readonly project?: string;
  readonly template?: string;
  readonly image?: string;
  readonly strict?: boolean;
  readonly env?: readonly string[];
}

export interface PlannedProject {
  readonly name: string;
  /** Of the buildspec itself. */
  readonly plan: BuildPlan;
  /** Undefined when the buildspec has no `batch`. */
  readonly batch: ProjectBatch | undefined;
  /** The plan, and those of the other buildspecs that the batch names. */
  readonly plans: readonly BuildPlan[];
  readonly files: ProjectFiles;
  /** What of the project decides about its service role. */
  readonly settings: RoleSettings;
  /** What the builds' own aws commands call. */
  readonly commands: CommandPermissions;
  /** ARN; undefined for the default project, whose role is generated. */
  readonly serviceRole: string | undefined;
}

/** CreateProject's members that are read here; BatchGetProjects answers the same. */
export interface KnownProject {
  readonly name?: string;
  readonly source?: NonNullable<RoleSettings["source"]>;
  readonly secondarySources?: RoleSettings["secondarySources"];
  readonly sourceVersion?: string;
  readonly artifacts?: RoleSettings["artifacts"];
  readonly secondaryArtifacts?: RoleSettings["secondaryArtifacts"];
  readonly cache?: RoleSettings["cache"];
  readonly logsConfig?: {
    readonly cloudWatchLogs?: RoleSettings["cloudWatchLogs"];
    readonly s3Logs?: NonNullable<RoleSettings["s3Logs"]> & { readonly status?: string };
  };
  readonly encryptionKey?: string;
  readonly autoRetryLimit?: number;
  readonly environment?: Partial<PlanProject["environment"]> & { readonly certificate?: string };
  readonly timeoutInMinutes?: number;
  readonly serviceRole?: string;
  readonly buildBatchConfig?: { readonly combineArtifacts?: boolean };
}

/** Plans a folder in its project. A buildspec that cannot be read is an error. */
export async function planProject(context: CommandContext, dir: string, values: PlanValues): Promise<PlannedProject> {
  if (values.project !== undefined && values.template === undefined) {
    const { project: name } = values;
    return withKiln(context, async (kiln) => {
      const project = (await requireProject(kiln.root, name)) as KnownProject;
      const keys = await customerKeys(kiln.root, kiln.scope);
      return plannedIn(project, name, await filesOf(project, dir, values, kiln), values, keys, kiln.scope);
    });
  }
  if (values.template !== undefined) {
    const project = readTemplate(values.template, context.io.cwd) as KnownProject;
    const name = values.project ?? project.name;
    if (typeof name !== "string") {
      throw usageError(`the template \`${values.template}\` has no \`name\``, [
        "add it, or name the project with --project",
      ]);
    }
    const files = await filesOf(project, dir, values, undefined);
    return plannedIn(project, name, files, values, await knownKeys(context), scopeFrom(context.settings));
  }
  const files = readProject(dir, values.buildspec);
  return plannedIn({}, projectNameOf(dir), files, values, await knownKeys(context), scopeFrom(context.settings));
}

/** The account and region that plans are made for. */
export const scopeFrom = (settings: Settings): AwsScope => ({
  partition: "aws",
  region: settings.region ?? "us-east-1",
  accountId: settings.accountId ?? "000000000000",
});

/** Keys of the parameters and secrets here; none while there is no state folder, which planning does not make. */
const knownKeys = async (context: CommandContext): Promise<StoreKeys> =>
  existsSync(context.settings.stateDir)
    ? withKiln(context, ({ root, scope }) => customerKeys(root, scope))
    : { parameterKeys: undefined, secretKeys: undefined };

type StoreKeys = Pick<RoleSettings, "parameterKeys" | "secretKeys">;

function plannedIn(
  project: KnownProject,
  name: string,
  files: ProjectFiles,
  values: PlanValues,
  keys: StoreKeys,
  scope: AwsScope,
): PlannedProject {
  const { buildspec } = files;
  if (!buildspec || files.failure) {
    throw new KilnError({
      code: "KILN_E_BUILDSPEC",
      message: `the buildspec \`${files.buildspecFile}\` cannot be read: ${files.failure?.message ?? "it is empty"}`,
      fix: ["`kiln check` shows the place and what was expected there"],
      exitCode: 3,
    });
  }
  const overrides = {
    environmentVariablesOverride: (values.env ?? []).map((text): EnvironmentVariable => parseVariable(text)),
    imageOverride: values.image,
  };
  const own = environmentOf({
    name,
    image: DEFAULT_IMAGE,
    isPrivileged: usesDocker(buildspec),
    timeoutMinutes: DEFAULT_TIMEOUT_MINUTES,
  });
  const planProject: PlanProject = {
    name,
    environment: project.environment ? { ...own, privilegedMode: false, ...project.environment } : own,
    timeoutInMinutes: project.timeoutInMinutes ?? DEFAULT_TIMEOUT_MINUTES,
  };
  const planOf = (one: Buildspec): BuildPlan =>
    planBuild({ buildspec: one, project: planProject, overrides, strict: values.strict === true }).plan;
  const batch = batchOf(files);
  const plan = planOf(buildspec);
  const others = (batch?.buildspecs ?? []).filter((one) => one !== buildspec).map(planOf);
  return {
    name,
    plan,
    batch,
    plans: [plan, ...others],
    files,
    settings: { ...roleSettingsOf(project, batch !== undefined), ...keys },
    commands: commandCalls(files.workspace, batch?.buildspecs ?? [buildspec], scope, [
      ...(planProject.environment.environmentVariables ?? []),
      ...overrides.environmentVariablesOverride,
    ]),
    serviceRole: project.serviceRole,
  };
}

/** Of a project as CreateProject takes it. With `combineArtifacts` the builds of a batch write below its own folder. */
export function roleSettingsOf(project: KnownProject, hasBatch: boolean): RoleSettings {
  const { logsConfig, artifacts, environment } = project;
  const { cloudWatchLogs, s3Logs } = logsConfig ?? {};
  const isCombined = hasBatch && project.buildBatchConfig?.combineArtifacts === true;
  return {
    source: project.source,
    secondarySources: project.secondarySources,
    sourceVersion: project.sourceVersion,
    artifacts:
      artifacts && isCombined ? { ...artifacts, path: artifacts.path ? `${artifacts.path}/*` : "*" } : artifacts,
    secondaryArtifacts: project.secondaryArtifacts,
    cache: project.cache,
    cloudWatchLogs,
    s3Logs: s3Logs?.status === "ENABLED" ? s3Logs : undefined,
    encryptionKey: project.encryptionKey,
    certificate: environment?.certificate,
    autoRetryLimit: project.autoRetryLimit,
  };
}

/** The project's buildspec: `-b`, a file of the folder, the text in the project, or an object in S3. */
async function filesOf(
  { source }: KnownProject,
  dir: string,
  values: PlanValues,
  kiln: Kiln | undefined,
): Promise<ProjectFiles> {
  const written = source?.buildspec ?? "";
  const s3 = /^arn:[^:]*:s3:::([^/]+)\/(.+)$/.exec(written);
  if (values.buildspec !== undefined || written === "" || (!s3 && isBuildspecFile(written))) {
    return readProject(dir, values.buildspec ?? (written === "" ? undefined : written));
  }
  if (s3 && !kiln) {
    throw usageError(`the template's buildspec \`${written}\` is in S3, which a template alone cannot read`, [
      "name a file with -b, or create the project and name it with --project",
    ]);
  }
  const text = s3 && kiln ? await objectText(kiln, s3[1] ?? "", s3[2] ?? "") : written;
  const buildspecFile = s3 ? (s3[2] ?? "") : DEFAULT_BUILDSPEC;
  const { buildspec, failure, diagnostics } = parseBuildspec(text, buildspecFile);
  return { dir, buildspecFile, text, buildspec, failure, diagnostics, workspace: createFolderWorkspace(dir) };
}

async function objectText(kiln: Kiln, Bucket: string, Key: string): Promise<string> {
  const { Body } = await kiln.root.call<{ Body: StreamingBlob }>("s3", "GetObject", { Bucket, Key });
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(Body)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
