/**
 * COPY and ADD of local files: which files a source means, where they go, and what they hash to for the build cache.
 * Sources and destinations are resolved inside their roots only (layered-root.ts, layer-writer.ts).
 * Source: https://docs.docker.com/reference/dockerfile/#copy . Gap: ADD of URLs and git repositories is refused by name.
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readlink } from "node:fs/promises";
import { decompressed } from "../../../images/layer-store.ts";
import { type FileOwner, type LayerWriter, metaOf } from "../../../images/layer-writer.ts";
import { components, type Found, type LayeredRoot } from "../../../images/layered-root.ts";
import { readTar } from "../../../images/tar.ts";
import { subordinateIds } from "../../../images/user-namespace.ts";
import { type IgnoreRules, matcher } from "./ignore-file.ts";

export interface CopySource {
  readonly root: LayeredRoot;
  /** Undefined for another stage or image. */
  readonly ignore: IgnoreRules | undefined;
  readonly isContext: boolean;
}

export interface CopyRequest {
  readonly keyword: "COPY" | "ADD";
  readonly source: CopySource;
  readonly patterns: readonly string[];
  /** Absolute or relative to `workingDirectory`. */
  readonly destination: string;
  readonly workingDirectory: string;
  /** Undefined: root for the context, the source's owner for stages. */
  readonly owner: FileOwner | undefined;
  /** Octal `--chmod`. */
  readonly mode: number | undefined;
}

/** A COPY that cannot be done, with docker's text. */
export class CopyError extends Error {
  override readonly name = "CopyError";
}

/** The entries the patterns mean, in the order written. */
export async function findSources(request: CopyRequest): Promise<Found[]> {
  const { keyword, source, patterns } = request;
  const found: Found[] = [];
  for (const pattern of patterns) {
    if (/^(https?|ftp):\/\//.test(pattern) || /^git@|\.git(#|$)/.test(pattern)) {
      throw new CopyError(
        `${keyword} failed: kiln's embedded builder does not fetch \`${pattern}\`; download it before the build and ${keyword} the file`,
      );
    }
    if (escapes(pattern))
      throw new CopyError(`${keyword} failed: forbidden path outside the build context: ${pattern} ()`);
    if (/[*?[]/.test(pattern)) {
      found.push(...(await expand(source, pattern)));
      continue;
    }
    const entry = (await source.root.resolve(pattern)).found;
    if (!entry || source.ignore?.isIgnored(components(pattern).join("/"))) {
      const shown = components(pattern).join("/") || pattern;
      throw new CopyError(
        source.isContext
          ? `${keyword} failed: file not found in build context or excluded by .dockerignore: stat ${shown}: file does not exist`
          : `${keyword} failed: stat ${shown}: file does not exist`,
      );
    }
    found.push(entry);
  }
  if (found.length === 0) throw new CopyError(`${keyword} failed: no source files were specified`);
  return found;
}

/** Changes when names, modes, targets or bytes change; not with times, as docker's cache. */
export async function hashSources(request: CopyRequest, sources: readonly Found[]): Promise<string> {
  const hash = createHash("sha256");
  const visit = async (entry: Found, name: string): Promise<void> => {
    if (request.source.ignore?.isIgnored(entry.path) && entry.path !== "") {
      if (!entry.stats.isDirectory() || !request.source.ignore.hasExceptions) return;
    }
    const { mode, uid, gid } = metaOf(entry.stats, await subordinateIds());
    hash.update(JSON.stringify([name, mode, request.source.isContext ? 0 : uid, request.source.isContext ? 0 : gid]));
    if (entry.stats.isDirectory()) {
      for (const child of await request.source.root.list(entry)) await visit(child, `${name}/${baseName(child.path)}`);
    } else if (entry.stats.isSymbolicLink()) {
      hash.update(`->${await readlink(entry.hostPath)}`);
    } else if (entry.stats.isFile()) {
      hash.update(`${entry.stats.size}:`);
      for await (const chunk of createReadStream(entry.hostPath, { highWaterMark: 256 * 1024 }))
        hash.update(chunk as Buffer);
    }
  };
  for (const entry of sources) await visit(entry, baseName(entry.path));
  return hash.digest("hex");
}

/** Puts the sources into the layer. */
export async function copySources(
  request: CopyRequest,
  sources: readonly Found[],
  writer: LayerWriter,
  signal: AbortSignal,
): Promise<void> {
  const { keyword } = request;
  const written = request.destination;
  const destination = written.startsWith("/") ? written : `${request.workingDirectory}/${written}`;
  const endsAsFolder = /(^|\/)\.?\.?$|\/$/.test(written);
  if (sources.length > 1 && !endsAsFolder) {
    throw new CopyError(
      `When using ${keyword} with more than one source file, the destination must be a directory and end with a /`,
    );
  }
  const target = await writer.root.resolve(destination);
  const owner = request.owner ?? { uid: 0, gid: 0 };
  const isFolder = endsAsFolder || target.found?.stats.isDirectory() === true;
  for (const source of sources) {
    signal.throwIfAborted();
    if (source.stats.isDirectory()) {
      if (target.found && !target.found.stats.isDirectory())
        throw new CopyError(`${keyword} failed: cannot copy to non-directory: /${target.path}`);
      if (target.path !== "") await writer.folder(target.path, owner);
      await copyFolder(request, source, target.path, writer, signal);
    } else if (keyword === "ADD" && source.stats.isFile() && (await archiveKind(source.hostPath)) !== undefined) {
      if (target.path !== "") await writer.folder(target.path, owner);
      await unpackArchive(source.hostPath, target.path, writer);
    } else {
      const path = isFolder ? join(target.path, baseName(source.path)) : target.path;
      await copyOne(request, source, path, owner, writer);
    }
  }
  await writer.finish();
}

async function copyFolder(
  request: CopyRequest,
  folder: Found,
  path: string,
  writer: LayerWriter,
  signal: AbortSignal,
): Promise<void> {
  for (const entry of await request.source.root.list(folder)) {
    signal.throwIfAborted();
    const ignored = request.source.ignore?.isIgnored(entry.path) ?? false;
    const target = join(path, baseName(entry.path));
    if (entry.stats.isDirectory()) {
      if (ignored && !request.source.ignore?.hasExceptions) continue;
      if (!ignored) {
        const resolved = (await writer.root.resolve(target)).path;
        const meta = metaOf(entry.stats, await subordinateIds());
        await writer.folderMeta(resolved, { ...meta, ...ownerFor(request, meta), mode: request.mode ?? meta.mode });
        await copyFolder(request, entry, resolved, writer, signal);
      } else {
        await copyFolder(request, entry, target, writer, signal);
      }
    } else if (!ignored) {
      await copyOne(request, entry, target, { uid: 0, gid: 0 }, writer);
    }
  }
}

async function copyOne(
  request: CopyRequest,
  source: Found,
  path: string,
  parentOwner: FileOwner,
  writer: LayerWriter,
): Promise<void> {
  if (!source.stats.isFile() && !source.stats.isSymbolicLink()) return;
  const parent = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
  if (parent !== "") await writer.folder(parent, parentOwner);
  const existing = await writer.root.resolve(path);
  if (existing.found?.stats.isDirectory()) {
    throw new CopyError(`${request.keyword} failed: cannot overwrite directory /${existing.path} with non-directory`);
  }
  const meta = metaOf(source.stats, await subordinateIds());
  const target = source.stats.isSymbolicLink() ? path : existing.path;
  await writer.copy(target, source, { ...meta, ...ownerFor(request, meta), mode: request.mode ?? meta.mode });
}

const ownerFor = (request: CopyRequest, meta: FileOwner): FileOwner =>
  request.owner ?? (request.source.isContext ? { uid: 0, gid: 0 } : { uid: meta.uid, gid: meta.gid });

/** Entries a pattern with wildcards means, sorted. */
async function expand(source: CopySource, pattern: string): Promise<Found[]> {
  let current: Found[] = [];
  const root = await source.root.lookup("");
  if (root) current = [root];
  for (const part of components(pattern)) {
    const test = matcher(part.replaceAll("**", "*"));
    const next: Found[] = [];
    for (const folder of current) {
      const resolved = folder.stats.isSymbolicLink() ? (await source.root.resolve(folder.path)).found : folder;
      if (!resolved?.stats.isDirectory()) continue;
      for (const child of await source.root.list(resolved)) if (test.test(baseName(child.path))) next.push(child);
    }
    current = next;
  }
  const kept = current.filter((entry) => !source.ignore?.isIgnored(entry.path));
  const resolved = await Promise.all(
    kept.map(async (entry) => ({ entry, target: await source.root.resolve(entry.path) })),
  );
  // A link that the pattern names is followed, as one named without wildcards.
  return resolved.flatMap(({ entry, target: { found } }) => {
    if (!found) return [];
    return [found.stats.isDirectory() ? found : { ...found, path: entry.path }];
  });
}

function escapes(pattern: string): boolean {
  let depth = 0;
  for (const part of components(pattern)) {
    depth += part === ".." ? -1 : 1;
    if (depth < 0) return true;
  }
  return false;
}

type ArchiveKind = "tar" | "xz" | "bzip2";

/** What ADD unpacks: tar, plain or compressed with gzip, bzip2 or xz, by content and not by name. */
async function archiveKind(path: string): Promise<ArchiveKind | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    if (buffer.subarray(0, 6).equals(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]))) return "xz";
    if (buffer.toString("latin1", 0, 3) === "BZh") return "bzip2";
    if (bytesRead === 512 && buffer.toString("latin1", 257, 262) === "ustar") return "tar";
    if (buffer[0] !== 0x1f || buffer[1] !== 0x8b) return undefined;
  } finally {
    await file.close();
  }
  let head = Buffer.alloc(0);
  try {
    for await (const chunk of decompressed(createReadStream(path))) {
      head = Buffer.concat([head, chunk]);
      if (head.length >= 512) break;
    }
  } catch {
    return undefined;
  }
  return head.toString("latin1", 257, 262) === "ustar" ? "tar" : undefined;
}

async function unpackArchive(path: string, base: string, writer: LayerWriter): Promise<void> {
  const kind = await archiveKind(path);
  const source = kind === "xz" || kind === "bzip2" ? unpacker(kind, path) : createReadStream(path);
  for await (const entry of readTar(decompressed(source))) {
    const target = await writer.inside(entry.name, base);
    if (components(entry.name).length === 0) continue;
    const named =
      entry.type === "hardlink" ? { ...entry, linkName: join(base, components(entry.linkName).join("/")) } : entry;
    await writer.entry(target, named, entry.body, entry);
  }
}

async function* unpacker(tool: "xz" | "bzip2", path: string): AsyncGenerator<Uint8Array> {
  const child = spawn(tool, ["-dc", path], { stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  ended.catch(() => undefined);
  yield* child.stdout;
  if ((await ended) !== 0) throw new CopyError(`ADD failed: \`${tool}\` could not unpack the archive`);
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
const join = (folder: string, name: string): string => (folder === "" ? name : `${folder}/${name}`);
