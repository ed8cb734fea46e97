/**
 * The engine `sandbox` (Linux): the machine's own tools in a copy-on-write view of the machine. What a build installs or
 * changes outside its own folders is there for its next command and gone with the build; /tmp, /var/tmp, /run and the
 * processes are its own; keys, tokens, container engines and Kiln's state are not there (hidden-paths.ts).
 *
 * In the flow: plan-view.ts says what the view is made of, view-folder.ts writes it down, hold-view.ts mounts it and holds
 * it open, shell-environment.ts runs the commands in it. The build's folders are the same inside and outside.
 * Sources: https://docs.kernel.org/filesystems/overlayfs.html, mount_namespaces(7), user_namespaces(7).
 */

import { execFile, spawn } from "node:child_process";
import { accessSync, constants, lstatSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, isAbsolute, join, normalize } from "node:path";
import { type Clock, systemClock } from "../../core/clock.ts";
import { KilnError } from "../../core/errors.ts";
import { holdPath, withHeld } from "../../core/held-path.ts";
import { debug } from "../../core/log.ts";
import { makeOwnedFolder, removeOrphans } from "../../core/owned-folders.ts";
import { removeFolder } from "../../core/remove-folder.ts";
import type { Engine, EnvironmentPaths, EnvironmentSpec, OutsideFiles } from "../engine.ts";
import { sweep } from "../process-sweep.ts";
import { findProgram, findUser, type SystemUser, userFrom } from "../run-as.ts";
import { openShellEnvironment, type ShellOptions, type ShellPlace, type ShellStart } from "../shell-environment.ts";
import { hiddenPaths, rewrittenFiles } from "./hidden-paths.ts";
import { type HeldView, holdingCommand, holdView } from "./hold-view.ts";
import { isAtOrBelow, parseMountInfo } from "./mount-table.ts";
import { type MachineFiles, PRIVATE_FOLDERS, planView, type SharedFolder } from "./plan-view.ts";
import { makeViewFolder, type OverlayKind } from "./view-folder.ts";

export interface SandboxEngineOptions extends ShellOptions {
  /** Paths that no build sees: Kiln's state. */
  readonly hidden?: readonly string[];
  /** Paths that every build sees, whatever hides the folders around them: the programs of Kiln itself. */
  readonly visible?: readonly string[];
  /** Where the engine tries what this machine can do; default the system's temporary folder. */
  readonly tryIn?: string;
}

/** Below the work folder; what a build sees there is empty. */
const FOLDER = "sandbox";
const NEEDED = ["unshare", "nsenter", "mount", "umount", "pivot_root", "mknod"];
const isRoot = (): boolean => process.geteuid?.() === 0;

export function createSandboxEngine(options: SandboxEngineOptions = {}): Engine {
  const clock = options.clock ?? systemClock;
  let found: Promise<OverlayKind | string> | undefined;
  const detect = (): Promise<OverlayKind | string> => {
    found ??= findOverlayKind(options, clock);
    return found;
  };
  return {
    name: "sandbox",
    capabilities: { usesHostTools: true, runAs: isRoot() },
    describe: () =>
      isRoot()
        ? "sandbox: this machine's tools in a throw-away view of the machine, as root: what commands install stays in the build"
        : "sandbox: this machine's tools in a throw-away view of the machine, as an ordinary user: what commands change stays in the build, and system packages cannot be installed",
    async problem() {
      const kind = await detect();
      return typeof kind === "string" ? kind : undefined;
    },
    async reclaim(left) {
      await sweep(left, clock);
      await removeFolder(join(left.workDir, FOLDER));
    },
    async open(spec, signal) {
      signal.throwIfAborted();
      const overlay = await detect();
      if (typeof overlay === "string") {
        throw new KilnError({
          code: "KILN_E_ENGINE_SANDBOX",
          message: `the engine \`sandbox\` does not work here: ${overlay}`,
          fix: ["run with `--engine host`: commands then run on this machine itself"],
          exitCode: 4,
        });
      }
      return openShellEnvironment(spec, options, (base) => openPlace({ spec, base, overlay, options, clock, signal }));
    },
  };
}

interface PlaceInput {
  readonly spec: EnvironmentSpec;
  readonly base: Readonly<Record<string, string>>;
  readonly overlay: OverlayKind;
  readonly options: SandboxEngineOptions;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

async function openPlace(input: PlaceInput): Promise<ShellPlace> {
  const dir = join(realpathSync(input.spec.workDir), FOLDER);
  try {
    await mkdir(dir, { mode: 0o711 });
    const shared = makeFolder(dir, input);
    const view = await holdView(dir, isRoot(), input.clock, input.signal);
    return new SandboxPlace(dir, view, shared);
  } catch (error) {
    await removeFolder(dir);
    throw error;
  }
}

/** Answers the folders that are the same inside and outside. */
function makeFolder(dir: string, { spec, base, overlay, options }: PlaceInput): readonly SharedFolder[] {
  const machine = options.machine ?? process.env;
  const isUsers = !isRoot();
  // Who cannot read a path outside cannot inside. Folders that every build gets anew need no hiding.
  const hidden = hiddenPaths({ machine, own: options.hidden ?? [] }).filter(
    (path) => (!isUsers || isReadable(path)) && !PRIVATE_FOLDERS.some((folder) => folder === path),
  );
  const shared = sharedFolders(spec, base, hidden, options.visible ?? []);
  const mounts = parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8"));
  const view = planView({ isRoot: !isUsers, mounts, hidden, shared }, MACHINE_FILES);
  const rewritten = rewrittenFiles(machine);
  makeViewFolder({ dir, isRoot: !isUsers, view, shared, rewritten, overlay, last: holdingCommand(!isUsers) });
  return shared;
}

/**
 * The build's own folders, and what lies in folders that every build gets anew though the machine's own settings (PATH,
 * certificates) lead there. Real paths.
 */
function sharedFolders(
  spec: EnvironmentSpec,
  base: Readonly<Record<string, string>>,
  hidden: readonly string[],
  visible: readonly string[],
): SharedFolder[] {
  const shared = new Map<string, boolean>();
  const add = (path: string | undefined, isReadOnly: boolean): void => {
    const real = path === undefined ? undefined : realPathOf(path);
    if (real !== undefined && !shared.has(real)) shared.set(real, isReadOnly);
  };
  const workDir = realpathSync(spec.workDir);
  add(workDir, false);
  add(spec.privateDir, false);
  const socket = /^unix:\/\/(.+)$/.exec(spec.variables["DOCKER_HOST"] ?? "")?.[1];
  if (socket !== undefined && !isAtOrBelow(realPathOf(socket) ?? socket, workDir)) add(dirname(socket), true);
  const covered = (path: string): boolean =>
    [...PRIVATE_FOLDERS, ...hidden].some((folder) => isAtOrBelow(path, folder)) &&
    ![...PRIVATE_FOLDERS, ...hidden].includes(path) &&
    ![...shared.keys()].some((folder) => isAtOrBelow(path, folder));
  for (const { path, isReadOnly } of spec.sharedFolders ?? []) {
    const real = realPathOf(path) ?? "/";
    if (!isReadOnly || covered(real) || isAtOrBelow(real, workDir)) add(path, isReadOnly);
  }
  const settings = Object.entries(base).filter(([name]) => !(name in spec.variables));
  const named = settings.flatMap(([, value]) => value.split(":")).filter((path) => isAbsolute(path));
  for (const path of named) {
    const real = realPathOf(path);
    if (real !== undefined && covered(real) && !hidden.some((one) => isAtOrBelow(real, one))) add(real, true);
  }
  for (const path of visible) {
    const real = realPathOf(path);
    if (real !== undefined && covered(real)) add(real, true);
  }
  return [...shared].map(([path, isReadOnly]) => ({ path, isReadOnly }));
}

const MACHINE_FILES: MachineFiles = {
  kindOf(path) {
    try {
      const stats = lstatSync(path);
      return stats.isDirectory() ? "folder" : stats.isFile() ? "file" : stats.isSymbolicLink() ? "link" : "other";
    } catch {
      return undefined;
    }
  },
  names(folder) {
    try {
      return readdirSync(folder);
    } catch {
      return undefined;
    }
  },
};

/** A command may have put anything there. */
const MAX_PASSWD_BYTES = 4 * 2 ** 20;

class SandboxPlace implements ShellPlace {
  readonly hasStandIn = true;
  readonly #dir: string;
  readonly #view: HeldView;
  /** On its way into the view: the view must not be let go before it is in. */
  #ending: Promise<void> | undefined;
  readonly outside: OutsideFiles & EnvironmentPaths;

  constructor(dir: string, view: HeldView, shared: readonly SharedFolder[]) {
    this.#dir = dir;
    this.#view = view;
    // Below the folder of the view, which commands see empty.
    const copies = join(dir, "outside");
    const isShared = (path: string): boolean => shared.some((folder) => isAtOrBelow(path, folder.path));
    this.outside = {
      toHostPath: (path) => (isShared(normalize(path)) ? path : join(copies, path)),
      toEnvironmentPath: (path) => (isAtOrBelow(path, copies) ? path.slice(copies.length) || "/" : path),
      realFolder: (path) => this.#realFolder(path),
      get: async (path) => this.#archive(path),
    };
  }

  /** Only for looking: an absolute link below it leads out of the view. */
  #inside(path: string): string {
    return `${this.#view.root}${path}`;
  }

  /** Asked in the view, where links lead to what commands see. */
  #realFolder(path: string): Promise<string | undefined> {
    const [file = "", ...entry] = this.#view.entry("/");
    const words = ["sh", "-c", 'CDPATH= cd -P -- "$1" 2>/dev/null && pwd -P', "sh", path];
    return new Promise((resolve) => {
      execFile(file, [...entry, ...words], { cwd: "/" }, (error, text) => {
        resolve(error ? undefined : text.replace(/\n$/, ""));
      });
    });
  }

  /** Made in the view, where links lead to what commands see. */
  #archive(path: string): AsyncIterable<Buffer> | undefined {
    if (lstatSync(this.#inside(path), { throwIfNoEntry: false }) === undefined) return undefined;
    const [file = "", ...entry] = this.#view.entry(dirname(path));
    const words = ["tar", "--create", "--file=-", "--warning=none", "--", basename(path)];
    const child = spawn(file, [...entry, ...words], { cwd: "/", stdio: ["ignore", "pipe", "ignore"] });
    child.once("error", (error) => child.stdout.destroy(error));
    return child.stdout;
  }

  enter(start: ShellStart): ShellStart {
    if (!this.#view.isAlive()) {
      throw new KilnError({
        code: "KILN_E_SANDBOX_ENDED",
        message: "the process that holds the build's view of the machine was ended from outside",
        fix: ["look for what ends processes on this machine, e.g. for want of memory", "run with `--engine host`"],
        exitCode: 4,
      });
    }
    // Where there is no such folder the start fails as it does everywhere: for want of a current one.
    const cwd = isFolder(this.#inside(start.cwd)) ? "/" : join(this.#dir, "no-such-folder");
    // What the dynamic loader listens to is the command's, not the program's that leads there.
    const loaders = Object.keys(start.env).filter((name) => name.startsWith("LD_"));
    const env = Object.fromEntries(Object.entries(start.env).filter(([name]) => !loaders.includes(name)));
    const setLoaders = loaders.length === 0 ? [] : ["env", ...loaders.map((name) => `${name}=${start.env[name]}`)];
    const [file = "", ...entry] = this.#view.entry(start.cwd);
    return { file, args: [...entry, ...setLoaders, start.file, ...start.args], cwd, env };
  }

  /** Also one that a command of the build has added. */
  async findUser(name: string): Promise<SystemUser | undefined> {
    const passwd = withHeld(holdPath(this.#inside("/etc/passwd")), ({ path, stats }) =>
      stats.isFile() && stats.size <= MAX_PASSWD_BYTES ? readFileSync(path, "utf8") : "",
    );
    return userFrom(passwd ?? "", name) ?? findUser(name);
  }

  /** The kernel's own way: all processes of the namespace at once, but the first and the one that asks. */
  async endProcesses(): Promise<void> {
    if (!this.#view.isAlive()) return;
    const [file = "", ...entry] = this.#view.entry("/");
    this.#ending = new Promise<void>((resolve) => {
      execFile(file, [...entry, "sh", "-c", "kill -KILL -1"], { cwd: "/" }, (error) => {
        // There was nothing to end.
        if (error) debug("engine", () => `sandbox: ${error.message}`);
        resolve();
      });
    });
    await this.#ending;
  }

  async close(): Promise<void> {
    try {
      await this.#ending;
      await this.#view.end();
    } finally {
      await removeFolder(this.#dir);
    }
  }
}

/** Tries it, from the best kind of overlay to the plainest. The plainest one's reason where none works. */
async function findOverlayKind(options: SandboxEngineOptions, clock: Clock): Promise<OverlayKind | string> {
  if (process.platform !== "linux") return `it needs Linux, this is ${process.platform}`;
  const missing = NEEDED.find((name) => findProgram(name, "/usr/sbin:/sbin") === undefined);
  if (missing !== undefined) return `the program \`${missing}\` is not on this machine`;
  if (isRoot() && findProgram("setpriv") === undefined) return "the program `setpriv` is not on this machine";
  const tryIn = options.tryIn ?? tmpdir();
  await removeOrphans(tryIn, TRY_PREFIX);
  let reason: string | undefined;
  for (const overlay of kinds()) {
    let workDir: string | undefined;
    try {
      workDir = makeOwnedFolder(tryIn, TRY_PREFIX);
      const spec = { buildId: "kiln:try", image: "", workDir, variables: {}, pathPrefix: [] };
      const signal = AbortSignal.timeout(TRY_MS);
      const place = await openPlace({ spec, base: {}, overlay, options, clock, signal });
      try {
        const problem = await tryPlace(place, workDir);
        if (problem === undefined) return overlay;
        reason = problem;
      } finally {
        await place.close();
      }
    } catch (error) {
      reason = (error as Error).message;
      // No overlay has been tried yet, so that another one makes no difference.
      if (workDir === undefined || reason.startsWith("unshare:")) break;
    } finally {
      if (workDir !== undefined) await removeFolder(workDir);
    }
  }
  return reason ?? "it was tried without success";
}

const TRY_PREFIX = "kiln-try-";
const TRY_MS = 30_000;

/** The options of the overlay, best first: what is written need not survive, so nothing is flushed to disk (`volatile`). */
function kinds(): OverlayKind[] {
  const attributes = isRoot()
    ? [",volatile,index=off,redirect_dir=on,metacopy=on", ",index=off", ",userxattr"]
    : [",userxattr,volatile", ",userxattr"];
  return [false, true].flatMap((inMemory) => attributes.map((text) => ({ options: text, inMemory })));
}

/** A command that writes to a folder of the machine, as far as its user may. */
function tryPlace(place: ShellPlace, cwd: string): Promise<string | undefined> {
  const script = isRoot() ? "echo > /usr/kiln-try" : "echo > /tmp/kiln-try";
  const start = place.enter({ file: "sh", args: ["-c", script], cwd, env: { PATH: process.env["PATH"] ?? "" } });
  return new Promise((resolve) => {
    execFile(start.file, start.args, { cwd: start.cwd, env: start.env }, (error, _stdout, stderr) => {
      resolve(error ? stderr.trim().split("\n")[0] || error.message : undefined);
    });
  });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
