/**
 * Commands as another user of this machine (`run-as`): who that is, and what the user needs of the build's folders. Only
 * root may do it. `setpriv` (util-linux) starts the command with the user's groups; without it the command has the
 * primary group only. The build's work folder is opened for passing through, the sources for reading, the saved
 * environment (it holds secrets) is handed over: nobody but root and that user reads it.
 */
import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { chmod, chown, lstat, mkdir, readdir, readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { delimiter, dirname, join } from "node:path";
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

  /** Lets the user at what the command needs and says how to start it. Undefined: start it as it is. */
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
    await this.#openFor(readableFolder);
    if (stateFolder !== undefined) await handOver(stateFolder, user);
    for (const file of [...files, command.scriptPath]) await chown(file, user.uid, user.gid);
    for (const folder of ["home", "tmp"]) await shareFolder(join(this.#workDir, folder));
    return (start) => asUser(user, start);
  }

  /** AWS: `run-as` grants the user read and run permission. Passing through to a folder is part of it. */
  async #openFor(folder: string | undefined): Promise<void> {
    if (this.#opened.size === 0) await chmod(this.#workDir, 0o711);
    if (folder === undefined || this.#opened.has(folder)) return;
    this.#opened.add(folder);
    await openTree(folder);
  }
}

/** `chmod -R go+rX` without the program, which stripped images do not have. Links are left alone. */
export async function openTree(path: string | Buffer): Promise<void> {
  const found = await lstat(path);
  if (!found.isDirectory() && !found.isFile()) return;
  const isRun = found.isDirectory() || (found.mode & 0o111) !== 0;
  const mode = (found.mode | (isRun ? 0o055 : 0o044)) & 0o7777;
  if (mode !== (found.mode & 0o7777)) await chmod(path, mode);
  if (!found.isDirectory()) return;
  const folder = Buffer.concat([Buffer.from(path), Buffer.from("/")]);
  // Bytes: a name need not be UTF-8.
  for (const name of await readdir(path, { encoding: "buffer" })) await openTree(Buffer.concat([folder, name]));
}

/** The folder and its files become the user's; root reads them anyway. */
async function handOver(folder: string, user: SystemUser): Promise<void> {
  await chmod(dirname(folder), 0o711);
  await chown(folder, user.uid, user.gid);
  for (const name of await readdir(folder)) await chown(join(folder, name), user.uid, user.gid);
}

/** As /tmp is: everybody may write, nobody may remove what another made. */
async function shareFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o1777);
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
