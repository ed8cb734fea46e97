/**
 * Caches in a bucket, as the service role: looked up by key, then by the beginnings that `fallback-keys` give, newest first.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/userguide/caching-s3.html (keys, versions, sharing).
 * AWS does not publish where its objects lie. Kiln's: `<prefix>/kiln-cache/<owner>/<version>/<name>.tar.gz`, where the owner
 * is the `cacheNamespace` of a keyed cache or else the project with the number of its invalidations, the version is the
 * hash of the paths, and the name is `project` or `key-` with the key (URL-encoded, so that beginnings stay beginnings).
 */
import type { AwsCaller } from "../../../core/aws.ts";
import { AwsError } from "../../../core/errors.ts";
import { heldChunks } from "../../../core/held-path.ts";
import type { BuildRequest } from "../build-request.ts";
import type { OwnFiles } from "../own-files.ts";
import { isNoSuchKey } from "../s3-failure.ts";
import { bucketAndPrefix, keyOfParts } from "../s3-location.ts";

export interface FoundCache {
  /** Absent for a project's one cache. */
  readonly matchedKey?: string;
  readonly body: AsyncIterable<Uint8Array>;
}

const SUFFIX = ".tar.gz";

export class S3Cache {
  readonly #role: AwsCaller;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #key: string | undefined;

  constructor(
    role: AwsCaller,
    request: Pick<BuildRequest, "cache" | "projectName" | "scope">,
    input: { readonly version: string; readonly key: string | undefined },
  ) {
    const { cache, projectName } = request;
    const { bucket, prefix } = bucketAndPrefix(cache.location ?? "");
    const isShared = input.key !== undefined && (cache.cacheNamespace ?? "") !== "";
    const owner = isShared
      ? `namespace-${encodeURIComponent(cache.cacheNamespace ?? "")}`
      : `project-${projectName}-${cache.generation ?? 0}`;
    this.#role = role;
    this.#bucket = bucket;
    this.#prefix = `${keyOfParts(prefix, "kiln-cache", owner, input.version)}/`;
    this.#key = input.key;
  }

  /** The newest fitting cache. Throws AwsError; `NoSuchKey` when there is none and nothing else to look for. */
  async find(fallbackKeys: readonly string[]): Promise<FoundCache | undefined> {
    if (this.#key === undefined) return { body: await this.#get(this.#objectKey(undefined)) };
    try {
      return { matchedKey: this.#key, body: await this.#get(this.#objectKey(this.#key)) };
    } catch (error) {
      if (!isNoSuchKey(error)) throw error;
    }
    for (const beginning of fallbackKeys) {
      const objectKey = await this.#newest(this.#objectKey(beginning).slice(0, -SUFFIX.length));
      if (objectKey !== undefined) return { matchedKey: this.#keyOf(objectKey), body: await this.#get(objectKey) };
    }
    return undefined;
  }

  /** True when the key is taken: a keyed cache is never written again. Unknown counts as free. */
  async isTaken(): Promise<boolean> {
    if (this.#key === undefined) return false;
    try {
      await this.#role.call("s3", "HeadObject", { Bucket: this.#bucket, Key: this.#objectKey(this.#key) });
      return true;
    } catch {
      return false;
    }
  }

  /** Stores an archive. False when another build was first with this key. Throws AwsError. */
  async put(archivePath: string, own: OwnFiles, metadata: Readonly<Record<string, string>>): Promise<boolean> {
    const archive = own.file(archivePath);
    try {
      await this.#role.call("s3", "PutObject", {
        Bucket: this.#bucket,
        Key: this.#objectKey(this.#key),
        Body: heldChunks(archive),
        ContentLength: archive.stats.size,
        Metadata: metadata,
        ...(this.#key === undefined ? {} : { IfNoneMatch: "*" }),
      });
      return true;
    } catch (error) {
      if (error instanceof AwsError && error.code === "PreconditionFailed") return false;
      throw error;
    } finally {
      archive.close();
    }
  }

  async #get(objectKey: string): Promise<AsyncIterable<Uint8Array>> {
    const { Body } = await this.#role.call<{ Body: AsyncIterable<Uint8Array> }>("s3", "GetObject", {
      Bucket: this.#bucket,
      Key: objectKey,
    });
    return Body;
  }

  async #newest(beginning: string): Promise<string | undefined> {
    let newest: { key: string; atMs: number } | undefined;
    let token: string | undefined;
    do {
      const page: ListAnswer = await this.#role.call<ListAnswer>("s3", "ListObjectsV2", {
        Bucket: this.#bucket,
        Prefix: beginning,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      for (const { Key, LastModified } of page.Contents ?? []) {
        const atMs = Number(LastModified ?? 0);
        if (Key?.endsWith(SUFFIX) && (!newest || atMs > newest.atMs)) newest = { key: Key, atMs };
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
    return newest?.key;
  }

  #objectKey(key: string | undefined): string {
    return `${this.#prefix}${key === undefined ? "project" : `key-${encodeURIComponent(key)}`}${SUFFIX}`;
  }

  #keyOf(objectKey: string): string {
    return decodeURIComponent(objectKey.slice(`${this.#prefix}key-`.length, -SUFFIX.length));
  }
}

interface ListAnswer {
  readonly Contents?: readonly { readonly Key?: string; readonly LastModified?: number }[];
  readonly IsTruncated?: boolean;
  readonly NextContinuationToken?: string;
}
