/**
 * Overlayfs' marks on disk: a deleted path is a character device 0:0, an opaque folder has an extended attribute.
 * Node has neither mknod nor xattrs, so coreutils' `mknod` makes the former and GNU tar reads the latter.
 * Source: https://docs.kernel.org/filesystems/overlayfs.html#whiteouts-and-opaque-directories
 */
import { execFile, spawn } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { lstatOrUndefined } from "./layered-root.ts";
import { readTar } from "./tar.ts";

const run = promisify(execFile);
const BATCH = 200;

/** Makes the devices that a mount of this layer needs. Elsewhere than on Linux nothing is mounted. */
export async function makeWhiteouts(dir: string, paths: readonly string[]): Promise<void> {
  if (process.platform !== "linux") return;
  for (let at = 0; at < paths.length; at += BATCH) {
    const batch = paths.slice(at, at + BATCH).map((path) => join(dir, path));
    for (const path of batch) await mkdir(dirname(path), { recursive: true });
    await run("sh", ["-c", 'for p; do [ -e "$p" ] || mknod "$p" c 0 0 || exit 1; done', "sh", ...batch]);
  }
}

/** Deleted paths and opaque folders of an upper folder that a command has written to. */
export async function readMarks(upper: string): Promise<{ whiteouts: Set<string>; opaque: Set<string> }> {
  const whiteouts = new Set<string>();
  const folders: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(upper, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        folders.push(path);
        await walk(path);
      } else if (entry.isCharacterDevice()) {
        const stats = await lstatOrUndefined(join(upper, path));
        if (stats?.rdev === 0) whiteouts.add(path);
      }
    }
  };
  await walk("");
  return { whiteouts, opaque: await opaqueAmong(upper, folders) };
}

async function opaqueAmong(upper: string, folders: readonly string[]): Promise<Set<string>> {
  const opaque = new Set<string>();
  if (folders.length === 0) return opaque;
  const tar = spawn(
    "tar",
    ["--xattrs", "--xattrs-include=*.overlay.opaque", "--no-recursion", "--null", "-T", "-", "-cf", "-"],
    { cwd: upper, stdio: ["pipe", "pipe", "ignore"] },
  );
  const ended = new Promise<number | null>((resolve, reject) => tar.on("error", reject).on("close", resolve));
  tar.stdin.on("error", () => undefined);
  tar.stdin.end(folders.map((folder) => `./${folder}\0`).join(""));
  for await (const entry of readTar(tar.stdout)) {
    const marked = Object.entries(entry.xattrs).some(
      ([name, value]) => name.endsWith(".overlay.opaque") && value === "y",
    );
    if (marked) opaque.add(entry.name.replace(/^\.\//, ""));
  }
  if ((await ended) !== 0) throw new Error("tar could not read the folders of a layer");
  return opaque;
}
