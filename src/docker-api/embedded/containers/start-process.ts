/**
 * Starts what a container is to run: its layers and mounts as one root folder, then, when all of that is there, the user,
 * the working folder and the command by what the root folder says, then the command itself.
 */
import { lstat, realpath, stat } from "node:fs/promises";
import { DEFAULT_PATH, environmentOf } from "../../../images/image.ts";
import type { LayerStore } from "../../../images/layer-store.ts";
import { LayerWriter } from "../../../images/layer-writer.ts";
import { LayeredRoot } from "../../../images/layered-root.ts";
import { ApiError } from "../api.ts";
import type { ExtraHost } from "../build/build-request.ts";
import { imageUser } from "../image-user.ts";
import type { InnerCommand } from "../inner-command.ts";
import type { Isolation, Usable } from "../isolation.ts";
import type { MountPoint } from "../mount-table.ts";
import { startInNamespace } from "../namespace.ts";
import type { Container, ContainerRun } from "./container.ts";
import { requireCommand, startRefusal } from "./find-command.ts";
import { publish } from "./published-ports.ts";

interface StartDeps {
  readonly store: LayerStore;
  readonly isolation: Isolation;
}

/** Throws the answer for a machine that cannot run containers. */
export function requireIsolation(isolation: Isolation): Usable {
  if (isolation.kind !== "none") return isolation;
  throw new ApiError(
    500,
    `docker run needs Linux namespaces, which this machine does not give (${isolation.reason}): start Docker or Podman`,
  );
}

/** What a container's root folder shows before anything is mounted in it. */
export const rootBelow = (store: LayerStore, container: Container): LayeredRoot =>
  new LayeredRoot([
    { dir: container.upperDir, whiteouts: new Set(), opaque: new Set() },
    ...store.rootLayers(container.spec.image.layers),
  ]);

/** A container's folders, files and volumes. */
export async function pointsOf({ spec }: Container): Promise<MountPoint[]> {
  const points: MountPoint[] = [];
  for (const { source, target, isReadOnly } of spec.mounts) {
    const stats = await stat(source).catch(() => undefined);
    if (!stats)
      throw new ApiError(400, `invalid mount config for type "bind": bind source path does not exist: ${source}`);
    points.push({ kind: stats.isDirectory() ? "folder" : "file", source, target, isReadOnly });
  }
  return points;
}

/**
 * Whether what is shown in `root` are the folders that were looked at when the container was made: a build may have put a
 * link to another one in their place since. Asked when they are mounted, for then it is decided.
 */
export async function requireSameBinds({ spec }: Container, root: LayeredRoot): Promise<void> {
  for (const { kind, source, target } of spec.mounts) {
    if (kind !== "bind") continue;
    const shown = (await root.resolve(target)).found?.stats;
    const own = await lstat(source).catch(() => undefined);
    const isSame = own && shown?.ino === own.ino && shown.dev === own.dev;
    if (!isSame || (await realpath(source)) !== source)
      throw new ApiError(403, `bind mounts outside the build's folder are refused: ${source} is elsewhere now`);
  }
}

/** Throws docker's text when it cannot be started; then nothing of it is left. */
export async function startProcess(
  deps: StartDeps,
  container: Container,
  hosts: readonly ExtraHost[],
): Promise<ContainerRun> {
  const isolation = requireIsolation(deps.isolation);
  const { store } = deps;
  const { spec } = container;
  const { config } = spec;
  const argv = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  const workingDirectory = config.WorkingDir || "/";
  const variables = environmentOf(config);
  const hostname = config.Hostname || container.id.slice(0, 12);
  const stop = new AbortController();
  const command: InnerCommand = {
    ...{ argv, workingDirectory, uid: 0, gid: 0, tty: config.Tty === true },
    environment: { PATH: DEFAULT_PATH, HOSTNAME: hostname, ...(config.Tty && { TERM: "xterm" }), ...variables },
    droppedCapabilities: spec.droppedCapabilities,
    noNewPrivileges: spec.noNewPrivileges,
  };
  let complete = command;
  const points = await pointsOf(container);
  const forwards = await publish(spec.ports, `${container.name} (${container.id})`);
  try {
    const { ended, ...started } = await startInNamespace(store, isolation, {
      ...command,
      lowerDirs: store.rootLayers(spec.image.layers).map((layer) => layer.dir),
      upperDir: container.upperDir,
      network: spec.network,
      root: rootBelow(store, container),
      points: [...points, ...spec.tmpfs.map((one): MountPoint => ({ kind: "tmpfs", ...one }))],
      keepsMountPoints: true,
      readOnlyRoot: spec.isReadOnly,
      hostname,
      extraHosts: hosts,
      shmSizeBytes: spec.shmSizeBytes,
      ulimits: spec.ulimits,
      stdin: config.OpenStdin ? "pipe" : "ignore",
      signal: stop.signal,
      beforeCommand: async ({ rootDir: dir }) => {
        const root = new LayeredRoot([{ dir, whiteouts: new Set(), opaque: new Set() }]);
        await requireSameBinds(container, root);
        const { uid, gid, home, groups } = await imageUser(root, config.User ?? "");
        const inside = await root.resolve(workingDirectory);
        if (inside.found && !inside.found.stats.isDirectory())
          throw new ApiError(400, startRefusal(`mkdir ${workingDirectory}: not a directory`));
        if (!inside.found) await new LayerWriter(dir, []).folder(inside.path, { uid, gid });
        await requireCommand(
          root,
          argv[0] ?? "",
          { path: command.environment["PATH"] ?? "", workingDirectory },
          startRefusal,
        );
        complete = { ...command, uid, gid, groups, environment: { HOME: home, ...command.environment } };
        return complete;
      },
    });
    const closed = ended.finally(() => forwards.close());
    return { ...started, command: complete, stop, hostPorts: forwards.hostPorts, ended: closed };
  } catch (error) {
    forwards.close();
    throw error;
  }
}
