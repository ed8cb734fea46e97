/** What a build may ask of the machine's engine: nothing that reaches the machine itself. */
import { realpath } from "node:fs/promises";
import { relative } from "node:path";

/** Wire shape of `POST /containers/create`, the members that matter here. */
export interface CreateContainerBody {
  Labels?: Record<string, string> | null;
  HostConfig?: {
    Privileged?: boolean;
    Binds?: string[] | null;
    Mounts?:
      | {
          Type?: string;
          Source?: string;
          VolumeOptions?: { DriverConfig?: { Options?: Record<string, string> | null } | null } | null;
        }[]
      | null;
    PidMode?: string;
    IpcMode?: string;
    UTSMode?: string;
    UsernsMode?: string;
    CapAdd?: string[] | null;
    Devices?: unknown[] | null;
    DeviceCgroupRules?: unknown[] | null;
    DeviceRequests?: unknown[] | null;
    SecurityOpt?: string[] | null;
  };
}

/** Wire shape of `POST /volumes/create`. */
export interface CreateVolumeBody {
  Labels?: Record<string, string> | null;
  DriverOpts?: Record<string, string> | null;
}

/** Where a build may bind folders from: its own folder, and only where the engine sees the same files. */
export interface BindScope {
  readonly workDir: string;
  /** False: the engine is on another machine or in a virtual one. */
  readonly isHere: boolean;
}

/** A volume of the `local` driver can be any folder of the machine: why it is refused, or undefined. */
export async function volumeRefusal(
  options: Readonly<Record<string, string>> | null | undefined,
  scope: BindScope,
): Promise<string | undefined> {
  const device = options?.["device"];
  if (device === undefined || options?.["type"] === "tmpfs") return undefined;
  if (!scope.isHere) return `volumes of folders are refused: the engine is on another machine: ${device}`;
  return (await isInside(device, scope.workDir))
    ? undefined
    : `volumes outside the build's folder are refused: ${device}`;
}

/** Why it is refused, or undefined. */
export async function refusal(body: CreateContainerBody, scope: BindScope): Promise<string | undefined> {
  const host = body.HostConfig ?? {};
  if (host.Privileged) return "privileged containers are refused in a build";
  for (const [name, mode] of [
    ["pid", host.PidMode],
    ["ipc", host.IpcMode],
    ["uts", host.UTSMode],
    ["userns", host.UsernsMode],
  ] as const) {
    if (mode === "host") return `--${name}=host is refused in a build`;
  }
  if ((host.CapAdd ?? []).length > 0) return `--cap-add is refused in a build: ${host.CapAdd?.join(", ")}`;
  if ((host.Devices ?? []).length + (host.DeviceCgroupRules ?? []).length > 0) return "--device is refused in a build";
  const unsafe = (host.SecurityOpt ?? []).find((option) => /unconfined|disable/.test(option));
  if (unsafe !== undefined) return `--security-opt ${unsafe} is refused in a build`;
  const bound = (host.Binds ?? []).map((bind) => bind.split(":")[0] ?? "").filter((source) => source.startsWith("/"));
  const mounted = (host.Mounts ?? []).filter((mount) => mount.Type === "bind").map((mount) => mount.Source ?? "");
  for (const source of [...bound, ...mounted]) {
    if (!scope.isHere) return `bind mounts are refused: the engine is on another machine, which lacks ${source}`;
    if (!(await isInside(source, scope.workDir)))
      return `bind mounts outside the build's folder are refused: ${source}`;
  }
  for (const mount of host.Mounts ?? []) {
    const reason = await volumeRefusal(mount.VolumeOptions?.DriverConfig?.Options, scope);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

async function isInside(path: string, folder: string): Promise<boolean> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) return false;
  const step = relative(await realpath(folder), real);
  return step === "" || (step !== ".." && !step.startsWith("../"));
}
