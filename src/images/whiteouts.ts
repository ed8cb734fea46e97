/**
 * What a layer's folder must have on disk for overlayfs and for commands, and Node cannot make: whiteouts (character
 * devices 0:0), the mark of opaque folders and file capabilities (extended attributes). One GNU tar extracts them all.
 * Source: https://docs.kernel.org/filesystems/overlayfs.html#whiteouts-and-opaque-directories
 */
import { spawn } from "node:child_process";
import { lstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { FileExtras } from "./layer-extras.ts";
import type { LayerContents } from "./layer-store.ts";
import { metaOf } from "./layer-writer.ts";
import { TAR_END, type TarHeaderEntry, tarHeader, tarPadding } from "./tar.ts";
import { namespaceCommand } from "./user-namespace.ts";

/** Elsewhere than on Linux nothing is mounted, and this does nothing. */
export async function markOnDisk(contents: LayerContents): Promise<void> {
  const withXattrs = [...contents.extras].filter(([, { xattrs, special }]) => xattrs !== undefined && !special);
  const count = contents.whiteouts.size + contents.opaque.size + withXattrs.length;
  if (process.platform !== "linux" || count === 0) return;
  const namespace = await namespaceCommand();
  const entries = markEntries(contents, withXattrs, namespace.length > 0);
  const [command = "", ...words] = [...namespace, ...TAR_COMMAND];
  const child = spawn(command, words, { cwd: contents.dir, stdio: ["pipe", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(0, 2000);
  });
  child.stdin.on("error", () => undefined);
  const ended = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  Readable.from(archiveOf(contents.dir, entries), { objectMode: false }).pipe(child.stdin);
  const code = await ended;
  if (code !== 0) throw new Error(`tar could not mark a layer: ${complaint.trim().split("\n")[0] ?? code}`);
}

/** All of it read before anything changes: folders first, whose times tar sets last. */
function markEntries(
  { dir, whiteouts, opaque }: LayerContents,
  withXattrs: readonly (readonly [string, FileExtras])[],
  inNamespace: boolean,
): TarHeaderEntry[] {
  const onDisk = (
    path: string,
  ): { header: Omit<TarHeaderEntry, "type">; inode: number; isFile: boolean; isFolder: boolean } => {
    const stats = lstatSync(join(dir, path));
    const [isFile, isFolder] = [stats.isFile(), stats.isDirectory()];
    const header = { ...metaOf(stats), name: path, sizeBytes: isFile ? stats.size : 0, linkName: "" };
    return { header, inode: stats.ino, isFile, isFolder };
  };
  const xattrsOf = new Map<string, Record<string, string>>();
  for (const [path, { xattrs = {} }] of withXattrs) xattrsOf.set(path, { ...xattrs });
  const opaqueMark = inNamespace ? "user.overlay.opaque" : "trusted.overlay.opaque";
  for (const path of opaque) if (path !== "") xattrsOf.set(path, { ...xattrsOf.get(path), [opaqueMark]: "y" });
  const folders = new Set<string>();
  for (const path of [...xattrsOf.keys(), ...whiteouts])
    for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) folders.add(path.slice(0, at));
  const files: TarHeaderEntry[] = [];
  const marked: TarHeaderEntry[] = [];
  // A file that tar writes is a new one: its other names are linked to it again.
  const firstNames = new Map<number, string>();
  for (const path of new Set([...folders, ...xattrsOf.keys()])) {
    const { header, inode, isFile, isFolder } = onDisk(path);
    // tar would follow a link there, to wherever it leads.
    if (folders.has(path) && !isFolder) throw new Error(`a layer's mark below what is no folder: /${path}`);
    const xattrs = xattrsOf.get(path);
    const whole = { ...header, ...(xattrs && { xattrs }) };
    const first = firstNames.get(inode);
    if (isFolder) marked.push({ ...whole, type: "directory" });
    else if (isFile && first !== undefined) files.push({ ...header, sizeBytes: 0, type: "hardlink", linkName: first });
    else if (isFile) files.push({ ...whole, type: "file" });
    firstNames.set(inode, path);
  }
  marked.sort((a, b) => (a.name < b.name ? -1 : 1));
  const gone = [...whiteouts].map((name): TarHeaderEntry => {
    const header = { name, mode: 0, uid: 0, gid: 0, mtimeSeconds: 0, sizeBytes: 0, linkName: "" };
    return { ...header, type: "character-device", device: { major: 0, minor: 0 } };
  });
  return [...marked, ...files, ...gone];
}

async function* archiveOf(dir: string, entries: readonly TarHeaderEntry[]): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    // Read before tar empties the file to write it: the same bytes go back.
    const bytes = entry.type === "file" ? await readFile(join(dir, entry.name)) : Buffer.alloc(0);
    yield Buffer.concat([tarHeader(entry), bytes, tarPadding(bytes.length)]);
  }
  yield TAR_END;
}

const TAR_COMMAND = [
  ...["tar", "--extract", "--file=-", "--preserve-permissions", "--numeric-owner", "--delay-directory-restore"],
  ...["--xattrs", "--xattrs-include=*"],
];
