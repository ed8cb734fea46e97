/**
 * Files between a folder of a build and a tar: written so that what an archive says can neither leave its folder nor be
 * written through a link of the same archive. Used for caches and for what goes into and comes out of a container.
 */
import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, rm, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { tarHeader, tarPadding } from "../../images/tar.ts";

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** The blocks of one file; closes it. */
export async function* fileBlocks(
  handle: FileHandle,
  common: { name: string; mode: number; uid: number; gid: number; mtimeSeconds: number },
): AsyncGenerator<Buffer> {
  try {
    const { size } = await handle.stat();
    yield tarHeader({ ...common, type: "file", sizeBytes: size, linkName: "" });
    let left = size;
    if (size > 0) {
      for await (const chunk of handle.createReadStream({ end: size - 1, autoClose: false })) {
        left -= (chunk as Buffer).length;
        yield chunk as Buffer;
      }
    }
    // A file that became shorter meanwhile: the header has promised its bytes.
    while (left > 0) {
      const zeroes = Buffer.alloc(Math.min(left, 65_536));
      left -= zeroes.length;
      yield zeroes;
    }
    yield tarPadding(size);
  } finally {
    await handle.close();
  }
}

/** False where a link or a folder is in the way. `folders` are known to be folders already. */
export async function writeFileAt(
  root: string,
  path: string,
  entry: { readonly mode: number; readonly mtimeSeconds: number; readonly body: AsyncIterable<Buffer> },
  folders: Set<string>,
): Promise<boolean> {
  if (!(await clearPlace(root, path, folders))) return false;
  const target = join(root, path);
  const handle = await open(target, NEW_FILE, (entry.mode & 0o777) | 0o200);
  try {
    for await (const chunk of entry.body) {
      for (let done = 0; done < chunk.length; ) done += (await handle.write(chunk, done)).bytesWritten;
    }
    await handle.chmod(entry.mode & 0o777);
  } finally {
    await handle.close();
  }
  await utimes(target, entry.mtimeSeconds, entry.mtimeSeconds);
  return true;
}

/** As `writeFileAt`. Links come last: no file of an archive may be written through one. */
export async function makeLinkAt(root: string, path: string, target: string, folders: Set<string>): Promise<boolean> {
  if (target === "" || target.includes("\0") || !(await clearPlace(root, path, folders))) return false;
  await symlink(target, join(root, path));
  return true;
}

/**
 * Makes the folders above a path and takes away what is there; false where a link or a folder is in the way. `folders`
 * are known to be folders already.
 */
async function clearPlace(root: string, path: string, folders: Set<string>): Promise<boolean> {
  let at = root;
  for (const folder of path.split("/").slice(0, -1)) {
    at = join(at, folder);
    if (folders.has(at)) continue;
    const found = await lstat(at).catch(() => undefined);
    if (!found) await mkdir(at);
    else if (!found.isDirectory()) return false;
    folders.add(at);
  }
  const place = join(root, path);
  const found = await lstat(place).catch(() => undefined);
  if (found?.isDirectory()) return false;
  if (found) await rm(place);
  return true;
}
