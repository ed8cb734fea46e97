/**
 * Where the files of a build's folder on this machine are in its container: CodeBuild's directories.
 * Source: published build logs (`/codebuild/output/src…`, `/codebuild/readonly`, HOME `/root`).
 */
import type { EnvironmentPaths } from "../engine.ts";

export const CONTAINER_ROOT = "/codebuild";
/** Of the folder for secrets: in memory, because it holds the build's variables. */
export const CONTAINER_PRIVATE = `${CONTAINER_ROOT}/private`;
/** Sources, and what commands make beside them; in builds with docker a volume, so that other containers can have it. */
export const CONTAINER_OUTPUT = `${CONTAINER_ROOT}/output`;
export const CONTAINER_HOME = "/root";
/** Where a folder that outlives builds is mounted. */
export const CONTAINER_CACHE = `${CONTAINER_ROOT}/local-cache`;

/** Each of the two answers is the other's inverse for every path below the build's folders. */
export function containerPaths(workDir: string, privateDir: string | undefined): EnvironmentPaths {
  // The first that fits counts: the folder for secrets may lie in the build's folder.
  const pairs: readonly (readonly [host: string, environment: string])[] = [
    ...(privateDir === undefined ? [] : [[privateDir, CONTAINER_PRIVATE] as const]),
    [`${workDir}/codebuild`, CONTAINER_ROOT],
    [`${workDir}/home`, CONTAINER_HOME],
    [`${workDir}/image`, ""],
    [workDir, `${CONTAINER_ROOT}/work`],
  ];
  const backwards = [
    ...(privateDir === undefined ? [] : [[CONTAINER_PRIVATE, privateDir] as const]),
    [`${CONTAINER_ROOT}/work`, workDir] as const,
    [CONTAINER_ROOT, `${workDir}/codebuild`] as const,
    [CONTAINER_HOME, `${workDir}/home`] as const,
    // Everything else is the image's own.
    ["", `${workDir}/image`] as const,
  ];
  return {
    toEnvironmentPath: (hostPath) => replaced(hostPath, pairs),
    toHostPath: (environmentPath) => replaced(environmentPath, backwards),
  };
}

function replaced(path: string, pairs: readonly (readonly [from: string, to: string])[]): string {
  const pair = pairs.find(([from]) => path === from || path.startsWith(`${from}/`));
  return pair ? `${pair[1]}${path.slice(pair[0].length)}` || "/" : path;
}
