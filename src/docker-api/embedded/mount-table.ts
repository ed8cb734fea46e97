/**
 * What is mounted in a container's root folder, as an fstab(5): one `mount --all` makes all of it, where a process for each
 * would cost more than the command that is to run.
 */
import { closeSync, existsSync, mkdirSync, openSync, symlinkSync } from "node:fs";
import { join } from "node:path";

export interface MountEntry {
  readonly source: string;
  /** On this machine. */
  readonly target: string;
  readonly type: string;
  readonly options: string;
}

/** A mount of one container or RUN, beyond those that all have. */
export type MountPoint = {
  /** In the container. */
  readonly target: string;
  /** Whether the mount has to make the folder that it is mounted on. */
  readonly makesTarget?: boolean;
} & (
  | { readonly kind: "folder" | "file"; readonly source: string; readonly isReadOnly: boolean }
  /** Options as mount(8) takes them, e.g. `size=64m`. */
  | { readonly kind: "tmpfs"; readonly options: string }
  /** Folders one above the other, topmost first; writes go to `upperDir`. */
  | {
      readonly kind: "view";
      readonly lowerDirs: readonly string[];
      readonly upperDir?: string;
      readonly workDir?: string;
      readonly isReadOnly: boolean;
    }
);

/** A file that is only ever in memory. */
export interface SecretFile {
  readonly target: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export const fstab = (entries: readonly MountEntry[]): string =>
  entries
    .map(({ source, target, type, options }) => `${[source, target, type, options].map(field).join(" ")} 0 0\n`)
    .join("");

/** Blanks, backslashes and a leading `#` as octal numbers. */
const field = (text: string): string =>
  text.replace(/[\s\\]|^#/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`) || "none";

const DEVICES = ["null", "zero", "full", "random", "urandom", "tty"];

export interface BaseMounts {
  readonly isRoot: boolean;
  /** Options of overlayfs that depend on who mounts. */
  readonly overlayOptions: (lower: readonly string[], upper: string, work: string) => string;
  /** Holds `m`, `f` and, for /dev, `dev-upper`, `dev-work`. */
  readonly dir: string;
  readonly devTemplate: string;
  readonly rootOptions: string;
  readonly shmSizeBytes: number | undefined;
  /** Real paths of `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf` in the container. */
  readonly files: ReadonlyMap<string, string>;
}

/** The root folder with /proc, /sys, /dev and the files of /etc that every container has. */
export function baseEntries(base: BaseMounts): MountEntry[] {
  const { isRoot, dir, shmSizeBytes, files } = base;
  const m = join(dir, "m");
  const bind = (source: string, target: string, options = "bind"): MountEntry => ({
    ...{ source, target: join(m, target), type: "none", options },
  });
  const sized = shmSizeBytes === undefined ? "" : `,size=${shmSizeBytes}`;
  const dev = base.overlayOptions([base.devTemplate], join(dir, "dev-upper"), join(dir, "dev-work"));
  return [
    { source: "overlay", target: m, type: "overlay", options: base.rootOptions },
    { source: "proc", target: join(m, "proc"), type: "proc", options: "nosuid,nodev,noexec" },
    ...(isRoot
      ? [
          { source: "sysfs", target: join(m, "sys"), type: "sysfs", options: "ro,nosuid,nodev,noexec" },
          bind(join(m, "proc/sys"), "proc/sys", "bind,ro"),
        ]
      : [bind("/sys", "sys", "rbind")]),
    { source: "overlay", target: join(m, "dev"), type: "overlay", options: `nosuid${isRoot ? ",nodev" : ""},${dev}` },
    ...DEVICES.map((name) => bind(`/dev/${name}`, `dev/${name}`)),
    { source: "tmpfs", target: join(m, "dev/shm"), type: "tmpfs", options: `mode=1777,nosuid,nodev${sized}` },
    ...(isRoot
      ? [
          {
            ...{ source: "devpts", target: join(m, "dev/pts"), type: "devpts" },
            options: "newinstance,ptmxmode=0666,mode=620",
          },
          ...["kcore", "keys", "sysrq-trigger", "timer_list"]
            .filter((name) => existsSync(`/proc/${name}`))
            .map((name) => bind("/dev/null", `proc/${name}`)),
        ]
      : []),
    ...["hosts", "hostname"].map((name) => bind(join(dir, "f", name), files.get(`/etc/${name}`) ?? "")),
    ...(existsSync("/etc/resolv.conf") ? [bind("/etc/resolv.conf", files.get("/etc/resolv.conf") ?? "")] : []),
  ];
}

/** Names in /dev that are no mounts, made once for a store. */
export function makeDevTemplate(dir: string): void {
  for (const name of ["", "pts", "shm", "pipes"]) mkdirSync(join(dir, name), { recursive: true, mode: 0o755 });
  for (const name of DEVICES) closeSync(openSync(join(dir, name), "a", 0o666));
  const links = { fd: "/proc/self/fd", stdin: "/proc/self/fd/0", stdout: "/proc/self/fd/1", stderr: "/proc/self/fd/2" };
  for (const [name, target] of Object.entries({ ...links, ptmx: "pts/ptmx" })) {
    try {
      symlinkSync(target, join(dir, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

export interface PointContext {
  readonly isRoot: boolean;
  readonly rootDir: string;
  /** Options of overlayfs that depend on who mounts. */
  readonly overlayOptions: (lower: readonly string[], upper: string, work: string) => string;
}

/** Of mounts that mount-points.ts has placed. */
export function pointEntries(points: readonly MountPoint[], context: PointContext): MountEntry[] {
  const { isRoot, rootDir, overlayOptions } = context;
  const safe = isRoot ? ",nodev" : "";
  return points.map((point): MountEntry => {
    const target = join(rootDir, point.target);
    const made = point.makesTarget ? ",X-mount.mkdir" : "";
    if (point.kind === "tmpfs") return { source: "tmpfs", target, type: "tmpfs", options: `${point.options}${made}` };
    const rest = `${point.isReadOnly ? ",ro" : ""}${safe}${made}`;
    if (point.kind !== "view") return { source: point.source, target, type: "none", options: `bind${rest}` };
    const options =
      point.upperDir !== undefined && point.workDir !== undefined
        ? overlayOptions(point.lowerDirs, point.upperDir, point.workDir)
        : `lowerdir=${point.lowerDirs.map((path) => path.replace(/([\\:,])/g, "\\$1")).join(":")}`;
    return { source: "overlay", target, type: "overlay", options: `${options}${rest}` };
  });
}
