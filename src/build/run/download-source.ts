/** DOWNLOAD_SOURCE: sources, buildspec, variables, runtimes, shell. Log lines in CodeBuild's order. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../core/result.ts";
import type { BuildEnvironment, ProvisionedEnvironment } from "../../engines/engine.ts";
import { type BuildPlan, selectRuntimes } from "../plan/index.ts";
import type { BuildLog } from "./build-log.ts";
import type { BuildDocker, BuildRequest, RunDependencies } from "./build-request.ts";
import { type BuildCache, restoreCache } from "./cache/build-cache.ts";
import { shellNotice } from "./commands/shell-kinds.ts";
import { ShellSession } from "./commands/shell-session.ts";
import { containerDocker, inEnvironment, pathsOf, reachableCredentials, sendBuild } from "./enter-environment.ts";
import { codeBuildVariables, unfitVariable, withBuildVariables } from "./environment.ts";
import type { PhaseContext } from "./events.ts";
import { prepareHostTools } from "./host-tools/host-tools.ts";
import { sayRuntimes } from "./host-tools/say-runtimes.ts";
import { dockerFolders, lentFolders } from "./lent-folders.ts";
import type { Provisioned } from "./provision.ts";
import { type ResolvedVariable, resolveVariables } from "./resolve-variables.ts";
import { readBuildspec, type TakenSources, takeSources } from "./sources/index.ts";
import { writeBuildTools } from "./tools/build-tools.ts";

/** What the command phases work with. */
export interface ReadyBuild {
  readonly plan: BuildPlan;
  /** On this machine. */
  readonly srcDir: string;
  readonly environment: BuildEnvironment;
  /** What it was opened in. */
  readonly place: ProvisionedEnvironment;
  readonly session: ShellSession;
  readonly variables: readonly ResolvedVariable[];
  readonly phaseVariables: readonly ResolvedVariable[];
  readonly resolvedSourceVersion?: string;
  /** Absent: the build has none. */
  readonly cache?: BuildCache;
}

export async function downloadSource(input: {
  readonly request: BuildRequest;
  readonly dependencies: RunDependencies;
  readonly provisioned: Provisioned;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
  /** Called as soon as an environment is open, so that it is closed whatever follows. */
  onEnvironment(environment: BuildEnvironment): void;
  /** Called as soon as the sources are there. */
  onSources(sources: TakenSources): void;
}): Promise<Result<ReadyBuild, PhaseContext>> {
  const { request, dependencies, log, signal } = input;
  log.container("Running on CodeBuild On-demand");
  log.container("Waiting for agent ping");
  log.container("Waiting for DOWNLOAD_SOURCE");
  log.container("Phase is DOWNLOAD_SOURCE");
  const { toEnvironmentPath } = pathsOf(input.provisioned.environment);
  const sources = await takeSources({ request, dependencies, log, signal, toEnvironmentPath });
  if (!sources.ok) return sources;
  let isReady = false;
  try {
    const prepared = await prepareBuild(input, sources.value);
    isReady = prepared.ok;
    return prepared;
  } finally {
    if (!isReady) await sources.value.credentials.remove();
  }
}

/** What a sandbox runs with where the source has no buildspec. */
const NO_BUILDSPEC = { text: "version: 0.2\nphases: {}\n", file: "buildspec.yml", location: "" };

/** A pipeline's artifacts lie in S3, too. */
const SOURCES_IN_S3: ReadonlySet<string> = new Set(["S3", "CODEPIPELINE"]);

async function prepareBuild(
  input: Parameters<typeof downloadSource>[0],
  sources: TakenSources,
): Promise<Result<ReadyBuild, PhaseContext>> {
  const { request, dependencies, log, signal } = input;
  const { engine, environment: place, docker } = input.provisioned;
  const { toEnvironmentPath } = pathsOf(place);
  const { workDir } = dependencies;
  const { srcDir, resolvedVersion: resolvedSourceVersion } = sources;
  input.onSources(sources);

  const read = await readBuildspec({ source: request.source, srcDir, role: dependencies.role, toEnvironmentPath });
  const buildspec = read.ok || !request.opensWithoutBuildspec ? read : ok(NO_BUILDSPEC);
  if (!buildspec.ok) return buildspec;
  log.container(`YAML location is ${buildspec.value.location}`);
  const loaded = dependencies.loadPlan(buildspec.value.text, buildspec.value.file);
  if (loaded.kind === "failure") return err(loaded.failure);
  const { plan } = loaded;
  sayWhatWasFound(plan, loaded.warnings ?? [], log);
  if (SOURCES_IN_S3.has(request.source.type)) {
    log.container("Setting HTTP client timeout to higher timeout for S3 source");
  }

  log.container("Processing environment variables");
  const planned = [...plan.variables, ...plan.phaseVariables];
  if (planned.some((variable) => variable.type === "PARAMETER_STORE")) {
    log.container("Decrypting parameter store environment variables");
  }
  const values = await resolveVariables(planned, dependencies.role);
  if (!values.ok) return values;
  const { resolved, secrets, notices } = values.value;
  log.hide([...secrets, ...sources.credentials.secrets]);
  for (const notice of notices) log.notice("warning", notice);
  dependencies.onPrepared?.({
    variables: resolved,
    sourceCredentials: sources.credentials.secrets,
    srcDir,
    buildspecFile: buildspec.value.file,
  });
  const variables = resolved.slice(0, plan.variables.length);

  const plaintext = new Map(variables.map(({ variable, value }) => [variable.name, value]));
  const selection = selectRuntimes(request.image, plan.runtimeVersions, plaintext);
  if (!selection.ok) return err({ statusCode: "YAML_FILE_ERROR", message: selection.error });
  sayRuntimes(selection.value, request.image, log);
  const machine = dependencies.machine ?? process.env;
  const tools = engine.capabilities.usesHostTools
    ? await prepareHostTools({ plan, selection: selection.value, workDir, machine, log, signal })
    : ok({ pathPrefix: [], variables: {} });
  if (!tools.ok) return tools;
  const shellText = engine.capabilities.usesHostTools
    ? await shellNotice(request.image, plan.shell, machine)
    : undefined;
  if (shellText !== undefined) log.notice("info", shellText);

  const shownSrcDir = toEnvironmentPath(srcDir);
  log.container(`Moving to directory ${shownSrcDir}`);
  const ownTools = await writeBuildTools(workDir, place.files ? "container" : "machine");
  // AWS: without the key in the buildspec git in the build has no credentials of the source provider.
  const gitVariables = plan.gitCredentialHelper ? await sources.credentials.keepForCommands() : {};
  if (!plan.gitCredentialHelper) await sources.credentials.remove();
  const given = codeBuildVariables({
    request,
    srcDir: shownSrcDir,
    sourceVariables: sources.variables,
    credentials: reachableCredentials(dependencies, place.endpointUrl),
    endpointUrl: place.endpointUrl,
  });
  const ownDocker = place.files && (await containerDocker(docker, place.files));
  const toolVariables: Readonly<Record<string, string>> = tools.value.variables;
  const seen = withBuildVariables(
    {
      ...toolVariables,
      ...given,
      // AWS: sources lie where go looks for packages.
      GOPATH: [toolVariables["GOPATH"] ?? "/go", given["CODEBUILD_GOPATH"]].join(":"),
      ...sources.gitVariables,
      ...inEnvironment(gitVariables, dependencies.privateDir, toEnvironmentPath),
      ...(ownDocker?.variables ?? dockerVariables(docker, request.privilegedMode, workDir)),
    },
    variables.map(({ variable, value }) => [variable.name, value]),
  );
  const unfit = unfitVariable([
    ...Object.entries(seen.variables),
    ...resolved.map(({ variable, value }) => [variable.name, value] as const),
  ]);
  if (unfit !== undefined) return err({ statusCode: "CLIENT_ERROR", message: unfit });
  for (const name of seen.reserved) {
    log.notice("warning", `the name \`${name}\` is reserved: commands see CodeBuild's own value`);
  }
  const containerFolders = [...(ownDocker?.pathPrefix ?? []), ownTools];
  if (place.files) await sendBuild(place, place.files, dependencies, containerFolders, signal);
  const environment = await place.open(
    {
      buildId: request.buildId,
      image: request.image,
      workDir,
      privateDir: dependencies.privateDir,
      variables: seen.variables,
      // Docker's folder first: a runtime's folder may hold the machine's docker as well.
      pathPrefix: place.files
        ? containerFolders.map(toEnvironmentPath)
        : [...(docker?.pathPrefix ?? []), ...tools.value.pathPrefix, ownTools],
      sharedFolders: [
        ...(await lentFolders({
          request,
          cacheDir: dependencies.cacheDir,
          hasCachePaths: (plan.cache?.paths.length ?? 0) > 0,
          sources: sourceFolders(srcDir, sources.variables),
        })),
        ...(await dockerFolders(docker)),
      ],
    },
    signal,
  );
  input.onEnvironment(environment);
  const session = await ShellSession.open({
    environment,
    shell: plan.shell,
    srcDir: shownSrcDir,
    workDir,
    privateDir: dependencies.privateDir,
    carriesState: plan.version !== "0.1",
    signal,
  });
  const cache = await restoreCache({
    request,
    dependencies,
    cache: plan.cache,
    srcDir,
    place,
    log,
    signal,
    expand: (text) => session.expand(text),
  });
  if (request.privilegedMode) {
    log.container(`Configuring ssm agent with target id: codebuild:${request.uuid}`);
    log.container("Successfully updated ssm agent configuration");
  }
  log.container("Registering with agent");
  log.container(`Phases found in YAML: ${plan.phases.length}`);
  for (const { phaseType, commands } of plan.phases) log.container(` ${phaseType}: ${commands.length} commands`);
  return ok({
    plan,
    srcDir,
    environment,
    place,
    session,
    variables,
    phaseVariables: resolved.slice(plan.variables.length),
    ...(resolvedSourceVersion === undefined ? {} : { resolvedSourceVersion }),
    ...(cache === undefined ? {} : { cache }),
  });
}

/** Of the primary source and the secondary ones, as the variables name them. */
const sourceFolders = (srcDir: string, variables: Readonly<Record<string, string>>): string[] => [
  srcDir,
  ...Object.entries(variables).flatMap(([name, value]) => (name.startsWith("CODEBUILD_SRC_DIR_") ? [value] : [])),
];

function sayWhatWasFound(plan: BuildPlan, warnings: readonly string[], log: BuildLog): void {
  for (const { name, commands } of plan.phases) {
    if (commands.length === 0) log.container(`No commands found for phase name: ${name}`);
  }
  // AWS: several sections repeat the block.
  for (const { section, keys } of plan.unknownKeys) {
    log.container("Found possible syntax errors in buildspec: ");
    log.output(`In the section ${section}`);
    log.output("    The following keys cannot be identified:");
    for (const key of keys) log.output(`        ${key}`);
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
