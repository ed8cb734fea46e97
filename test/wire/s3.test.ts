/** S3 through the unmodified SDK client: path style, chunked bodies, checksums, versions, multipart uploads, errors. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

let kiln: StartedEndpoint;
let s3: S3Client;
let bucket: string;
let number = 0;

beforeAll(async () => {
  kiln = await startEndpoint();
  s3 = new S3Client(clientSettings(kiln.url));
});

afterAll(async () => {
  s3.destroy();
  await kiln.close();
});

beforeEach(async () => {
  bucket = `bucket-${++number}`;
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
});

const put = (Key: string, Body: string | Buffer | Readable, more: object = {}) =>
  s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ...more }));
const get = (Key: string, more: object = {}) => s3.send(new GetObjectCommand({ Bucket: bucket, Key, ...more }));
const textOf = async (Key: string, more: object = {}) => (await get(Key, more)).Body?.transformToString();

/** `status Code: message {elements}` of a call that must fail. */
async function failure(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown as Record<string, unknown> & { $metadata: { httpStatusCode: number } },
  );
  if (!error) throw new Error("the call succeeded");
  return `${error.$metadata?.httpStatusCode} ${error["name"]}: ${error["message"]}`;
}

describe("objects", () => {
  it("puts and gets an object with its headers, metadata and ETag", async () => {
    const stored = await put("a/b.txt", "hello", {
      ContentType: "text/plain",
      CacheControl: "no-store",
      Metadata: { Color: "blue" },
      Tagging: "team=web",
    });
    expect(stored.ETag).toBe('"5d41402abc4b2a76b9719d911017c592"');
    expect(stored.ServerSideEncryption).toBe("AES256");
    expect(stored.ChecksumCRC32).toBe("NhCmhg==");
    expect(stored.VersionId).toBeUndefined();
    const found = await get("a/b.txt");
    expect(await found.Body?.transformToString()).toBe("hello");
    expect(found).toMatchObject({
      ContentLength: 5,
      ContentType: "text/plain",
      CacheControl: "no-store",
      Metadata: { color: "blue" },
      ETag: '"5d41402abc4b2a76b9719d911017c592"',
      AcceptRanges: "bytes",
      TagCount: 1,
      ChecksumCRC32: "NhCmhg==",
      ChecksumType: "FULL_OBJECT",
      ServerSideEncryption: "AES256",
    });
    expect(found.LastModified).toBeInstanceOf(Date);
  });

  it("takes a stream of unknown kind with a trailing checksum", async () => {
    const bytes = Buffer.alloc(3_000_000, "0123456789abcdef");
    const stream = Readable.from([bytes.subarray(0, 1_000_001), bytes.subarray(1_000_001)]);
    const stored = await put("big", stream, { ContentLength: bytes.length });
    expect(stored.ETag).toBe(`"${createHash("md5").update(bytes).digest("hex")}"`);
    expect(stored.ChecksumCRC32).toBeDefined();
    const found = await get("big");
    expect(found.ContentEncoding).toBeUndefined();
    expect(Buffer.from((await found.Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true);
  });

  it.each(["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const)("keeps a %s checksum", async (algorithm) => {
    if (algorithm === "CRC64NVME") {
      await put("sum", "123456789", { ChecksumCRC64NVME: "rosUhgp5mIg=" });
    } else await put("sum", "123456789", { ChecksumAlgorithm: algorithm });
    const found = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: "sum", ChecksumMode: "ENABLED" }));
    const expected = {
      CRC32: "y/Q5Jg==",
      CRC32C: "4waSgw==",
      CRC64NVME: "rosUhgp5mIg=",
      SHA1: createHash("sha1").update("123456789").digest("base64"),
      SHA256: createHash("sha256").update("123456789").digest("base64"),
    };
    expect((found as unknown as Record<string, unknown>)[`Checksum${algorithm}`]).toBe(expected[algorithm]);
  });

  it("gives ranges", async () => {
    const bytes = Buffer.from(Array.from({ length: 400_000 }, (_, i) => i % 251));
    await put("range", bytes);
    for (const [start, end] of [
      [0, 0],
      [131_070, 131_075],
      [262_000, 399_999],
    ] as const) {
      const found = await get("range", { Range: `bytes=${start}-${end}` });
      expect(found.$metadata.httpStatusCode).toBe(206);
      expect(found.ContentRange).toBe(`bytes ${start}-${end}/400000`);
      const part = Buffer.from((await found.Body?.transformToByteArray()) ?? []);
      expect(part.equals(bytes.subarray(start, end + 1))).toBe(true);
    }
    expect((await get("range", { Range: "bytes=-10" })).ContentRange).toBe("bytes 399990-399999/400000");
    expect(await failure(get("range", { Range: "bytes=400000-" }))).toBe(
      "416 InvalidRange: The requested range is not satisfiable",
    );
  });

  it("answers conditional requests", async () => {
    const { ETag = "" } = await put("k", "one");
    expect(await failure(get("k", { IfNoneMatch: ETag }))).toMatch(/^304 /);
    expect(await failure(get("k", { IfMatch: '"other"' }))).toBe(
      "412 PreconditionFailed: At least one of the pre-conditions you specified did not hold",
    );
    expect(await textOf("k", { IfMatch: ETag })).toBe("one");
    expect(await failure(put("k", "two", { IfNoneMatch: "*" }))).toBe(
      "412 PreconditionFailed: At least one of the pre-conditions you specified did not hold",
    );
    await put("k", "two", { IfMatch: ETag });
    expect(await failure(put("k", "three", { IfMatch: ETag }))).toMatch(/^412 /);
    expect(await textOf("k")).toBe("two");
  });

  it("refuses bodies that are not what they are said to be, and keeps nothing of them", async () => {
    expect(
      await failure(put("k", "hello", { ChecksumSHA256: createHash("sha256").update("other").digest("base64") })),
    ).toBe("400 BadDigest: The SHA256 you specified did not match the calculated checksum.");
    expect(await failure(put("k", "hello", { ContentMD5: createHash("md5").update("x").digest("base64") }))).toBe(
      "400 BadDigest: The Content-MD5 you specified did not match what we received.",
    );
    expect(await failure(put("k", "hello", { ContentMD5: "nonsense" }))).toBe(
      "400 InvalidDigest: The Content-MD5 you specified was invalid.",
    );
    expect(await failure(put("k", "hello", { ChecksumCRC32: "nonsense" }))).toBe(
      "400 InvalidRequest: Value for x-amz-checksum-crc32 header is invalid.",
    );
    expect(await failure(get("k"))).toBe("404 NoSuchKey: The specified key does not exist.");
  });

  it("copies within and between buckets", async () => {
    await put("from here+there", "payload", { ContentType: "text/x", Metadata: { a: "1" } });
    const copied = await s3.send(
      new CopyObjectCommand({
        Bucket: bucket,
        Key: "to",
        CopySource: `${bucket}/${encodeURIComponent("from here+there")}`,
      }),
    );
    expect(copied.CopyObjectResult?.ETag).toBe(`"${createHash("md5").update("payload").digest("hex")}"`);
    expect(await get("to")).toMatchObject({ ContentType: "text/x", Metadata: { a: "1" } });
    expect(await textOf("to")).toBe("payload");
    const ontoItself = new CopyObjectCommand({ Bucket: bucket, Key: "to", CopySource: `/${bucket}/to` });
    expect(await failure(s3.send(ontoItself))).toBe(
      "400 InvalidRequest: This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  });

  it("deletes one and many", async () => {
    for (const key of ["a", "b", "c"]) await put(key, key);
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "a" }));
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "never there" }));
    const deleted = await s3.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: "b" }, { Key: "nowhere" }] } }),
    );
    expect(deleted.Deleted).toEqual([{ Key: "b" }, { Key: "nowhere" }]);
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
    expect(Contents?.map(({ Key }) => Key)).toEqual(["c"]);
  });

  it("tags objects", async () => {
    await put("k", "x");
    await s3.send(
      new PutObjectTaggingCommand({ Bucket: bucket, Key: "k", Tagging: { TagSet: [{ Key: "a", Value: "1" }] } }),
    );
    const { TagSet } = await s3.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: "k" }));
    expect(TagSet).toEqual([{ Key: "a", Value: "1" }]);
  });

  it.each([
    "..",
    "a/../b",
    "./x",
    "//double//",
    "nul\u0000byte",
    "ünï/ço∂é 🎉",
    "percent %41 plus+ &=?#",
    "new\nline",
    `${"k".repeat(1024)}`,
  ])("keeps the key %j apart", async (key) => {
    await put(key, `for ${key}`);
    await put("other", "x");
    expect(await textOf(key)).toBe(`for ${key}`);
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, EncodingType: "url" }));
    const keys = Contents?.map(({ Key = "" }) => decodeURIComponent(Key.replaceAll("+", " ")));
    expect(keys?.sort()).toEqual([key, "other"].sort());
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    expect(await failure(get(key))).toMatch(/^404 NoSuchKey/);
  });

  it("refuses a key of 1025 bytes", async () => {
    expect(await failure(put("k".repeat(1025), "x"))).toBe("400 KeyTooLongError: Your key is too long");
  });
});

describe("listings", () => {
  it("lists in byte order, by prefix, delimiter and page", async () => {
    for (const key of ["b", "a/1", "a/2", "a/b/3", "ä", "c/1", "\u{1f389}", "\uffee"]) await put(key, key);
    const list = (more: object) => s3.send(new ListObjectsV2Command({ Bucket: bucket, ...more }));
    const keysOf = (page: { Contents?: { Key?: string | undefined }[] | undefined }) =>
      page.Contents?.map(({ Key }) => Key) ?? [];
    expect(keysOf(await list({}))).toEqual(["a/1", "a/2", "a/b/3", "b", "c/1", "ä", "\uffee", "\u{1f389}"]);
    const rolled = await list({ Delimiter: "/" });
    expect(keysOf(rolled)).toEqual(["b", "ä", "\uffee", "\u{1f389}"]);
    expect(rolled.CommonPrefixes).toEqual([{ Prefix: "a/" }, { Prefix: "c/" }]);
    expect(rolled.KeyCount).toBe(6);
    const below = await list({ Delimiter: "/", Prefix: "a/" });
    expect([keysOf(below), below.CommonPrefixes]).toEqual([["a/1", "a/2"], [{ Prefix: "a/b/" }]]);
    const seen: unknown[] = [];
    for (let token: string | undefined, more = true; more; ) {
      const page = await list({ Delimiter: "/", MaxKeys: 2, ...(token && { ContinuationToken: token }) });
      seen.push(...keysOf(page), ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix));
      expect(page.KeyCount).toBeLessThanOrEqual(2);
      token = page.NextContinuationToken;
      more = page.IsTruncated === true;
    }
    expect(seen.sort()).toEqual(["a/", "c/", "b", "ä", "\uffee", "\u{1f389}"].sort());
    expect(keysOf(await list({ StartAfter: "a/2" }))[0]).toBe("a/b/3");
    expect(await failure(list({ ContinuationToken: "nonsense" }))).toBe(
      "400 InvalidArgument: The continuation token provided is incorrect",
    );
    const old = await s3.send(new ListObjectsCommand({ Bucket: bucket, MaxKeys: 2, Marker: "a/1" }));
    expect([keysOf(old), old.IsTruncated, old.Marker]).toEqual([["a/2", "a/b/3"], true, "a/1"]);
  });
});

describe("versions", () => {
  it("keeps every version behind delete markers", async () => {
    await put("k", "zero");
    await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: "Enabled" } }));
    const one = (await put("k", "one")).VersionId;
    const two = (await put("k", "two")).VersionId;
    const marker = await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "k" }));
    expect(marker.DeleteMarker).toBe(true);
    expect(await failure(get("k"))).toMatch(/^404 NoSuchKey/);
    expect(await textOf("k", { VersionId: one })).toBe("one");
    expect(await textOf("k", { VersionId: "null" })).toBe("zero");
    expect(await failure(get("k", { VersionId: marker.VersionId }))).toBe(
      "405 MethodNotAllowed: The specified method is not allowed against this resource.",
    );
    expect(await failure(get("k", { VersionId: "x".repeat(32) }))).toBe(
      "404 NoSuchVersion: The specified version does not exist.",
    );
    expect(await failure(get("k", { VersionId: "bad id" }))).toBe("400 InvalidArgument: Invalid version id specified");
    const listed = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    expect(listed.Versions?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).toEqual([
      [two, false],
      [one, false],
      ["null", false],
    ]);
    expect(listed.DeleteMarkers?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).toEqual([
      [marker.VersionId, true],
    ]);
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "k", VersionId: marker.VersionId }));
    expect(await textOf("k")).toBe("two");
    expect(await failure(s3.send(new DeleteBucketCommand({ Bucket: bucket })))).toBe(
      "409 BucketNotEmpty: The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
    );
  });
});

describe("multipart uploads", () => {
  it("puts parts together", async () => {
    const parts = [Buffer.alloc(5 * 1024 * 1024, 1), Buffer.alloc(5 * 1024 * 1024 + 7, 2), Buffer.from("end")];
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({ Bucket: bucket, Key: "m", ContentType: "text/m" }),
    );
    const Parts: { PartNumber: number; ETag: string | undefined; ChecksumCRC32: string | undefined }[] = [];
    for (const [index, Body] of parts.entries()) {
      const PartNumber = index * 3 + 1;
      const { ETag, ChecksumCRC32 } = await s3.send(
        new UploadPartCommand({ Bucket: bucket, Key: "m", UploadId, PartNumber, Body }),
      );
      Parts.push({ PartNumber, ETag, ChecksumCRC32 });
    }
    const listed = await s3.send(new ListPartsCommand({ Bucket: bucket, Key: "m", UploadId }));
    expect(listed.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
      [1, 5242880],
      [4, 5242887],
      [7, 3],
    ]);
    const done = await s3.send(
      new CompleteMultipartUploadCommand({ Bucket: bucket, Key: "m", UploadId, MultipartUpload: { Parts } }),
    );
    expect(done.ETag).toMatch(/^"[0-9a-f]{32}-3"$/);
    const whole = Buffer.concat(parts);
    const found = await get("m");
    expect(found.ContentType).toBe("text/m");
    expect(Buffer.from((await found.Body?.transformToByteArray()) ?? []).equals(whole)).toBe(true);
    const across = await get("m", { Range: "bytes=5242878-5242881" });
    expect([...((await across.Body?.transformToByteArray()) ?? [])]).toEqual([1, 1, 2, 2]);
    const second = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: "m", PartNumber: 2 }));
    expect([second.ContentLength, second.PartsCount]).toEqual([5242887, 3]);
    const facts = await s3.send(
      new GetObjectAttributesCommand({
        Bucket: bucket,
        Key: "m",
        ObjectAttributes: ["ETag", "ObjectSize", "ObjectParts"],
      }),
    );
    expect([facts.ObjectSize, facts.ObjectParts?.TotalPartsCount]).toEqual([whole.length, 3]);
    expect(await failure(s3.send(new ListPartsCommand({ Bucket: bucket, Key: "m", UploadId })))).toBe(
      "404 NoSuchUpload: The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    );
  });

  it("refuses what cannot be put together", async () => {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: "m" }));
    const upload = (PartNumber: number, Body: string) =>
      s3.send(new UploadPartCommand({ Bucket: bucket, Key: "m", UploadId, PartNumber, Body }));
    const [one, two] = [await upload(1, "small"), await upload(2, "small too")];
    const complete = (...Parts: { PartNumber: number; ETag: string | undefined }[]) =>
      s3.send(new CompleteMultipartUploadCommand({ Bucket: bucket, Key: "m", UploadId, MultipartUpload: { Parts } }));
    expect(await failure(complete({ PartNumber: 1, ETag: one.ETag }, { PartNumber: 2, ETag: two.ETag }))).toMatch(
      /^400 (?:EntityTooSmall|InvalidRequest)/,
    );
    expect(await failure(upload(10_001, "x"))).toBe(
      "400 InvalidArgument: Part number must be an integer between 1 and 10000, inclusive",
    );
    await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: "m", UploadId }));
    expect(await failure(upload(1, "late"))).toMatch(/^404 NoSuchUpload/);
  });
});
