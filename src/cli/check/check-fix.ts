/**
 * `kiln check --fix` on the files of one source folder: fixes are worked out in memory, pass by pass, and each file that
 * changed is then written once: beside itself and moved into place, with its mode, only if it is still what was read.
 */
import {
  chownSync,
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, sep } from "node:path";
import { applyFixes, type CheckResult, unifiedDiff, type Workspace } from "../../check/index.ts";
import type { Diagnostic } from "../../core/diagnostics.ts";
import { KilnError } from "../../core/errors.ts";
import { shellPath } from "../../core/shell-word.ts";

export interface FixedFiles {
  /** What is left afterwards. */
  readonly result: CheckResult;
  /** Findings that were fixed, in the order of their passes. */
  readonly applied: readonly { readonly file: string; readonly diagnostic: Diagnostic }[];
  /** POSIX path → text before and after; only files that change. */
  readonly changes: ReadonlyMap<string, { readonly before: string; readonly after: string }>;
}

/** One fix may uncover the next finding, or touch what another one wanted to change. */
const MAX_PASSES = 10;

/** Applies fixes until nothing is left to apply. Writes nothing. `checkIn` checks the source as the workspace shows it. */
export function fixInMemory(workspace: Workspace, checkIn: (workspace: Workspace) => CheckResult): FixedFiles {
  const texts = new Map<string, string>();
  const shown: Workspace = { ...workspace, readText: (path) => texts.get(path) ?? workspace.readText(path) };
  const applied: { file: string; diagnostic: Diagnostic }[] = [];
  let result = checkIn(shown);
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const before = new Map(texts);
    const fixed = applyOnce(shown, result.diagnostics, texts);
    if (fixed.length === 0) break;
    const after = checkIn(shown);
    // Nothing that CodeBuild could read may become unreadable by a fix.
    if (hasSyntaxError(after) && !hasSyntaxError(result)) {
      texts.clear();
      for (const [file, text] of before) texts.set(file, text);
      break;
    }
    applied.push(...fixed);
    result = after;
  }
  const changes = new Map<string, { before: string; after: string }>();
  for (const [file, after] of texts) {
    const before = workspace.readText(file) ?? "";
    if (before !== after) changes.set(file, { before, after });
  }
  return { result, applied, changes };
}

function applyOnce(workspace: Workspace, found: readonly Diagnostic[], texts: Map<string, string>) {
  const files = new Set(found.flatMap(({ fix }) => (fix?.kind === "edit" ? fix.edits.map(({ file }) => file) : [])));
  const applied: { file: string; diagnostic: Diagnostic }[] = [];
  for (const file of files) {
    const text = workspace.readText(file);
    if (text === undefined) continue;
    const fixed = applyFixes(text, found, file);
    if (fixed.text === text) continue;
    texts.set(file, fixed.text);
    applied.push(...fixed.applied.map((diagnostic) => ({ file, diagnostic })));
  }
  return applied;
}

const hasSyntaxError = ({ diagnostics }: CheckResult): boolean =>
  diagnostics.some(({ code, severity }) => code === "buildspec/syntax" && severity === "error");

/** The changes as one unified diff, with `prefix` before each path. */
export const diffOf = ({ changes }: FixedFiles, prefix: string): string =>
  [...changes].map(([file, { before, after }]) => unifiedDiff(join(prefix, file), before, after)).join("");

/** Writes the changed files; refuses what it could not write as it was. */
export function writeFixed(dir: string, { changes }: FixedFiles): void {
  const root = realpathSync(dir);
  const writes = [...changes].map(([file, { before, after }]) => ({ target: targetIn(root, file, before), after }));
  for (const { target, after } of writes) replaceFile(target.path, after, target);
}

interface Target {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** The file itself (a link is followed while it stays in the folder), checked before anything is written. */
function targetIn(root: string, file: string, before: string): Target {
  const path = realpathSync(join(root, file));
  if (!path.startsWith(root + sep)) {
    throw notWritten(file, "it is a link to a file outside the folder", `fix \`${path}\` where it lies`);
  }
  const { mode, uid, gid } = statSync(path);
  if ((mode & 0o222) === 0) throw notWritten(file, "it is read-only", `chmod u+w ${shellPath(file)}`);
  const bytes = readFileSync(path);
  if (!bytes.equals(Buffer.from(bytes.toString("utf8"), "utf8"))) {
    throw notWritten(file, "it is not UTF-8, and the rest of it would not stay as it is", "save it as UTF-8");
  }
  if (bytes.toString("utf8") !== before) throw notWritten(file, "it has changed meanwhile", "run the command again");
  return { path, mode: mode & 0o7777, uid, gid };
}

function replaceFile(path: string, text: string, { mode, uid, gid }: Target): void {
  const beside = join(dirname(path), `.kiln-fix-${process.pid}`);
  let isOurs = false;
  try {
    const handle = openSync(beside, "wx", mode);
    isOurs = true;
    try {
      writeFileSync(handle, text);
      fchmodSync(handle, mode);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    if (process.getuid?.() === 0) chownSync(beside, uid, gid);
    renameSync(beside, path);
  } catch (error) {
    if (isOurs) rmSync(beside, { force: true });
    throw notWritten(
      path,
      error instanceof Error ? error.message : String(error),
      "make the folder writable, or look at the changes with `--diff`",
    );
  }
}

/** Renames a misnamed buildspec to what CodeBuild looks for; true when it did. */
export function renameBuildspec(dir: string, from: string, to: string): boolean {
  if (existsSync(join(dir, to))) return false;
  renameSync(join(dir, from), join(dir, to));
  return true;
}

const notWritten = (file: string, why: string, fix: string): KilnError =>
  new KilnError({ code: "KILN_E_NOT_FIXED", message: `\`${file}\` cannot be fixed`, why, fix: [fix], exitCode: 4 });
