/**
 * Files of other users, where Kiln runs as an ordinary user that may use a range of further ids (/etc/subuid, newuidmap):
 * inside a user namespace they are root's to give and take, outside they have ids of the range.
 * Without newuidmap, and as root, nothing here does anything.
 * Sources: user_namespaces(7), subuid(5), newuidmap(1), unshare(1) `--map-auto`.
 */
import { execFile, spawn } from "node:child_process";
import { readFileSync, Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { ExtrasByPath } from "./layer-extras.ts";

interface IdRange {
  readonly first: number;
  readonly count: number;
}

/** Where the ids 1, 2, … of the namespace are outside; 0 is this process's own. */
export interface SubordinateIds {
  readonly users: IdRange;
  readonly groups: IdRange;
}

/** Words before a command that runs it as root of a user namespace with the range. */
export const RANGE_FLAGS = ["--user", "--map-root-user", "--map-auto"] as const;
const SET_ID_BITS = 0o6000;

let found: Promise<SubordinateIds | undefined> | undefined;

/** Undefined when there is no range, or no newuidmap to use it; found by doing it once per process. */
export function subordinateIds(): Promise<SubordinateIds | undefined> {
  found ??= probe();
  return found;
}

async function probe(): Promise<SubordinateIds | undefined> {
  if (process.platform !== "linux" || process.geteuid?.() === 0) return undefined;
  const [users, groups] = [rangeIn("/etc/subuid"), rangeIn("/etc/subgid")];
  if (!users || !groups) return undefined;
  const works = await new Promise<boolean>((resolve) => {
    execFile("unshare", [...RANGE_FLAGS, "--", "true"], (error) => resolve(error === null));
  });
  return works ? { users, groups } : undefined;
}

/** The user's first line, as unshare takes it. */
function rangeIn(file: string): IdRange | undefined {
  try {
    const { username, uid } = userInfo();
    const rows = readFileSync(file, "utf8")
      .split("\n")
      .map((line) => line.split(":"));
    const row = rows.find(([name]) => name === username) ?? rows.find(([name]) => name === String(uid));
    const [, first, count] = row ?? [];
    return first === undefined || count === undefined ? undefined : { first: Number(first), count: Number(count) };
  } catch {
    return undefined;
  }
}

/** The id inside of a file's owner outside; 0 for this process's own and for what is no part of the range. */
export function idInside(id: number, range: IdRange | undefined): number {
  if (!range || id < range.first || id >= range.first + range.count) return 0;
  return id - range.first + 1;
}

/** Words before a command that may read every file of a layer; none for root and elsewhere than on Linux. */
export async function namespaceCommand(): Promise<string[]> {
  if (process.platform !== "linux" || process.geteuid?.() === 0) return [];
  return ["unshare", ...((await subordinateIds()) ? RANGE_FLAGS : ["--user", "--map-root-user"]), "--"];
}

/** Gives files of a folder to the users that they belong to in the image. */
export async function giveOwnership(dir: string, owners: ExtrasByPath): Promise<void> {
  const ids = await subordinateIds();
  if (!ids) return;
  const byOwner = new Map<string, string[]>();
  const byMode = new Map<string, string[]>();
  const put = (map: Map<string, string[]>, key: string, path: string): void =>
    void map.set(key, [...(map.get(key) ?? []), `./${path}`]);
  for (const [path, { uid = 0, gid = 0 }] of owners) {
    const isMapped = uid < ids.users.count && gid < ids.groups.count;
    if ((uid === 0 && gid === 0) || !isMapped) continue;
    const stats = await lstat(join(dir, path)).catch(() => undefined);
    if (!stats) continue;
    put(byOwner, `${uid}:${gid}`, path);
    if ((stats.mode & SET_ID_BITS) !== 0 && !stats.isSymbolicLink())
      put(byMode, (stats.mode & 0o7777).toString(8), path);
  }
  for (const [owner, paths] of byOwner) await inNamespace(["xargs", "-0", "chown", "-h", owner], dir, paths.join("\0"));
  for (const [mode, paths] of byMode) await inNamespace(["xargs", "-0", "chmod", mode], dir, paths.join("\0"));
}

/** Runs a command as root of the namespace; returns its output. */
function inNamespace(command: readonly string[], cwd: string, input = ""): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn("unshare", [...RANGE_FLAGS, "--", ...command], { cwd, stdio: ["pipe", "pipe", "pipe"] });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.stdin.on("error", () => undefined);
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(Buffer.concat(out));
      else reject(new Error(`${command[0]}: ${Buffer.concat(err).toString().trim().split("\n")[0] ?? `exit ${code}`}`));
    });
    child.stdin.end(input);
  });
}

/** `lstat` as root of the namespace, ids as outside; undefined when nothing is there. */
export async function lstatInNamespace(path: string): Promise<Stats | undefined> {
  const ids = await subordinateIds();
  const script = '[ -e "$1" ] || [ -L "$1" ] || exit 0; exec stat -c "%f %u %g %s %Y %h %i %d" -- "$1"';
  const text = (await inNamespace(["sh", "-c", script, "sh", path], "/")).toString("utf8").trim();
  if (text === "" || !ids) return undefined;
  const [mode = "", ...numbers] = text.split(" ");
  const [uid = 0, gid = 0, size = 0, mtimeSeconds = 0, nlink = 1, ino = 0, dev = 0] = numbers.map(Number);
  const outside = (id: number, range: IdRange, own: number): number => (id === 0 ? own : range.first + id - 1);
  return Object.assign(Object.create(Stats.prototype) as Stats, {
    mode: Number.parseInt(mode, 16),
    uid: outside(uid, ids.users, process.getuid?.() ?? 0),
    gid: outside(gid, ids.groups, process.getgid?.() ?? 0),
    ...{ size, mtimeMs: mtimeSeconds * 1000, nlink, ino, dev },
  });
}

/** Removes what this process may not remove because it belongs to ids of the range. */
export async function removeInNamespace(path: string): Promise<void> {
  if (await subordinateIds()) await inNamespace(["rm", "-rf", "--", path], "/");
}
