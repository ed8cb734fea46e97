/** `docker cp`: files between a container and this machine, or a tar on standard input or output. */
import { createReadStream } from "node:fs";
import { lstat, mkdir, readdir, readlink, stat } from "node:fs/promises";
import { basename, dirname, join, posix, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { LayerWriter } from "../../images/layer-writer.ts";
import { readTar, TAR_END, tarHeader, tarPadding } from "../../images/tar.ts";
import { DaemonError } from "./api-client.ts";
import type { CliCommand } from "./cli-command.ts";
import { requireArguments } from "./container-commands.ts";
import { isSet, parseFlags } from "./flags.ts";

interface PathStat {
  readonly name: string;
  readonly mode: number;
  readonly linkTarget: string;
}

const GO_DIRECTORY = 2 ** 31;
const isFolder = (found: PathStat): boolean => found.mode >= GO_DIRECTORY;

/** `container:path`; a path that begins with a dot or slash is this machine's. */
function splitName(text: string): { container: string | undefined; path: string } {
  const at = text.indexOf(":");
  return at <= 0 || /^[./]/.test(text)
    ? { container: undefined, path: text }
    : { container: text.slice(0, at), path: text.slice(at + 1) };
}

export async function cp(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "archive", short: "a", kind: "bool" },
    { name: "follow-link", short: "L", kind: "bool" },
    { name: "quiet", short: "q", kind: "bool" },
  ]);
  requireArguments(parsed, "cp", 2, 2);
  const [from, to] = parsed.rest.map(splitName) as [ReturnType<typeof splitName>, ReturnType<typeof splitName>];
  if (from.container !== undefined && to.container !== undefined)
    throw new Error("copying between containers is not supported");
  if (from.container === undefined && to.container === undefined)
    throw new Error("must specify at least one container source");
  if (from.container !== undefined)
    return copyOut(command, from.container, from.path, to.path, isSet(parsed, "follow-link"));
  return copyIn(command, from.path, to.container ?? "", to.path);
}

const archivePath = (container: string, path: string): string =>
  `/containers/${encodeURIComponent(container)}/archive?${new URLSearchParams({ path: path || "/" })}`;

async function statOf(command: CliCommand, container: string, path: string): Promise<PathStat | undefined> {
  try {
    const response = await command.api.send("HEAD", archivePath(container, path));
    response.resume();
    return JSON.parse(
      Buffer.from(String(response.headers["x-docker-container-path-stat"]), "base64").toString("utf8"),
    ) as PathStat;
  } catch (error) {
    if (error instanceof DaemonError && error.status === 404) return undefined;
    throw error;
  }
}

async function copyOut(
  command: CliCommand,
  container: string,
  path: string,
  to: string,
  follows: boolean,
): Promise<number> {
  let source = path;
  if (follows) {
    const found = await statOf(command, container, path);
    if (found?.linkTarget) source = found.linkTarget;
  }
  const response = await command.api.send("GET", archivePath(container, source));
  if (to === "-") {
    await pipeline(response, command.stdout, { end: false });
    return 0;
  }
  const found = JSON.parse(
    Buffer.from(String(response.headers["x-docker-container-path-stat"]), "base64").toString("utf8"),
  ) as PathStat;
  const target = resolve(command.workingDirectory, to);
  const there = await stat(target).catch(() => undefined);
  if (isFolder(found) && there && !there.isDirectory()) throw new Error(`cannot copy directory`);
  if (!there && !isFolder(found) && to.endsWith("/"))
    throw new Error(`destination directory ${JSON.stringify(to)} must exist`);
  if (!(await stat(dirname(target)).catch(() => undefined)))
    throw new Error(`invalid output path: directory ${JSON.stringify(dirname(to))} does not exist`);
  const isContents = /\/\.$/.test(source);
  // Into a folder that is there, under its own name; else under the name given.
  const isInside = there?.isDirectory() === true;
  const base = isInside ? target : dirname(target);
  const name = isInside ? (isContents ? "" : posix.basename(path)) : basename(target);
  if (!isInside && isFolder(found)) await mkdir(target);
  const writer = new LayerWriter(base, []);
  for await (const entry of readTar(response)) {
    const [, ...inner] = entry.name.replace(/^\.?\//, "./").split("/");
    const rest = isContents ? entry.name.replace(/^\.\/?/, "") : inner.join("/");
    const renamed = [name, rest].filter((part) => part !== "" && part !== ".").join("/");
    if (renamed === "") continue;
    const at = await writer.inside(renamed);
    const link =
      entry.type === "hardlink"
        ? [name, entry.linkName.split("/").slice(1).join("/")].filter((part) => part !== "").join("/")
        : entry.linkName;
    // Owned by whoever copies, as docker does.
    await writer.entry(at, { ...entry, linkName: link }, entry.body, {
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
    });
  }
  await writer.finish();
  return 0;
}

async function copyIn(command: CliCommand, from: string, container: string, path: string): Promise<number> {
  if (from === "-") {
    await put(command, container, path, command.stdin as unknown as AsyncIterable<Uint8Array>);
    return 0;
  }
  const source = resolve(command.workingDirectory, from);
  const stats = await stat(source).catch(() => {
    throw new Error(`lstat ${source}: no such file or directory`);
  });
  const isContents = /(?:^|\/)\.$/.test(from);
  let target = posix.join("/", path || "/");
  let there = await statOf(command, container, target);
  if (there?.linkTarget) {
    target = there.linkTarget;
    there = await statOf(command, container, target);
  }
  if (stats.isDirectory() && there && !isFolder(there)) throw new Error("cannot copy directory");
  if (!there && /\/$/.test(path) && !stats.isDirectory()) throw new Error("no such directory");
  const isInside = there !== undefined && isFolder(there);
  const base = isInside ? target : posix.dirname(target);
  const name = isInside ? (isContents ? "" : basename(source)) : posix.basename(target);
  await put(command, container, base, packed(source, name));
  return 0;
}

async function put(
  command: CliCommand,
  container: string,
  path: string,
  tar: AsyncIterable<Uint8Array>,
): Promise<void> {
  const response = await command.api.send("PUT", `${archivePath(container, path)}&noOverwriteDirNonDir=true`, {
    headers: { "content-type": "application/x-tar" },
    body: Readable.from(tar, { objectMode: false }),
  });
  response.resume();
}

async function* packed(source: string, name: string): AsyncGenerator<Buffer> {
  const pack = async function* (path: string, at: string, follows: boolean): AsyncGenerator<Buffer> {
    const stats = await (follows ? stat(path) : lstat(path));
    const mtimeSeconds = Math.floor(stats.mtimeMs / 1000);
    const base = {
      name: at,
      mode: stats.mode & 0o7777,
      uid: stats.uid,
      gid: stats.gid,
      mtimeSeconds,
      sizeBytes: 0,
      linkName: "",
    };
    if (stats.isDirectory()) {
      if (at !== "") yield tarHeader({ ...base, type: "directory" });
      for (const entry of (await readdir(path)).sort())
        yield* pack(join(path, entry), at === "" ? entry : `${at}/${entry}`, false);
    } else if (stats.isSymbolicLink()) {
      yield tarHeader({ ...base, type: "symlink", linkName: await readlink(path) });
    } else if (stats.isFile()) {
      yield tarHeader({ ...base, type: "file", sizeBytes: stats.size });
      let sent = 0;
      if (stats.size > 0) {
        for await (const chunk of createReadStream(path, { end: stats.size - 1 })) {
          sent += (chunk as Buffer).length;
          yield chunk as Buffer;
        }
      }
      if (sent !== stats.size) throw new Error(`${path} changed while it was sent`);
      yield tarPadding(stats.size);
    }
  };
  yield* pack(source, name, true);
  yield TAR_END;
}
