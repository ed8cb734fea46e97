/**
 * What is mounted on this machine, and which of it holds files: from /proc/self/mountinfo.
 * Source: proc_pid_mountinfo(5).
 */

export interface Mount {
  readonly path: string;
  readonly type: string;
}

/** File systems that the kernel makes up: nothing in them is worth a copy. */
const MADE_UP: ReadonlySet<string> = new Set(
  (
    "autofs binder binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hugetlbfs mqueue " +
    "nfsd nsfs proc pstore rpc_pipefs securityfs selinuxfs smackfs sysfs tracefs"
  ).split(" "),
);

/** Mounts in the order they were made; where one covers another, the one that is seen. */
export function parseMountInfo(text: string): Mount[] {
  const byPath = new Map<string, Mount>();
  for (const line of text.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const path = before.split(" ")[4];
    const type = after.split(" ")[0];
    if (path === undefined || type === undefined || type === "") continue;
    const mount = { path: withoutEscapes(path), type };
    // What was mounted below before is covered.
    for (const other of [...byPath.keys()]) if (isAtOrBelow(other, mount.path)) byPath.delete(other);
    byPath.set(mount.path, mount);
  }
  return [...byPath.values()];
}

export const holdsFiles = (mount: Mount): boolean => !MADE_UP.has(mount.type) && !isUsersFuse(mount.type);

/** FUSE of one user (sshfs, portals) answers nobody else, not even root. */
const isUsersFuse = (type: string): boolean => type.startsWith("fuse.");

/** `path` is `folder` or lies below it; both absolute and without `..`. */
export const isAtOrBelow = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);

const withoutEscapes = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
