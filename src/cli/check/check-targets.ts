/**
 * What `kiln check` is to read: folders (their buildspec), files, patterns, `-` for standard input, and with `--all` every
 * buildspec below a folder, recognised by what is in it. In the order given; of a folder's files in order of their paths.
 */
import { lstatSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import type { Workspace } from "../../check/index.ts";
import { isBuildspecLike } from "../../check/tree/buildspec-like.ts";
import { KilnError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";

export interface CheckTarget {
  /** Absolute path of the source's root. */
  readonly dir: string;
  /** POSIX path below it; undefined: where CodeBuild looks. */
  readonly buildspec: string | undefined;
  /** Text to check in the file's place. */
  readonly text?: string;
}

export interface TargetRequest {
  readonly paths: readonly string[];
  readonly cwd: string;
  /** `-b`, or what the project names. */
  readonly buildspec: string | undefined;
  readonly isAll: boolean;
  workspaceOf(dir: string): Workspace;
  readStdin(): Promise<string>;
}

export async function targetsOf(request: TargetRequest): Promise<CheckTarget[]> {
  const targets: CheckTarget[] = [];
  for (const path of request.paths) targets.push(...(await targetsAt(path, request)));
  const seen = new Set<string>();
  return targets.filter(({ dir, buildspec }) => {
    const key = `${dir}\u0000${buildspec ?? ""}`;
    return !seen.has(key) && seen.add(key);
  });
}

async function targetsAt(path: string, request: TargetRequest): Promise<CheckTarget[]> {
  const { cwd, buildspec } = request;
  if (path === "-") {
    const text = await request.readStdin();
    return [{ dir: cwd, buildspec: buildspec ?? "buildspec.yml", text }];
  }
  const full = resolve(cwd, path);
  const stat = statSync(full, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return request.isAll ? everyBuildspec(full, path, request) : [{ dir: full, buildspec }];
  if (stat) return [fileTarget(full, cwd)];
  if (lstatSync(full, { throwIfNoEntry: false })) {
    throw noFile(path, "is a link to something that does not exist");
  }
  if (/[*?{[]/.test(path)) return matching(path, request);
  throw noFile(path, "does not exist", nearest(path, request.workspaceOf(cwd).files()));
}

/**
 * A file that was named: its source is what this command stands in, else the repository around the file, else its folder.
 * That its paths may also be meant from its own folder is known to the rules.
 */
function fileTarget(full: string, cwd: string): CheckTarget {
  const dir = isBelow(full, cwd) ? cwd : (repositoryAround(dirname(full)) ?? dirname(full));
  return { dir, buildspec: posix(relative(dir, full)) };
}

function repositoryAround(start: string): string | undefined {
  for (let at = start; ; at = dirname(at)) {
    if (lstatSync(join(at, ".git"), { throwIfNoEntry: false })) return at;
    if (at === dirname(at)) return undefined;
  }
}

/** Patterns that the shell left as they are: `'ci/*.yml'` in quotes, or on Windows. */
async function matching(pattern: string, { cwd }: TargetRequest): Promise<CheckTarget[]> {
  const { globSync } = await import("tinyglobby");
  const files = globSync(pattern.replaceAll("\\", "/"), { cwd, onlyFiles: true, absolute: true, dot: true });
  if (files.length === 0) throw noFile(pattern, "matches no file");
  return files.sort().map((file) => fileTarget(resolve(file), cwd));
}

function everyBuildspec(dir: string, path: string, { workspaceOf }: TargetRequest): CheckTarget[] {
  const workspace = workspaceOf(dir);
  const found = workspace.files().filter((file) => {
    if (!/\.(?:ya?ml|json)$/i.test(file)) return false;
    const text = workspace.readText(file);
    return text !== undefined && isBuildspecLike(file, text);
  });
  if (found.length === 0) {
    throw new KilnError({
      code: "KILN_E_NO_FILE",
      message: `there is no buildspec in \`${path}\``,
      why: "a file is one if it has `phases` or `batch` of CodeBuild at its top level, or is named like one",
      exitCode: 2,
    });
  }
  return found.map((buildspec) => ({ dir, buildspec }));
}

function noFile(path: string, what: string, guess?: string): KilnError {
  return new KilnError({
    code: "KILN_E_NO_FILE",
    message: `\`${path}\` ${what}${guess === undefined ? "" : `; the nearest is \`${guess}\``}`,
    fix: ["name folders or buildspec files"],
    exitCode: 2,
  });
}

const isBelow = (path: string, dir: string): boolean =>
  real(path).startsWith(real(dir) + sep) && path.startsWith(dir + sep);

const real = (path: string): string => realpathSync(dirname(path)) + sep + (path.split(sep).at(-1) ?? "");

const posix = (path: string): string => path.split(sep).join("/");
