/**
 * Runs a command in the root folder of an image: own mount and process namespaces, an overlay of the image's layers, chroot.
 * No daemon and no runtime: `unshare`, `mount` and a shell (util-linux, coreutils). As root with docker's default
 * capabilities; as an ordinary user in a user namespace. The host's network is used.
 * Killing `unshare` kills everything inside (`--kill-child` and the process namespace), and so does the end of this
 * process, however it ends (`setpriv --pdeathsig`). The first process of the namespace is a shell that waits for the
 * command: a change of user would take away its order to die with `unshare`.
 * Sources: unshare(1), https://docs.kernel.org/filesystems/overlayfs.html
 * Gaps: as an ordinary user without newuidmap one id is mapped, so chown to another user fails; no cgroup limits, no seccomp filter, /sys is the host's, read-only.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { delimiter, join, relative } from "node:path";
import type { Duplex } from "node:stream";
import type { LayerStore } from "../../images/layer-store.ts";
import type { LayeredRoot } from "../../images/layered-root.ts";
import { removeTree } from "../../images/remove-tree.ts";
import { RANGE_FLAGS, subordinateIds } from "../../images/user-namespace.ts";
import type { ExtraHost, Ulimit } from "./build/build-request.ts";
import {
  baseEntries,
  fstab,
  type MountEntry,
  makeDevTemplate,
  makePlaceholder,
  type RunMountPoint,
  runEntries,
  type SecretFile,
} from "./mount-table.ts";

export type Isolation =
  | { readonly kind: "root"; readonly diesWithUs: boolean; readonly setpriv: boolean }
  /** Without a range of ids (newuidmap) everything inside belongs to root, and chown to another user fails. */
  | { readonly kind: "user"; readonly diesWithUs: boolean; readonly hasRange: boolean }
  | { readonly kind: "none"; readonly reason: string };

export type Usable = Exclude<Isolation, { kind: "none" }>;

/** Host folders or files to show inside; checked by the caller. */
export interface Bind {
  readonly source: string;
  readonly target: string;
  readonly isReadOnly: boolean;
}

/** What runs, by whom and where, in a root folder. */
export interface InnerCommand {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly uid: number;
  readonly gid: number;
  /** A pseudo terminal between the command and the three streams; needs `script` (util-linux). */
  readonly tty?: boolean;
  /** Docker's names (`NET_RAW`, `ALL`) to take from the default set. */
  readonly droppedCapabilities?: readonly string[];
  readonly noNewPrivileges?: boolean;
  /** Further groups; undefined leaves those of this process, where it has any. */
  readonly groups?: readonly number[];
  /** MKNOD, as in docker: only where no mount of the container lets devices be opened. */
  readonly mayMakeDevices?: boolean;
}

export interface ContainerProcess extends InnerCommand {
  /** Read-only layers, topmost first, as paths on this machine. */
  readonly lowerDirs: readonly string[];
  readonly upperDir: string;
  readonly network: "host" | "none";
  readonly binds?: readonly Bind[];
  /** Options as mount(8) takes them, e.g. `size=64m`. */
  readonly tmpfs?: readonly { readonly target: string; readonly options: string }[];
  readonly readOnlyRoot?: boolean;
  readonly hostname?: string;
  readonly extraHosts?: readonly ExtraHost[];
  /** Of `/dev/shm`; undefined is the kernel's default. */
  readonly shmSizeBytes?: number | undefined;
  readonly ulimits?: readonly Ulimit[];
  /** Mounts of a RUN, which leave nothing in the upper folder. */
  readonly runMounts?: {
    /** The layers below, for what is there already. */
    readonly root: LayeredRoot;
    readonly points: readonly RunMountPoint[];
    readonly secrets: readonly SecretFile[];
  };
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
  /** Of the namespaces' first process, as this machine counts. */
  readonly initPid: number;
  /** The root folder's path inside the mount namespace; from outside below `/proc/<initPid>/root`. */
  readonly rootDir: string;
  /** Shown as `/etc/hosts`; may be written in place while the container runs. */
  readonly hostsFile: string;
}

export const TOOL_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"].join(
  delimiter,
);
/** Docker's default set without MKNOD, which `mayMakeDevices` adds: there is no device cgroup here to hold it. */
const CAPABILITIES =
  "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,audit_write,setfcap".split(
    ",",
  );
/** Between the first process and this one, for `beforeCommand`. */
const GATE_FD = 4;
/** Gives secrets to the first process. */
const SECRETS_FD = 5;

const probes = new Map<string, Promise<Isolation>>();

/** What this machine can do, found by doing it once per process. */
export function detectIsolation(store: LayerStore): Promise<Isolation> {
  const known = probes.get(store.dir) ?? probe(store);
  probes.set(store.dir, known);
  return known;
}

async function probe(store: LayerStore): Promise<Isolation> {
  if (process.platform !== "linux") return { kind: "none", reason: `RUN needs Linux, this is ${process.platform}` };
  const isRoot = process.geteuid?.() === 0;
  const hasSetpriv = onPath("setpriv");
  const hasRange = (await subordinateIds()) !== undefined;
  const candidates = (hasSetpriv ? [true, false] : [false]).map(
    (diesWithUs): Usable =>
      isRoot ? { kind: "root", diesWithUs, setpriv: hasSetpriv } : { kind: "user", diesWithUs, hasRange },
  );
  let reason = "";
  for (const candidate of candidates) {
    const dir = await store.temporary();
    try {
      for (const name of ["l", "u", "w", "m"]) await mkdir(join(dir, name));
      const options = overlayOptions(candidate, ["l"], "u", "w");
      const script = `mount -t overlay overlay -o ${options} m && mkdir m/proc && mount -t proc proc m/proc`;
      const [command = "", ...args] = [...unshareCommand(candidate, "host"), "sh", "-c", script];
      const child = spawn(command, args, {
        cwd: dir,
        env: { PATH: TOOL_PATH },
        stdio: ["ignore", "ignore", "pipe"],
      });
      let text = "";
      child.stderr.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      const code = await exitCodeOf(child);
      if (code === 0) return candidate;
      reason = text.trim().split("\n")[0] ?? `exit ${code}`;
    } catch (error) {
      reason = (error as Error).message;
    } finally {
      await removeTree(dir);
    }
  }
  return { kind: "none", reason };
}

/**
 * Starts the process; standard streams are the command's. Resolve of `ended` means that nothing of it is left.
 * `place` is known when `beforeCommand` was given.
 */
export async function startInNamespace(
  store: LayerStore,
  isolation: Usable,
  container: ContainerProcess,
): Promise<{ child: ChildProcess; ended: Promise<number>; place: ContainerPlace | undefined }> {
  const dir = await store.temporary();
  try {
    for (const name of ["w", "m", "init", "f", "dev-upper", "dev-work"]) mkdirSync(join(dir, name), { mode: 0o755 });
    const hostsFile = join(dir, "f", "hosts");
    writeFileSync(hostsFile, hostsText(container.extraHosts ?? []));
    writeFileSync(join(dir, "f", "hostname"), `${container.hostname ?? "kiln"}\n`);
    const runPoints = await makeInitLayer(join(dir, "init"), container);
    const script = join(dir, "start.sh");
    const rootDir = join(dir, "m");
    const writeCommand = (command: InnerCommand): void =>
      writeFileSync(join(dir, "command.sh"), firstCommandScript(isolation, rootDir, command), { mode: 0o600 });
    writeFileSync(join(dir, "fstab"), fstab(mountsOf(store, isolation, container, dir, runPoints)));
    writeFileSync(script, startScript(isolation, container, dir), { mode: 0o600 });
    if (!container.beforeCommand) writeCommand(container);
    container.signal.throwIfAborted();
    const secrets = container.runMounts?.secrets ?? [];
    const [command = "", ...args] = [...unshareCommand(isolation, container.network), "sh", script];
    const gate = container.beforeCommand ? "pipe" : "ignore";
    const child = spawn(command, args, {
      cwd: join(store.dir, "layers"),
      env: { PATH: TOOL_PATH },
      stdio: [container.stdin ?? "ignore", "pipe", "pipe", "ignore", gate, secrets.length > 0 ? "pipe" : "ignore"],
      detached: true,
    });
    if (secrets.length > 0) {
      const pipe = (child.stdio as readonly unknown[])[SECRETS_FD] as Duplex;
      pipe.on("error", () => undefined);
      pipe.end(Buffer.concat(secrets.map(({ bytes }) => bytes)));
    }
    const kill = (): void => void child.kill("SIGKILL");
    container.signal.addEventListener("abort", kill, { once: true });
    const cleanedUp = async (): Promise<number> => {
      try {
        return await exitCodeOf(child);
      } finally {
        container.signal.removeEventListener("abort", kill);
        await removeTree(dir);
      }
    };
    const ended = cleanedUp();
    if (!container.beforeCommand) return { child, ended, place: undefined };
    try {
      const place = { initPid: await mountedBy(child, ended), rootDir, hostsFile };
      writeCommand({ ...container, ...(await container.beforeCommand(place)) });
      (child.stdio[GATE_FD] as Duplex).end("go\n");
      return { child, ended, place };
    } catch (error) {
      kill();
      await ended.catch(() => undefined);
      throw error;
    }
  } catch (error) {
    await removeTree(dir);
    throw error;
  }
}

/** The first process's id, once it has mounted everything. */
async function mountedBy(child: ChildProcess, ended: Promise<number>): Promise<number> {
  const gate = child.stdio[GATE_FD] as Duplex;
  let problem = "";
  const collect = (chunk: Buffer): void => {
    problem += chunk.toString();
  };
  child.stderr?.on("data", collect);
  const initPid = await new Promise<number>((resolve, reject) => {
    gate.once("data", (line: Buffer) => resolve(Number(line.toString().trim())));
    gate.on("error", () => undefined);
    ended.then(
      (code) => reject(new Error(`cannot mount the container's root folder: ${problem.trim() || `exit ${code}`}`)),
      reject,
    );
  });
  child.stderr?.off("data", collect);
  child.stderr?.pause();
  return initPid;
}

/** Lines of `/etc/hosts`: this machine, then what was asked for. */
export function hostsText(extra: readonly ExtraHost[]): string {
  const lines = extra.map(({ name, address }) => `${address === "host-gateway" ? "127.0.0.1" : address}\t${name}\n`);
  return `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n${lines.join("")}`;
}

/** What every container has to mount on: not in any layer of the image, and hidden links included. */
const PLACEHOLDERS = {
  folder: ["/proc", "/sys", "/dev"],
  file: ["/etc/resolv.conf", "/etc/hosts", "/etc/hostname"],
} as const;

/** Mount points and files that no layer gets; returns the mounts of a RUN by real paths, secrets last. */
async function makeInitLayer(dir: string, { runMounts }: ContainerProcess): Promise<RunMountPoint[]> {
  chmodSync(dir, 0o755);
  if (!runMounts) {
    for (const path of PLACEHOLDERS.folder) mkdirSync(join(dir, path), { mode: 0o755 });
    mkdirSync(join(dir, "etc"), { mode: 0o755 });
    for (const path of PLACEHOLDERS.file) writeFileSync(join(dir, path), "");
    return [];
  }
  const { root, points, secrets } = runMounts;
  for (const path of PLACEHOLDERS.folder) await makePlaceholder(dir, root, path, "folder", { hidesLink: true });
  for (const path of PLACEHOLDERS.file) await makePlaceholder(dir, root, path, "file", { hidesLink: true });
  const placed: RunMountPoint[] = [];
  for (const point of points) {
    // What is below /dev is made there, not in the image.
    const isDev = point.target.startsWith("/dev/");
    const kind = point.kind === "file" ? "file" : "folder";
    placed.push({ ...point, target: isDev ? point.target : await makePlaceholder(dir, root, point.target, kind) });
  }
  const folder = join(dir, "..", "s");
  for (const [index, secret] of secrets.entries()) {
    const target = await makePlaceholder(dir, root, secret.target, "file");
    placed.push({ kind: "file", source: join(folder, String(index)), target, isReadOnly: true });
  }
  return placed;
}

function mountsOf(
  store: LayerStore,
  isolation: Usable,
  container: ContainerProcess,
  dir: string,
  runPoints: readonly RunMountPoint[],
): MountEntry[] {
  const devTemplate = join(store.dir, "dev");
  if (!devTemplates.has(devTemplate)) makeDevTemplate(devTemplate);
  devTemplates.add(devTemplate);
  // Relative to the layers folder: mount options are limited to one memory page, an image may have 127 layers.
  const lower = [join(dir, "init"), ...container.lowerDirs].map((path) => relative(join(store.dir, "layers"), path));
  const options = (...folders: [readonly string[], string, string]): string => overlayOptions(isolation, ...folders);
  const isRoot = isolation.kind === "root";
  const rootOptions = `${isRoot ? "nodev," : ""}${options(lower, container.upperDir, join(dir, "w"))}`;
  const { shmSizeBytes } = container;
  const common = { isRoot, overlayOptions: options };
  return [
    ...baseEntries({ ...common, dir, devTemplate, rootOptions, shmSizeBytes }),
    ...runEntries(runPoints, { ...common, rootDir: join(dir, "m") }),
  ];
}

const devTemplates = new Set<string>();

function startScript(isolation: Usable, container: ContainerProcess, dir: string): string {
  const m = quote(join(dir, "m"));
  const limits = (container.ulimits ?? []).map(({ name, soft, hard }) =>
    quote(`--${name}=${limit(soft)}:${limit(hard)}`),
  );
  const secrets = container.runMounts?.secrets ?? [];
  const devFiles = (container.runMounts?.points ?? []).filter(({ target }) => target.startsWith("/dev/"));
  return [
    "umask 022",
    "set -e",
    ...secretLines(join(dir, "s"), secrets),
    ...devFiles.flatMap((point) => {
      const path = quote(join(dir, "dev-upper", point.target.slice("/dev/".length)));
      return [point.kind === "file" ? `mkdir -p "$(dirname ${path})"; : > ${path}` : `mkdir -p ${path}`];
    }),
    `mount --all --fstab ${quote(join(dir, "fstab"))}`,
    ...(isolation.kind === "root"
      ? []
      : [`mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts ${m}/dev/pts 2>/dev/null || :`]),
    ...(container.tmpfs ?? []).map(
      ({ target, options }) =>
        `mkdir -p ${m}${quote(target)}; mount -t tmpfs -o ${quote(options)} tmpfs ${m}${quote(target)}`,
    ),
    ...bindLines(m, container.binds ?? []),
    ...(limits.length > 0 ? [`prlimit --pid $$ ${limits.join(" ")}`] : []),
    ...(container.readOnlyRoot ? [`mount -o remount,bind,ro ${m}`] : []),
    // This shell's /proc is still this machine's, so it sees its own id out there.
    ...(container.beforeCommand
      ? [`read -r pid rest < /proc/self/stat; echo "$pid" >&${GATE_FD}; read -r go <&${GATE_FD} && [ "$go" = go ]`]
      : []),
    `exec ${GATE_FD}>&- ${SECRETS_FD}>&-`,
    "set +e",
    `. ${quote(join(dir, "command.sh"))}`,
    "",
  ].join("\n");
}

/** Secrets come through a pipe into memory; no file of them is ever on a disk. */
function secretLines(folder: string, secrets: readonly SecretFile[]): string[] {
  if (secrets.length === 0) return [];
  return [
    `mkdir -m 700 ${quote(folder)}; mount -t tmpfs -o mode=700,nosuid,nodev,noexec tmpfs ${quote(folder)}`,
    ...secrets.map(({ bytes, mode, uid, gid }, index) => {
      const path = quote(join(folder, String(index)));
      return `head -c ${bytes.length} <&${SECRETS_FD} > ${path}; chown ${uid}:${gid} ${path}; chmod ${mode.toString(8)} ${path}`;
    }),
  ];
}

const limit = (value: number): string => (value < 0 ? "unlimited" : String(value));

/** Shell lines that show host folders and files below `m`, a quoted path. */
export function bindLines(m: string, binds: readonly Bind[]): string[] {
  return binds.flatMap((bind) => {
    const target = `${m}${quote(bind.target)}`;
    return [
      `[ -d ${quote(bind.source)} ] && mkdir -p ${target} || { mkdir -p "$(dirname ${target})"; [ -e ${target} ] || : > ${target}; }`,
      `mount --bind ${quote(bind.source)} ${target}`,
      ...(bind.isReadOnly ? [`mount -o remount,bind,ro ${target}`] : []),
    ];
  });
}

/** Of the first process, a shell that outlives the command and says nothing of its own. */
function firstCommandScript(isolation: Usable, rootDir: string, command: InnerCommand): string {
  const { before, line } = innerCommand(isolation, rootDir, command);
  return [...before, "exec 3>&2 2>/dev/null", `${line} 2>&3 3>&-`, "exit $?", ""].join("\n");
}

/** Of a process that joins the namespaces later. */
export function joiningScript(isolation: Usable, rootDir: string, command: InnerCommand): string {
  const { before, line } = innerCommand(isolation, rootDir, command);
  return [...before, `exec ${line}`, ""].join("\n");
}

function innerCommand(isolation: Usable, rootDir: string, command: InnerCommand): { before: string[]; line: string } {
  const names = Object.entries(command.environment);
  // The dynamic loader's variables must not reach the host's tools below; odd names cannot be exported by a shell.
  const isLate = ([name]: [string, string]): boolean => !/^[A-Za-z_]\w*$/.test(name) || name.startsWith("LD_");
  const late = names.filter(isLate).map(([name, value]) => quote(`${name}=${value}`));
  const exported = names.filter((entry) => !isLate(entry)).map(([name, value]) => `export ${name}=${quote(value)}`);
  // Groups are setpriv's; unshare's own --setgid would take the further ones away.
  const hasGroups = groupWords(isolation, command) !== "";
  const isOther = command.uid !== 0 || command.gid !== 0;
  const ids = isOther ? `${hasGroups ? "" : `--setgid ${command.gid} `}--setuid ${command.uid} ` : "";
  const words = `${late.length > 0 ? `env ${late.join(" ")} ` : ""}${command.argv.map(quote).join(" ")}`;
  const line = `${settingRights(isolation, command)}"$UNSHARE" --root ${quote(rootDir)} --wd ${quote(command.workingDirectory)} ${ids}-- ${words}`;
  const before = ["UNSHARE=$(command -v unshare)", "SETPRIV=$(command -v setpriv)"];
  if (!command.tty) return { before: [...before, "unset PWD OLDPWD SHLVL _", ...exported], line };
  // `script` starts $SHELL, which has to be this machine's; the container's variables come after it.
  const inner = [...before, "unset PWD OLDPWD SHLVL _ SHELL", ...exported, `exec ${line}`].join("\n");
  return { before: ["SHELL=/bin/sh; export SHELL"], line: `script -qefc ${quote(inner)} /dev/null` };
}

/** Words that set groups and take rights away before the root folder is changed; they end with a blank. */
function settingRights(isolation: Usable, command: InnerCommand): string {
  const groups = groupWords(isolation, command);
  if (isolation.kind !== "root" || !isolation.setpriv) return groups === "" ? "" : `"$SETPRIV" ${groups}`;
  const gone = (command.droppedCapabilities ?? []).map((name) => name.toLowerCase().replace(/^cap_/, ""));
  const granted = command.mayMakeDevices ? [...CAPABILITIES, "mknod"] : CAPABILITIES;
  // Changing root folder and user below needs three of them; the kernel takes them with the user's change.
  const kept = gone.includes("all") ? [] : granted.filter((name) => !gone.includes(name));
  const bounding = ["-all", ...new Set([...kept, "sys_chroot", "setuid", "setgid"])].join(",+");
  return `"$SETPRIV" --bounding-set=${bounding} --inh-caps=-all ${command.noNewPrivileges ? "--no-new-privs " : ""}${groups}`;
}

function groupWords(isolation: Usable, { gid, groups }: InnerCommand): string {
  const canSet = isolation.kind === "root" ? isolation.setpriv : isolation.hasRange && isolation.diesWithUs;
  if (groups === undefined || !canSet) return "";
  return `--regid=${gid} ${groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`} `;
}

export function unshareCommand(isolation: Usable, network: "host" | "none"): string[] {
  const words = isolation.diesWithUs ? ["setpriv", "--pdeathsig", "KILL", "unshare"] : ["unshare"];
  words.push("--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--ipc");
  if (network === "none") words.push("--net");
  if (isolation.kind === "user") words.push(...(isolation.hasRange ? RANGE_FLAGS : ["--user", "--map-root-user"]));
  return [...words, "--"];
}

export function overlayOptions(isolation: Usable, lower: readonly string[], upper: string, work: string): string {
  const escaped = (path: string): string => path.replace(/([\\:,])/g, "\\$1");
  const own = isolation.kind === "user" ? ["userxattr"] : ["redirect_dir=off", "metacopy=off", "index=off"];
  return [
    `lowerdir=${lower.map(escaped).join(":")}`,
    `upperdir=${escaped(upper)}`,
    `workdir=${escaped(work)}`,
    ...own,
  ].join(",");
}

export function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? (signal === "SIGTERM" ? 143 : 137)));
  });
}

export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const onPath = (name: string): boolean => TOOL_PATH.split(delimiter).some((folder) => existsSync(join(folder, name)));
