/**
 * Commands as another user of this machine (`run-as`): who that is, and what the user needs of the build's folders. Only
 * root may do it. `setpriv` (util-linux) starts the command with the user's groups; without it the command has the
 * primary group only. The build's work folder is opened for passing through, the sources for reading, the saved
 * environment (it holds secrets) is handed over: nobody but root and that user reads it. A command may have put links in
 * the place of any of them: rights of what a link leads to are never touched.
 */
import { execFile } from "node:child_process";
import { accessSync, chmodSync, chownSync, constants, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { type HeldPath, holdEntry, holdFolderBelow, withHeld } from "../core/held-path.ts";
import type { CommandSpec, UserProblem } from "./engine.ts";

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** How a program is started as a user. */
export interface UserStart {
  readonly file: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** The user of that name, or undefined. */
export async function findUser(name: string): Promise<SystemUser | undefined> {
  if (!/^[A-Za-z_][\w.-]*\$?$/.test(name)) return undefined;
  const id = findProgram("id");
  if (id === undefined) return userFrom(await readFile("/etc/passwd", "utf8").catch(() => ""), name);
  const [uid, gid] = await Promise.all([idOf(id, "-u", name), idOf(id, "-g", name)]);
  return uid === undefined || gid === undefined ? undefined : { name, uid, gid };
}

function idOf(program: string, option: "-u" | "-g", name: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    execFile(program, [option, name], (error, text) => resolve(error ? undefined : Number(text)));
  });
}

/** Of the text of /etc/passwd: what a stripped image without `id` has. */
export function userFrom(passwd: string, name: string): SystemUser | undefined {
  const fields = passwd.split("\n").find((line) => line.startsWith(`${name}:`));
  const [, , uid = "", gid = ""] = fields?.split(":") ?? [];
  return /^\d+$/.test(uid) && /^\d+$/.test(gid) ? { name, uid: Number(uid), gid: Number(gid) } : undefined;
}

/** Why this process cannot run commands as `name`, a user that `find` knows. */
export async function userProblem(name: string, find: typeof findUser): Promise<UserProblem | undefined> {
  const user = await find(name);
  if (!user) return { kind: "unknown" };
  if (isRoot() || user.uid === process.getuid?.()) return undefined;
  return { kind: "not-permitted", runsAs: userInfo().username };
}

/** Runs commands of one build as other users; remembers who was let in where. */
export class RunAs {
  readonly #workDir: string;
  readonly #find: typeof findUser;
  readonly #users = new Map<string, Promise<SystemUser | undefined>>();
  readonly #opened = new Set<string>();

  constructor(workDir: string, find: typeof findUser) {
    this.#workDir = workDir;
    this.#find = find;
  }

  /**
   * Lets the user at what the command needs and says how to start it. Undefined: start it as it is. `files`: held by this
   * process, so that a command cannot replace them.
   */
  async prepare(
    command: CommandSpec,
    files: readonly string[],
  ): Promise<((start: UserStart) => UserStart) | undefined> {
    const { user: name, stateFolder, readableFolder } = command;
    if (name === undefined || !isRoot()) return undefined;
    let finding = this.#users.get(name);
    if (!finding) {
      finding = this.#find(name);
      this.#users.set(name, finding);
    }
    const user = await finding;
    if (!user) throw new Error(`there is no user \`${name}\` on this machine`);
    if (user.uid === 0) return undefined;
    this.#openFor(readableFolder);
    if (stateFolder !== undefined) handOver(stateFolder, user);
    for (const file of files) chownSync(file, user.uid, user.gid);
    for (const folder of ["home", "tmp"]) shareFolder(this.#workDir, folder);
    return (start) => asUser(user, start);
  }

  /** AWS: `run-as` grants the user read and run permission. Passing through to a folder is part of it. */
  #openFor(folder: string | undefined): void {
    if (this.#opened.size === 0) chmodSync(this.#workDir, 0o711);
    if (folder === undefined || this.#opened.has(folder)) return;
    this.#opened.add(folder);
    openTree(folder);
  }
}

/** `chmod -R go+rX` without the program, which stripped images do not have. Links are left alone. */
export function openTree(path: string | Buffer): void {
  withHeld(holdEntry(path), (held) => {
    const { stats } = held;
    if (!stats.isDirectory() && !stats.isFile()) return;
    const isRun = stats.isDirectory() || (stats.mode & 0o111) !== 0;
    const mode = (stats.mode | (isRun ? 0o055 : 0o044)) & 0o7777;
    if (mode !== (stats.mode & 0o7777)) chmodSync(held.path, mode);
    if (!stats.isDirectory()) return;
    const folder = Buffer.from(`${held.path}/`);
    // Bytes: a name need not be UTF-8.
    for (const name of readdirSync(held.path, { encoding: "buffer" })) openTree(Buffer.concat([folder, name]));
  });
}

/** The folder and its files become the user's; root reads them anyway. */
function handOver(folder: string, user: SystemUser): void {
  chmodSync(dirname(folder), 0o711);
  withHeld(holdEntry(folder), (held) => {
    if (!held.stats.isDirectory()) return;
    own(held, user);
    for (const name of readdirSync(held.path)) withHeld(holdEntry(join(held.path, name)), (file) => own(file, user));
  });
}

/** Not of a second name: it may be one of a file elsewhere. */
function own({ path, stats }: HeldPath, { uid, gid }: SystemUser): void {
  if (stats.isDirectory() || (stats.isFile() && stats.nlink <= 1)) chownSync(path, uid, gid);
}

/** As /tmp is: everybody may write, nobody may remove what another made. */
function shareFolder(workDir: string, name: string): void {
  withHeld(holdFolderBelow(workDir, name, true), (held) => chmodSync(held.path, 0o1777));
}

function asUser(user: SystemUser, start: UserStart): UserStart {
  const setpriv = findProgram("setpriv");
  if (setpriv === undefined) return { ...start, uid: user.uid, gid: user.gid };
  const identity = [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--init-groups", "--"];
  return { file: setpriv, args: [...identity, start.file, ...start.args] };
}

/** Where a program lies on this machine's own PATH. */
export function findProgram(name: string, path = process.env["PATH"] ?? ""): string | undefined {
  for (const folder of [...path.split(delimiter), "/usr/bin", "/bin"]) {
    if (folder === "") continue;
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not here
    }
  }
  return undefined;
}
