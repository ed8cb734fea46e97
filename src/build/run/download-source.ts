/**
 * DOWNLOAD_SOURCE: source, buildspec, variables, runtimes, shell. Log lines in CodeBuild's order.
 * Gaps: secondary sources, cache, S3.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../core/result.ts";
import type { BuildEnvironment, Engine } from "../../engines/engine.ts";
import type { BuildPlan } from "../plan/index.ts";
import type { BuildLog } from "./build-log.ts";
import type { BuildDocker, BuildRequest, RunDependencies } from "./build-request.ts";
import { readBuildspec } from "./buildspec-location.ts";
import { codeBuildVariables } from "./environment.ts";
import type { PhaseContext } from "./events.ts";
import { prepareHostTools } from "./host-tools.ts";
import { type ResolvedVariable, resolveVariables } from "./resolve-variables.ts";
import { ShellSession } from "./shell-session.ts";
import { sourceFolder, takeSource } from "./source.ts";

/** What the command phases work with. */
export interface ReadyBuild {
  readonly plan: BuildPlan;
  readonly srcDir: string;
  readonly environment: BuildEnvironment;
  readonly session: ShellSession;
  readonly variables: readonly ResolvedVariable[];
  readonly phaseVariables: readonly ResolvedVariable[];
  readonly resolvedSourceVersion?: string;
}

export async function downloadSource(input: {
  readonly request: BuildRequest;
  readonly dependencies: RunDependencies;
  readonly engine: Engine;
  readonly docker: BuildDocker | undefined;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
  /** Called as soon as an environment is open, so that it is closed whatever follows. */
  onEnvironment(environment: BuildEnvironment): void;
  onSourceVersion(version: string): void;
}): Promise<Result<ReadyBuild, PhaseContext>> {
  const { request, dependencies, engine, docker, log, signal } = input;
  const { workDir } = dependencies;
  log.container("Running on CodeBuild On-demand");
  log.container("Waiting for agent ping");
  log.container("Waiting for DOWNLOAD_SOURCE");
  log.container("Phase is DOWNLOAD_SOURCE");
  const digits = String(dependencies.ids.bytes(4).readUInt32BE());
  const srcDir = sourceFolder(workDir, digits, request.source);
  const source = await takeSource(request.source, request.sourceVersion, srcDir, signal);
  if (!source.ok) return source;
  log.container(`CODEBUILD_SRC_DIR=${srcDir}`);
  if (source.value.notice !== undefined) log.notice("info", source.value.notice);
  for (const text of source.value.warnings ?? []) log.notice("warning", text);
  const resolvedSourceVersion = source.value.resolvedVersion;
  if (resolvedSourceVersion !== undefined) input.onSourceVersion(resolvedSourceVersion);

  const buildspec = await readBuildspec(request.source, srcDir);
  if (!buildspec.ok) return buildspec;
  log.container(`YAML location is ${buildspec.value.location}`);
  const loaded = dependencies.loadPlan(buildspec.value.text, buildspec.value.file);
  if (loaded.kind === "failure") return err(loaded.failure);
  const { plan } = loaded;
  sayWhatWasFound(plan, loaded.warnings ?? [], log);

  log.container("Processing environment variables");
  const planned = [...plan.variables, ...plan.phaseVariables];
  if (planned.some((variable) => variable.type === "PARAMETER_STORE")) {
    log.container("Decrypting parameter store environment variables");
  }
  const values = await resolveVariables(planned, dependencies.role);
  if (!values.ok) return values;
  const { resolved, secrets, notices } = values.value;
  log.hide(secrets);
  for (const notice of notices) log.notice("warning", notice);
  const variables = resolved.slice(0, plan.variables.length);

  const tools = engine.capabilities.usesHostTools
    ? await prepareHostTools({ plan, workDir, machine: dependencies.machine ?? process.env, log, signal })
    : ok({ pathPrefix: [], variables: {} });
  if (!tools.ok) return tools;

  log.container(`Moving to directory ${srcDir}`);
  log.container("Cache is not defined in the buildspec");
  log.container("Skip cache due to: no paths specified to be cached");
  const environment = await engine.open(
    {
      buildId: request.buildId,
      image: request.image,
      workDir,
      privateDir: dependencies.privateDir,
      variables: {
        ...tools.value.variables,
        ...codeBuildVariables({
          request,
          srcDir,
          resolvedSourceVersion,
          credentials: dependencies.credentials,
          endpointUrl: dependencies.endpointUrl,
        }),
        ...dockerVariables(docker, request.privilegedMode, workDir),
        ...Object.fromEntries(variables.map(({ variable, value }) => [variable.name, value])),
      },
      // Docker's folder first: a runtime's folder may hold the machine's docker as well.
      pathPrefix: [...(docker?.pathPrefix ?? []), ...tools.value.pathPrefix],
    },
    signal,
  );
  input.onEnvironment(environment);
  const session = await ShellSession.open({
    environment,
    shell: plan.shell,
    srcDir,
    workDir,
    privateDir: dependencies.privateDir,
    carriesState: plan.version !== "0.1",
    signal,
  });
  log.container("Registering with agent");
  log.container(`Phases found in YAML: ${plan.phases.length}`);
  for (const { phaseType, commands } of plan.phases) log.container(` ${phaseType}: ${commands.length} commands`);
  return ok({
    plan,
    srcDir,
    environment,
    session,
    variables,
    phaseVariables: resolved.slice(plan.variables.length),
    ...(resolvedSourceVersion === undefined ? {} : { resolvedSourceVersion }),
  });
}

function sayWhatWasFound(plan: BuildPlan, warnings: readonly string[], log: BuildLog): void {
  for (const { name, commands } of plan.phases) {
    if (commands.length === 0) log.container(`No commands found for phase name: ${name}`);
  }
  if (plan.unknownKeys.length > 0) {
    log.container("Found possible syntax errors in buildspec: ");
    for (const { section, keys } of plan.unknownKeys) {
      log.output(`In the section ${section}`);
      log.output("    The following keys cannot be identified:");
      for (const key of keys) log.output(`        ${key}`);
    }
  }
  for (const text of warnings) log.notice("warning", text);
  for (const text of plan.notDone) log.notice("warning", `not done by Kiln: ${text}`);
}

const MACHINE_DOCKER_SOCKET = "/var/run/docker.sock";

/**
 * Docker's variables. AWS: without privilegedMode there is no daemon. Where this machine has one at the usual place,
 * the build is pointed at a socket that does not exist, so that docker fails here as it would there.
 */
function dockerVariables(
  docker: BuildDocker | undefined,
  privileged: boolean,
  workDir: string,
): Record<string, string> {
  const variables = { ...docker?.variables };
  if (variables["DOCKER_HOST"] === undefined && !privileged && existsSync(MACHINE_DOCKER_SOCKET)) {
    variables["DOCKER_HOST"] = `unix://${join(workDir, "no-docker.sock")}`;
  }
  return variables;
}
