/**
 * `docker cp` and `docker export`: files out of and into containers, running or not.
 * Paths are resolved inside the container; nothing leads out of it.
 * Source: https://docs.docker.com/reference/api/engine/version/v1.43/ (ContainerArchive, PutContainerArchive)
 */
import { readlink } from "node:fs/promises";
import { posix } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { decompressed } from "../../../images/layer-store.ts";
import { LayerWriter, PathEscape } from "../../../images/layer-writer.ts";
import type { Found, LayeredRoot } from "../../../images/layered-root.ts";
import { TarError } from "../../../images/tar.ts";
import { type ApiCall, ApiError, type ApiRoute, isOn, notDone, sendNothing } from "../api.ts";
import type { Container } from "./container.ts";
import { withRoot } from "./container-root.ts";
import { requestedContainer } from "./requested-container.ts";
import { goMode, packTree, unpackBelow } from "./tree-tar.ts";

/** The path asked for, from the root; a trailing slash or dot says "the folder itself, not a link to it". */
function askedPath(query: URLSearchParams): { path: string; asFolder: boolean; isContents: boolean } {
  const text = query.get("path") ?? "";
  if (text === "") throw new ApiError(400, "bad parameter: path cannot be empty");
  const path = posix.join("/", text).replace(/(.)\/+$/, "$1");
  return { path, asFolder: /\/\.?$/.test(text), isContents: /\/\.$/.test(text) };
}

async function requireFile(root: LayeredRoot, container: Container, query: URLSearchParams): Promise<Found> {
  const { path, asFolder } = askedPath(query);
  const { found } = await root.resolve(path, { followLast: asFolder });
  if (!found || (asFolder && !found.stats.isDirectory()))
    throw new ApiError(404, `Could not find the file ${query.get("path")} in container ${container.id}`);
  return found;
}

async function statHeader(root: LayeredRoot, found: Found, path: string): Promise<string> {
  const target = found.stats.isSymbolicLink() ? await readlink(found.hostPath) : undefined;
  // Resolved, and from the root, as the client goes on with it.
  const linkTarget =
    target === undefined ? "" : `/${(await root.resolve(posix.resolve(posix.dirname(path), target))).path}`;
  const stat = {
    name: posix.basename(path) || "/",
    size: found.stats.size,
    mode: goMode(found.stats),
    mtime: new Date(found.stats.mtimeMs).toISOString(),
    linkTarget,
  };
  return Buffer.from(JSON.stringify(stat)).toString("base64");
}

async function read(call: ApiCall): Promise<void> {
  const { context, query, response, incoming } = call;
  const container = requestedContainer(call);
  await withRoot(context, container, async ({ root }) => {
    const found = await requireFile(root, container, query);
    const { path, isContents } = askedPath(query);
    response.setHeader("x-docker-container-path-stat", await statHeader(root, found, path));
    response.writeHead(200, { "content-type": "application/x-tar" });
    if (incoming.method === "HEAD") {
      response.end();
      return;
    }
    const name = isContents ? "." : posix.basename(path) || "/";
    const tar = packTree(root, found, name === "/" ? "." : name, { oneFileSystem: false });
    await pipeline(Readable.from(tar, { objectMode: false }), response);
  });
}

async function write(call: ApiCall): Promise<void> {
  const { context, query, incoming, response } = call;
  const container = requestedContainer(call);
  if (container.spec.isReadOnly) throw new ApiError(403, "container rootfs is marked read-only");
  const keepsKind = isOn(query, "noOverwriteDirNonDir");
  await withRoot(context, container, async ({ dir, root }) => {
    if (dir === undefined) throw notDone("`docker cp` into a container on a machine without namespaces");
    const { path } = askedPath(query);
    const { found, path: base } = await root.resolve(path);
    if (!found) throw new ApiError(404, `Could not find the file ${query.get("path")} in container ${container.id}`);
    if (!found.stats.isDirectory()) throw new ApiError(400, "extraction point is not a directory");
    const check = async (at: string, isFolder: boolean): Promise<void> => {
      const there = await root.lookup(at);
      if (!keepsKind || !there || there.stats.isDirectory() === isFolder) return;
      const [one, other] = isFolder ? ["directory", "non-directory"] : ["non-directory", "directory"];
      throw new ApiError(400, `cannot overwrite ${other} with ${one} ${at}`);
    };
    try {
      await unpackBelow(
        new LayerWriter(dir, [], Math.floor(context.clock.nowMs() / 1000)),
        decompressed(incoming),
        base,
        check,
      );
    } catch (error) {
      if (error instanceof TarError || error instanceof PathEscape) throw new ApiError(400, error.message);
      if ((error as NodeJS.ErrnoException).code === "EROFS")
        throw new ApiError(403, "mounted volume is marked read-only");
      throw error;
    }
  });
  sendNothing(response, 200);
}

async function exportAll(call: ApiCall): Promise<void> {
  const { context, response } = call;
  const container = requestedContainer(call);
  await withRoot(context, container, async ({ root }) => {
    const { found } = await root.resolve("/");
    if (!found) throw new ApiError(404, "the container has no files");
    response.writeHead(200, { "content-type": "application/x-tar" });
    await pipeline(Readable.from(packTree(root, found, "", { oneFileSystem: true }), { objectMode: false }), response);
  });
}

export const archiveRoutes: readonly ApiRoute[] = [
  { method: "GET", pattern: /^\/containers\/([^/]+)\/archive$/, handle: read },
  { method: "HEAD", pattern: /^\/containers\/([^/]+)\/archive$/, handle: read },
  { method: "PUT", pattern: /^\/containers\/([^/]+)\/archive$/, handle: write },
  { method: "GET", pattern: /^\/containers\/([^/]+)\/export$/, handle: exportAll },
];
