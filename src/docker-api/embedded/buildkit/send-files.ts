/**
 * Results to the client's machine: FileSend.DiffCopy of a session. A folder goes as fsutil's packets (every entry told,
 * contents sent when the client asks for them), an archive as plain bytes.
 * Source: https://github.com/tonistiigi/fsutil (types/wire.proto). Gaps: extended attributes; hard links go as files.
 */
import { createReadStream } from "node:fs";
import { readlink } from "node:fs/promises";
import type { Image } from "../../../images/image.ts";
import type { LayerStore } from "../../../images/layer-store.ts";
import { type FileMeta, metaOf } from "../../../images/layer-writer.ts";
import type { Found, LayeredRoot } from "../../../images/layered-root.ts";
import { TAR_END, tarHeader, tarPadding } from "../../../images/tar.ts";
import { subordinateIds } from "../../../images/user-namespace.ts";
import { refused } from "./build-options.ts";
import { goModeOf } from "./go-file-mode.ts";
import type { ClientCall } from "./grpc-client.ts";
import { CODE, GrpcError } from "./grpc-frames.ts";
import { BytesMessage, PACKET, Packet, type StatMessage } from "./messages.ts";
import type { ClientSession } from "./sessions.ts";

const DIFF_COPY = "/moby.filesync.v1.FileSend/DiffCopy";
/** Clients read messages of up to 4 MiB. */
const CHUNK_BYTES = 256 * 1024;

export interface SendTarget {
  readonly session: ClientSession;
  /** Which of the client's outputs, in its order. */
  readonly exporterId: number;
  readonly signal: AbortSignal;
}

function openCall({ session, exporterId, signal }: SendTarget): ClientCall {
  if (!session.supports(DIFF_COPY)) throw refused("an output that the client has no place for");
  return session.grpc.open(DIFF_COPY, { "buildkit-attachable-exporter-id": String(exporterId) }, signal);
}

/** Waits until the client has written everything. */
async function ended(call: ClientCall): Promise<void> {
  while (!(await call.messages.next()).done);
}

/** Writes an archive to the client's file or standard output. */
export async function sendBytes(
  target: SendTarget,
  source: AsyncIterable<Uint8Array>,
  onProgress: (bytes: number) => void,
): Promise<void> {
  const call = openCall(target);
  try {
    let sent = 0;
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length; at += CHUNK_BYTES)
        await call.send(BytesMessage.encode({ data: chunk.subarray(at, at + CHUNK_BYTES) }));
      sent += chunk.length;
      onProgress(sent);
    }
    call.end();
    await ended(call);
  } finally {
    call.cancel();
  }
}

/** Writes an image's files into the client's folder. */
export async function sendFolder(
  target: SendTarget,
  store: LayerStore,
  image: Image,
  onProgress: (bytes: number) => void,
): Promise<void> {
  const call = openCall(target);
  try {
    const files = new Map<number, Found>();
    let count = 0;
    for await (const entry of walk(store.root(image.layers))) {
      const id = count++;
      if (entry.found.stats.isFile()) files.set(id, entry.found);
      await call.send(Packet.encode({ type: PACKET.stat, stat: await statOf(entry) }));
    }
    await call.send(Packet.encode({ type: PACKET.stat }));
    let sent = 0;
    for await (const bytes of call.messages) {
      const packet = Packet.decode(bytes);
      if (packet.type === PACKET.error) throw new GrpcError(CODE.unknown, Buffer.from(packet.data).toString("utf8"));
      if (packet.type === PACKET.end) {
        call.end(Packet.encode({ type: PACKET.end }));
        return await ended(call);
      }
      const found = packet.type === PACKET.request ? files.get(packet.id) : undefined;
      if (!found) throw new GrpcError(CODE.invalidArgument, "the client asks for a file that there is not");
      for await (const chunk of createReadStream(found.hostPath, { highWaterMark: CHUNK_BYTES })) {
        await call.send(Packet.encode({ type: PACKET.data, id: packet.id, data: chunk as Buffer }));
        sent += (chunk as Buffer).length;
        onProgress(sent);
      }
      await call.send(Packet.encode({ type: PACKET.data, id: packet.id }));
    }
    throw new GrpcError(CODE.unavailable, "the client stopped reading the files");
  } finally {
    call.cancel();
  }
}

/** The files of an image as one tar archive. */
export async function* rootfsTar(store: LayerStore, image: Image): AsyncGenerator<Buffer> {
  for await (const { found, meta, linkName } of walk(store.root(image.layers))) {
    const { stats, path: name } = found;
    const common = { name, ...meta, linkName, sizeBytes: 0 };
    if (stats.isDirectory()) yield tarHeader({ ...common, type: "directory" });
    else if (stats.isSymbolicLink()) yield tarHeader({ ...common, type: "symlink" });
    else if (stats.isFile()) {
      yield tarHeader({ ...common, type: "file", sizeBytes: stats.size });
      for await (const chunk of createReadStream(found.hostPath)) yield chunk as Buffer;
      yield tarPadding(stats.size);
    }
  }
  yield TAR_END;
}

interface Entry {
  readonly found: Found;
  readonly meta: FileMeta;
  readonly linkName: string;
}

/** Folders before what is in them, names bytewise: the order that fsutil's receiver wants. */
async function* walk(root: LayeredRoot): AsyncGenerator<Entry> {
  const ids = await subordinateIds();
  const inside = async function* (folder: Found): AsyncGenerator<Entry> {
    for (const found of await root.list(folder)) {
      const { stats } = found;
      if (!stats.isDirectory() && !stats.isFile() && !stats.isSymbolicLink()) continue;
      const linkName = stats.isSymbolicLink() ? await readlink(found.hostPath) : "";
      yield { found, meta: metaOf(stats, ids), linkName };
      if (stats.isDirectory()) yield* inside(found);
    }
  };
  const top = await root.lookup("");
  if (top) yield* inside(top);
}

async function statOf({ found, meta, linkName }: Entry): Promise<StatMessage> {
  const { stats, path } = found;
  const kind = stats.isDirectory() ? "directory" : stats.isSymbolicLink() ? "link" : "file";
  return {
    path,
    mode: goModeOf(meta.mode, kind),
    uid: meta.uid,
    gid: meta.gid,
    size: kind === "file" ? stats.size : 0,
    modTime: meta.mtimeSeconds * 1e9,
    linkname: linkName,
  };
}
