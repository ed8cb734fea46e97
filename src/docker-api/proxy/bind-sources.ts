/**
 * Folders that a build's containers mount (`-v`, `--mount`, volumes of a folder): the build's own only. Where the commands
 * run in a container, a path is one of that container, and the engine is told its own path for it. An engine looks at the
 * path when a container starts, not when it is made: it is asked about again then, because a build may have put a link in
 * its place meanwhile. Gap: a link put there between that and the engine's look is followed.
 */
import { realpath } from "node:fs/promises";
import { posix, relative } from "node:path";
import { err, ok, type Result } from "../../core/result.ts";
import type { DockerSocketRequest } from "../docker-api.ts";

/** Where a build may bind folders from. */
export interface BindScope extends Pick<DockerSocketRequest, "workDir" | "sharedPath"> {
  /** False: the engine is on another machine or in a virtual one. */
  readonly isHere: boolean;
  /** The build's own socket, which stands for the usual one. */
  readonly socketPath?: string;
}

/** Wire shape of what `POST /containers/create` mounts. */
export interface MountingBody {
  HostConfig?: {
    Binds?: string[] | null;
    Mounts?: MountBody[] | null;
  };
}

export interface MountBody {
  Type?: string;
  Source?: string;
  VolumeOptions?: { DriverConfig?: { Options?: Record<string, string> | null } | null } | null;
}

const USUAL_SOCKETS: ReadonlySet<string> = new Set(["/var/run/docker.sock", "/run/docker.sock"]);

/** Puts the engine's paths in place of the build's. Why that is refused, or undefined. */
export async function placeBinds({ HostConfig: host }: MountingBody, scope: BindScope): Promise<string | undefined> {
  const binds: string[] = [];
  for (const bind of host?.Binds ?? []) {
    const [source = "", ...rest] = bind.split(":");
    const placed = source.startsWith("/") && rest.length > 0 ? await placedSource(source, scope, true) : ok(source);
    if (!placed.ok) return placed.error;
    binds.push([placed.value, ...rest].join(":"));
  }
  if (host?.Binds) host.Binds = binds;
  for (const mount of host?.Mounts ?? []) {
    if (mount.Type === "bind") {
      const placed = await placedSource(mount.Source ?? "", scope, false);
      if (!placed.ok) return placed.error;
      mount.Source = placed.value;
    }
    const reason = await placeVolume(mount.VolumeOptions?.DriverConfig?.Options, scope);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** The same for a volume of the `local` driver, which can be any folder of the machine. */
export async function placeVolume(
  options: Record<string, string> | null | undefined,
  scope: BindScope,
): Promise<string | undefined> {
  const device = options?.["device"];
  if (options == null || device === undefined || isInMemory(options)) return undefined;
  if (!scope.isHere) return `volumes of folders are refused: the engine is on another machine: ${device}`;
  const placed = await placedSource(device, scope, false);
  if (!placed.ok) return `volumes outside the build's folder are refused: ${device}`;
  options["device"] = placed.value;
  return undefined;
}

/** With `bind` among its options a volume is the folder, whatever type it says. */
export const isInMemory = (options: Readonly<Record<string, string>>): boolean =>
  options["type"] === "tmpfs" && !/(?:^|,)r?bind(?:,|$)/.test(options["o"] ?? "");

/** Whether what the engine was told before is still a folder of the build. */
export async function isStillOwn(source: string, scope: BindScope): Promise<boolean> {
  if (source === scope.socketPath) return true;
  if (scope.sharedPath) return (await scope.sharedPath({ enginePath: source })) === source;
  return isInside(source, scope.workDir);
}

/** `makes`: as `-v` does, a folder that is not there is made. */
async function placedSource(source: string, scope: BindScope, makes: boolean): Promise<Result<string, string>> {
  if (!scope.isHere) return err(`bind mounts are refused: the engine is on another machine, which lacks ${source}`);
  if (scope.socketPath !== undefined && USUAL_SOCKETS.has(posix.normalize(source))) return ok(scope.socketPath);
  if (scope.sharedPath) {
    const path = await scope.sharedPath({ path: source, makes });
    return path === undefined
      ? err(`bind mounts outside the build's folder, /codebuild/output, are refused: ${source}`)
      : ok(path);
  }
  return (await isInside(source, scope.workDir))
    ? ok(source)
    : err(`bind mounts outside the build's folder are refused: ${source}`);
}

async function isInside(path: string, folder: string): Promise<boolean> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) return false;
  const step = relative(await realpath(folder), real);
  return step === "" || (step !== ".." && !step.startsWith("../"));
}
