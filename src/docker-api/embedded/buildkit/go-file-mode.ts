/** File modes as Go writes them (os.FileMode), which is how BuildKit's clients send them. Source: https://pkg.go.dev/io/fs#FileMode */

const DIRECTORY = 2 ** 31;
const LINK = 2 ** 27;
const SETUID = 2 ** 23;
const SETGID = 2 ** 22;
const STICKY = 2 ** 20;
/** Devices, pipes, sockets, and what is none of Go's kinds. */
const SPECIAL: readonly number[] = [2 ** 26, 2 ** 25, 2 ** 24, 2 ** 21, 2 ** 19];

const has = (mode: number, bit: number): boolean => Math.floor(mode / bit) % 2 === 1;

export type GoFileKind = "directory" | "link" | "special" | "file";

export function kindOfGoMode(mode: number): GoFileKind {
  if (has(mode, DIRECTORY)) return "directory";
  if (has(mode, LINK)) return "link";
  return SPECIAL.some((bit) => has(mode, bit)) ? "special" : "file";
}

/** 0o7777 of it. */
export const permissionsOfGoMode = (mode: number): number =>
  (mode % 0o1000) +
  (has(mode, SETUID) ? 0o4000 : 0) +
  (has(mode, SETGID) ? 0o2000 : 0) +
  (has(mode, STICKY) ? 0o1000 : 0);

export const goModeOf = (permissions: number, kind: Exclude<GoFileKind, "special">): number =>
  (permissions & 0o777) +
  (permissions & 0o4000 ? SETUID : 0) +
  (permissions & 0o2000 ? SETGID : 0) +
  (permissions & 0o1000 ? STICKY : 0) +
  (kind === "directory" ? DIRECTORY : kind === "link" ? LINK : 0);
