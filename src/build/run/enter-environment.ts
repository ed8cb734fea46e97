/**
 * What a build brings into an environment with files of its own: sources and tools as one archive, credential files of git
 * through the environment's shell into its folder in memory; and variables that name places, as the environment knows them.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { shellQuote } from "../../core/shell-quote.ts";
import type { EnvironmentFiles, EnvironmentPaths, ProvisionedEnvironment } from "../../engines/engine.ts";
import type { BuildDocker, RunDependencies } from "./build-request.ts";
import { sendFolders } from "./environment-transfer.ts";

/** The two ways between paths, as functions of their own. */
export const pathsOf = (place: EnvironmentPaths): EnvironmentPaths => ({
  toEnvironmentPath: (path) => place.toEnvironmentPath(path),
  toHostPath: (path) => place.toHostPath(path),
});

/** Where container credentials are asked for, as commands reach it. */
export const reachableCredentials = (
  { credentials, endpointUrl }: Pick<RunDependencies, "credentials" | "endpointUrl">,
  reachableUrl: string,
): RunDependencies["credentials"] => ({
  ...credentials,
  uri: credentials.uri.startsWith(endpointUrl)
    ? `${reachableUrl}${credentials.uri.slice(endpointUrl.length)}`
    : credentials.uri,
});

/** Variables whose values name the private folder somewhere. */
export const inEnvironment = (
  variables: Readonly<Record<string, string>>,
  privateDir: string,
  toEnvironmentPath: (path: string) => string,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [
      name,
      value.replaceAll(privateDir, toEnvironmentPath(privateDir)),
    ]),
  );

/** What docker needs in a container besides its socket, which is where every client looks. The CLI is the image's. */
export async function containerDocker(
  docker: BuildDocker | undefined,
  files: EnvironmentFiles,
): Promise<Awaited<ReturnType<BuildDocker["forContainer"]>>> {
  if (!docker || docker.backend === "none") return { variables: {}, pathPrefix: [] };
  const found = await files.evaluate(
    `command -v docker && { docker buildx version >/dev/null 2>&1 </dev/null && printf yes; }`,
  );
  const [path = "", buildx] = found.split("\n");
  return path === "" ? { variables: {}, pathPrefix: [] } : docker.forContainer({ path, hasBuildx: buildx === "yes" });
}

/** Sends everything of a build that its commands may read. */
export async function sendBuild(
  place: ProvisionedEnvironment,
  files: EnvironmentFiles,
  { workDir, privateDir }: RunDependencies,
  more: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await sendFolders([join(workDir, "codebuild"), ...more], { ...pathsOf(place), files }, signal);
  await sendPrivate(join(privateDir, "git-credentials"), place, files);
}

/** Small files, with their rights. Their texts pass through no file outside the folder in memory. */
async function sendPrivate(folder: string, place: ProvisionedEnvironment, files: EnvironmentFiles): Promise<void> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  for (const name of names) {
    const found = await stat(join(folder, name));
    if (!found.isFile()) continue;
    const path = place.toEnvironmentPath(join(folder, name));
    const mode = (found.mode & 0o777).toString(8);
    await files.evaluate(
      `mkdir -p ${shellQuote(posix.dirname(path))}; printf '%s' ${shellQuote(await readFile(join(folder, name), "utf8"))} > ${shellQuote(path)}; chmod ${mode} ${shellQuote(path)}`,
    );
  }
}
