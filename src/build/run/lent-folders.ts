/**
 * Folders of this machine outside the build's own that its commands reach all the same: the objects of the user's
 * repository, which a copied `.git` borrows, and what it takes from the project's local cache, where its links lead. An engine that
 * hides the places around them is told of them.
 * Source: https://git-scm.com/docs/gitrepository-layout (objects/info/alternates)
 */
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { BuildDocker, BuildRequest } from "./build-request.ts";
import { takenFolder } from "./cache/local-folders.ts";

export interface LentFolder {
  readonly path: string;
  readonly isReadOnly: boolean;
}

/**
 * The docker of a build lies in the build's own folders, and what answers there reads and writes files of Kiln's: of it
 * commands only have the client's settings.
 */
export async function dockerFolders(docker: BuildDocker | undefined): Promise<LentFolder[]> {
  const settings = docker?.variables["DOCKER_CONFIG"];
  if (settings === undefined) return [];
  await mkdir(settings, { recursive: true, mode: 0o700 });
  return [
    { path: dirname(settings), isReadOnly: true },
    { path: settings, isReadOnly: false },
  ];
}

export async function lentFolders(input: {
  readonly request: BuildRequest;
  readonly cacheDir: string | undefined;
  /** The buildspec names what is to be cached. */
  readonly hasCachePaths: boolean;
  /** Folders of all sources. */
  readonly sources: readonly string[];
}): Promise<LentFolder[]> {
  const borrowed = await Promise.all(input.sources.map(async (source) => objectsBorrowed(await gitDirOf(source))));
  const lent = borrowed.flat().map((path): LentFolder => ({ path, isReadOnly: true }));
  const path = cacheFolderOf(input.request, input.cacheDir);
  if (path === undefined || !input.hasCachePaths) return lent;
  await mkdir(path, { recursive: true, mode: 0o700 });
  return [...lent, { path, isReadOnly: false }];
}

/** Where a build has the folders of its project's local cache; undefined where it has none. */
export function cacheFolderOf(request: BuildRequest, cacheDir: string | undefined): string | undefined {
  const { type, modes = [] } = request.cache;
  if (cacheDir === undefined || type !== "LOCAL" || !modes.includes("LOCAL_CUSTOM_CACHE")) return undefined;
  return takenFolder({ cacheDir, request, uuid: request.uuid });
}

/** `.git` is a folder, or a file that names one. */
async function gitDirOf(source: string): Promise<string> {
  const path = join(source, ".git");
  const named = /^gitdir: (.+)$/m.exec(await readFile(path, "utf8").catch(() => ""))?.[1];
  return named === undefined ? path : resolve(source, named);
}

/** Also what the lender itself has borrowed. */
async function objectsBorrowed(gitDir: string, known: readonly string[] = []): Promise<string[]> {
  const objects = join(gitDir, "objects");
  const text = await readFile(join(objects, "info", "alternates"), "utf8").catch(() => "");
  const found = text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => resolve(objects, line))
    .filter((path) => !known.includes(path));
  const further: string[] = [];
  for (const path of found) further.push(...(await objectsBorrowed(resolve(path, ".."), [...known, ...found])));
  return [...found, ...further];
}
