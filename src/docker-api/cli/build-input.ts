/** What `docker build` sends: the context as an archive (a folder's, or standard input), and secrets. */
import { readFile, stat } from "node:fs/promises";
import { basename, isAbsolute, join, relative, resolve } from "node:path";
import type { CliCommand } from "./cli-command.ts";
import { contextTar, fileTar } from "./context-tar.ts";

export interface BuildInput {
  /** Its name. */
  readonly dockerfile: string;
  /** Of a Dockerfile that is not in the archive. */
  readonly contents?: Buffer;
  readonly tar: AsyncIterable<Uint8Array>;
}

const ARCHIVE_MAGICS: readonly Buffer[] = [
  Buffer.from([0x1f, 0x8b]),
  Buffer.from([0x42, 0x5a, 0x68]),
  Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]),
];
const MAX_SECRET_BYTES = 500 * 1024;

/**
 * For BuildKit a Dockerfile from elsewhere travels beside the archive, and the builder says that one is missing; for the
 * classic builder it is put into the archive.
 */
export async function readBuildInput(
  command: CliCommand,
  path: string,
  file: string | undefined,
  isBuildKit: boolean,
): Promise<BuildInput> {
  if (/^(https?:\/\/|git@|git:\/\/|github\.com\/)/.test(path))
    throw new Error(`kiln's docker does not fetch build contexts: ${path.replace(/\/\/[^/@]*@/, "//")}`);
  if (path === "-") return standardInput(command, file);
  const dir = resolve(command.workingDirectory, path);
  const stats = await stat(dir).catch(() => undefined);
  if (!stats) throw new Error(`unable to prepare context: path "${path}" not found`);
  if (!stats.isDirectory()) throw new Error(`unable to prepare context: context must be a directory: ${dir}`);
  if (file === "-") {
    const text = await wholeInput(command);
    if (isBuildKit) return { dockerfile: "Dockerfile", contents: text, tar: contextTar(dir, "Dockerfile") };
    return { dockerfile: ".dockerfile.stdin", tar: contextTar(dir, ".dockerfile.stdin", text) };
  }
  const absolute = resolve(command.workingDirectory, file ?? join(dir, "Dockerfile"));
  const inside = relative(dir, absolute);
  const text = await readFile(absolute).catch(() => undefined);
  if (!text && !isBuildKit)
    throw new Error(
      `unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat ${absolute}: no such file or directory`,
    );
  const isOutside = inside.startsWith("..") || isAbsolute(inside);
  if (!isOutside) return { dockerfile: inside, tar: contextTar(dir, inside) };
  const name = `.dockerfile.${basename(absolute)}`;
  if (!isBuildKit) return { dockerfile: name, tar: contextTar(dir, name, text) };
  return { dockerfile: basename(absolute), ...(text && { contents: text }), tar: contextTar(dir, name) };
}

/** An archive, or a Dockerfile alone. */
async function standardInput(command: CliCommand, file: string | undefined): Promise<BuildInput> {
  const source = (command.stdin as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  for (let next = await source.next(); !next.done; next = await source.next()) {
    head = Buffer.concat([head, next.value]);
    if (head.length >= 512) break;
  }
  const rest = async function* (): AsyncGenerator<Uint8Array> {
    yield head;
    for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
  };
  const isArchive =
    head.toString("latin1", 257, 262) === "ustar" ||
    ARCHIVE_MAGICS.some((magic) => head.subarray(0, magic.length).equals(magic));
  if (isArchive) return { dockerfile: file ?? "Dockerfile", tar: rest() };
  if (file !== undefined) throw new Error("ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles");
  const chunks: Uint8Array[] = [];
  for await (const chunk of rest()) chunks.push(chunk);
  return { dockerfile: "Dockerfile", tar: fileTar("Dockerfile", Buffer.concat(chunks)) };
}

async function wholeInput(command: CliCommand): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of command.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** `--secret id=name,src=file|env=VARIABLE`; values as base64, by id. */
export async function readSecrets(command: CliCommand, given: readonly string[]): Promise<Record<string, string>> {
  const secrets: Record<string, string> = {};
  for (const text of given) {
    const fields = new Map(
      text.split(",").map((part): [string, string] => {
        const at = part.indexOf("=");
        if (at < 0) throw new Error(`failed to parse secret: invalid field '${part}' must be a key=value pair`);
        return [part.slice(0, at).toLowerCase(), part.slice(at + 1)];
      }),
    );
    for (const name of fields.keys())
      if (!["id", "src", "source", "env", "type"].includes(name))
        throw new Error(`failed to parse secret: unexpected key '${name}' in '${name}=${fields.get(name)}'`);
    const id = fields.get("id");
    if (id === undefined || id === "") throw new Error("failed to parse secret: id is required");
    const source = fields.get("src") ?? fields.get("source");
    const variable = fields.get("env") ?? (fields.get("type") === "env" ? source : undefined);
    const isVariable = variable !== undefined || (source === undefined && command.environment[id] !== undefined);
    const value = isVariable
      ? Buffer.from(command.environment[variable ?? id] ?? "")
      : await secretFile(resolve(command.workingDirectory, source ?? id));
    if (value.length > MAX_SECRET_BYTES) throw new Error(`invalid secret size ${value.length}: ${id}`);
    secrets[id] = value.toString("base64");
  }
  return secrets;
}

async function secretFile(path: string): Promise<Buffer> {
  return readFile(path).catch(() => {
    throw new Error(`failed to stat ${path}: stat ${path}: no such file or directory`);
  });
}
