/**
 * Which files COPY and ADD mean, and what they hash to for the build cache. Sources are resolved inside their own root only
 * (layered-root.ts): a symbolic link of a context or an image leads nowhere else.
 * Source: https://docs.docker.com/reference/dockerfile/#copy
 */
import { createHash, type Hash } from "node:crypto";
import { closeSync, createReadStream, openSync, readlinkSync, readSync } from "node:fs";
import { globMatcher, type IgnoreRules } from "../../../dockerfile/ignore-file.ts";
import { metaOfFound } from "../../../images/layer-writer.ts";
import { components, type Found, type LayeredRoot } from "../../../images/layered-root.ts";
import type { BuildStyle } from "./build-request.ts";

export interface CopyOrigin {
  readonly root: LayeredRoot;
  /** `.dockerignore` of a context. */
  readonly ignore: IgnoreRules | undefined;
  readonly isContext: boolean;
}

export interface SourceQuery {
  readonly style: BuildStyle;
  readonly keyword: "COPY" | "ADD";
  readonly origin: CopyOrigin;
  readonly patterns: readonly string[];
  /** `--exclude`. */
  readonly exclude: IgnoreRules | undefined;
  /** `--parents`: folders above a source are kept. */
  readonly parents: boolean;
}

export interface CopySource {
  readonly entry: Found;
  /** Where it goes below the destination with `--parents`; else undefined. */
  readonly under: string | undefined;
}

/** A COPY or ADD that cannot be done, with docker's text. */
export class CopyError extends Error {
  override readonly name = "CopyError";
}

/** The entries the patterns mean, in the order written. */
export async function findSources(query: SourceQuery): Promise<CopySource[]> {
  const { keyword, origin, patterns, style } = query;
  const found: CopySource[] = [];
  for (const pattern of patterns) {
    if (style === "classic" && escapes(pattern))
      throw new CopyError(`${keyword} failed: forbidden path outside the build context: ${pattern} ()`);
    const [pivot, inner] = query.parents ? pivotOf(pattern) : ["", pattern];
    const path = clean(`${pivot}/${inner}`);
    const underOf = (entry: Found): string | undefined =>
      query.parents ? parentOf(entry.path.slice(pivot === "" ? 0 : pivot.length + 1)) : undefined;
    if (hasWildcard(path)) {
      for (const entry of await expand(origin, path, query.parents)) found.push({ entry, under: underOf(entry) });
      continue;
    }
    const entry = (await origin.root.resolve(path)).found;
    if (!entry || isLeftOut(origin.ignore, path)) throw new CopyError(missing(query, pattern, path));
    found.push({ entry: query.parents ? { ...entry, path } : entry, under: underOf({ ...entry, path }) });
  }
  // AWS: BuildKit takes a pattern that matches nothing for nothing to do.
  if (found.length === 0 && style === "classic")
    throw new CopyError(`${keyword} failed: no source files were specified`);
  return found;
}

/** An ignored folder may hold what a later line takes back. */
const isLeftOut = (ignore: IgnoreRules | undefined, path: string): boolean =>
  path !== "" && ignore !== undefined && ignore.isIgnored(path) && !ignore.hasExceptions;

function missing({ style, keyword, origin }: SourceQuery, pattern: string, path: string): string {
  if (style === "buildkit")
    return `failed to compute cache key: failed to calculate checksum of ref ${refName(path)}: "/${path}": not found`;
  const shown = components(pattern).join("/") || pattern;
  return origin.isContext
    ? `${keyword} failed: file not found in build context or excluded by .dockerignore: stat ${shown}: file does not exist`
    : `${keyword} failed: stat ${shown}: file does not exist`;
}

/** BuildKit names the snapshot that it looked into; clients print it as it is. */
function refName(text: string): string {
  const digits = BigInt(`0x${createHash("sha256").update(text).digest("hex")}`).toString(36);
  return `${digits.slice(0, 25)}::${digits.slice(25).padEnd(25, "0")}`;
}

/** `dir/./sub/file`: what is before `/./` is no parent to keep. */
function pivotOf(pattern: string): [pivot: string, inner: string] {
  const at = pattern.indexOf("/./");
  return at < 0 ? ["", pattern] : [clean(pattern.slice(0, at)), pattern.slice(at + 3)];
}

/** Changes when names, modes, targets or bytes change; not with times, as docker's cache. */
export async function hashSources(query: SourceQuery, sources: readonly CopySource[]): Promise<string> {
  const hash = createHash("sha256");
  const { origin, exclude } = query;
  const visit = async (entry: Found, name: string, relative: string): Promise<void> => {
    const isOut = entry.path !== "" && (origin.ignore?.isIgnored(entry.path) ?? false);
    if (isOut && !(entry.stats.isDirectory() && origin.ignore?.hasExceptions)) return;
    if (relative !== "" && exclude?.isIgnored(relative) && !exclude.hasExceptions) return;
    const { mode, uid, gid } = await metaOfFound(entry);
    hash.update(JSON.stringify([name, isOut, mode, origin.isContext ? 0 : uid, origin.isContext ? 0 : gid]));
    const extras = entry.layer.extras?.get(entry.path);
    if (extras?.xattrs || extras?.special) hash.update(JSON.stringify([extras.xattrs, extras.special]));
    if (entry.stats.isDirectory()) {
      for (const child of await origin.root.list(entry)) {
        const base = baseName(child.path);
        await visit(child, `${name}/${base}`, join(relative, base));
      }
    } else if (entry.stats.isSymbolicLink()) {
      hash.update(`->${readlinkSync(entry.hostPath)}`);
    } else if (entry.stats.isFile()) {
      hash.update(`${entry.stats.size}:`);
      await hashFile(hash, entry.hostPath, entry.stats.size);
    }
  };
  for (const { entry, under } of sources)
    await visit(entry, `${under ?? ""}/${baseName(entry.path)}`, entry.stats.isDirectory() ? "" : baseName(entry.path));
  return hash.digest("hex");
}

const SMALL_BYTES = 64 * 1024;

async function hashFile(hash: Hash, path: string, sizeBytes: number): Promise<void> {
  if (sizeBytes > SMALL_BYTES) {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) hash.update(chunk as Buffer);
    return;
  }
  const fd = openSync(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(sizeBytes);
    hash.update(bytes.subarray(0, readSync(fd, bytes, 0, sizeBytes, 0)));
  } finally {
    closeSync(fd);
  }
}

/** Entries a pattern with wildcards means, sorted. */
async function expand(origin: CopyOrigin, pattern: string, keepsLinks: boolean): Promise<Found[]> {
  const root = await origin.root.lookup("");
  let current: Found[] = root ? [root] : [];
  for (const part of components(pattern)) {
    const next: Found[] = [];
    for (const folder of current) {
      const resolved = folder.stats.isSymbolicLink() ? (await origin.root.resolve(folder.path)).found : folder;
      if (!resolved?.stats.isDirectory()) continue;
      if (part === "**" && keepsLinks) {
        next.push(folder, ...(await foldersBelow(origin.root, resolved)));
        continue;
      }
      const matches = hasWildcard(part) ? globMatcher(part.replaceAll("**", "*")) : undefined;
      if (matches) {
        for (const child of await origin.root.list(resolved)) if (matches(baseName(child.path))) next.push(child);
      } else {
        const child = await origin.root.lookup(join(resolved.path, part));
        if (child) next.push(child);
      }
    }
    current = next;
  }
  const kept = current.filter((entry) => entry.path === "" || !origin.ignore?.isIgnored(entry.path));
  const entries: Found[] = [];
  for (const entry of kept) {
    // A link that the pattern names is followed, as one named without wildcards.
    const { found } = await origin.root.resolve(entry.path);
    if (found) entries.push(found.stats.isDirectory() && !keepsLinks ? found : { ...found, path: entry.path });
  }
  return entries;
}

async function foldersBelow(root: LayeredRoot, folder: Found): Promise<Found[]> {
  const folders = (await root.list(folder)).filter((entry) => entry.stats.isDirectory());
  const below = await Promise.all(folders.map((entry) => foldersBelow(root, entry)));
  return [...folders, ...below.flat()];
}

const hasWildcard = (text: string): boolean => /[*?[]/.test(text.replace(/\\./g, ""));

function escapes(pattern: string): boolean {
  let depth = 0;
  for (const part of components(pattern)) {
    depth += part === ".." ? -1 : 1;
    if (depth < 0) return true;
  }
  return false;
}

/** Without `.` and empty parts; `..` never leads above the root. */
export function clean(path: string): string {
  const parts: string[] = [];
  for (const part of components(path)) {
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

export const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
export const parentOf = (path: string): string => (path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "");
export const join = (folder: string, name: string): string => (folder === "" ? name : `${folder}/${name}`);
