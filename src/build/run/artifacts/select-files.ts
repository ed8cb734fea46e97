/**
 * Which files `artifacts` names, with CodeBuild's log lines and failures: base directory, patterns, exclusions, links.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts.files
 * Chosen where AWS says nothing: patterns match dot files; a link is followed within the build's folders and base
 * directory, and left out by name where it leads elsewhere; two files that would be stored under one name fail the phase.
 */
import { lstat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import { glob } from "tinyglobby";
import { withHeld } from "../../../core/held-path.ts";
import { err, ok, type Result } from "../../../core/result.ts";
import type { PlannedArtifacts } from "../../plan/index.ts";
import type { BroughtFiles } from "../brought-files.ts";
import { fixedPart } from "../cache/cache-paths.ts";
import type { PhaseContext } from "../events.ts";
import { compareBytes, escapeGlob, globFiles, ownReaddir } from "../glob-files.ts";
import { LeadsOut, type OwnFiles } from "../own-files.ts";

/** A file, or with `link` a symbolic link, and the path it is stored under. */
export interface SelectedFile {
  readonly source: string;
  /** With `/` between its parts; never absolute, never upwards. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Permission bits. */
  readonly mode: number;
  readonly link?: string;
}

export interface SelectionInput {
  readonly artifacts: PlannedArtifacts;
  readonly srcDir: string;
  /** Links may lead anywhere below it: the folder of the build. */
  readonly workDir: string;
  /** Folders of a local cache, which links of the build lead to: part of the build, and always followed. */
  readonly lentFolders?: readonly string[];
  /** Links stay links, wherever they lead. */
  readonly keepLinks: boolean;
  /** Makes files of the environment files of this machine. */
  readonly brought: BroughtFiles;
  readonly signal: AbortSignal;
  log(text: string): void;
  warn(text: string): void;
  /** Variables in a text, as the build's shell sees them. */
  expand(text: string): Promise<string>;
}

const CONCURRENT_LOOKUPS = 64;
const SHOWN_LINKS = 5;

export async function selectFiles(input: SelectionInput): Promise<Result<readonly SelectedFile[], PhaseContext>> {
  const { artifacts, srcDir, log } = input;
  const baseDirectory = artifacts.baseDirectory === undefined ? "." : await input.expand(artifacts.baseDirectory);
  log(`Expanding base directory path: ${baseDirectory}`);
  log("Assembling file list");
  log(`Expanding ${baseDirectory}`);
  let bases: string[];
  try {
    bases = await baseFolders(srcDir, baseDirectory, input.brought);
  } catch (error) {
    if (!(error instanceof LeadsOut)) throw error;
    return err(failure(`the base directory ${baseDirectory} leads into Kiln's own state, ${error.realPath}`));
  }
  if (bases.length === 0) return err(failure(`no matching base directory path found for ${baseDirectory}`));
  log(`Expanding file paths for base directory ${baseDirectory}`);
  log("Assembling file list");

  const exclude = (await Promise.all(artifacts.excludePaths.map((path) => input.expand(path)))).map(withoutDots);
  const links = new LinkReport();
  const chosen = new Map<string, SelectedFile>();
  for (const written of artifacts.files) {
    const pattern = await input.expand(written);
    log(`Expanding ${pattern}`);
    let found = 0;
    for (const base of bases) {
      input.signal.throwIfAborted();
      for (const file of await filesOf(base, pattern, exclude, input, links)) {
        found++;
        const path = artifacts.discardPaths ? basename(file.path) : file.path;
        const other = chosen.get(path);
        if (other !== undefined && other.source !== file.source) {
          return err(failure(collision(artifacts.discardPaths, path, other.source, file.source)));
        }
        chosen.set(path, { ...file, path });
      }
    }
    log(found === 0 ? `Skipping invalid file path ${pattern}` : `Found ${found} file(s)`);
  }
  links.tell(input.warn);
  if (chosen.size === 0) return err(failure("no matching artifact paths found"));
  return ok([...chosen.values()].sort((a, b) => compareBytes(a.path, b.path)));
}

function collision(flat: boolean, name: string, one: string, other: string): string {
  return flat
    ? `discard-paths: two files are named ${name}: ${one} and ${other}`
    : `base-directory: two files would be stored as ${name}: ${one} and ${other}`;
}

async function baseFolders(srcDir: string, baseDirectory: string, brought: BroughtFiles): Promise<string[]> {
  const plain = isAbsolute(baseDirectory) ? brought.place(baseDirectory) : join(srcDir, baseDirectory);
  const base = await brought.folder(plain);
  if (base !== undefined) return [base];
  if (!/[*?[{]/.test(baseDirectory)) return [];
  await brought.bring(join(srcDir, fixedPart(withoutDots(baseDirectory))));
  const folders = await glob(withoutDots(baseDirectory), {
    cwd: srcDir,
    onlyDirectories: true,
    dot: true,
    followSymbolicLinks: false,
    absolute: true,
    expandDirectories: false,
    fs: { readdir: ownReaddir(brought.own) },
  });
  return folders.map((folder) => folder.replace(/\/$/, "")).sort(compareBytes);
}

/** The files of one folder that a pattern names, each once. */
async function filesOf(
  base: string,
  pattern: string,
  exclude: readonly string[],
  input: SelectionInput,
  links: LinkReport,
): Promise<SelectedFile[]> {
  const inside = withoutDots(isAbsolute(pattern) ? relative(base, input.brought.place(pattern)) : pattern);
  if (inside.startsWith("..")) return [];
  await input.brought.bring(join(base, fixedPart(inside)));
  const exact = await lstat(join(base, inside)).catch(() => undefined);
  const escaped = exact !== undefined && !exact.isDirectory() ? escapeGlob(inside) : inside;
  const { own } = input.brought;
  const options = { ignore: exclude, signal: input.signal, own };
  const realBase = realOf(own, base);
  if (realBase === undefined) return [];
  const lent = (input.lentFolders ?? []).flatMap((folder) => realOf(own, folder) ?? []);
  const roots = [input.workDir, input.srcDir].flatMap((folder) => realOf(own, folder) ?? []);
  const tree = new Tree([realBase, ...roots, ...lent]);
  const files: SelectedFile[] = [];
  /** Looks at paths that a pattern reached; `above` are the real folders that led there through links. */
  const look = async (paths: readonly string[], above: readonly string[]): Promise<void> => {
    const folders: { readonly path: string; readonly real: string }[] = [];
    await eachOf(paths, input.signal, async (path) => {
      const found = await lookUp(base, path, { tree, own, lent, links, keepLinks: input.keepLinks });
      if (found && "real" in found) folders.push(found);
      else if (found) files.push(found);
    });
    for (const { path, real } of folders) {
      // A link to a folder above itself has no end.
      if ([...above, dirname(join(base, path))].some((folder) => `${folder}/`.startsWith(`${real}/`))) {
        links.add(path, "leads to a folder above it");
        continue;
      }
      // `exclude-paths` counts for what is in it as well.
      await look(await globFiles(base, `${escapeGlob(path)}/**/*`, options), [...above, real]);
    }
  };
  await look(await globFiles(base, escaped, options), [realBase]);
  return files.sort((a, b) => compareBytes(a.path, b.path));
}

interface LookUp {
  readonly tree: Tree;
  readonly own: OwnFiles;
  readonly lent: readonly string[];
  readonly links: LinkReport;
  readonly keepLinks: boolean;
}

async function lookUp(
  base: string,
  path: string,
  { tree, own, lent, links, keepLinks }: LookUp,
): Promise<SelectedFile | { readonly path: string; readonly real: string } | undefined> {
  const source = join(base, path);
  const entry = await lstat(source).catch(() => undefined);
  if (!entry) return undefined;
  if (entry.isSymbolicLink() && keepLinks) {
    // A link that Kiln made would lead nowhere for whoever unpacks it.
    const link = own.linkTarget(source);
    if (link !== undefined && !lent.includes(realOf(own, source) ?? ""))
      return { source, path, sizeBytes: 0, mode: 0o777, link };
  }
  if (!entry.isSymbolicLink() && !entry.isFile()) return undefined;
  // A path through a link to a folder is one, too.
  try {
    const held = own.hold(source);
    if (!held) return links.add(path, "leads nowhere");
    return withHeld(held, ({ realPath: real, stats }) => {
      if (!tree.has(real)) throw new LeadsOut(source, real);
      if (stats.isDirectory()) return { path, real };
      if (!stats.isFile()) return undefined;
      return { source: real, path, sizeBytes: stats.size, mode: stats.mode & 0o777 };
    });
  } catch (error) {
    if (error instanceof LeadsOut) return links.add(path, `leads out of the build, to ${error.realPath}`);
    throw error;
  }
}

/** Undefined where nothing is, or nothing of the build's. */
function realOf(own: OwnFiles, path: string): string | undefined {
  try {
    return withHeld(own.hold(path), ({ realPath }) => realPath);
  } catch {
    return undefined;
  }
}

/** Folders, and whether a real path lies below one of them. */
class Tree {
  readonly #roots: readonly string[];

  constructor(roots: readonly string[]) {
    this.#roots = roots;
  }

  has(real: string): boolean {
    return this.#roots.some((root) => real === root || real.startsWith(`${root}${sep}`));
  }
}

/** Links that were left out, told once and not all of them. */
class LinkReport {
  readonly #left = new Map<string, string>();

  add(path: string, why: string): undefined {
    this.#left.set(path, why);
    return undefined;
  }

  tell(warn: (text: string) => void): void {
    const all = [...this.#left].sort(([a], [b]) => compareBytes(a, b));
    for (const [path, why] of all.slice(0, SHOWN_LINKS)) warn(`artifacts: the link \`${path}\` ${why}; it is left out`);
    if (all.length > SHOWN_LINKS) warn(`artifacts: ${all.length - SHOWN_LINKS} more links like these are left out`);
  }
}

async function eachOf<T>(items: readonly T[], signal: AbortSignal, act: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      signal.throwIfAborted();
      await act(items[at] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENT_LOOKUPS, items.length) }, worker));
}

const withoutDots = (path: string): string => path.replace(/^(?:\.\/)+/, "");
const failure = (message: string): PhaseContext => ({ statusCode: "CLIENT_ERROR", message });
