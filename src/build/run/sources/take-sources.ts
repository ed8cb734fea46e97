/**
 * DOWNLOAD_SOURCE, first half: the primary source and up to twelve secondary ones, all at once, each into its own folder;
 * and the variables that tell commands about them.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html,
 * https://docs.aws.amazon.com/codebuild/latest/userguide/sample-multi-in-out.html
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "../../../core/result.ts";
import type { BuildLog } from "../build-log.ts";
import type { BuildRequest, BuildResult, RunDependencies } from "../build-request.ts";
import type { PhaseContext } from "../events.ts";
import { takeCertificate } from "./certificate.ts";
import { CredentialFiles } from "./credential-files.ts";
import { createGit } from "./git.ts";
import { withoutCredentials } from "./git-url.ts";
import { asOnAws } from "./origin.ts";
import { clientError } from "./source-failures.ts";
import { sourceFolders } from "./source-folders.ts";
import { takeSource } from "./take-source.ts";
import { isGitSource, type SourceTools, type TakenSource, type WantedSource } from "./taken-source.ts";

const MAX_SECONDARY_SOURCES = 12;

export interface TakenSources {
  /** The primary source. */
  readonly srcDir: string;
  /** `CODEBUILD_SRC_DIR`, `CODEBUILD_SOURCE_…`, `CODEBUILD_RESOLVED_SOURCE_VERSION`. */
  readonly variables: Readonly<Record<string, string>>;
  readonly resolvedVersion?: string;
  readonly secondaryVersions: NonNullable<BuildResult["secondarySourceVersions"]>;
  /** Those used for the sources: to be kept for the build's commands, or removed. */
  readonly credentials: CredentialFiles;
  /** Variables that git in the commands needs: what it trusts. */
  readonly gitVariables: Readonly<Record<string, string>>;
}

export async function takeSources(input: {
  readonly request: BuildRequest;
  readonly dependencies: RunDependencies;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
  /** Where commands find what lies at a path of this machine. */
  toEnvironmentPath(hostPath: string): string;
}): Promise<Result<TakenSources, PhaseContext>> {
  const { request, dependencies, log, signal, toEnvironmentPath } = input;
  const wrong = wrongIdentifier(request);
  if (wrong !== undefined) return err(clientError(wrong));
  const wanted = await wantedSources(request, dependencies, signal);
  const certificate = await certificateOf(request, dependencies, signal);
  if (!certificate.ok) return certificate;
  const caBundle = certificate.value;
  const credentials = new CredentialFiles(dependencies.privateDir);
  const scratchDir = join(dependencies.workDir, "codebuild", "output", "sources");
  await mkdir(scratchDir, { recursive: true, mode: 0o700 });
  let results: readonly Result<TakenSource, PhaseContext>[];
  try {
    results = await takeAll(wanted, signal, (all) => ({
      git: createGit({ signal: all, buildId: request.buildId, caBundle }),
      caBundle,
      role: dependencies.role,
      scope: request.scope,
      projectName: request.projectName,
      scratchDir,
      mirrorDir: mirrorDirOf(request, dependencies.cacheDir),
      clock: dependencies.clock,
      credentials,
      imported: dependencies.sourceCredentials?.bind(dependencies),
      authorizeAsRole: dependencies.authorizeAsRole?.bind(dependencies),
      signal: all,
    }));
  } catch (error) {
    await credentials.remove();
    throw error;
  } finally {
    log.hide(credentials.secrets);
  }
  const failure = results.find((result) => !result.ok);
  if (failure && !failure.ok) {
    await credentials.remove();
    return failure;
  }
  const taken = results.flatMap((result, index) => {
    const one = wanted[index];
    return result.ok && one ? [{ wanted: one, taken: result.value }] : [];
  });
  tell(taken, log, toEnvironmentPath);
  const primary = taken[0];
  const resolvedVersion = primary && resolvedVersionOf(primary);
  return ok({
    srcDir: primary?.wanted.srcDir ?? "",
    variables: Object.assign({}, ...taken.map((one) => variablesOf(one, toEnvironmentPath))) as Record<string, string>,
    ...(resolvedVersion === undefined ? {} : { resolvedVersion }),
    secondaryVersions: taken.slice(1).flatMap((one) => {
      const sourceVersion = resolvedVersionOf(one) ?? one.wanted.version;
      return sourceVersion === undefined ? [] : [{ sourceIdentifier: one.wanted.identifier ?? "", sourceVersion }];
    }),
    credentials,
    gitVariables: caBundle === undefined ? {} : { GIT_SSL_CAINFO: toEnvironmentPath(caBundle) },
  });
}

async function certificateOf(
  { certificate }: BuildRequest,
  { role, workDir, machine = process.env }: RunDependencies,
  signal: AbortSignal,
): Promise<Result<string | undefined, PhaseContext>> {
  if (certificate === undefined) return ok(undefined);
  const folder = join(workDir, "codebuild", "certificate");
  return takeCertificate({ location: certificate, role, folder, machine, signal });
}

interface Taken {
  readonly wanted: WantedSource;
  readonly taken: TakenSource;
}

async function wantedSources(
  request: BuildRequest,
  { workDir, ids }: RunDependencies,
  signal: AbortSignal,
): Promise<WantedSource[]> {
  const sources = [request.source, ...request.secondarySources];
  const git = createGit({ signal, buildId: request.buildId });
  const named = await Promise.all(sources.map((source) => asOnAws(source, git)));
  const folders = sourceFolders(workDir, named, () => String(ids.bytes(4).readUInt32BE()));
  return sources.map((source, index) => ({
    source,
    version: (index === 0 ? request.sourceVersion : source.sourceVersion) || undefined,
    identifier: index === 0 ? undefined : source.sourceIdentifier,
    srcDir: folders[index] ?? "",
  }));
}

/** CreateProject and StartBuild refuse these; a record made otherwise must not become a variable's name or a path. */
function wrongIdentifier({ secondarySources }: BuildRequest): string | undefined {
  if (secondarySources.length > MAX_SECONDARY_SOURCES) {
    return `there are ${secondarySources.length} secondary sources; ${MAX_SECONDARY_SOURCES} is the limit`;
  }
  const seen = new Set<string>();
  for (const { sourceIdentifier = "" } of secondarySources) {
    if (!/^[A-Za-z0-9_]{1,127}$/.test(sourceIdentifier)) {
      return `the secondary source identifier \`${sourceIdentifier}\` is not made of letters, digits and underscores`;
    }
    if (seen.has(sourceIdentifier)) return `two secondary sources have the identifier \`${sourceIdentifier}\``;
    seen.add(sourceIdentifier);
  }
  return undefined;
}

/** The first source that fails ends the others. */
async function takeAll(
  wanted: readonly WantedSource[],
  signal: AbortSignal,
  toolsFor: (signal: AbortSignal) => SourceTools,
): Promise<Result<TakenSource, PhaseContext>[]> {
  const giveUp = new AbortController();
  const tools = toolsFor(AbortSignal.any([signal, giveUp.signal]));
  const settled = await Promise.allSettled(
    wanted.map(async (one) => {
      try {
        const result = await takeSource(one, tools);
        if (!result.ok) giveUp.abort();
        return result;
      } catch (error) {
        giveUp.abort();
        throw error;
      }
    }),
  );
  signal.throwIfAborted();
  const results = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  if (results.some((result) => !result.ok)) return results;
  for (const one of settled) if (one.status === "rejected") throw one.reason;
  return results;
}

function tell(all: readonly Taken[], log: BuildLog, toEnvironmentPath: (hostPath: string) => string): void {
  for (const { wanted } of all) {
    log.container(`${nameFor("CODEBUILD_SRC_DIR", wanted)}=${toEnvironmentPath(wanted.srcDir)}`);
  }
  for (const { taken } of all) if (taken.notice !== undefined) log.notice("info", taken.notice);
  for (const { taken } of all) for (const text of taken.warnings ?? []) log.notice("warning", text);
}

const nameFor = (name: string, { identifier }: WantedSource): string =>
  identifier === undefined ? name : `${name}_${identifier}`;

function variablesOf(one: Taken, toEnvironmentPath: (hostPath: string) => string): Record<string, string> {
  const { wanted, taken } = one;
  const location = wanted.source.location ?? "";
  const resolved = wanted.identifier === undefined ? resolvedVersionOf(one) : undefined;
  return {
    [nameFor("CODEBUILD_SRC_DIR", wanted)]: toEnvironmentPath(wanted.srcDir),
    [nameFor("CODEBUILD_SOURCE_REPO_URL", wanted)]:
      taken.repoUrl ?? (isGitSource(wanted.source.type) ? withoutCredentials(location) : location),
    [nameFor("CODEBUILD_SOURCE_VERSION", wanted)]: taken.version ?? wanted.version ?? "",
    ...(resolved === undefined ? {} : { CODEBUILD_RESOLVED_SOURCE_VERSION: resolved }),
  };
}

/** AWS: sources in S3 have none. */
const resolvedVersionOf = ({ wanted, taken }: Taken): string | undefined =>
  wanted.source.type === "S3" ? undefined : taken.resolvedVersion;

/** The project's folder for copies of repositories, when it keeps a source cache on this machine. */
function mirrorDirOf({ cache, scope, projectName }: BuildRequest, cacheDir: string | undefined): string | undefined {
  if (cacheDir === undefined || cache.type !== "LOCAL" || cache.modes?.includes("LOCAL_SOURCE_CACHE") !== true) {
    return undefined;
  }
  const owner = [scope.accountId, scope.region, projectName].map(encodeURIComponent);
  return join(cacheDir, "sources", ...owner, String(cache.generation ?? 0));
}
