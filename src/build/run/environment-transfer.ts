/**
 * Files between a build's folders on this machine and an environment that does not share them (a container, on whatever
 * machine its engine is): the sources in before the commands, what artifacts, reports and caches name out afterwards, as
 * one tar each way. In the environment everything belongs to root, as on AWS.
 * Gaps: names that are no UTF-8 are left out; an absolute link of the image leads nowhere on this machine.
 */
import { constants, type Dirent, readFileSync } from "node:fs";
import { lstat, open, readdir, readlink } from "node:fs/promises";
import { basename, join, posix, relative } from "node:path";
import type { EnvironmentFiles, EnvironmentPaths } from "../../engines/engine.ts";
import { readTar, TAR_END, tarHeader, tarPadding } from "../../images/tar.ts";
import { fileBlocks, TreeWriter } from "./archived-files.ts";

/** Smaller files are read at once: most are, and each change of thread costs more than reading them. */
const SMALL_FILE_BYTES = 256 * 1024;
/** Blocks are collected up to this much before they go out. */
const PIECE_BYTES = 256 * 1024;

/** Copies folders of this machine to their places in the environment. Absent ones are skipped. */
export async function sendFolders(
  folders: readonly string[],
  environment: EnvironmentPaths & { readonly files: EnvironmentFiles },
  signal: AbortSignal,
): Promise<void> {
  await environment.files.put(inPieces(blocksOf(folders, environment, signal)), signal);
}

async function* blocksOf(
  folders: readonly string[],
  { toEnvironmentPath }: EnvironmentPaths,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const made = new Set<string>();
  for (const folder of folders) {
    const found = await lstat(folder).catch(() => undefined);
    if (!found) continue;
    const name = toEnvironmentPath(folder).slice(1);
    // The folders above: an engine makes missing ones, with rights of its own choice.
    for (let at = name.indexOf("/"); at > 0; at = name.indexOf("/", at + 1)) {
      const above = name.slice(0, at);
      // Those that every image has stay as they are.
      if (made.has(above) || !above.startsWith("codebuild")) continue;
      made.add(above);
      yield tarHeader({ ...ROOT, name: above, type: "directory", mode: 0o755, sizeBytes: 0, mtimeSeconds: 0 });
    }
    yield* treeBlocks(folder, name, signal);
  }
  yield TAR_END;
}

const ROOT = { uid: 0, gid: 0, linkName: "" } as const;

async function* treeBlocks(path: string, name: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  signal.throwIfAborted();
  const found = await lstat(path).catch(() => undefined);
  if (!found) return;
  const common = { ...ROOT, name, mode: found.mode & 0o777, mtimeSeconds: Math.floor(found.mtimeMs / 1000) };
  if (found.isDirectory()) {
    // On this machine a build's folders are nobody else's; in the environment other users are the build's own.
    yield tarHeader({ ...common, type: "directory", mode: common.mode | 0o055, sizeBytes: 0 });
    const entries: Dirent[] = await readdir(path, { withFileTypes: true });
    for (const entry of entries) {
      if (!entry.name.includes("\ufffd")) yield* treeBlocks(join(path, entry.name), `${name}/${entry.name}`, signal);
    }
  } else if (found.isSymbolicLink()) {
    yield tarHeader({ ...common, type: "symlink", sizeBytes: 0, linkName: await readlink(path) });
  } else if (found.isFile() && found.size <= SMALL_FILE_BYTES) {
    const bytes = readFileSync(path);
    yield tarHeader({ ...common, type: "file", sizeBytes: bytes.length });
    yield bytes;
    yield tarPadding(bytes.length);
  } else if (found.isFile()) {
    yield* fileBlocks(await open(path, constants.O_RDONLY | constants.O_NOFOLLOW), common);
  }
}

/** The same bytes in fewer pieces. */
async function* inPieces(blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  for await (const block of blocks) {
    held.push(block);
    bytes += block.length;
    if (bytes < PIECE_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
}

/**
 * Copies a file or folder of the environment to its place on this machine, which is below `workDir`, in place of what is
 * there. Devices, pipes and sockets stay where they are. Nothing happens where the environment has nothing. `wants` leaves
 * out files by their path below the place. Answers where in the environment links lead.
 */
export async function bringPath(
  environmentPath: string,
  environment: EnvironmentPaths & { readonly files: Pick<EnvironmentFiles, "get"> },
  workDir: string,
  signal: AbortSignal,
  wants: (path: string) => boolean = () => true,
): Promise<string[]> {
  const hostPath = environment.toHostPath(environmentPath);
  const top = relative(workDir, hostPath);
  // The build's secrets may lie elsewhere; nothing reads them there.
  if (top === "" || top.startsWith("..")) return [];
  const archive = await environment.files.get(environmentPath, signal);
  const writer = new TreeWriter(workDir);
  try {
    writer.remove(top);
    return archive ? await unpack(archive, { environmentPath, top, writer, signal, wants }) : [];
  } finally {
    writer.close();
  }
}

async function unpack(
  archive: AsyncIterable<Buffer>,
  input: {
    readonly environmentPath: string;
    readonly top: string;
    readonly writer: TreeWriter;
    readonly signal: AbortSignal;
    readonly wants: (path: string) => boolean;
  },
): Promise<string[]> {
  const { environmentPath, top, writer, signal, wants } = input;
  const links: { path: string; target: string }[] = [];
  const named = basename(environmentPath);
  for await (const entry of readTar(archive)) {
    signal.throwIfAborted();
    const path = placeOf(entry.name, named, top);
    if (path === undefined || (entry.type === "file" && !wants(path.slice(top.length + 1)))) continue;
    if (entry.type === "directory") writer.makeFolder(path);
    else if (entry.type === "symlink") links.push({ path, target: entry.linkName });
    else if (entry.type === "file") await writer.write(path, entry);
    else if (entry.type === "hardlink") {
      const from = placeOf(entry.linkName, named, top);
      if (from !== undefined) await copyWithin(writer, from, path, entry);
    }
  }
  const targets: string[] = [];
  for (const { path, target } of links) {
    const from = posix.dirname(posix.join(posix.dirname(environmentPath), named, path.slice(top.length)));
    const leadsTo = posix.resolve(from, target);
    targets.push(leadsTo);
    // An absolute one means the environment's root, which is nowhere on this machine.
    const isOwn = target.startsWith("/codebuild/");
    writer.link(path, isOwn ? posix.relative(from, leadsTo) || "." : target);
  }
  return targets;
}

/** Below the place of the archive's own root; undefined for a name that leads elsewhere. */
function placeOf(name: string, named: string, top: string): string | undefined {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts[0] !== named || parts.some((part) => part === ".." || part.includes("\0"))) return undefined;
  return [top, ...parts.slice(1)].join("/");
}

/** The second name of a file: a file of its own here. */
async function copyWithin(
  writer: TreeWriter,
  from: string,
  path: string,
  entry: { readonly mode: number; readonly mtimeSeconds: number },
): Promise<void> {
  const handle = await writer.read(from);
  if (!handle) return;
  try {
    const { mode, mtimeSeconds } = entry;
    await writer.write(path, { mode, mtimeSeconds, body: handle.createReadStream({ autoClose: false }) });
  } finally {
    await handle.close();
  }
}
