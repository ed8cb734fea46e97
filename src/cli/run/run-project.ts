/**
 * The project that `kiln run` builds: a named one, one from a template, or the default project of the folder, made or
 * brought up to date with its generated roles. Through the API, as root, like everything else.
 */
import { pathToFileURL } from "node:url";
import type { Kiln } from "../../app.ts";
import { usageError } from "../../core/errors.ts";
import type { CommandContext } from "../command-context.ts";
import type { Assignment } from "../env-file.ts";
import { batchUsesDocker, ensureBatchRole, planOfAll, requireBatch } from "../project/batch-project.ts";
import {
  DEFAULT_IMAGE,
  DEFAULT_TIMEOUT_MINUTES,
  ensureGeneratedRole,
  environmentOf,
  type ProjectSettings,
  planOf,
  putProject,
  requireProject,
  requireRole,
  usesDocker,
} from "../project/default-project.ts";
import { buildspecPath, projectNameOf, readProject } from "../project/project-files.ts";
import { readTemplate, refusedTemplate } from "../project/template.ts";
import { announceBatch, announceBuild } from "./announce-run.ts";
import { requireParameters } from "./missing-parameters.ts";
import { refuseBatchOnly, requireEngine } from "./run-refusals.ts";
import { pipelineOverrides, type RunValues, sourceText, sourceVersion } from "./run-values.ts";

/** Makes or finds the project, says what will happen, and answers StartBuild's input. */
export async function prepareProject(
  context: CommandContext,
  kiln: Kiln,
  dir: string,
  values: RunValues,
  variables: readonly Assignment[],
): Promise<Record<string, unknown>> {
  const overrides = {
    ...(variables.length === 0
      ? {}
      : { environmentVariablesOverride: variables.map((v) => ({ ...v, type: "PLAINTEXT" })) }),
    ...(values.timeout === undefined ? {} : { timeoutInMinutesOverride: values.timeout }),
    ...(values.privileged === undefined ? {} : { privilegedModeOverride: values.privileged }),
    ...(values.image === undefined ? {} : { imageOverride: values.image }),
  };
  if (values.project !== undefined || values.template !== undefined) {
    const name =
      values.template === undefined ? (values.project ?? "") : await projectFromTemplate(context, kiln, values);
    const project = await requireProject(kiln.root, name);
    await requireEngine(kiln, values.image ?? project.environment?.image ?? DEFAULT_IMAGE);
    const role = values.role === undefined ? {} : { serviceRoleOverride: await requireRole(kiln.root, values.role) };
    context.note(
      `project ${name} · role ${(values.role ?? project.serviceRole ?? "").split("/").at(-1)} · source ${sourceText(dir, values)}`,
    );
    return { projectName: name, ...sourceOverrides(dir, values), ...overrides, ...role };
  }
  return { ...(await prepareDefaultProject(context, kiln, dir, values, variables)), ...overrides };
}

async function prepareDefaultProject(
  context: CommandContext,
  kiln: Kiln,
  dir: string,
  values: RunValues,
  variables: readonly Assignment[],
): Promise<Record<string, unknown>> {
  await requireEngine(kiln, values.image ?? DEFAULT_IMAGE);
  const files = readProject(dir, values.buildspec);
  const batch = values.batch ? requireBatch(files) : undefined;
  if (!files.failure && !values.batch) refuseBatchOnly(files.buildspec);
  const settings: ProjectSettings = {
    name: projectNameOf(dir),
    image: values.image ?? DEFAULT_IMAGE,
    isPrivileged: values.privileged ?? (batch ? batchUsesDocker(batch) : usesDocker(files.buildspec)),
    timeoutMinutes: values.timeout ?? DEFAULT_TIMEOUT_MINUTES,
  };
  const how = { strict: values.strict === true, variables };
  const plan = batch ? planOfAll(batch, settings, how) : files.buildspec && planOf(files.buildspec, settings, how);
  // A build that ends at its buildspec reads no parameter: nobody is asked for one.
  if (plan && !files.failure) await requireParameters(context, kiln, plan);
  const role =
    values.role === undefined
      ? await ensureGeneratedRole(kiln.root, kiln.scope, settings.name, plan)
      : { arn: await requireRole(kiln.root, values.role), name: values.role, policy: undefined };
  const batchRole = batch && (await ensureBatchRole(kiln.root, kiln.scope, settings.name));
  await putProject(kiln.root, {
    name: settings.name,
    description: "Made by kiln run",
    source: {
      type: "GITHUB",
      location: pathToFileURL(dir).href,
      buildspec: files.buildspecFile,
    },
    artifacts: { type: "NO_ARTIFACTS" },
    environment: environmentOf(settings),
    serviceRole: role.arn,
    timeoutInMinutes: settings.timeoutMinutes,
    ...(batchRole ? { buildBatchConfig: { serviceRole: batchRole.arn } } : {}),
  });
  announceBuild(context, files, settings, plan, role, values);
  announceBatch(context, files, batch, batchRole);
  return { projectName: settings.name, ...sourceVersion(values), ...pipelineOverrides(values) };
}

function sourceOverrides(dir: string, values: RunValues): Record<string, unknown> {
  return {
    sourceTypeOverride: "GITHUB",
    sourceLocationOverride: pathToFileURL(dir).href,
    ...(values.buildspec === undefined ? {} : { buildspecOverride: buildspecPath(dir, values.buildspec) }),
    ...sourceVersion(values),
    ...pipelineOverrides(values),
  };
}

async function projectFromTemplate(context: CommandContext, kiln: Kiln, values: RunValues): Promise<string> {
  const file = values.template ?? "";
  const input = readTemplate(file, context.io.cwd);
  const name = values.project ?? input["name"];
  if (typeof name !== "string")
    throw usageError(`the template \`${file}\` has no \`name\``, ["add it, or name the project with --project"]);
  const serviceRole = values.role === undefined ? input["serviceRole"] : await requireRole(kiln.root, values.role);
  if (typeof serviceRole !== "string")
    throw usageError(`the template \`${file}\` has no \`serviceRole\``, ["add it, or name a role with --role"]);
  await requireRole(kiln.root, serviceRole, `the template \`${file}\` names it`);
  try {
    await putProject(kiln.root, { ...input, name, serviceRole });
  } catch (error) {
    throw refusedTemplate(file, error);
  }
  return name;
}
