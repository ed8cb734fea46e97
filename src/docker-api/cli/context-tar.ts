/** The build context as a tar stream, without what .dockerignore leaves out; the Dockerfile itself always goes along. */
import { createReadStream } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { parseIgnoreFile } from "../../dockerfile/ignore-file.ts";
import { TAR_END, tarHeader, tarPadding } from "../../images/tar.ts";

export async function* contextTar(dir: string, dockerfile: string, outsideDockerfile?: Buffer): AsyncGenerator<Buffer> {
  const read = (name: string): Promise<string | undefined> => readFile(join(dir, name), "utf8").catch(() => undefined);
  const rules = parseIgnoreFile((await read(`${dockerfile}.dockerignore`)) ?? (await read(".dockerignore")) ?? "");
  const always = new Set([dockerfile, ".dockerignore", `${dockerfile}.dockerignore`]);
  const walk = async function* (folder: string): AsyncGenerator<Buffer> {
    for (const name of (await readdir(join(dir, folder))).sort()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const isIgnored = rules.isIgnored(path) && !always.has(path);
      const stats = await lstat(join(dir, path));
      const entry = {
        name: path,
        mode: stats.mode & 0o7777,
        uid: 0,
        gid: 0,
        mtimeSeconds: Math.floor(stats.mtimeMs / 1000),
        sizeBytes: 0,
        linkName: "",
      };
      if (stats.isDirectory()) {
        const holdsDockerfile = dockerfile.startsWith(`${path}/`);
        const holdsWanted = rules.hasExceptions || holdsDockerfile;
        if (!isIgnored || holdsDockerfile) yield tarHeader({ ...entry, type: "directory" });
        if (!isIgnored || holdsWanted) yield* walk(path);
      } else if (isIgnored) {
      } else if (stats.isSymbolicLink()) {
        yield tarHeader({ ...entry, type: "symlink", linkName: await readlink(join(dir, path)) });
      } else if (stats.isFile()) {
        yield tarHeader({ ...entry, type: "file", sizeBytes: stats.size });
        let sent = 0;
        if (stats.size > 0) {
          for await (const chunk of createReadStream(join(dir, path), { end: stats.size - 1 })) {
            sent += (chunk as Buffer).length;
            yield chunk as Buffer;
          }
        }
        if (sent !== stats.size) throw new Error(`${path} changed while it was sent`);
        yield tarPadding(stats.size);
      }
    }
  };
  yield* walk("");
  if (outsideDockerfile) yield* fileEntry(dockerfile, outsideDockerfile);
  yield TAR_END;
}

/** An archive with one file. */
export async function* fileTar(name: string, bytes: Buffer): AsyncGenerator<Buffer> {
  yield* fileEntry(name, bytes);
  yield TAR_END;
}

function* fileEntry(name: string, bytes: Buffer): Generator<Buffer> {
  const entry = { name, type: "file", mode: 0o600, uid: 0, gid: 0, mtimeSeconds: 0, linkName: "" } as const;
  yield tarHeader({ ...entry, sizeBytes: bytes.length });
  yield bytes;
  yield tarPadding(bytes.length);
}
