/**
 * UPLOAD_ARTIFACTS: the files that `artifacts` names, copied to a folder of this machine instead of a bucket, with
 * CodeBuild's log lines and failures.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts.files
 * Chosen where AWS says nothing: patterns match dot files; two files of one name under `discard-paths` fail the phase.
 */
import { mkdir, rm, stat } from "node:fs/promises";
import { basename, isAbsolute, join, relative } from "node:path";
import { glob } from "tinyglobby";
import { err, ok, type Result } from "../../core/result.ts";
import type { PlannedArtifacts } from "../plan/index.ts";
import { copyPaths } from "./copy-tree.ts";
import type { PhaseContext } from "./events.ts";

export interface ArtifactsInput {
  readonly artifacts: PlannedArtifacts;
  readonly srcDir: string;
  /** Does not exist yet. */
  readonly targetDir: string;
  /** Aborts the copying; nothing stays in `targetDir`. */
  readonly signal: AbortSignal;
  log(text: string): void;
  /** Variables in a text, as the build's shell sees them. */
  expand(text: string): Promise<string>;
}

export async function collectArtifacts(input: ArtifactsInput): Promise<Result<number, PhaseContext>> {
  const { artifacts, srcDir, log } = input;
  const baseDirectory = artifacts.baseDirectory === undefined ? "." : await input.expand(artifacts.baseDirectory);
  log(`Expanding base directory path: ${baseDirectory}`);
  log("Assembling file list");
  log(`Expanding ${baseDirectory}`);
  const bases = await baseFolders(srcDir, baseDirectory);
  if (bases.length === 0) return err(failure(`no matching base directory path found for ${baseDirectory}`));
  log(`Expanding file paths for base directory ${baseDirectory}`);
  log("Assembling file list");

  const exclude = await Promise.all(artifacts.excludePaths.map((path) => input.expand(path)));
  const chosen = new Map<string, string>();
  for (const written of artifacts.files) {
    const pattern = await input.expand(written);
    log(`Expanding ${pattern}`);
    const found: { base: string; path: string }[] = [];
    for (const base of bases) {
      input.signal.throwIfAborted();
      for (const path of await filesOf(base, pattern, exclude)) found.push({ base, path });
    }
    if (found.length === 0) {
      log(`Skipping invalid file path ${pattern}`);
      continue;
    }
    log(`Found ${found.length} file(s)`);
    for (const { base, path } of found) chosen.set(join(base, path), path);
  }
  if (chosen.size === 0) return err(failure("no matching artifact paths found"));
  try {
    return await copyChosen(chosen, artifacts.discardPaths, input.targetDir, input.signal);
  } catch (error) {
    await rm(input.targetDir, { recursive: true, force: true });
    throw error;
  }
}

async function copyChosen(
  chosen: ReadonlyMap<string, string>,
  flat: boolean,
  targetDir: string,
  signal: AbortSignal,
): Promise<Result<number, PhaseContext>> {
  await mkdir(targetDir, { recursive: true });
  if (flat) {
    const names = new Map<string, string>();
    for (const [source, path] of chosen) {
      const other = names.get(basename(path));
      if (other !== undefined && other !== source) {
        return err(failure(`discard-paths: two files are named ${basename(path)}: ${other} and ${source}`));
      }
      names.set(basename(path), source);
    }
    for (const source of names.values()) await copyPaths(join(source, ".."), targetDir, [basename(source)], signal);
    return ok(names.size);
  }
  const byBase = new Map<string, string[]>();
  for (const [source, path] of chosen) {
    const base = source.slice(0, source.length - path.length);
    byBase.set(base, [...(byBase.get(base) ?? []), path]);
  }
  let copied = 0;
  for (const [base, paths] of byBase) copied += (await copyPaths(base, targetDir, paths, signal)).count;
  return ok(copied);
}

async function baseFolders(srcDir: string, baseDirectory: string): Promise<string[]> {
  const plain = isAbsolute(baseDirectory) ? baseDirectory : join(srcDir, baseDirectory);
  const found = await stat(plain).catch(() => undefined);
  if (found?.isDirectory()) return [plain];
  if (!/[*?[{]/.test(baseDirectory)) return [];
  const folders = await glob(baseDirectory, {
    cwd: srcDir,
    onlyDirectories: true,
    dot: true,
    followSymbolicLinks: false,
    absolute: true,
    expandDirectories: false,
  });
  return folders.map((folder) => folder.replace(/\/$/, "")).sort();
}

async function filesOf(base: string, pattern: string, exclude: readonly string[]): Promise<string[]> {
  const inside = isAbsolute(pattern) ? relative(base, pattern) : pattern.replace(/^(?:\.\/)+/, "");
  if (inside.startsWith("..")) return [];
  const exact = await stat(join(base, inside)).catch(() => undefined);
  const options = {
    cwd: base,
    dot: true,
    onlyFiles: true,
    followSymbolicLinks: false,
    expandDirectories: false,
  } as const;
  const escaped = exact?.isFile() ? inside.replace(/[()[\]{}!*?+@\\]/g, "\\$&") : inside;
  const found = await glob(escaped, { ...options, ignore: exclude.map((path) => path.replace(/^(?:\.\/)+/, "")) });
  return found.sort();
}

const failure = (message: string): PhaseContext => ({ statusCode: "CLIENT_ERROR", message });
