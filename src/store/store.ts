/**
 * The storage port. Adapter: sqlite-store.ts, on a state folder or in memory; contract.ts is the suite each must pass.
 *
 * Life cycle: opened once by app.ts, `close()` once. Reads are synchronous and see every earlier `write` of this
 * process. `write(fn)` runs `fn` at once, synchronously, inside a transaction; the promise resolves when the
 * transaction is durable on disk (group commit: one fsync for all writes of a turn of the event loop, or of a few). If
 * `fn` throws, its own changes are rolled back, others' stay, and the promise rejects with that error. While another
 * process has the write lock, and during a restore, writes wait without keeping the event loop and run later, in their
 * order. Several processes may open one state folder.
 */

/** Parts of a key, e.g. `["000000000000", "us-east-1", "/my/parameter"]`. Any text may be a part. */
export type Key = readonly string[];

export interface Collection<T> {
  /** The record, frozen: callers share one object. To change a record, put a new one. */
  get(key: Key): T | undefined;
  has(key: Key): boolean;
  /** Records whose key starts with the parts of `prefix`, in key order (bytewise by UTF-8). */
  list(prefix: Key, options?: ListOptions): Entry<T>[];
  /** How many records `list(prefix)` would give. */
  count(prefix: Key): number;
  /** Only inside `Store.write`. The value must be plain JSON. */
  put(key: Key, value: T): void;
  /** Only inside `Store.write`. Absent keys are ignored. */
  delete(key: Key): void;
}

export interface ListOptions {
  readonly reverse?: boolean;
  readonly limit?: number;
  /** Only what comes behind this key, in the direction of travel. */
  readonly after?: Key;
}

export interface Entry<T> {
  readonly key: Key;
  readonly value: T;
}

export interface Store {
  collection<T>(name: string): Collection<T>;
  write<R>(change: () => R): Promise<R>;
  /** Encrypts bytes under the master key (AES-256-GCM); `context` must be given again to `unseal`. Returns base64. */
  seal(plaintext: Uint8Array, context: string): string;
  unseal(sealed: string, context: string): Buffer;
  readonly blobs: BlobStore;
  /** Folder of the state, or undefined in memory. */
  readonly stateDir: string | undefined;
  /**
   * Where files beside the records are kept, as of now: ask each time, a reset or a restore changes it. In memory a
   * temporary folder. Made by who writes into it.
   */
  folder(name: StateFolder): string;
  /**
   * Forgets everything a client could see: records, blobs, uploads, files of `folder`. Durable when it resolves; other
   * processes on the folder see it at their next turn.
   */
  reset(): Promise<void>;
  /** Keeps a copy of the whole state under a name ([A-Za-z0-9._-]{1,64}); replaces an older one of that name. */
  saveSnapshot(name: string): Promise<SnapshotInfo>;
  /** Makes the state what it was, at once for every reader. Rejects for an unknown name with a KilnError. */
  restoreSnapshot(name: string): Promise<void>;
  /** By name. */
  snapshots(): Promise<readonly SnapshotInfo[]>;
  /** Rejects for an unknown name with a KilnError. */
  deleteSnapshot(name: string): Promise<void>;
  /** Waits for pending writes, then releases files. */
  close(): Promise<void>;
}

/**
 * `logs`: files that only ever grow, so that copies of the state share them. `builds` and `artifacts` are copied; `cache`
 * is forgotten by a reset and a restore.
 */
export type StateFolder = "logs" | "builds" | "artifacts" | "cache";

export interface SnapshotInfo {
  readonly name: string;
  readonly createdAtMs: number;
  readonly records: number;
  /** Of records, blobs, uploads and files together. */
  readonly bytes: number;
}

/** Content-addressed bytes: image layers, log archives. A digest is `sha256:<64 hex>` or `sha512:<128 hex>`. */
export interface BlobStore {
  /** Size in bytes, or undefined when absent. */
  size(digest: string): Promise<number | undefined>;
  /** Bytes `[start, end)` of a blob; throws when absent. A blob deleted meanwhile is still read to its end. */
  read(digest: string, range?: { readonly start: number; readonly end: number }): NodeJS.ReadableStream;
  /**
   * The same for whoever is done with each chunk before asking for the next: their memory is used again. Throws at once
   * when the blob is absent. Must be iterated.
   */
  pieces(digest: string, range?: { readonly start: number; readonly end: number }): AsyncGenerator<Uint8Array>;
  /** Starts or resumes an upload of unknown digest; `algorithm` is the one its digest will have (default sha256). */
  upload(id: string, algorithm?: DigestAlgorithm): Promise<BlobUpload>;
  delete(digest: string): Promise<void>;
  /**
   * For the functions given to `Store.write`, which cannot wait: while one runs, no other process is in one. Who links
   * blobs to records with `hasNow` and drops unlinked ones with `deleteNow`, each inside a write, never loses one.
   */
  hasNow(digest: string): boolean;
  deleteNow(digest: string): void;
  /** Ids of uploads that were neither committed nor cancelled, of all processes. */
  uploads(): Promise<readonly string[]>;
}

export type DigestAlgorithm = "sha256" | "sha512";

/** A growing file. Not safe for concurrent use. Survives a restart until `cancel` or `commit`. */
export interface BlobUpload {
  readonly size: number;
  /** When bytes last came, in epoch milliseconds; undefined before the first. */
  readonly modifiedAtMs: number | undefined;
  /** True when its bytes may be a blob already: `publish` was called, `cancel` was not. */
  readonly isPublished: boolean;
  /** Chunks are kept for a moment: their memory must not be used again. */
  append(chunk: AsyncIterable<Uint8Array>): Promise<void>;
  /** The digest of the bytes so far: what `commit` takes when the caller has no digest of its own. */
  digest(algorithm?: DigestAlgorithm): Promise<string>;
  /** Verifies the digest and makes the bytes durable under it; rejects with DigestMismatch and keeps the upload. */
  commit(digest: string): Promise<void>;
  /** Like `commit`, but the upload stays too until `cancel`: a second name of the same bytes, not a copy. */
  publish(digest: string): Promise<void>;
  cancel(): Promise<void>;
}

export class DigestMismatch extends Error {
  override readonly name = "DigestMismatch";
}

/** Bytes came for an upload that is a blob already (`isPublished`): the process that made it one did not get further. */
export class UploadIsWhole extends Error {
  override readonly name = "UploadIsWhole";
}
