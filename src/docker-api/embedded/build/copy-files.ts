/**
 * Puts the files of COPY and ADD into a new layer: where a source goes, with which owner and mode. Destinations are resolved
 * inside the image (layer-writer.ts). Hard links of one COPY stay hard links.
 */
import { linkSync } from "node:fs";
import { join as joinHost } from "node:path";
import { type FileOwner, type LayerWriter, metaOfFound } from "../../../images/layer-writer.ts";
import type { Found } from "../../../images/layered-root.ts";
import { archiveKind, unpackArchive } from "./add-archive.ts";
import type { ModeChange } from "./chmod.ts";
import { baseName, CopyError, type CopySource, join, parentOf, type SourceQuery } from "./copy-sources.ts";

export interface CopyTarget {
  /** Absolute, as written: a slash at the end means a folder. */
  readonly destination: string;
  /** Undefined: root for the context, the source's owner for stages. */
  readonly owner: FileOwner | undefined;
  readonly mode: ModeChange | undefined;
  /** ADD unpacks local archives. */
  readonly unpacks: boolean;
}

interface Copying {
  readonly query: SourceQuery;
  readonly target: CopyTarget;
  readonly writer: LayerWriter;
  readonly signal: AbortSignal;
  /** Paths in the layer of sources with several links, by inode. */
  readonly links: Map<string, string>;
}

export async function copySources(
  query: SourceQuery,
  target: CopyTarget,
  sources: readonly CopySource[],
  writer: LayerWriter,
  signal: AbortSignal,
): Promise<void> {
  const copying: Copying = { query, target, writer, signal, links: new Map() };
  const { destination } = target;
  const owner = target.owner ?? { uid: 0, gid: 0 };
  for (const { entry, under } of sources) {
    signal.throwIfAborted();
    const place = await writer.root.resolve(under === undefined ? destination : `${destination}/${under}`);
    if (under !== undefined && under !== "") await keepParents(copying, entry, under);
    const endsAsFolder = destination.endsWith("/") || under !== undefined;
    if (entry.stats.isDirectory()) {
      const inner = under === undefined ? place.path : join(place.path, baseName(entry.path));
      const there = (await writer.root.resolve(inner)).found;
      if (there && !there.stats.isDirectory()) throw new CopyError(notAFolder(query, there.path));
      if (under !== undefined) await writer.folderMeta(inner, await metaFor(copying, entry));
      else if (inner !== "") await writer.folder(inner, owner);
      await copyFolder(copying, entry, inner, under === undefined ? "" : baseName(entry.path));
    } else if (target.unpacks && entry.stats.isFile() && (await archiveKind(entry.hostPath)) !== undefined) {
      // The classic builder leaves the folder that it unpacks into to root.
      if (place.path !== "") await writer.folder(place.path, query.style === "classic" ? undefined : owner);
      await unpackArchive(entry.hostPath, place.path, writer, signal);
    } else {
      const isFolder = endsAsFolder || place.found?.stats.isDirectory() === true;
      const path = isFolder ? join(place.path, baseName(entry.path)) : place.path;
      await copyOne(copying, entry, path, owner);
    }
  }
}

/** Where one file with a name of its own goes: a heredoc, a download. */
export async function placeFor(
  writer: LayerWriter,
  destination: string,
  name: string,
  owner: FileOwner,
): Promise<string> {
  const place = await writer.root.resolve(destination);
  const isFolder = destination.endsWith("/") || place.found?.stats.isDirectory() === true;
  const { path } = isFolder ? await writer.root.resolve(join(place.path, name)) : place;
  await writer.parents(path, owner);
  return path;
}

/** `--parents`: the source's own folders, with their owners and modes. */
async function keepParents(copying: Copying, entry: Found, under: string): Promise<void> {
  const { query, target, writer } = copying;
  const above = parentOf(entry.path);
  const base = above.slice(0, above.length - under.length);
  let path = "";
  for (const part of under.split("/")) {
    path = join(path, part);
    const folder = (await query.origin.root.resolve(`${base}${path}`)).found;
    const place = await writer.root.resolve(`${target.destination}/${path}`);
    if (folder && !place.found) await writer.folderMeta(place.path, await metaFor(copying, folder));
  }
}

/** `relative` is the folder's path below the source, for `--exclude`. */
async function copyFolder(copying: Copying, folder: Found, path: string, relative: string): Promise<void> {
  const { query, writer, signal } = copying;
  const { origin, exclude } = query;
  for (const entry of await origin.root.list(folder)) {
    signal.throwIfAborted();
    const base = baseName(entry.path);
    const inner = join(relative, base);
    const isOut = (origin.ignore?.isIgnored(entry.path) ?? false) || (exclude?.isIgnored(inner) ?? false);
    const target = join(path, base);
    if (entry.stats.isDirectory()) {
      const mayHold = origin.ignore?.hasExceptions || exclude?.hasExceptions;
      if (isOut && !mayHold) continue;
      if (isOut) {
        await copyFolder(copying, entry, target, inner);
        continue;
      }
      const there = await writer.root.lookup(target);
      const isLink = there?.stats.isSymbolicLink() === true;
      if (there && !there.stats.isDirectory() && !(isLink && query.style === "classic"))
        throw new CopyError(notAFolder(query, target));
      const resolved = isLink ? (await writer.root.resolve(target)).path : target;
      await writer.folderMeta(resolved, await metaFor(copying, entry), entry.layer.extras?.get(entry.path)?.xattrs);
      await copyFolder(copying, entry, resolved, inner);
    } else if (!isOut) {
      await copyOne(copying, entry, target, { uid: 0, gid: 0 });
    }
  }
}

async function copyOne(copying: Copying, source: Found, path: string, parentOwner: FileOwner): Promise<void> {
  const { query, writer, links } = copying;
  const { stats } = source;
  const special = source.layer.extras?.get(source.path)?.special;
  if (!stats.isFile() && !stats.isSymbolicLink()) return;
  await writer.parents(path, parentOwner);
  const existing = await writer.root.resolve(path);
  if (existing.found?.stats.isDirectory()) throw new CopyError(aFolder(query, existing.path));
  const target = stats.isSymbolicLink() ? path : existing.path;
  const inode = stats.isFile() && stats.nlink > 1 && !special ? `${stats.dev}:${stats.ino}` : undefined;
  const first = inode === undefined ? undefined : links.get(inode);
  if (first !== undefined && first !== target) {
    await writer.remove(target);
    await writer.parents(target);
    linkSync(joinHost(writer.dir, first), joinHost(writer.dir, target));
    return;
  }
  if (inode !== undefined) links.set(inode, target);
  await writer.copy(target, source, await metaFor(copying, source));
}

async function metaFor({ query, target }: Copying, source: Found): ReturnType<typeof metaOfFound> {
  const meta = await metaOfFound(source);
  const owner = target.owner ?? (query.origin.isContext ? { uid: 0, gid: 0 } : meta);
  const mode =
    target.mode && !source.stats.isSymbolicLink() ? target.mode(meta.mode, source.stats.isDirectory()) : meta.mode;
  // AWS: the classic builder drops set-id bits of a context's files.
  const isDropped = query.style === "classic" && query.origin.isContext && source.stats.isFile();
  return { ...meta, uid: owner.uid, gid: owner.gid, mode: isDropped ? mode & 0o1777 : mode };
}

const notAFolder = ({ style, keyword }: SourceQuery, path: string): string =>
  style === "buildkit"
    ? `cannot copy to non-directory: ${enginePath(path)}`
    : `${keyword} failed: cannot copy to non-directory: /${path}`;

const aFolder = ({ style, keyword }: SourceQuery, path: string): string =>
  style === "buildkit"
    ? `cannot replace to directory ${enginePath(path)} with file`
    : `${keyword} failed: cannot overwrite directory /${path} with non-directory`;

/** BuildKit's text has the path of its snapshot, which is docker's data folder. */
export const enginePath = (path: string): string => `/var/lib/docker/overlay2/kiln/merged/${path}`;
