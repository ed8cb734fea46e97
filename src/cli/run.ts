/**
 * `kiln run`: one build of the project here, through CreateProject/UpdateProject and StartBuild, watched until it
 * ends. The exit code is the build's. Nothing of a build happens in this file: it asks the API and prints events.
 */
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import type { Kiln, KilnOptions } from "../app.ts";
import { graphTitle } from "../build/batch/index.ts";
import type { BuildPlan } from "../build/plan/index.ts";
import {
  type BatchRole,
  batchUsesDocker,
  ensureBatchRole,
  type ProjectBatch,
  planOfAll,
  requireBatch,
} from "./batch-project.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
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
} from "./default-project.ts";
import { type Assignment, parseAssignment, parseVariable, readEnvFile } from "./env-file.ts";
import type { CliIo } from "./io.ts";
import { requireParameters } from "./missing-parameters.ts";
import { buildspecPath, type ProjectFiles, projectNameOf, readProject, sourceDir } from "./project-files.ts";
import { withRunParameters } from "./run-parameters.ts";
import { refuseBatchOnly, refuseImageWithoutEngine, refuseWhatIsNotDone, usage } from "./run-refusals.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";
import { withSignals } from "./signals.ts";
import { readTemplate, refusedTemplate } from "./template.ts";
import { watchBatch } from "./watch-batch.ts";
import { watchBuild } from "./watch-build.ts";

export interface RunValues {
  readonly buildspec?: string;
  readonly project?: string;
  readonly template?: string;
  readonly role?: string;
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly parameter?: readonly string[];
  readonly engine?: string;
  readonly image?: string;
  readonly source?: string;
  readonly asPipeline?: boolean;
  readonly timeout?: number;
  readonly keep?: boolean;
  readonly strict?: boolean;
  readonly privileged?: boolean;
  readonly format?: string;
  readonly pushForReal?: boolean;
  readonly batch?: boolean;
  readonly jobs?: number;
  readonly [name: string]: unknown;
}

export function runCommand(io: CliIo, exit: (code: number) => void): Command {
  const collect = (value: string, earlier: readonly string[] = []) => [...earlier, value];
  const command = new Command("run")
    .description("run one build of the project here; the exit code is the build's")
    .argument("[dir]", "source folder", ".")
    .addOption(option("-b, --buildspec <file>", "buildspec in the source (default: buildspec.yml)"))
    .addOption(option("--project <name>", "a project made with CreateProject, with its role"))
    .addOption(option("--template <file>", "a CreateProject input as JSON"))
    .addOption(option("--role <name>", "service role that decides what the build may do"))
    .addOption(option("-e, --env <name=value>", "variable of this build (repeatable)").argParser(collect))
    .addOption(option("--env-file <file>", "variables of this build from a .env file (repeatable)").argParser(collect))
    .addOption(option("-p, --parameter <name=value>", "parameter for this run (repeatable)").argParser(collect))
    .addOption(
      option("--engine <engine>", "where commands run").choices(["auto", "host", "sandbox", "docker", "podman"]),
    )
    .addOption(option("--image <image>", "image of the build environment"))
    .addOption(option("--source <what>", "worktree, head or a git revision (default: worktree)"))
    .addOption(option("--as-pipeline", "source as CodePipeline gives it: without .git"))
    .addOption(option("--timeout <minutes>", "5 to 2160 (default: 60)").argParser(minutes))
    .addOption(option("--strict", "as AWS does: no `ssm:/name`, no variables under a phase"))
    .addOption(option("--privileged", "privileged mode on: the build gets docker"))
    .addOption(option("--no-privileged", "privileged mode off"))
    .addOption(option("--format <format>", "kiln, or aws for CodeBuild's own log lines").choices(["kiln", "aws"]))
    .addOption(option("--batch", "run the buildspec's batch: its builds, side by side"))
    .addOption(option("-j, --jobs <n>", "with --batch: builds at the same time").argParser(jobs))
    .addOption(option("--push-for-real", "let docker push reach the real registries"));
  for (const flag of [
    "--watch",
    "--phase <name>",
    "--from <phase>",
    "-P <curated=image>",
    "--shell-on-failure",
    "--keep",
  ]) {
    command.addOption(option(flag, "not yet").helpGroup("Not yet:"));
  }
  addCommonOptions(command);
  command.addHelpText("after", "\nExample:\n  kiln run --role CodeBuildServiceRole -e STAGE=test");
  return command.action(async (dir: string, values: RunValues) => {
    exit(await run(commandContext(io, settingsOf(values, io, sourceDir(dir, io.cwd))), dir, values));
  });
}

function jobs(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1000) return value;
  throw usage(`--jobs expects a number of builds from 1 to 1000, not \`${text}\``);
}

function minutes(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 5 && value <= 2160) return value;
  throw usage(`--timeout expects minutes from 5 to 2160, not \`${text}\``);
}

/** Runs one build; answers the exit code. */
export async function run(context: CommandContext, dirArgument: string, values: RunValues): Promise<number> {
  refuseWhatIsNotDone(values);
  const { io } = context;
  const dir = sourceDir(dirArgument, io.cwd);
  const variables = [
    ...(values.envFile ?? []).flatMap((file) => readEnvFile(file, io.cwd)),
    ...(values.env ?? []).map((text) => parseVariable(text)),
  ];
  const parameters = (values.parameter ?? []).map((text) => parseAssignment(text, "--parameter"));
  const options: KilnOptions = {
    ...(values.strict ? { strict: true } : {}),
    ...(values.pushForReal ? { pushForReal: true } : {}),
    ...(values.engine === undefined ? {} : { engine: values.engine as "auto" | "host" }),
    ...(values.jobs === undefined ? {} : { parallelBuilds: values.jobs }),
  };
  if (values.jobs !== undefined && !values.batch) throw usage("`--jobs` goes with `--batch`: one build is one job");
  return withSignals((interruption) =>
    withKiln(
      context,
      async (kiln) => {
        return withRunParameters(context, kiln, parameters, values.timeout ?? DEFAULT_TIMEOUT_MINUTES, async () => {
          const prepared = await prepare(context, kiln, dir, values, variables);
          const format = values.format === "aws" ? "aws" : "kiln";
          if (values.batch) {
            const { buildBatch } = await kiln.root.call<{ buildBatch?: { id?: string } }>(
              "codebuild",
              "StartBuildBatch",
              batchInput(prepared.startBuild),
            );
            return watchBatch(context, kiln, buildBatch?.id ?? "", format, interruption);
          }
          const started = await kiln.root.call<{ build?: { id?: string } }>(
            "codebuild",
            "StartBuild",
            prepared.startBuild,
          );
          return watchBuild(context, kiln, started.build?.id ?? "", format, interruption);
        });
      },
      options,
    ),
  );
}

/** StartBuild's input as StartBuildBatch wants it. */
function batchInput({ timeoutInMinutesOverride, ...input }: Record<string, unknown>): Record<string, unknown> {
  if (timeoutInMinutesOverride === undefined) return input;
  return { ...input, buildTimeoutInMinutesOverride: timeoutInMinutesOverride };
}

interface Prepared {
  readonly startBuild: Record<string, unknown>;
}

/** Makes or finds the project, says what will happen, and answers StartBuild's input. */
async function prepare(
  context: CommandContext,
  kiln: Kiln,
  dir: string,
  values: RunValues,
  variables: readonly Assignment[],
): Promise<Prepared> {
  const source = sourceOverrides(dir, values);
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
    refuseImageWithoutEngine(values.image ?? project.environment?.image ?? DEFAULT_IMAGE, values.engine);
    const role = values.role === undefined ? {} : { serviceRoleOverride: await requireRole(kiln.root, values.role) };
    context.note(
      `project ${name} · role ${(values.role ?? project.serviceRole ?? "").split("/").at(-1)} · source ${sourceText(dir, values)}`,
    );
    return { startBuild: { projectName: name, ...source, ...overrides, ...role } };
  }
  return { startBuild: { ...(await prepareDefaultProject(context, kiln, dir, values, variables)), ...overrides } };
}

async function prepareDefaultProject(
  context: CommandContext,
  kiln: Kiln,
  dir: string,
  values: RunValues,
  variables: readonly Assignment[],
): Promise<Record<string, unknown>> {
  refuseImageWithoutEngine(values.image ?? DEFAULT_IMAGE, values.engine);
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
  announce(context, files, settings, plan, role, values);
  announceBatch(context, files, batch, batchRole);
  return { projectName: settings.name, ...sourceVersion(values), ...pipelineOverrides(values) };
}

/** What is taken as source, project, role and engine, and what Kiln will not do: said before the build. */
function announce(
  context: CommandContext,
  files: ProjectFiles,
  settings: ProjectSettings,
  plan: BuildPlan | undefined,
  role: { readonly name: string; readonly policy: unknown },
  values: RunValues,
): void {
  context.note(`source   ${sourceText(files.dir, values)}`);
  context.note(`project  ${settings.name} (default project) · image ${settings.image}`);
  if (values.privileged === undefined && settings.isPrivileged) {
    context.note(
      "         privileged mode on, because the buildspec uses docker; in AWS set `environment.privilegedMode` too",
    );
  }
  context.note(
    `engine   ${values.engine === "host" || values.engine === undefined || values.engine === "auto" ? "host: commands run on this machine" : values.engine}`,
  );
  if (role.policy === undefined) context.note(`role     ${role.name}: its policies decide`);
  else {
    context.note(`role     ${role.name}, generated with exactly these permissions:`);
    for (const line of policyLines(role.policy)) context.note(`         ${line}`);
  }
  if (plan?.phases.every((phase) => phase.commands.length + phase.finally.length === 0))
    context.note("commands none: the buildspec has no command, so nothing will run");
  for (const notDone of plan?.notDone ?? []) context.note(`not done ${notDone}`);
}

/** What the batch is, and the role that starts its builds; or that there is one which this run leaves alone. */
function announceBatch(
  context: CommandContext,
  files: ProjectFiles,
  batch: ProjectBatch | undefined,
  role: BatchRole | undefined,
): void {
  if (!batch && files.buildspec?.batch) {
    context.note("batch    not started: this is one build of the phases; `kiln run --batch` runs the batch");
  }
  if (!batch || !role) return;
  if (batch.plan) context.note(`batch    ${graphTitle(batch.plan)}`);
  context.note(`         role ${role.name}, generated with exactly these permissions:`);
  for (const line of policyLines(role.policy)) context.note(`         ${line}`);
  for (const note of batch.plan?.notes ?? []) context.note(`         ${note}`);
}

function policyLines(policy: unknown): string[] {
  const { Statement = [] } = policy as { Statement?: { Action?: string | string[]; Resource?: string | string[] }[] };
  return Statement.map(
    (statement) => `${[statement.Action].flat().join(", ")} on ${[statement.Resource].flat().join(", ")}`,
  );
}

const sourceText = (dir: string, { source }: RunValues): string =>
  source === undefined || source === "worktree"
    ? `${dir} as it is now`
    : `${dir} at ${source === "head" ? "HEAD" : source}`;

const sourceVersion = ({ source }: RunValues): { sourceVersion?: string } =>
  source === undefined || source === "worktree" ? {} : { sourceVersion: source === "head" ? "HEAD" : source };

/** As a pipeline starts a build: it brings the source, without `.git`, and takes the artifacts. */
const pipelineOverrides = ({ asPipeline }: RunValues): Record<string, unknown> =>
  asPipeline ? { sourceTypeOverride: "CODEPIPELINE", artifactsOverride: { type: "CODEPIPELINE" } } : {};

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
    throw usage(`the template \`${file}\` has no \`name\``, ["add it, or name the project with --project"]);
  const serviceRole = values.role === undefined ? input["serviceRole"] : await requireRole(kiln.root, values.role);
  if (typeof serviceRole !== "string")
    throw usage(`the template \`${file}\` has no \`serviceRole\``, ["add it, or name a role with --role"]);
  await requireRole(kiln.root, serviceRole, `the template \`${file}\` names it`);
  try {
    await putProject(kiln.root, { ...input, name, serviceRole });
  } catch (error) {
    throw refusedTemplate(file, error);
  }
  return name;
}
