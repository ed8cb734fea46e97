/** Buckets through the unmodified SDK client: life, names, regions. */
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketLocationCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
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

const put = (Key: string, Body: string, more: object = {}) =>
  s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ...more }));

/** `status Code: message {elements}` of a call that must fail. */
async function failure(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown as Record<string, unknown> & { $metadata: { httpStatusCode: number } },
  );
  if (!error) throw new Error("the call succeeded");
  return `${error.$metadata?.httpStatusCode} ${error["name"]}: ${error["message"]}`;
}

describe("buckets", () => {
  it("creates, finds, lists and deletes them", async () => {
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    const { Buckets } = await s3.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toContain(bucket);
    expect((await s3.send(new HeadBucketCommand({ Bucket: bucket }))).BucketRegion).toBe("us-east-1");
    expect((await s3.send(new GetBucketLocationCommand({ Bucket: bucket }))).LocationConstraint).toBeUndefined();
    await put("k", "x");
    expect(await failure(s3.send(new DeleteBucketCommand({ Bucket: bucket })))).toBe(
      "409 BucketNotEmpty: The bucket you tried to delete is not empty",
    );
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "k" }));
    await s3.send(new DeleteBucketCommand({ Bucket: bucket }));
    expect(await failure(s3.send(new DeleteBucketCommand({ Bucket: bucket })))).toBe(
      "404 NoSuchBucket: The specified bucket does not exist",
    );
    expect(await failure(s3.send(new HeadBucketCommand({ Bucket: bucket })))).toMatch(/^404 NotFound/);
  });

  it("belongs to a region", async () => {
    const west = new S3Client({ ...clientSettings(kiln.url), region: "eu-west-1" });
    const Bucket = `${bucket}-west`;
    const elsewhere = { LocationConstraint: "us-west-2" as const };
    expect(await failure(west.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: elsewhere })))).toBe(
      "400 IllegalLocationConstraintException: The us-west-2 location constraint is incompatible for the region specific endpoint this request was sent to.",
    );
    await west.send(
      new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: "eu-west-1" } }),
    );
    expect((await west.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBe("eu-west-1");
    expect(await failure(s3.send(new ListObjectsV2Command({ Bucket })))).toMatch(/^301 PermanentRedirect: The bucket/);
    west.destroy();
  });

  it("refuses names that are none", async () => {
    expect(await failure(s3.send(new CreateBucketCommand({ Bucket: "Not_A_Bucket" })))).toBe(
      "400 InvalidBucketName: The specified bucket is not valid.",
    );
  });
});
