/** What a build may ask of the machine's engine: nothing that reaches the machine itself. */
import { type BindScope, type MountingBody, placeBinds } from "./bind-sources.ts";

/** Wire shape of `POST /containers/create`, the members that matter here. */
export interface CreateContainerBody {
  Labels?: Record<string, string> | null;
  HostConfig?: MountingBody["HostConfig"] & {
    Privileged?: boolean;
    PidMode?: string;
    IpcMode?: string;
    UTSMode?: string;
    UsernsMode?: string;
    CapAdd?: string[] | null;
    Devices?: unknown[] | null;
    DeviceCgroupRules?: unknown[] | null;
    DeviceRequests?: unknown[] | null;
    SecurityOpt?: string[] | null;
    MaskedPaths?: string[] | null;
    ReadonlyPaths?: string[] | null;
    NetworkMode?: string;
    RestartPolicy?: { Name?: string } | null;
    VolumesFrom?: string[] | null;
  };
}

/** Wire shape of `POST /volumes/create`. */
export interface CreateVolumeBody {
  Labels?: Record<string, string> | null;
  DriverOpts?: Record<string, string> | null;
}

/** Why it is refused, or undefined. What it mounts gets the engine's paths. */
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
  // What `--security-opt systempaths=unconfined` sends.
  if (host.MaskedPaths || host.ReadonlyPaths) return "another view of /proc and /sys is refused in a build";
  if (unsafe !== undefined) return `--security-opt ${unsafe} is refused in a build`;
  return placeBinds(body, scope);
}
