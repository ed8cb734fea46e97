/** What callers inside the process may rely on: bodies as bytes or streams, the errors' texts, encryption by default. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { bytesOf, type StreamingBlob } from "../../core/streaming-blob.ts";
import { kms } from "../kms/index.ts";
import { s3 } from "./index.ts";
import { bucketsIn, currentIn } from "./records.ts";

let services: ServicesFixture;
const Bucket = "artifacts";

beforeEach(async () => {
  services = await openServices([s3, kms]);
  await services.root.call("s3", "CreateBucket", { Bucket });
});

afterEach(() => services.close());

interface Found {
  readonly Body: StreamingBlob;
  readonly ContentLength: number;
  readonly ETag: string;
}

const bucketPolicy = (change: object) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Principal: "*", Action: "s3:*", Resource: "arn:aws:s3:::artifacts/*", ...change },
  });
const call = <O = Record<string, unknown>>(operation: string, input: object = {}) =>
  services.root.call<O>("s3", operation, { Bucket, ...input });
const textOf = async (Key: string, more: object = {}) =>
  (await bytesOf((await call<Found>("GetObject", { Key, ...more })).Body)).toString();

async function* stream(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

describe("bodies", () => {
  it("are bytes, streams or nothing", async () => {
    expect(await call("PutObject", { Key: "a", Body: Buffer.from("bytes") })).toMatchObject({
      ETag: '"4b3a6218bb3e3a7303e8a171a60fcf92"',
    });
    await call("PutObject", { Key: "b", Body: stream("in ", "chunks") });
    await call("PutObject", { Key: "c" });
    expect([await textOf("a"), await textOf("b"), await textOf("c")]).toEqual(["bytes", "in chunks", ""]);
    const part = await call<Found>("GetObject", { Key: "b", Range: "bytes=3-5" });
    expect([part.ContentLength, (await bytesOf(part.Body)).toString()]).toEqual([3, "chu"]);
  });

  it("must have the length they say", async () => {
    const put = call("PutObject", { Key: "a", Body: stream("four"), ContentLength: 5 });
    expect(await failureOf(put)).toBe(
      "IncompleteBody: You did not provide the number of bytes specified by the Content-Length HTTP header",
    );
    expect(await failureOf(call("HeadObject", { Key: "a" }))).toBe("NoSuchKey: The specified key does not exist.");
  });

  it("go to the last of two writers at once", async () => {
    const writes = ["one", "two", "three"].map((text) => call("PutObject", { Key: "k", Body: stream(text) }));
    await Promise.all(writes);
    expect(["one", "two", "three"]).toContain(await textOf("k"));
  });

  it("go to no bucket of the same name that was made while they came in", async () => {
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("first");
      await call("DeleteBucket");
      await services.store.write(() => {
        bucketsIn(services.store).put([Bucket], {
          name: Bucket,
          partition: "aws",
          region: "us-east-1",
          accountId: "999999999999",
          createdAtMs: 0,
        });
      });
      yield Buffer.from("second");
    }
    expect(await failureOf(call("PutObject", { Key: "k", Body: slow() }))).toBe(
      "NoSuchBucket: The specified bucket does not exist",
    );
    expect(currentIn(services.store).list([Bucket])).toEqual([]);
  });

  it("are refused when they are no body", async () => {
    expect(await failureOf(call("PutObject", { Key: "k", Body: "a string" }))).toMatch(/^SerializationException/);
  });
});

describe("default encryption", () => {
  it("puts objects under the bucket's key, and another one where asked", async () => {
    const rules = (SSEAlgorithm: string, more: object = {}) => ({
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm, ...more } }],
      },
    });
    const { KeyMetadata } = await services.root.call<{ KeyMetadata: { KeyId: string; Arn: string } }>(
      "kms",
      "CreateKey",
      {},
    );
    await call("PutBucketEncryption", rules("aws:kms", { KMSMasterKeyID: KeyMetadata.KeyId }));
    expect(await call("PutObject", { Key: "a", Body: Buffer.from("x") })).toMatchObject({
      ServerSideEncryption: "aws:kms",
      SSEKMSKeyId: KeyMetadata.Arn,
    });
    const plain = { Key: "b", Body: Buffer.from("y"), ServerSideEncryption: "AES256" };
    expect(await call("PutObject", plain)).toMatchObject({ ServerSideEncryption: "AES256" });
    expect([await textOf("a"), await textOf("b")]).toEqual(["x", "y"]);
    expect(await failureOf(call("PutBucketEncryption", rules("aws:kms:dsse")))).toBe(
      "NotImplemented: kiln does not offer `aws:kms:dsse` encryption of S3 (docs/coverage.md)",
    );
  });
});

describe("versioning", () => {
  it("suspended, writes over the null version alone", async () => {
    const switchTo = (Status: string) => call("PutBucketVersioning", { VersioningConfiguration: { Status } });
    await switchTo("Enabled");
    const { VersionId } = await call("PutObject", { Key: "k", Body: Buffer.from("kept") });
    await switchTo("Suspended");
    await call("PutObject", { Key: "k", Body: Buffer.from("first null") });
    await call("PutObject", { Key: "k", Body: Buffer.from("second null") });
    await switchTo("Enabled");
    await call("PutObject", { Key: "k", Body: Buffer.from("newest") });
    const { Versions } = await call<{ Versions: { VersionId: string }[] }>("ListObjectVersions");
    expect(Versions.map((version) => version.VersionId).slice(1)).toEqual(["null", VersionId]);
    expect([await textOf("k", { VersionId: "null" }), await textOf("k", { VersionId })]).toEqual([
      "second null",
      "kept",
    ]);
    await switchTo("Suspended");
    expect(await call("DeleteObject", { Key: "k" })).toEqual({ DeleteMarker: true, VersionId: "null" });
    expect(await failureOf(call("HeadObject", { Key: "k", VersionId: "null" }))).toBe(
      "MethodNotAllowed: The specified method is not allowed against this resource.",
    );
  });

  it("pages through versions by key and version", async () => {
    await call("PutBucketVersioning", { VersioningConfiguration: { Status: "Enabled" } });
    for (const Key of ["a", "a", "b", "a", "c"]) await call("PutObject", { Key, Body: Buffer.from("x") });
    interface Page {
      readonly Versions: readonly { readonly Key: string; readonly VersionId: string }[];
      readonly NextKeyMarker?: string;
      readonly NextVersionIdMarker?: string;
    }
    const all = await call<Page>("ListObjectVersions");
    const seen: string[] = [];
    let page = await call<Page>("ListObjectVersions", { MaxKeys: 2 });
    for (;;) {
      seen.push(...page.Versions.map(({ VersionId }) => VersionId));
      if (page.NextKeyMarker === undefined) break;
      const from = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
      page = await call<Page>("ListObjectVersions", { MaxKeys: 2, ...from });
    }
    expect(seen).toEqual(all.Versions.map(({ VersionId }) => VersionId));
    expect(all.Versions.map(({ Key }) => Key)).toEqual(["a", "a", "a", "b", "c"]);
  });
});

describe("what is refused", () => {
  it.each([
    ["PutObject", { Key: "k", SSECustomerAlgorithm: "AES256" }, "encryption with keys of the customer (SSE-C)"],
    ["PutObject", { Key: "k", ObjectLockMode: "GOVERNANCE" }, "object lock"],
    ["PutObject", { Key: "k", StorageClass: "GLACIER" }, "archive storage classes"],
    ["PutObject", { Key: "k", ChecksumAlgorithm: "XXHASH3" }, "XXHASH3 checksums"],
    ["PutObject", { Key: "k", WriteOffsetBytes: 5 }, "appending to objects"],
    ["CreateBucket", { Bucket: "locked", ObjectLockEnabledForBucket: true }, "object lock"],
  ])("%s %j by name", async (operation, input, what) => {
    expect(await failureOf(call(operation, input))).toBe(
      `NotImplemented: kiln does not offer ${what} of S3 (docs/coverage.md)`,
    );
  });

  it.each([
    ["PutObject", { Key: "k", ACL: "public-read" }, "AccessControlListNotSupported: The bucket does not allow ACLs"],
    [
      "PutObject",
      { Key: "k", StorageClass: "CHEAP" },
      "InvalidStorageClass: The storage class you specified is not valid",
    ],
    ["PutObject", { Key: "k", Tagging: "a=1&a=2" }, "InvalidTag: Cannot provide multiple Tags with the same key"],
    ["PutObject", { Key: "k", Tagging: "aws:x=1" }, "InvalidTag: System tags cannot be added/updated by requester"],
    [
      "PutObject",
      { Key: "k", IfNoneMatch: '"x"' },
      "NotImplemented: A header you provided implies functionality that is not implemented",
    ],
    ["GetBucketTagging", {}, "NoSuchTagSet: The TagSet does not exist"],
    ["PutBucketPolicy", { Policy: "{" }, "MalformedPolicy: Policies must be valid JSON and the first byte must be '{'"],
    ["PutBucketPolicy", { Policy: "{}" }, "MalformedPolicy: Invalid policy syntax."],
    [
      "PutBucketPolicy",
      { Policy: bucketPolicy({ Principal: { AWS: "bob" } }) },
      "MalformedPolicy: Invalid principal in policy",
    ],
    ["PutBucketPolicy", { Policy: bucketPolicy({ Action: [] }) }, "MalformedPolicy: Missing required field Action"],
    ["PutBucketPolicy", { Policy: bucketPolicy({ Action: "Get" }) }, "MalformedPolicy: Policy has invalid action"],
    ["PutBucketPolicy", { Policy: bucketPolicy({ Resource: "b" }) }, "MalformedPolicy: Policy has invalid resource"],
    ["PutBucketPolicy", { Policy: "x" }, "MalformedPolicy: Policies must be valid JSON and the first byte must be '{'"],
    ["CopyObject", { Key: "k", CopySource: "artifacts/none" }, "NoSuchKey: The specified key does not exist."],
    ["ListObjectsV2", { ExpectedBucketOwner: "111111111111" }, "AccessDenied: Access Denied"],
    [
      "DeleteObjects",
      { Delete: { Objects: [] } },
      "MalformedXML: The XML you provided was not well-formed or did not validate against our published schema",
    ],
  ])("%s %j with AWS's words", async (operation, input, message) => {
    expect(await failureOf(call(operation, input))).toBe(message);
  });
});

describe("multipart uploads", () => {
  const FIVE_MIB = Buffer.alloc(5 * 1024 * 1024, 9);

  it("combine CRCs to the checksum of the whole, and refuse another one", async () => {
    const { UploadId } = await call<{ UploadId: string }>("CreateMultipartUpload", {
      Key: "m",
      ChecksumAlgorithm: "CRC32",
      ChecksumType: "FULL_OBJECT",
    });
    const upload = { Key: "m", UploadId };
    const Parts: { PartNumber: number; ETag: unknown }[] = [];
    for (const [index, Body] of [FIVE_MIB, Buffer.from("tail")].entries()) {
      const { ETag } = await call("UploadPart", { ...upload, PartNumber: index + 1, Body });
      Parts.push({ PartNumber: index + 1, ETag });
    }
    const complete = (more: object) =>
      call("CompleteMultipartUpload", { ...upload, MultipartUpload: { Parts }, ...more });
    expect(await failureOf(complete({ ChecksumCRC32: "AAAAAA==" }))).toBe(
      "BadDigest: The CRC32 you specified did not match the calculated checksum.",
    );
    const { ChecksumCRC32, ChecksumType } = await complete({});
    expect(ChecksumType).toBe("FULL_OBJECT");
    const whole = Buffer.concat([FIVE_MIB, Buffer.from("tail")]);
    expect(await call("PutObject", { Key: "same", Body: whole, ChecksumAlgorithm: "CRC32" })).toMatchObject({
      ChecksumCRC32,
    });
  });

  it("tell what is wrong with the list of parts", async () => {
    const { UploadId } = await call<{ UploadId: string }>("CreateMultipartUpload", { Key: "m" });
    const upload = { Key: "m", UploadId };
    const { ETag: one } = await call("UploadPart", { ...upload, PartNumber: 1, Body: Buffer.from("small") });
    const { ETag: two } = await call("UploadPart", { ...upload, PartNumber: 2, Body: Buffer.from("end") });
    const complete = (...Parts: object[]) =>
      failureOf(call("CompleteMultipartUpload", { ...upload, MultipartUpload: { Parts } }));
    expect(await complete({ PartNumber: 1, ETag: one }, { PartNumber: 2, ETag: two })).toBe(
      "EntityTooSmall: Your proposed upload is smaller than the minimum allowed size",
    );
    expect(await complete({ PartNumber: 2, ETag: two }, { PartNumber: 1, ETag: one })).toBe(
      "InvalidPartOrder: The list of parts was not in ascending order. Parts must be ordered by part number.",
    );
    expect(await complete({ PartNumber: 1, ETag: '"wrong"' })).toBe(
      "InvalidPart: One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    );
    expect(await failureOf(call("DeleteBucket"))).toMatch(/^BucketNotEmpty/);
  });
});
