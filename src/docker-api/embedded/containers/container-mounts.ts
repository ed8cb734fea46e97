/**
 * Mounts of a container: folders of the build, volumes, tmpfs, as `Binds`, `Mounts`, `Tmpfs`, `VolumesFrom` and VOLUME ask for them.
 * That a folder is the build's own has been checked before (container-policy.ts).
 */
import { mkdir, realpath } from "node:fs/promises";
import { dirname, normalize, posix, relative } from "node:path";
import { ApiError, type BuilderContext, notDone } from "../api.ts";
import type { ContainerConfig, ContainerMount, ContainerSpec } from "./container.ts";
import type { HostConfigBody } from "./container-body.ts";
import { requireContainer } from "./requested-container.ts";

/** `-v /path:/target` makes the folder when there is none, inside the build's own folder only. */
export async function makeBindSources(context: BuilderContext, host: HostConfigBody): Promise<void> {
  const workDir = await realpath(context.request.workDir);
  for (const bind of host.Binds ?? []) {
    const source = normalize(bind.split(":")[0] ?? "");
    if (!source.startsWith("/") || (await realpath(source).catch(() => undefined)) !== undefined) continue;
    let parent = dirname(source);
    let real = await realpath(parent).catch(() => undefined);
    while (real === undefined && parent !== "/") {
      parent = dirname(parent);
      real = await realpath(parent).catch(() => undefined);
    }
    if (real !== undefined && !relative(workDir, real).startsWith("..")) await mkdir(source, { recursive: true });
  }
}

export async function readMounts(
  context: BuilderContext,
  config: ContainerConfig,
  host: HostConfigBody,
): Promise<Pick<ContainerSpec, "mounts" | "tmpfs">> {
  const mounts: ContainerMount[] = [];
  const tmpfs: { target: string; options: string }[] = [];
  const add = (mount: ContainerMount): void => {
    if (mounts.some((other) => other.target === mount.target))
      throw new ApiError(400, `Duplicate mount point: ${mount.target}`);
    mounts.push(mount);
  };
  const volumeMount = async (name: string, target: string, isReadOnly: boolean, labels = {}): Promise<void> => {
    const volume = await context.volumes.ensure(name, { labels });
    add({ kind: "volume", source: volume.mountpoint, target, isReadOnly, volume });
  };
  for (const from of host.VolumesFrom ?? []) {
    const [name = "", mode] = from.split(":");
    for (const mount of requireContainer(context, name).spec.mounts)
      add({ ...mount, isReadOnly: mount.isReadOnly || mode === "ro" });
  }
  for (const bind of host.Binds ?? []) {
    const [source = "", target, options = ""] = bind.split(":");
    if (target === undefined) {
      await volumeMount("", mountTarget(source), false);
      continue;
    }
    const isReadOnly = options.split(",").includes("ro");
    if (!source.startsWith("/")) await volumeMount(source, mountTarget(target), isReadOnly);
    else add({ kind: "bind", source: await realpath(source), target: mountTarget(target), isReadOnly });
  }
  for (const mount of host.Mounts ?? []) {
    const target = mountTarget(mount.Target ?? "");
    const isReadOnly = mount.ReadOnly === true;
    if (mount.Type === "bind") {
      add({ kind: "bind", source: await realpath(mount.Source ?? ""), target, isReadOnly });
    } else if (mount.Type === "volume") {
      await volumeMount(mount.Source ?? "", target, isReadOnly, mount.VolumeOptions?.Labels ?? {});
    } else if (mount.Type === "tmpfs") {
      const { SizeBytes: size, Mode: mode } = mount.TmpfsOptions ?? {};
      const bytes = wholeNumber(size, "SizeBytes");
      const rights = (wholeNumber(mode, "Mode") ?? 0o1777).toString(8);
      const options = [...(bytes ? [`size=${bytes}`] : []), `mode=${rights}`];
      tmpfs.push({ target, options: ["nosuid", "nodev", "noexec", ...options].join(",") });
    } else throw new ApiError(400, `invalid mount config: mount type unknown: "${mount.Type ?? ""}"`);
  }
  for (const [target, options] of Object.entries(host.Tmpfs ?? {}))
    tmpfs.push({ target: mountTarget(target), options: tmpfsOptions(options) });
  for (const target of Object.keys(config.Volumes ?? {})) {
    const path = mountTarget(target);
    const isTaken = mounts.some((mount) => mount.target === path) || tmpfs.some((mount) => mount.target === path);
    if (!isTaken) await volumeMount("", path, false);
  }
  return { mounts, tmpfs };
}

/** Of a body; what is no such number would be read as options of a mount. */
export function wholeNumber(value: unknown, member: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new ApiError(400, `json: cannot unmarshal ${JSON.stringify(value)} into ${member}`);
}

function mountTarget(text: string): string {
  if (!text.startsWith("/"))
    throw new ApiError(
      400,
      `invalid mount config for type "volume": invalid mount path: '${text}' mount path must be absolute`,
    );
  const target = posix.normalize(text).replace(/(.)\/+$/, "$1");
  if (target === "/") throw new ApiError(400, "invalid volume specification: destination can't be '/'");
  return target;
}

/** As `--tmpfs` takes them; what mount(8) would do beyond a tmpfs is refused. */
function tmpfsOptions(text: string): string {
  const options = text.split(",").filter((option) => option !== "");
  const unknown = options.find(
    (option) =>
      !/^(?:size|mode|uid|gid|nr_inodes|nr_blocks)=\w+%?$|^(?:rw|ro|exec|noexec|suid|nosuid|dev|nodev)$/.test(option),
  );
  if (unknown !== undefined) throw notDone(`the tmpfs option \`${unknown}\``);
  return ["nosuid", "nodev", "noexec", ...options].join(",");
}
