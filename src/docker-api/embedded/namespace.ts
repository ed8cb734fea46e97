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
import { existsSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, join, relative } from "node:path";
import type { LayerStore } from "../../images/layer-store.ts";
import { removeTree } from "../../images/remove-tree.ts";
import { RANGE_FLAGS, subordinateIds } from "../../images/user-namespace.ts";

export type Isolation =
  | { readonly kind: "root"; readonly diesWithUs: boolean; readonly setpriv: boolean }
  /** Without a range of ids (newuidmap) everything inside belongs to root, and chown to another user fails. */
  | { readonly kind: "user"; readonly diesWithUs: boolean; readonly hasRange: boolean }
  | { readonly kind: "none"; readonly reason: string };

type Usable = Exclude<Isolation, { kind: "none" }>;

export interface ContainerProcess {
  /** Read-only layers, topmost first, as paths on this machine. */
  readonly lowerDirs: readonly string[];
  readonly upperDir: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly uid: number;
  readonly gid: number;
  readonly network: "host" | "none";
  /** Host folders to show inside; checked by the caller. */
  readonly binds?: readonly { readonly source: string; readonly target: string; readonly isReadOnly: boolean }[];
  readonly stdin?: "ignore" | "pipe";
  readonly signal: AbortSignal;
}

const TOOL_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"].join(delimiter);
/** Docker's default set without MKNOD: there is no device cgroup here to hold it. */
const CAPABILITIES =
  "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,+sys_chroot,+audit_write,+setfcap";

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

/** Starts the process; standard streams are the command's. Resolve of `ended` means that nothing of it is left. */
export async function startInNamespace(
  store: LayerStore,
  isolation: Usable,
  container: ContainerProcess,
): Promise<{ child: ChildProcess; ended: Promise<number> }> {
  const dir = await store.temporary();
  try {
    for (const name of ["w", "m", "init", "f"]) await mkdir(join(dir, name), { mode: 0o755 });
    await makeInitLayer(join(dir, "init"));
    await writeFile(join(dir, "f", "hosts"), "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    await writeFile(join(dir, "f", "hostname"), "kiln\n");
    const script = join(dir, "start.sh");
    await writeFile(script, startScript(isolation, container, dir, join(store.dir, "layers")), { mode: 0o600 });
    container.signal.throwIfAborted();
    const [command = "", ...args] = [...unshareCommand(isolation, container.network), "sh", script];
    const child = spawn(command, args, {
      cwd: join(store.dir, "layers"),
      env: { PATH: TOOL_PATH },
      stdio: [container.stdin ?? "ignore", "pipe", "pipe"],
      detached: true,
    });
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
    return { child, ended: cleanedUp() };
  } catch (error) {
    await removeTree(dir);
    throw error;
  }
}

/** Mount points and files that every container has and no layer gets. */
async function makeInitLayer(dir: string): Promise<void> {
  await chmod(dir, 0o755);
  for (const name of ["proc", "sys", "dev", "etc"]) await mkdir(join(dir, name), { mode: 0o755 });
  for (const name of ["resolv.conf", "hosts", "hostname"]) await writeFile(join(dir, "etc", name), "");
}

function startScript(isolation: Usable, container: ContainerProcess, dir: string, layersDir: string): string {
  const m = quote(join(dir, "m"));
  // Relative to the layers folder: mount options are limited to one memory page, an image may have 127 layers.
  const lower = [join(dir, "init"), ...container.lowerDirs].map((path) => relative(layersDir, path));
  const options = overlayOptions(isolation, lower, container.upperDir, join(dir, "w"));
  const names = Object.entries(container.environment);
  // The dynamic loader's variables must not reach the host's tools below; odd names cannot be exported by a shell.
  const isLate = ([name]: [string, string]): boolean => !/^[A-Za-z_]\w*$/.test(name) || name.startsWith("LD_");
  const late = names.filter(isLate).map(([name, value]) => quote(`${name}=${value}`));
  const exported = names.filter((entry) => !isLate(entry)).map(([name, value]) => `export ${name}=${quote(value)}`);
  const drop =
    isolation.kind === "root" && isolation.setpriv ? `"$SETPRIV" --bounding-set=${CAPABILITIES} --inh-caps=-all ` : "";
  const ids = container.uid === 0 && container.gid === 0 ? "" : `--setgid ${container.gid} --setuid ${container.uid} `;
  const binds = (container.binds ?? []).flatMap((bind) => {
    const target = `${m}${quote(bind.target)}`;
    return [
      `[ -d ${quote(bind.source)} ] && mkdir -p ${target} || { mkdir -p "$(dirname ${target})"; [ -e ${target} ] || : > ${target}; }`,
      `mount --bind ${quote(bind.source)} ${target}`,
      ...(bind.isReadOnly ? [`mount -o remount,bind,ro ${target}`] : []),
    ];
  });
  return [
    "set -e",
    "UNSHARE=$(command -v unshare)",
    ...(drop === "" ? [] : ["SETPRIV=$(command -v setpriv)"]),
    `mount -t overlay overlay -o ${quote(options)} ${m}`,
    `mount -t proc -o nosuid,nodev,noexec proc ${m}/proc`,
    ...(isolation.kind === "root"
      ? [
          `mount -t sysfs -o ro,nosuid,nodev,noexec sysfs ${m}/sys`,
          `mount --bind ${m}/proc/sys ${m}/proc/sys && mount -o remount,bind,ro ${m}/proc/sys`,
        ]
      : [`mount --rbind /sys ${m}/sys`]),
    `mount -t tmpfs -o mode=755,nosuid tmpfs ${m}/dev`,
    `for d in null zero full random urandom tty; do : > ${m}/dev/$d; mount --bind /dev/$d ${m}/dev/$d; done`,
    `mkdir ${m}/dev/pts ${m}/dev/shm; mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs ${m}/dev/shm`,
    `mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts ${m}/dev/pts 2>/dev/null && ln -s pts/ptmx ${m}/dev/ptmx || :`,
    `ln -s /proc/self/fd ${m}/dev/fd; for n in 0:stdin 1:stdout 2:stderr; do ln -s /proc/self/fd/\${n%%:*} ${m}/dev/\${n#*:}; done`,
    ...["hosts", "hostname"].map((name) => `mount --bind ${quote(join(dir, "f", name))} ${m}/etc/${name}`),
    `[ -e /etc/resolv.conf ] && mount --bind /etc/resolv.conf ${m}/etc/resolv.conf || :`,
    ...(isolation.kind === "root"
      ? [
          `for p in kcore keys sysrq-trigger timer_list; do [ -e ${m}/proc/$p ] && mount --bind /dev/null ${m}/proc/$p || :; done`,
        ]
      : []),
    ...binds,
    "set +e",
    "unset PWD OLDPWD SHLVL _",
    ...exported,
    // The waiting shell says nothing of its own, e.g. about a command that a signal ended.
    "exec 3>&2 2>/dev/null",
    `${drop}"$UNSHARE" --root ${m} --wd ${quote(container.workingDirectory)} ${ids}-- ${late.length > 0 ? `env ${late.join(" ")} ` : ""}${container.argv.map(quote).join(" ")} 2>&3 3>&-`,
    "exit $?",
    "",
  ].join("\n");
}

function unshareCommand(isolation: Usable, network: "host" | "none"): string[] {
  const words = isolation.diesWithUs ? ["setpriv", "--pdeathsig", "KILL", "unshare"] : ["unshare"];
  words.push("--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--ipc");
  if (network === "none") words.push("--net");
  if (isolation.kind === "user") words.push(...(isolation.hasRange ? RANGE_FLAGS : ["--user", "--map-root-user"]));
  return [...words, "--"];
}

function overlayOptions(isolation: Usable, lower: readonly string[], upper: string, work: string): string {
  const escaped = (path: string): string => path.replace(/([\\:,])/g, "\\$1");
  const own = isolation.kind === "user" ? ["userxattr"] : ["redirect_dir=off", "metacopy=off", "index=off"];
  return [
    `lowerdir=${lower.map(escaped).join(":")}`,
    `upperdir=${escaped(upper)}`,
    `workdir=${escaped(work)}`,
    ...own,
  ].join(",");
}

function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? (signal === "SIGTERM" ? 143 : 137)));
  });
}

export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const onPath = (name: string): boolean => TOOL_PATH.split(delimiter).some((folder) => existsSync(join(folder, name)));
