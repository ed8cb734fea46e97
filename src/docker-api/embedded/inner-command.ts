/**
 * Shell lines that run one command inside a container's root folder, from outside of it: variables, terminal, rights, user,
 * working folder. The shell that reads them has this machine's tools; its working folder is the container's root folder.
 *
 * Why a chroot holds here: the container's root folder has been moved over this machine's (namespace.ts), so that there is
 * nothing above it to climb to, and `--root .` is entered from itself, so that no working folder outside stays behind
 * (/proc/self/cwd). What else leads out needs rights that are taken away first.
 * Sources: setpriv(1), unshare(1), capabilities(7), docker's default capabilities.
 */
import { shellQuote } from "../../core/shell-quote.ts";
import { toolPath, type Usable } from "./isolation.ts";

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

/** Docker's default set without MKNOD, which `mayMakeDevices` adds: there is no device cgroup here to hold it. */
const CAPABILITIES =
  "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,audit_write,setfcap".split(
    ",",
  );

/** Of the first process, a shell that outlives the command and says nothing of its own. */
export function firstCommandScript(isolation: Usable, command: InnerCommand): string {
  const { before, line } = linesOf(isolation, command);
  return [...before, "exec 3>&2 2>/dev/null", `${line} 2>&3 3>&-`, "exit $?", ""].join("\n");
}

/** Of a process that joins the namespaces later. */
export function joiningScript(isolation: Usable, command: InnerCommand): string {
  const { before, line } = linesOf(isolation, command);
  return [...before, `exec ${line}`, ""].join("\n");
}

/** Words that join a container's namespaces, with root folder and working folder of its first process. */
export function joinCommand(isolation: Usable, initPid: number, network: "host" | "none"): string[] {
  const words = ["nsenter", "--target", String(initPid), "--mount", "--pid", "--ipc", "--root", "--wd"];
  if (network === "none") words.push("--net");
  if (isolation.kind === "user") words.push("--user", "--preserve-credentials");
  return [...words, "--"];
}

/**
 * Variables that this machine's shell and tools would take for themselves on the way: what leads the dynamic loader, the C
 * library or libmount to files, and names that a shell keeps. The container's own `env` sets them, and those no shell can.
 */
const LATE =
  /^(?:LD_.*|MALLOC_.*|LIBMOUNT_.*|GCONV_PATH|GETCONF_DIR|GLIBC_TUNABLES|LOCPATH|NLSPATH|OUTPUT_CHARSET|IFS|OPTIND|LINENO|PPID|UID|EUID|SHELLOPTS|BASHOPTS|BASH_.*|ENV|POSIXLY_CORRECT)$/;

function linesOf(isolation: Usable, command: InnerCommand): { before: string[]; line: string } {
  const names = Object.entries(command.environment);
  const isLate = ([name]: [string, string]): boolean => !/^[A-Za-z_]\w*$/.test(name) || LATE.test(name);
  const late = names.filter(isLate).map(([name, value]) => shellQuote(`${name}=${value}`));
  const exported = names
    .filter((entry) => !isLate(entry))
    .map(([name, value]) => `export ${name}=${shellQuote(value)}`);
  // Groups are setpriv's; unshare's own --setgid would take the further ones away.
  const hasGroups = groupWords(isolation, command) !== "";
  const isOther = command.uid !== 0 || command.gid !== 0;
  const ids = isOther ? `${hasGroups ? "" : `--setgid ${command.gid} `}--setuid ${command.uid} ` : "";
  const words = `${late.length > 0 ? `env ${late.join(" ")} ` : ""}${command.argv.map(shellQuote).join(" ")}`;
  const enter = `${shellQuote(toolPath("unshare"))} --root . --wd ${shellQuote(command.workingDirectory)} ${ids}`;
  const line = `${rightsWords(isolation, command)}${enter}-- ${words}`;
  if (!command.tty) return { before: ["unset PWD OLDPWD SHLVL _", ...exported], line };
  // `script` starts $SHELL, which has to be this machine's; the container's variables come after it.
  const inner = ["unset PWD OLDPWD SHLVL _ SHELL", ...exported, `exec ${line}`].join("\n");
  return { before: ["SHELL=/bin/sh; export SHELL"], line: `script -qefc ${shellQuote(inner)} /dev/null` };
}

/** Words that set groups and take rights away before the root folder is changed; they end with a blank. */
function rightsWords(isolation: Usable, command: InnerCommand): string {
  const gone = (command.droppedCapabilities ?? []).map((name) => name.toLowerCase().replace(/^cap_/, ""));
  const granted = command.mayMakeDevices ? [...CAPABILITIES, "mknod"] : CAPABILITIES;
  // Changing root folder and user below needs three of them; the kernel takes them with the user's change.
  const kept = gone.includes("all") ? [] : granted.filter((name) => !gone.includes(name));
  const bounding = ["-all", ...new Set([...kept, "sys_chroot", "setuid", "setgid"])].join(",+");
  const noNew = command.noNewPrivileges ? "--no-new-privs " : "";
  return `${shellQuote(toolPath("setpriv"))} --bounding-set=${bounding} --inh-caps=-all ${noNew}${groupWords(isolation, command)}`;
}

function groupWords(isolation: Usable, { gid, groups }: InnerCommand): string {
  if (groups === undefined || (isolation.kind === "user" && !isolation.hasRange)) return "";
  return `--regid=${gid} ${groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`} `;
}
