/**
 * Runs a command in the root folder of an image: own mount and process namespaces, an overlay of the image's layers, moved
 * over this machine's root folder. No daemon and no runtime: `unshare`, `mount`, `setpriv` and a shell (util-linux, coreutils).
 * Docker's default capabilities; as an ordinary user they count in a user namespace only. The host's network is used.
 * Killing the first process kills everything inside (core/end-namespace.ts), and so does the end of this process, however
 * it ends (`setpriv --pdeathsig`, `unshare --kill-child`). The first process of the namespace is a shell that waits for the
 * command: a change of user would take away its order to die with `unshare`.
 *
 * In order: mount-points.ts places the mounts, mount-table.ts writes them down, the first process mounts them, this process
 * checks them (the gate) and sends the command (inner-command.ts) through a pipe: no variable of it is ever on a disk.
 * Sources: unshare(1), mount(8), https://docs.kernel.org/filesystems/overlayfs.html
 * Gaps: as an ordinary user without newuidmap one id is mapped, so chown to another user fails; no cgroup limits, no seccomp filter, /sys is the host's, read-only.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { endNamespace } from "../../core/end-namespace.ts";
import { onlyStreams } from "../../core/own-descriptors.ts";
import { readProcess } from "../../core/process-table.ts";
import { shellQuote } from "../../core/shell-quote.ts";
import type { LayerStore } from "../../images/layer-store.ts";
import type { LayeredRoot } from "../../images/layered-root.ts";
import { removeTree } from "../../images/remove-tree.ts";
import type { ExtraHost, Ulimit } from "./build/build-request.ts";
import { firstCommandScript, type InnerCommand } from "./inner-command.ts";
import { exitCodeOf, overlayOptions, TOOL_PATH, type Usable, unshareCommand } from "./isolation.ts";
import { makeBasePoints, placePoints, verifyMounts } from "./mount-points.ts";
import {
  baseEntries,
  fstab,
  type MountEntry,
  type MountPoint,
  makeDevTemplate,
  pointEntries,
  type SecretFile,
} from "./mount-table.ts";

export interface ContainerProcess extends InnerCommand {
  /** Read-only layers, topmost first, as paths on this machine. */
  readonly lowerDirs: readonly string[];
  readonly upperDir: string;
  /** What the root folder shows before anything else is mounted: the upper folder and the layers. */
  readonly root: LayeredRoot;
  readonly network: "host" | "none";
  /** Further mounts; checked by the caller as to what they show. */
  readonly points?: readonly MountPoint[];
  /** What a mount is mounted on is made in the upper folder and stays, as in docker; else it is no part of that. */
  readonly keepsMountPoints?: boolean;
  readonly secrets?: readonly SecretFile[];
  readonly readOnlyRoot?: boolean;
  readonly hostname?: string;
  readonly extraHosts?: readonly ExtraHost[];
  /** Of `/dev/shm`; undefined is the kernel's default. */
  readonly shmSizeBytes?: number | undefined;
  readonly ulimits?: readonly Ulimit[];
  readonly stdin?: "ignore" | "pipe";
  readonly signal: AbortSignal;
  /**
   * Called when everything is mounted, before the command starts; what it gives back replaces members of the command.
   * When it throws, nothing is started and `startInNamespace` throws the same.
   */
  readonly beforeCommand?: (place: ContainerPlace) => Promise<Partial<InnerCommand>>;
}

/** Where a container is on this machine. */
export interface ContainerPlace {
  /** Of the namespaces' first process, as this machine counts; another program's, maybe, once it has ended. */
  readonly initPid: number;
  /** Whether it still runs: ask right before the number, or a path that it is in, is used. */
  isThere(): boolean;
  /** The container's root folder as this machine sees it, as long as it runs. */
  readonly rootDir: string;
  /** Shown as `/etc/hosts`; may be written in place while the container runs. */
  readonly hostsFile: string;
}

/** Standard error of the command. `unshare` has one of its own: it complains of a first process that was killed. */
const STDERR_FD = 3;
/** Between the first process and this one: its id when everything is mounted, then the command. */
const GATE_FD = 4;
/** Gives secrets to the first process. */
const SECRETS_FD = 5;

/** The root folder of a container by its first process, whose working folder that is. The dot leads through the link. */
export const rootDirOf = (initPid: number): string => `/proc/${initPid}/cwd/.`;

export interface Started {
  /** Its standard input is the command's. */
  readonly child: ChildProcess;
  /** Both outputs of the command. */
  readonly outputs: readonly [Readable, Readable];
  /** Resolves when nothing of it is left, as a shell counts: 137 for what was killed. */
  readonly ended: Promise<number>;
  readonly place: ContainerPlace;
}

/** Starts the process. */
export async function startInNamespace(
  store: LayerStore,
  isolation: Usable,
  container: ContainerProcess,
): Promise<Started> {
  const dir = await store.temporary();
  try {
    for (const name of ["w", "m", "init", "f", "dev-upper", "dev-work"]) mkdirSync(join(dir, name), { mode: 0o755 });
    const hostsFile = join(dir, "f", "hosts");
    writeFileSync(hostsFile, hostsText(container.extraHosts ?? []));
    writeFileSync(join(dir, "f", "hostname"), `${container.hostname ?? "kiln"}\n`);
    const mounts = await mountsOf(store, isolation, container, dir);
    writeFileSync(join(dir, "fstab"), fstab(mounts.base));
    writeFileSync(join(dir, "fstab-points"), fstab(mounts.points));
    const script = join(dir, "start.sh");
    const secrets = container.secrets ?? [];
    writeFileSync(script, startScript(isolation, container, dir, mounts.points.length > 0), { mode: 0o600 });
    container.signal.throwIfAborted();
    const [command = "", ...args] = [...unshareCommand(isolation, container.network), "sh", script];
    const child = spawn(command, args, {
      cwd: join(store.dir, "layers"),
      env: { PATH: TOOL_PATH },
      stdio: onlyStreams([
        ...([container.stdin ?? "ignore", "pipe", "pipe", "pipe", "pipe"] as const),
        secrets.length > 0 ? "pipe" : "ignore",
      ]),
      detached: true,
    });
    if (secrets.length > 0) {
      const pipe = (child.stdio as readonly unknown[])[SECRETS_FD] as Duplex;
      pipe.on("error", () => undefined);
      pipe.end(Buffer.concat(secrets.map(({ bytes }) => bytes)));
    }
    let isKilled = false;
    const kill = (): void => {
      isKilled = endNamespace(child) || isKilled;
    };
    container.signal.addEventListener("abort", kill, { once: true });
    const cleanedUp = async (): Promise<number> => {
      try {
        const exitCode = await exitCodeOf(child);
        return isKilled ? KILLED : exitCode;
      } finally {
        container.signal.removeEventListener("abort", kill);
        await removeTree(dir);
      }
    };
    const ended = cleanedUp();
    try {
      const initPid = await mountedBy(child, ended);
      const expected = [...mounts.base, ...mounts.points].map(({ target }) => target);
      verifyMounts(initPid, expected);
      // No other process is that one's child.
      const isThere = (): boolean => isRunning(child) && readProcess(initPid)?.parent === child.pid;
      const place = { initPid, isThere, rootDir: rootDirOf(initPid), hostsFile };
      const inner = { ...container, ...(await container.beforeCommand?.(place)) };
      (child.stdio[GATE_FD] as Duplex).end(firstCommandScript(isolation, inner));
      const outputs = [child.stdout as Readable, child.stdio[STDERR_FD] as Duplex] as const;
      return { child, outputs, ended, place };
    } catch (error) {
      kill();
      await ended.catch(() => undefined);
      container.signal.throwIfAborted();
      throw error;
    }
  } catch (error) {
    await removeTree(dir);
    throw error;
  }
}

const KILLED = 137;
const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

/** The first process's id, once it has mounted everything. */
async function mountedBy(child: ChildProcess, ended: Promise<number>): Promise<number> {
  const gate = child.stdio[GATE_FD] as Duplex;
  let problem = "";
  const collect = (chunk: Buffer): void => {
    problem += chunk.toString();
  };
  const stderr = child.stdio[STDERR_FD] as Duplex;
  child.stderr?.on("data", collect);
  stderr.on("data", collect);
  const initPid = await new Promise<number>((resolve, reject) => {
    gate.once("data", (line: Buffer) => resolve(Number(line.toString().trim())));
    gate.on("error", () => undefined);
    ended.then(
      (code) => reject(new Error(`cannot mount the container's root folder: ${problem.trim() || `exit ${code}`}`)),
      reject,
    );
  });
  stderr.off("data", collect);
  stderr.pause();
  return initPid;
}

/** Lines of `/etc/hosts`: this machine, then what was asked for. */
export function hostsText(extra: readonly ExtraHost[]): string {
  const lines = extra.map(({ name, address }) => `${address === "host-gateway" ? "127.0.0.1" : address}\t${name}\n`);
  return `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n${lines.join("")}`;
}

async function mountsOf(
  store: LayerStore,
  isolation: Usable,
  container: ContainerProcess,
  dir: string,
): Promise<{ base: MountEntry[]; points: MountEntry[] }> {
  const devTemplate = join(store.dir, "dev");
  if (!devTemplates.has(devTemplate)) makeDevTemplate(devTemplate);
  devTemplates.add(devTemplate);
  const { root, upperDir, shmSizeBytes } = container;
  chmodSync(join(dir, "init"), 0o755);
  const files = await makeBasePoints(join(dir, "init"), root);
  const secrets = (container.secrets ?? []).map(
    ({ target }, index): MountPoint => ({
      ...{ kind: "file", source: join(dir, "s", String(index)), target, isReadOnly: true },
    }),
  );
  const placeholderDir = container.keepsMountPoints ? upperDir : join(dir, "init");
  const places = { root, placeholderDir, devDir: join(dir, "dev-upper") };
  const points = await placePoints(places, [...(container.points ?? []), ...secrets]);
  // Relative to the layers folder: mount options are limited to one memory page, an image may have 127 layers.
  const lower = [join(dir, "init"), ...container.lowerDirs].map((path) => relative(join(store.dir, "layers"), path));
  const options = (...folders: [readonly string[], string, string]): string => overlayOptions(isolation, ...folders);
  const isRoot = isolation.kind === "root";
  const rootOptions = `${isRoot ? "nodev," : ""}${options(lower, upperDir, join(dir, "w"))}`;
  const common = { isRoot, overlayOptions: options };
  return {
    base: baseEntries({ ...common, dir, devTemplate, rootOptions, shmSizeBytes, files }),
    points: pointEntries(points, { ...common, rootDir: join(dir, "m") }),
  };
}

const devTemplates = new Set<string>();

/**
 * What the first process does before the command. Once the points are mounted nothing of this machine's tools is used until
 * the other side of the gate has seen that none of them lies over those.
 */
function startScript(isolation: Usable, container: ContainerProcess, dir: string, hasPoints: boolean): string {
  const m = shellQuote(join(dir, "m"));
  const limits = (container.ulimits ?? []).map(({ name, soft, hard }) =>
    shellQuote(`--${name}=${limit(soft)}:${limit(hard)}`),
  );
  return [
    `exec 2>&${STDERR_FD} ${STDERR_FD}>&-`,
    "umask 022",
    "set -e",
    // /proc is still this machine's, so this shell sees its own id out there.
    "read -r pid rest < /proc/self/stat",
    ...secretLines(isolation, join(dir, "s"), container.secrets ?? []),
    `mount --internal-only --no-mtab --all --fstab ${shellQuote(join(dir, "fstab"))}`,
    ...(isolation.kind === "root"
      ? []
      : [`mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts ${m}/dev/pts 2>/dev/null || :`]),
    ...(hasPoints ? [`mount --internal-only --no-mtab --all --fstab ${shellQuote(join(dir, "fstab-points"))}`] : []),
    `cd ${m}`,
    `echo "$pid" >&${GATE_FD}`,
    `command=$(cat <&${GATE_FD})`,
    '[ -n "$command" ]',
    ...(limits.length > 0 ? [`prlimit --pid $$ ${limits.join(" ")}`] : []),
    ...(container.readOnlyRoot ? [`mount --no-mtab -o remount,bind,ro ${m}`] : []),
    // Over this machine's root folder: whoever leaves the chroot below finds the same one again.
    `mount --no-mtab --move ${m} /`,
    `exec ${GATE_FD}>&- ${SECRETS_FD}>&-`,
    "set +e",
    'eval "$command"',
    "",
  ].join("\n");
}

/** Secrets come through a pipe into memory; no file of them is ever on a disk. */
function secretLines(isolation: Usable, folder: string, secrets: readonly SecretFile[]): string[] {
  if (secrets.length === 0) return [];
  // With one id there is nobody else to give a file to.
  const hasIds = isolation.kind === "root" || isolation.hasRange;
  return [
    `mkdir -m 700 ${shellQuote(folder)}; mount -t tmpfs -o mode=700,nosuid,nodev,noexec tmpfs ${shellQuote(folder)}`,
    ...secrets.map(({ bytes, mode, uid, gid }, index) => {
      const path = shellQuote(join(folder, String(index)));
      return `head -c ${bytes.length} <&${SECRETS_FD} > ${path}; ${hasIds ? `chown ${uid}:${gid} ${path}; ` : ""}chmod ${mode.toString(8)} ${path}`;
    }),
  ];
}

const limit = (value: number): string => (value < 0 ? "unlimited" : String(value));
