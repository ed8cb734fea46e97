/**
 * Files from a client's machine: FileSync.DiffCopy of a session. The client walks its folder and tells each entry; then
 * it is asked for the contents of the files. What comes is checked: every path is relative and clean, its parent is a
 * folder told before, so that nothing is ever written through a link or outside of `dir`.
 * Source: https://github.com/tonistiigi/fsutil (types/wire.proto). As context, devices, pipes and sockets are left out.
 */
import { closeSync, fchmodSync, futimesSync, openSync, writeFileSync } from "node:fs";
import {
  chmod,
  type FileHandle,
  link,
  lstat,
  lutimes,
  mkdir,
  open,
  readdir,
  rm,
  symlink,
  utimes,
} from "node:fs/promises";
import { join } from "node:path";
import type { WantedFiles } from "../build/build-request.ts";
import { kindOfGoMode, permissionsOfGoMode } from "./go-file-mode.ts";
import type { ClientCall, Metadata } from "./grpc-client.ts";
import { CODE, GrpcError } from "./grpc-frames.ts";
import { PACKET, Packet, type StatMessage } from "./messages.ts";
import type { ClientSession } from "./sessions.ts";

export const DIFF_COPY = "/moby.filesync.v1.FileSync/DiffCopy";

const MAX_ENTRIES = 2_000_000;
const MAX_PATH_BYTES = 4096;
/** Files asked for and not yet here. */
const MAX_REQUESTED = 128;
const MAX_PENDING_BYTES = 8 * 1024 * 1024;
const FLUSH_BYTES = 1024 * 1024;
const SMALL_FILE_BYTES = 128 * 1024;

/** The client sent what no well-meant client sends. */
class BadTransfer extends GrpcError {
  constructor(problem: string) {
    super(CODE.invalidArgument, `kiln refuses the files that the client sent: ${problem}`);
  }
}

export interface ReceiveRequest {
  readonly session: ClientSession;
  /** The client's name for the folder: `context`, `dockerfile`. */
  readonly name: string;
  readonly wanted: WantedFiles;
  readonly dir: string;
  readonly signal: AbortSignal;
  onProgress(bytes: number): void;
}

/** Brings the wanted files into `dir`. */
export async function receiveFiles(request: ReceiveRequest): Promise<void> {
  const { session, name, wanted, signal } = request;
  if (!session.supports(DIFF_COPY)) throw new GrpcError(CODE.unknown, "no fssync handlers");
  const over = new AbortController();
  const call = session.grpc.open(DIFF_COPY, headersFor(name, wanted), AbortSignal.any([signal, over.signal]));
  const transfer = new Transfer(request, call);
  try {
    await transfer.run();
  } finally {
    over.abort(new Error("the transfer is over"));
    await transfer.release();
  }
}

interface Incoming {
  readonly stat: StatMessage;
  /** Contents not yet written. */
  chunks: Uint8Array[];
  chunkBytes: number;
  handle: FileHandle | undefined;
  /** Writes of one file go one after the other. */
  work: Promise<void>;
}

class Transfer {
  readonly #request: ReceiveRequest;
  readonly #call: ClientCall;
  readonly #kinds = new Map<string, "folder" | "file" | "other">();
  readonly #folders: StatMessage[] = [];
  readonly #hardLinks: StatMessage[] = [];
  readonly #files: { readonly id: number; readonly stat: StatMessage }[] = [];
  readonly #incoming = new Map<number, Incoming>();
  #entries = 0;
  #asked = 0;
  #pendingBytes = 0;
  #receivedBytes = 0;
  #failure: Error | undefined;
  #isRequesting = false;
  /** Nothing was there before. */
  #isFresh = false;

  constructor(request: ReceiveRequest, call: ClientCall) {
    this.#request = request;
    this.#call = call;
  }

  async run(): Promise<void> {
    this.#isFresh = (await readdir(this.#request.dir)).length === 0;
    for await (const bytes of this.#call.messages) {
      const packet = Packet.decode(bytes);
      this.#receivedBytes += bytes.length;
      this.#request.onProgress(this.#receivedBytes);
      if (packet.type === PACKET.error) throw new GrpcError(CODE.unknown, Buffer.from(packet.data).toString("utf8"));
      if (packet.type === PACKET.end) return this.#finish();
      if (packet.type === PACKET.data) await this.#data(packet.id, packet.data);
      else if (packet.type !== PACKET.stat || this.#isRequesting) throw new BadTransfer("a message is out of order");
      else if (packet.stat) await this.#entry(packet.stat);
      else {
        this.#isRequesting = true;
        await this.#ask();
      }
    }
    throw new BadTransfer("they end before the last one");
  }

  /** Closes what a failure left open. */
  async release(): Promise<void> {
    for (const file of this.#incoming.values()) {
      await file.work.catch(() => undefined);
      await file.handle?.close().catch(() => undefined);
    }
  }

  async #entry(stat: StatMessage): Promise<void> {
    const id = this.#entries++;
    if (id >= MAX_ENTRIES) throw new BadTransfer("too many of them");
    checkPath(stat.path);
    const { path, mode } = stat;
    const parent = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
    if (parent !== "" && this.#kinds.get(parent) !== "folder")
      throw new BadTransfer(`\`${path}\` lies in no folder of theirs`);
    if (this.#kinds.has(path)) throw new BadTransfer(`\`${path}\` comes twice`);
    const target = join(this.#request.dir, path);
    const existing = this.#isFresh ? undefined : await lstat(target).catch(() => undefined);
    const kind = kindOfGoMode(mode);
    const isFolder = kind === "directory";
    if (existing && !(isFolder && existing.isDirectory())) await rm(target, { recursive: true });
    if (isFolder) {
      this.#kinds.set(path, "folder");
      this.#folders.push(stat);
      if (!existing?.isDirectory()) await mkdir(target, 0o700);
      else await chmod(target, 0o700);
    } else if (kind === "link") {
      this.#kinds.set(path, "other");
      await symlink(stat.linkname, target);
      await lutimes(target, stat.modTime / 1e9, stat.modTime / 1e9);
    } else if (kind === "special") {
      this.#kinds.set(path, "other");
    } else if (stat.linkname !== "") {
      if (this.#kinds.get(stat.linkname) !== "file") throw new BadTransfer(`\`${path}\` links to no file of theirs`);
      this.#kinds.set(path, "file");
      this.#hardLinks.push(stat);
    } else {
      this.#kinds.set(path, "file");
      this.#files.push({ id, stat });
    }
  }

  /** Asks for as many files as may be under way; tells the client when all are here. */
  async #ask(): Promise<void> {
    while (this.#incoming.size < MAX_REQUESTED && this.#asked < this.#files.length) {
      const file = this.#files[this.#asked++];
      if (!file) break;
      const { id, stat } = file;
      this.#incoming.set(id, { stat, chunks: [], chunkBytes: 0, handle: undefined, work: Promise.resolve() });
      await this.#call.send(Packet.encode({ type: PACKET.request, id: file.id }));
    }
    if (this.#incoming.size === 0) this.#call.end(Packet.encode({ type: PACKET.end }));
  }

  async #data(id: number, data: Uint8Array): Promise<void> {
    const file = this.#incoming.get(id);
    if (!file) throw new BadTransfer("contents nobody asked for");
    if (this.#failure) throw this.#failure;
    if (data.length === 0) {
      if (file.handle || file.chunkBytes > SMALL_FILE_BYTES) await this.#flush(file, true);
      else this.#writeSmall(file);
      this.#incoming.delete(id);
      return this.#ask();
    }
    file.chunks.push(data);
    file.chunkBytes += data.length;
    this.#pendingBytes += data.length;
    if (file.chunkBytes >= FLUSH_BYTES) void this.#flush(file, false).catch(() => undefined);
    if (this.#pendingBytes > MAX_PENDING_BYTES) await this.#flush(file, false);
  }

  /** Without the detour over other threads, which costs more than the writing. */
  #writeSmall({ stat, chunks, chunkBytes }: Incoming): void {
    const seconds = stat.modTime / 1e9;
    // Its own name in a folder of this process's own making: never through a link.
    const descriptor = openSync(join(this.#request.dir, stat.path), "wx", 0o600);
    try {
      if (chunkBytes > 0) writeFileSync(descriptor, chunks.length === 1 ? (chunks[0] ?? "") : Buffer.concat(chunks));
      fchmodSync(descriptor, permissionsOfGoMode(stat.mode));
      futimesSync(descriptor, seconds, seconds);
    } finally {
      closeSync(descriptor);
    }
    this.#pendingBytes -= chunkBytes;
  }

  #flush(file: Incoming, isLast: boolean): Promise<void> {
    const { chunks, chunkBytes } = file;
    file.chunks = [];
    file.chunkBytes = 0;
    file.work = file.work.then(async () => {
      file.handle ??= await open(join(this.#request.dir, file.stat.path), "wx", 0o600);
      for (const chunk of chunks.length > 1 ? [Buffer.concat(chunks)] : chunks) await file.handle.writeFile(chunk);
      this.#pendingBytes -= chunkBytes;
      if (isLast) await this.#close(file, file.handle);
    });
    file.work.catch((error: Error) => {
      this.#failure ??= error;
    });
    return file.work;
  }

  async #close(file: Incoming, handle: FileHandle): Promise<void> {
    const seconds = file.stat.modTime / 1e9;
    await handle.chmod(permissionsOfGoMode(file.stat.mode));
    await handle.utimes(seconds, seconds);
    await handle.close();
    file.handle = undefined;
  }

  async #finish(): Promise<void> {
    if (!this.#isRequesting || this.#incoming.size > 0 || this.#asked < this.#files.length)
      throw new BadTransfer("they end before the last one");
    const { dir } = this.#request;
    for (const { path, linkname } of this.#hardLinks) await link(join(dir, linkname), join(dir, path));
    // Innermost first: a folder's own times change when something is made in it.
    for (const { path, mode, modTime } of this.#folders.reverse()) {
      await chmod(join(dir, path), permissionsOfGoMode(mode));
      await utimes(join(dir, path), modTime / 1e9, modTime / 1e9);
    }
  }
}

/** Relative, without empty parts, `.` and `..`. */
function checkPath(path: string): void {
  const isClean =
    path !== "" &&
    Buffer.byteLength(path) <= MAX_PATH_BYTES &&
    !path.includes("\0") &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
  if (!isClean) throw new BadTransfer(`\`${path.slice(0, 200).replaceAll("\0", "\\0")}\` is no path inside the folder`);
}

function headersFor(name: string, wanted: WantedFiles): Metadata {
  return {
    ...encoded("dir-name", [name]),
    ...encoded("exclude-patterns", wanted.excludes),
    ...encoded("followpaths", wanted.paths ?? []),
  };
}

/** Headers hold ASCII only; other values travel escaped, and a second header says so. */
function encoded(key: string, values: readonly string[]): Metadata {
  if (values.length === 0) return {};
  if (values.every((value) => /^[\x20-\x7e]*$/.test(value) && value.trim() === value)) return { [key]: values };
  const escaped = values.map((value) =>
    encodeURIComponent(value)
      .replaceAll("%20", "+")
      .replace(/[!'()*]/g, percent),
  );
  return { [key]: escaped, [`${key}-encoded`]: "1" };
}

const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
