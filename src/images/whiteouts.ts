/**
 * What a layer's folder must have on disk for overlayfs and for commands, and Node cannot make: whiteouts (character
 * devices 0:0), the mark of opaque folders and file capabilities (extended attributes). One GNU tar extracts them all.
 * Source: https://docs.kernel.org/filesystems/overlayfs.html#whiteouts-and-opaque-directories
 */
import { spawn } from "node:child_process";
import { createReadStream, lstatSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { LayerContents } from "./layer-store.ts";
import { metaOf } from "./layer-writer.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar.ts";
import { namespaceCommand } from "./user-namespace.ts";

/** Elsewhere than on Linux nothing is mounted, and this does nothing. */
export async function markOnDisk(contents: LayerContents): Promise<void> {
  const withXattrs = [...contents.extras].filter(([, { xattrs, special }]) => xattrs !== undefined && !special);
  const count = contents.whiteouts.size + contents.opaque.size + withXattrs.length;
  if (process.platform !== "linux" || count === 0) return;
  const namespace = await namespaceCommand();
  const overlayXattr = namespace.length === 0 ? "trusted.overlay.opaque" : "user.overlay.opaque";
  const [command = "", ...words] = [...namespace, ...TAR_COMMAND];
  const child = spawn(command, words, { cwd: contents.dir, stdio: ["pipe", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(0, 2000);
  });
  child.stdin.on("error", () => undefined);
  const ended = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  Readable.from(archive(), { objectMode: false }).pipe(child.stdin);
  const code = await ended;
  if (code !== 0) throw new Error(`tar could not mark a layer: ${complaint.trim().split("\n")[0] ?? code}`);

  async function* archive(): AsyncGenerator<Buffer> {
    const marked = (path: string): { name: string; mode: number; uid: number; gid: number; mtimeSeconds: number } => ({
      ...metaOf(lstatSync(join(contents.dir, path))),
      name: path,
    });
    for (const [path, { xattrs = {}, uid, gid }] of withXattrs) {
      const stats = lstatSync(join(contents.dir, path));
      const owner =
        namespace.length > 0 ? {} : { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) };
      const base = { ...marked(path), ...owner, linkName: "", xattrs };
      if (stats.isDirectory()) yield tarHeader({ ...base, type: "directory", sizeBytes: 0 });
      if (!stats.isFile()) continue;
      yield tarHeader({ ...base, type: "file", sizeBytes: stats.size });
      if (stats.size > 0) for await (const chunk of createReadStream(join(contents.dir, path))) yield chunk as Buffer;
      yield tarPadding(stats.size);
    }
    for (const path of [...contents.opaque].filter((folder) => folder !== "")) {
      const xattrs = { [overlayXattr]: "y" };
      yield tarHeader({ ...marked(path), type: "directory", sizeBytes: 0, linkName: "", xattrs });
    }
    for (const path of contents.whiteouts) {
      const device = { major: 0, minor: 0 };
      const base = { name: path, mode: 0, uid: 0, gid: 0, mtimeSeconds: 0, sizeBytes: 0, linkName: "" };
      yield tarHeader({ ...base, type: "character-device", device });
    }
    yield TAR_END;
  }
}

const TAR_COMMAND = [
  ...["tar", "--extract", "--file=-", "--preserve-permissions", "--numeric-owner", "--delay-directory-restore"],
  ...["--xattrs", "--xattrs-include=*"],
];
