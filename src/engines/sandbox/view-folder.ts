/**
 * The folder behind a build's view of the machine: what the overlays write to, private folders, the list of mounts and the
 * script that makes them. It lies in the build's work folder and goes with the environment.
 * Written at once, not asynchronously: some fifty small files, and a build waits for them.
 *
 * Mounting is one call of mount(8) for a whole list (`--all --fstab`): a process a mount would take longer than all else.
 * Lower and upper folders are named through short links, relative to the folder: overlay's options know no blanks or commas.
 */

import { execFileSync } from "node:child_process";
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { shellQuote } from "../../core/shell-quote.ts";
import type { Rewritten } from "./hidden-paths.ts";
import { isAtOrBelow } from "./mount-table.ts";
import { PRIVATE_FOLDERS, type SharedFolder, type View } from "./plan-view.ts";

/** How this machine mounts overlays; found by trying (sandbox.ts). */
export interface OverlayKind {
  /** Further mount options. */
  readonly options: string;
  /** What is written goes to memory: the file system of the work folder cannot be an overlay's. */
  readonly inMemory: boolean;
}

export interface ViewFolderInput {
  readonly dir: string;
  readonly isRoot: boolean;
  readonly view: View;
  readonly shared: readonly SharedFolder[];
  readonly rewritten: readonly Rewritten[];
  readonly overlay: OverlayKind;
  /** What the script becomes in the end, with the arguments of the process that holds the view. */
  readonly last: string;
}

/** The name of the script in the folder; run with the folder as its current one. */
export const SCRIPT_NAME = "mount.sh";

const MAX_COPIED_BYTES = 1024 * 1024;
const NULL_DEVICES = ["null", "zero", "full", "random", "urandom", "tty"];
/** Devices that builds use where a machine has them. */
const FURTHER_DEVICE = /^(?:kvm|fuse|dri|kfd|nvidia.*|accel|net)$/;
/** Of /proc: they speak of the whole machine, or to it. */
const MASKED = ["kcore", "keys", "sysrq-trigger", "timer_list", "latency_stats", "sched_debug"];

export function makeViewFolder(input: ViewFolderInput): void {
  const { dir, view, isRoot } = input;
  for (const name of ["root", "layers", "hidden", "dev/pts", "dev/shm", "dev/net", "run/.old", "run/lock"]) {
    mkdirSync(join(dir, name), { recursive: true, mode: 0o755 });
  }
  for (const name of ["tmp", "var-tmp", "run/lock"]) {
    mkdirSync(join(dir, name), { recursive: true });
    chmodSync(join(dir, name), 0o1777);
  }
  chmodSync(dir, 0o711);
  if (!isRoot) makeSkeleton(join(dir, "root"), view);
  makeLayers(input);
  const [folders, files] = sharedMounts(input);
  const lists = [overlayMounts(input), [...fixedMounts(input), ...folders], files].map((mounts) =>
    mounts.map(tabLine).join(""),
  );
  for (const [number, text] of lists.entries()) writeFileSync(join(dir, `mounts.${number}`), text);
  writeFileSync(join(dir, SCRIPT_NAME), script(input));
}

/** The top of an ordinary user's view is a plain folder. */
function makeSkeleton(root: string, view: View): void {
  for (const path of [...view.folders, ...view.overlays]) mkdirSync(join(root, path), { recursive: true, mode: 0o755 });
  for (const path of view.links) symlinkSync(readlinkSync(path), join(root, path));
  for (const path of view.shown) {
    if (statSync(path).isDirectory()) mkdirSync(join(root, path), { recursive: true });
    else writeFileSync(join(root, path), "");
  }
  for (const path of PRIVATE_FOLDERS) mkdirSync(join(root, path), { recursive: true });
}

/** What the layers hold before the first command: whiteouts, files without their secrets, copies. */
function makeLayers({ dir, view, isRoot, rewritten }: ViewFolderInput): void {
  /** Folders of the layers and what they are to look like, once they are filled. */
  const made = new Map<string, Original>();
  const makeFolder = (path: string, like: Original): void => {
    if (made.has(path)) return;
    mkdirSync(path, { mode: 0o700 });
    made.set(path, like);
  };
  view.overlays.forEach((lower, number) => {
    symlinkSync(lower, join(dir, `l${number}`));
    mkdirSync(join(dir, "layers", `w${number}`));
    makeFolder(upperOf(dir, number), originalOf(lower));
  });
  /** Where a path of the view lies in its layer; undefined: no overlay shows it, or something is there. */
  const placeFor = (path: string): string | undefined => {
    const overlay = view.overlays.filter((one) => isAtOrBelow(path, one)).at(-1);
    if (overlay === undefined || overlay === path) return undefined;
    const upper = upperOf(dir, view.overlays.indexOf(overlay));
    const inside = relative(overlay, path);
    for (const at of foldersAbove(inside)) makeFolder(join(upper, at), originalOf(join(overlay, at)));
    return existsSync(join(upper, inside)) ? undefined : join(upper, inside);
  };
  if (view.whiteouts.length > 0) {
    const whiteout = join(dir, "whiteout");
    execFileSync("mknod", [whiteout, "c", "0", "0"], { stdio: ["ignore", "ignore", "pipe"] });
    for (const { path } of view.whiteouts) linkSync(whiteout, placeFor(path) ?? join(dir, "unused"));
  }
  const copies = view.copied.filter((path) => statSync(path).size <= MAX_COPIED_BYTES);
  for (const { path, text } of [...rewritten, ...copies.map((path) => ({ path, text: readFileSync(path) }))]) {
    const place = placeFor(path);
    if (place === undefined) continue;
    writeFileSync(place, text);
    takeAfter(place, originalOf(path), isRoot);
  }
  for (const [path, like] of [...made].reverse()) takeAfter(path, like, isRoot);
}

/** `a` and `a/b` of `a/b/c`. */
const foldersAbove = (path: string): string[] =>
  path
    .split("/")
    .slice(0, -1)
    .map((_, index, parts) => parts.slice(0, index + 1).join("/"));

const upperOf = (dir: string, number: number): string => join(dir, "layers", `u${number}`);

/** What a layer holds decides what it looks like. An ordinary user cannot give it away: it allows what the original does. */
function takeAfter(path: string, like: Original, isRoot: boolean): void {
  const { stats } = like;
  if (isRoot) {
    chownSync(path, stats.uid, stats.gid);
    chmodSync(path, stats.mode & 0o7777);
  } else if (stats.uid === process.getuid?.()) chmodSync(path, stats.mode & 0o777);
  else {
    const { R_OK, W_OK, X_OK } = constants;
    const bits = [[R_OK, 0o444] as const, [W_OK, 0o222] as const, [X_OK, 0o111] as const];
    chmodSync(
      path,
      bits.reduce((mode, [right, bit]) => (isAllowed(like.path, right) ? mode | bit : mode), 0),
    );
  }
}

interface Original {
  readonly path: string;
  readonly stats: Stats;
}

const originalOf = (path: string): Original => ({ path, stats: statSync(path) });

function isAllowed(path: string, right: number): boolean {
  try {
    accessSync(path, right);
    return true;
  } catch {
    return false;
  }
}

interface MountLine {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly options: string;
}

/** A blank, tab, line end or backslash is written as its number: fstab(5). */
const escaped = (text: string): string =>
  text.replace(/[\s\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`);

const tabLine = ({ source, target, type, options }: MountLine): string =>
  `${escaped(source)} ${escaped(target)} ${type} ${options} 0 0\n`;

const bind = (source: string, target: string, options = "bind"): MountLine => ({
  source,
  target,
  type: "none",
  options,
});

/** Of a path of the view, before the view becomes the root. */
const placeOf = (dir: string, path: string): string => join(dir, "root", path).replace(/(.)\/$/, "$1");

function overlayMounts({ dir, view, overlay }: ViewFolderInput): MountLine[] {
  const layers = overlay.inMemory ? "memory" : "layers";
  const overlays = view.overlays.map((lower, number) => ({
    source: "overlay",
    target: placeOf(dir, lower),
    type: "overlay",
    options: `lowerdir=l${number},upperdir=${layers}/u${number},workdir=${layers}/w${number}${overlay.options}`,
  }));
  return [...overlays, ...view.shown.map((path) => bind(path, placeOf(dir, path), "rbind,ro"))];
}

function fixedMounts({ dir, view, isRoot }: ViewFolderInput): MountLine[] {
  const at = (path: string): string => placeOf(dir, path);
  const dev = join(dir, "dev");
  const devices = [...NULL_DEVICES, ...readdirSync("/dev").filter((name) => FURTHER_DEVICE.test(name))];
  for (const name of devices) {
    if (statSync(join("/dev", name)).isDirectory()) mkdirSync(join(dev, name), { recursive: true });
    else writeFileSync(join(dev, name), "");
  }
  for (const [name, to] of [
    ["fd", "/proc/self/fd"],
    ["stdin", "/proc/self/fd/0"],
    ["stdout", "/proc/self/fd/1"],
    ["stderr", "/proc/self/fd/2"],
    ["ptmx", "pts/ptmx"],
  ] as const) {
    symlinkSync(to, join(dev, name));
  }
  const pseudo = isRoot
    ? [
        { source: "proc", target: at("/proc"), type: "proc", options: "nosuid,nodev,noexec" },
        bind(at("/proc/sys"), at("/proc/sys"), "bind,ro"),
        ...MASKED.filter((name) => existsSync(join("/proc", name))).map((name) =>
          bind("/dev/null", at(`/proc/${name}`)),
        ),
        { source: "sysfs", target: at("/sys"), type: "sysfs", options: "ro,nosuid,nodev,noexec" },
        ...controlGroups().map((path) => bind(path, at(path), "bind,ro")),
      ]
    : [bind("/proc", at("/proc"), "rbind"), bind("/sys", at("/sys"), "rbind")];
  return [
    ...pseudo,
    bind(dev, at("/dev")),
    ...devices.map((name) => bind(join("/dev", name), at(`/dev/${name}`))),
    { source: "devpts", target: at("/dev/pts"), type: "devpts", options: "newinstance,ptmxmode=0666,mode=620" },
    { source: "tmpfs", target: at("/dev/shm"), type: "tmpfs", options: "mode=1777,nosuid,nodev" },
    bind(join(dir, "tmp"), at(realpathSync("/tmp"))),
    ...ownFolders().map((path) => bind(join(dir, "var-tmp"), at(path))),
    ...runMounts(dir, at("/run")),
    ...view.emptied.map((path, number) => bind(emptyLike(dir, path, number), at(path))),
  ];
}

/** Where a machine has it as a folder of its own. */
const ownFolders = (): string[] =>
  existsSync("/var/tmp") && realpathSync("/var/tmp") === "/var/tmp" ? ["/var/tmp"] : [];

/** What cgroup(7) shows of limits; programs size themselves by it. */
function controlGroups(): string[] {
  const top = "/sys/fs/cgroup";
  if (!existsSync(top)) return [];
  const isUnified = existsSync(join(top, "cgroup.controllers"));
  return [
    top,
    ...(isUnified
      ? []
      : ["memory", "cpu", "cpuset", "cpuacct"].map((name) => join(top, name)).filter((path) => existsSync(path))),
  ];
}

/** /run starts empty, but names must resolve; on NixOS it also leads to the system's programs. */
function runMounts(dir: string, target: string): MountLine[] {
  const own = join(dir, "run");
  for (const entry of readdirSync("/run", { withFileTypes: true })) {
    if (entry.isSymbolicLink()) symlinkSync(readlinkSync(join("/run", entry.name)), join(own, entry.name));
  }
  const names = new Set<string>(existsSync("/run/wrappers") ? ["wrappers"] : []);
  const resolver = existsSync("/etc/resolv.conf") ? relative("/run", realpathSync("/etc/resolv.conf")) : "..";
  if (!resolver.startsWith("..") && dirname(resolver) !== ".") names.add(dirname(resolver));
  for (const name of names) mkdirSync(join(own, name), { recursive: true });
  return [bind(own, target), ...[...names].map((name) => bind(join("/run", name), join(target, name), "bind,ro"))];
}

function emptyLike(dir: string, path: string, number: number): string {
  const empty = join(dir, "hidden", String(number));
  if (statSync(path).isDirectory()) mkdirSync(empty, { mode: 0o755 });
  else writeFileSync(empty, "");
  return empty;
}

/**
 * The build's own folders come last, over whatever hides the folders around them; then the folder of the view itself. Apart
 * from them single files, whose places cannot be made while mounting.
 */
function sharedMounts({ dir, shared }: ViewFolderInput): readonly [folders: MountLine[], files: MountLine[]] {
  const self = join(dir, "hidden", "self");
  mkdirSync(self, { recursive: true });
  const lineOf = ({ path, isReadOnly }: SharedFolder): MountLine => {
    // With all that is mounted below, except for what this script has just mounted there.
    const kind = isAtOrBelow(dir, path) ? "bind" : "rbind";
    const makes = isFolder(path) ? ",X-mount.mkdir" : "";
    return bind(path, placeOf(dir, path), `${kind}${isReadOnly ? ",ro" : ""}${makes}`);
  };
  const ordered = outerFirst(shared);
  return [
    [...ordered.filter(({ path }) => isFolder(path)).map(lineOf), bind(self, placeOf(dir, dir))],
    ordered.filter(({ path }) => !isFolder(path)).map(lineOf),
  ];
}

const outerFirst = (shared: readonly SharedFolder[]): SharedFolder[] =>
  [...shared].sort((one, other) => one.path.length - other.path.length);

const isFolder = (path: string): boolean => statSync(path).isDirectory();

function script({ dir, view, isRoot, shared, overlay, last }: ViewFolderInput): string {
  const at = (path: string): string => shellQuote(placeOf(dir, path));
  const files = shared.filter(({ path }) => !isFolder(path)).map(({ path }) => path);
  const isMounted = (path: string): string => `mounted ${shellQuote(escaped(placeOf(dir, path)))}`;
  const [first = "/", ...others] = view.overlays;
  return [
    "set -e",
    `mounted() { while read -r _ _ _ _ at _; do [ "$at" = "$1" ] && return; done </proc/self/mountinfo; return 1; }`,
    ...(overlay.inMemory ? ["mkdir memory", "mount -t tmpfs -o mode=755 tmpfs memory", "cp -a layers/. memory/"] : []),
    ...(isRoot ? [] : ["mount --bind root root"]),
    // A file system that cannot be the lower one of an overlay is shown read-only.
    "mount --all --fstab mounts.0 2>failed || {",
    `  ${isMounted(first)} || { cat failed >&2; exit 1; }`,
    ...others.map((path, number) => `  ${isMounted(path)} || mount -o rbind,ro l${number + 1}/ ${at(path)} || :`),
    "}",
    "mount --all --fstab mounts.1",
    ...(files.length === 0
      ? []
      : [
          `mkdir -p ${files.map((path) => at(dirname(path))).join(" ")}`,
          ...files.map((path) => `[ -e ${at(path)} ] || : > ${at(path)}`),
          "mount --all --fstab mounts.2",
        ]),
    "cd root",
    "pivot_root . run/.old",
    "cd /",
    "umount -l /run/.old",
    `exec ${last}`,
    "",
  ].join("\n");
}
