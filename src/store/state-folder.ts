/**
 * The state folder: making it, and saying in one place what is wrong with it. Every failure of disk, permissions or
 * database file becomes one of the `KILN_E_STATE_FOLDER_…` errors here, so that a user never meets a raw SQLite code.
 */
import { mkdirSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { KilnError } from "../core/errors.ts";
import { SQLITE, sqliteCode } from "./sqlite-driver.ts";

/**
 * Creates the folder (mode 0700), its `.gitignore` and an empty `kiln.db` (mode 0600, as what SQLite puts beside it) when
 * they are not there: in a folder that somebody else made, others may be let in.
 */
export function prepareStateFolder(stateDir: string): void {
  try {
    makeFolder(resolve(stateDir));
    placeFile(join(stateDir, ".gitignore"), "*\n", 0o644);
    placeFile(join(stateDir, "kiln.db"), "", 0o600);
  } catch (error) {
    throw stateFolderError(error, stateDir) ?? error;
  }
}

function placeFile(path: string, text: string, mode: number): void {
  try {
    writeFileSync(path, text, { flag: "wx", mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Like `mkdir -p`. Node's own `recursive` hides why it failed (ENOENT on a read-only disk), or never returns. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && dirname(path) !== path) {
      makeFolder(dirname(path));
      mkdirSync(path, { mode: 0o700 });
    } else if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/** The KilnError for a failure of the disk or the database, or undefined when `error` is something else. */
export function stateFolderError(error: unknown, stateDir: string | undefined): KilnError | undefined {
  if (error instanceof KilnError) return error;
  const where = stateDir === undefined ? "the state in memory" : `the state folder \`${stateDir}\``;
  switch (kindOf(error, stateDir)) {
    case "full":
      return new KilnError({
        code: "KILN_E_STATE_FOLDER_FULL",
        message: `no space left for ${where}`,
        why: "the change was not saved; everything saved before is intact",
        fix: ["free some space on that disk", "or use another folder with `--state-dir DIR`"],
        exitCode: 4,
        cause: error,
      });
    case "read-only":
      if (stateDir !== undefined && (error as NodeJS.ErrnoException).syscall === "mkdir") {
        return new KilnError({
          code: "KILN_E_STATE_FOLDER_READ_ONLY",
          message: `${where} cannot be made`,
          why: `\`${dirname((error as NodeJS.ErrnoException).path ?? stateDir)}\` is read-only for this user`,
          fix: ["keep the state where you may write: `--state-dir DIR`"],
          exitCode: 4,
          cause: error,
        });
      }
      return new KilnError({
        code: "KILN_E_STATE_FOLDER_READ_ONLY",
        message: `${where} cannot be written`,
        why: "the folder, its files or the disk are read-only for this user",
        fix: [
          ...(stateDir === undefined ? [] : [`give yourself access: \`chmod -R u+rwX '${stateDir}'\``]),
          "or use another folder with `--state-dir DIR`",
        ],
        exitCode: 4,
        cause: error,
      });
    case "corrupt":
      return new KilnError({
        code: "KILN_E_STATE_FOLDER_CORRUPT",
        message: `\`kiln.db\` in ${where} is not a database that can be read`,
        why: "the file was changed or cut off by something other than Kiln, or the disk is failing",
        fix: ["restore the folder from a copy", "or move it away and start with an empty one"],
        exitCode: 4,
        cause: error,
      });
    case "busy":
      return new KilnError({
        code: "KILN_E_STATE_FOLDER_BUSY",
        message: `${where} is locked by another process`,
        why: "another process held a write lock on `kiln.db` for longer than 10 seconds",
        fix: ["end the other process, or wait for it", "see who has it open: `lsof kiln.db`"],
        exitCode: 4,
        cause: error,
      });
    case "unusable":
      return new KilnError({
        code: "KILN_E_STATE_FOLDER_UNUSABLE",
        message: `${where} cannot be used: ${(error as Error).message}`,
        fix: ["check that the path is a folder on a working disk", "or use another folder with `--state-dir DIR`"],
        exitCode: 4,
        cause: error,
      });
    case undefined:
      return undefined;
  }
}

const PLACE_KNOWN_MS = 50;

/**
 * Gives what refuses to write into a database file that has lost its name since: its folder was taken away, or another put
 * in its place. SQLite does not look, and what it wrote would be gone. Looks now and then, so that it costs writes nothing.
 */
export function placeGuard(stateDir: string): () => void {
  const place = placeOf(stateDir);
  let isKnown = place === undefined;
  return () => {
    if (isKnown) return;
    if (placeOf(stateDir) !== place) throw folderRemoved(stateDir);
    isKnown = true;
    setTimeout(() => {
      isKnown = false;
    }, PLACE_KNOWN_MS).unref();
  };
}

const folderRemoved = (stateDir: string): KilnError =>
  new KilnError({
    code: "KILN_E_STATE_FOLDER_UNUSABLE",
    message: `the state folder \`${stateDir}\` was removed or replaced while it was in use`,
    why: "the change was not saved: there is nowhere to save it",
    fix: ["start Kiln again: it makes a new folder, or uses the one that is there now"],
    exitCode: 4,
  });

/** Which file `kiln.db` is, or undefined when there is none. */
function placeOf(stateDir: string): string | undefined {
  const found = statSync(join(stateDir, "kiln.db"), { throwIfNoEntry: false });
  return found && `${found.dev} ${found.ino}`;
}

type Kind = "full" | "read-only" | "corrupt" | "busy" | "unusable";

function kindOf(error: unknown, stateDir: string | undefined): Kind | undefined {
  switch (sqliteCode(error)) {
    case SQLITE.FULL:
      return "full";
    case SQLITE.READONLY:
    case SQLITE.PERM:
      return "read-only";
    case SQLITE.CORRUPT:
    case SQLITE.NOTADB:
      return "corrupt";
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
      return "busy";
    // A full or read-only disk also shows as a failed open or a failed growth of the shared-memory file.
    case SQLITE.IOERR:
    case SQLITE.CANTOPEN:
      return isDiskFull(stateDir) ? "full" : isReadOnly(stateDir) ? "read-only" : "unusable";
  }
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOSPC":
    case "EDQUOT":
      return "full";
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return "read-only";
    case "EEXIST":
    case "ENOENT":
    case "ENOTDIR":
    case "EISDIR":
    case "EIO":
    case "ENAMETOOLONG":
    case "ELOOP":
    case "EMFILE":
      return "unusable";
  }
  return undefined;
}

function isDiskFull(stateDir: string | undefined): boolean {
  if (stateDir === undefined) return false;
  try {
    return statfsSync(stateDir).bavail === 0;
  } catch {
    return false;
  }
}

function isReadOnly(stateDir: string | undefined): boolean {
  if (stateDir === undefined) return false;
  try {
    writeFileSync(join(stateDir, ".gitignore"), "*\n");
    return false;
  } catch (error) {
    return ["EROFS", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "");
  }
}
