/**
 * What is mounted in a container's root folder, as an fstab(5): one `mount --all` makes all of it, where a process for each
 * would cost more than the command that is to run.
 */
import { closeSync, existsSync, mkdirSync, openSync, symlinkSync } from "node:fs";
import { chmod, lchown, mkdir, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { metaOfFound } from "../../images/layer-writer.ts";
import { components, type LayeredRoot } from "../../images/layered-root.ts";

export interface MountEntry {
  readonly source: string;
  /** On this machine. */
  readonly target: string;
  readonly type: string;
  readonly options: string;
}

/** A mount of one RUN. Its target is a placeholder that is no part of the layer. */
export type RunMountPoint =
  | { readonly kind: "folder" | "file"; readonly source: string; readonly target: string; readonly isReadOnly: boolean }
  | { readonly kind: "tmpfs"; readonly target: string; readonly sizeBytes: number | undefined }
  /** Folders one above the other, topmost first; writes go to `upperDir`. */
  | {
      readonly kind: "view";
      readonly lowerDirs: readonly string[];
      readonly upperDir?: string;
      readonly workDir?: string;
      readonly target: string;
      readonly isReadOnly: boolean;
    };

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
}

/** The root folder with /proc, /sys, /dev and the files of /etc that every container has. */
export function baseEntries(base: BaseMounts): MountEntry[] {
  const { isRoot, dir, shmSizeBytes } = base;
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
    ...["hosts", "hostname"].map((name) => bind(join(dir, "f", name), `etc/${name}`)),
    ...(existsSync("/etc/resolv.conf") ? [bind("/etc/resolv.conf", "etc/resolv.conf")] : []),
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

export interface RunEntries {
  readonly isRoot: boolean;
  readonly rootDir: string;
  readonly overlayOptions: (lower: readonly string[], upper: string, work: string) => string;
}

/** Of mounts whose targets are there, by real paths. */
export function runEntries(
  points: readonly RunMountPoint[],
  { isRoot, rootDir, overlayOptions }: RunEntries,
): MountEntry[] {
  const safe = isRoot ? ",nodev" : "";
  return points.map((point): MountEntry => {
    const target = join(rootDir, point.target);
    if (point.kind === "tmpfs") {
      const size = point.sizeBytes === undefined ? "" : `,size=${point.sizeBytes}`;
      return { source: "tmpfs", target, type: "tmpfs", options: `mode=1777,nosuid,nodev${size}` };
    }
    const ro = point.isReadOnly ? ",ro" : "";
    if (point.kind !== "view") return { source: point.source, target, type: "none", options: `bind${ro}${safe}` };
    const options =
      point.upperDir !== undefined && point.workDir !== undefined
        ? overlayOptions(point.lowerDirs, point.upperDir, point.workDir)
        : `lowerdir=${point.lowerDirs.map((path) => path.replace(/([\\:,])/g, "\\$1")).join(":")}`;
    return { source: "overlay", target, type: "overlay", options: `${options}${ro}${safe}` };
  });
}

/**
 * Makes what a mount is to be mounted on, in a layer that only this container has: folders on the way look as they do in
 * the image, so that nothing of it shows in what the command writes. Returns the target's real path in the image.
 * With `hidesLink` a symbolic link at the target is covered, not followed.
 */
export async function makePlaceholder(
  initDir: string,
  root: LayeredRoot,
  target: string,
  kind: "folder" | "file",
  options: { readonly hidesLink: boolean } = { hidesLink: false },
): Promise<string> {
  const { path, found } = await root.resolve(target, { followLast: !options.hidesLink });
  if (found && !found.stats.isSymbolicLink()) {
    if (found.stats.isDirectory() !== (kind === "folder"))
      throw new Error(`cannot mount a ${kind} on /${path}, which is ${kind === "folder" ? "none" : "a folder"}`);
    return `/${path}`;
  }
  const parts = components(path);
  const changed: { dir: string; seconds: number }[] = [];
  for (let depth = 1; depth < parts.length + (kind === "folder" ? 1 : 0); depth++) {
    const current = parts.slice(0, depth).join("/");
    const dir = join(initDir, current);
    if (existsSync(dir)) continue;
    await mkdir(dir, { mode: 0o755 });
    const like = await root.lookup(current);
    if (!like) continue;
    const meta = await metaOfFound(like);
    if (process.geteuid?.() === 0) await lchown(dir, meta.uid, meta.gid);
    await chmod(dir, process.geteuid?.() === 0 ? meta.mode : meta.mode | 0o700);
    changed.push({ dir, seconds: like.stats.mtimeMs / 1000 });
  }
  if (kind === "file" && !existsSync(join(initDir, path))) {
    await mkdir(dirname(join(initDir, path)), { recursive: true });
    await writeFile(join(initDir, path), "", { mode: 0o644 });
  }
  for (const { dir, seconds } of changed.reverse()) await utimes(dir, seconds, seconds);
  return `/${path}`;
}
