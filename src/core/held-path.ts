/**
 * Files and folders held by descriptor: what was looked at is what is read, wherever its path leads a moment later. For
 * paths that somebody else may change meanwhile, such as a build's. Linux holds without opening (`O_PATH`: no pipe waits,
 * no device notices) and names what is held by `/proc/self/fd/<n>`, for whatever takes a path; elsewhere a path stands for
 * itself, and only its state at the time of the call is known.
 * Sources: https://man7.org/linux/man-pages/man2/open.2.html (O_PATH), proc_pid_fd(5).
 */
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

export interface HeldPath {
  /** Leads to what is held. For a folder also as the beginning of a path. */
  readonly path: string;
  /** Where it was, links resolved. */
  readonly realPath: string;
  readonly stats: Stats;
  /** Call once; `path` means nothing afterwards. */
  close(): void;
}

const O_PATH = 0o10000000;
const canHold = process.platform === "linux" && lstatSync("/proc/self/fd", { throwIfNoEntry: false }) !== undefined;

/** Undefined where nothing is, or where it may not be looked at. */
export function holdPath(path: string): HeldPath | undefined {
  return held(path, 0);
}

/** As `holdPath`, for the name's own entry: a link counts as itself. */
export function holdEntry(path: string | Buffer): HeldPath | undefined {
  return held(path, constants.O_NOFOLLOW);
}

function held(path: string | Buffer, flags: number): HeldPath | undefined {
  try {
    if (!canHold) return named(path.toString(), flags !== 0);
    const descriptor = openSync(path, O_PATH | flags);
    const own = `/proc/self/fd/${descriptor}`;
    try {
      const close = (): void => closeSync(descriptor);
      return { path: own, realPath: readlinkSync(own), stats: fstatSync(descriptor), close };
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

/** Where nothing can be held. */
function named(path: string, isEntry: boolean): HeldPath {
  const realPath = isEntry ? join(realpathSync(dirname(path)), basename(path)) : realpathSync(path);
  return { path, realPath, stats: isEntry ? lstatSync(path) : statSync(path), close: () => {} };
}

const ABSENT: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ELOOP", "EACCES", "EPERM", "ENAMETOOLONG", "ENXIO"]);

/** What is held, while `use` runs; undefined where nothing is. */
export function withHeld<T>(hold: HeldPath | undefined, use: (held: HeldPath) => T): T | undefined {
  if (!hold) return undefined;
  try {
    return use(hold);
  } finally {
    hold.close();
  }
}

/**
 * The folder at `way` below `root`, without following any link on the way; `root` itself may be one. With `makes`, what is
 * missing is made. Undefined where a link or a file is in the way, or, without `makes`, nothing.
 */
export function holdFolderBelow(root: string, way: string, makes = false): HeldPath | undefined {
  let at = holdPath(root);
  for (const name of way.split("/")) {
    if (name === "" || name === "." || at === undefined) continue;
    const above: HeldPath = at;
    at = withHeld(above, ({ path }) => (name === ".." ? undefined : folderIn(join(path, name), makes)));
  }
  if (at && !at.stats.isDirectory()) {
    at.close();
    return undefined;
  }
  return at;
}

function folderIn(path: string, makes: boolean): HeldPath | undefined {
  let found = holdEntry(path);
  if (!found && makes) {
    try {
      mkdirSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    found = holdEntry(path);
  }
  if (found && !found.stats.isDirectory()) {
    found.close();
    return undefined;
  }
  return found;
}

/**
 * The bytes of a file that stays held meanwhile. Opened when the first is asked for: a stream that nobody reads (of a
 * refused upload) would end the process with its error.
 */
export async function* heldChunks(file: HeldPath): AsyncGenerator<Uint8Array> {
  yield* createReadStream(file.path) as AsyncIterable<Buffer>;
}
