/** Lenient keys, and which account the root key acts for. */
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SSM } from "@aws-sdk/client-ssm";
import { STS } from "@aws-sdk/client-sts";
import { describe, expect, it, test } from "vitest";
import { startKiln } from "../../src/app.ts";
import { rawRequest } from "../support/raw-request.ts";
import { suiteKiln } from "../support/suite-kiln.ts";

const ANY = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "anything at all", sessionToken: "stale" };
const suite = suiteKiln();
const { client } = suite;

describe("lenient keys", () => {
  it("are refused until they are asked for, and after", async () => {
    const sts = client(STS, { credentials: ANY });
    await expect(sts.getCallerIdentity({})).rejects.toMatchObject({ name: "InvalidClientTokenId" });
    await suite.kiln.setKeys({ lenient: true, accountId: "111122223333" });
    expect(await sts.getCallerIdentity({})).toMatchObject({ Arn: "arn:aws:iam::111122223333:root" });
    await suite.kiln.setKeys({});
    await expect(sts.getCallerIdentity({})).rejects.toMatchObject({ name: "InvalidClientTokenId" });
  });

  it("act in the region that they name, and are on record", async () => {
    await suite.kiln.setKeys({ lenient: true });
    const ssm = client(SSM, { credentials: ANY, region: "eu-west-1" });
    await ssm.putParameter({ Name: "/a", Value: "v", Type: "String" });
    await expect(client(SSM).getParameter({ Name: "/a" })).rejects.toMatchObject({ name: "ParameterNotFound" });
    expect(suite.kiln.decisions({ operation: "PutParameter" })).toMatchObject([
      { principalArn: "arn:aws:iam::000000000000:root", lenientKey: ANY.accessKeyId },
    ]);
  });

  it("are on record without what a terminal would act on", async () => {
    await suite.kiln.setKeys({ lenient: true });
    const id = encodeURIComponent(`\u001b]0;x\u0007${"k".repeat(300)}`);
    await rawRequest(suite.kiln.url, {
      method: "POST",
      headers: {
        ...{ Host: "127.0.0.1", "X-Amz-Target": "AmazonSSM.DescribeParameters" },
        ...{ "Content-Type": "application/x-amz-json-1.1", Authorization: `AWS4-HMAC-SHA256 Credential=${id}/x` },
      },
      body: "{}",
    });
    expect(suite.kiln.decisions({ operation: "DescribeParameters" })).toMatchObject([
      { lenientKey: `?]0;x?${"k".repeat(122)}` },
    ]);
  });

  it("take S3's bodies out of their envelopes, whatever signs them", async () => {
    await suite.kiln.setKeys({ lenient: true });
    const s3 = client(S3Client, { credentials: ANY });
    await s3.send(new CreateBucketCommand({ Bucket: "bucket" }));
    await s3.send(new PutObjectCommand({ Bucket: "bucket", Key: "k", Body: "whole" }));
    const chunked = await rawRequest(suite.kiln.url, {
      method: "PUT",
      path: "/bucket/chunked",
      headers: {
        Host: new URL(suite.kiln.url).host,
        Authorization:
          "AWS4-HMAC-SHA256 Credential=any/20200101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x",
        "X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "X-Amz-Decoded-Content-Length": "5",
      },
      body: `5;chunk-signature=${"0".repeat(64)}\r\nparts\r\n0;chunk-signature=${"1".repeat(64)}\r\n\r\n`,
    });
    expect(chunked.status).toBe(200);
    for (const [Key, text] of [
      ["k", "whole"],
      ["chunked", "parts"],
    ] as const) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: "bucket", Key }));
      expect(await Body?.transformToString()).toBe(text);
    }
  });

  it("are keys: a request without one is refused as ever", async () => {
    await suite.kiln.setKeys({ lenient: true });
    const headers = { "X-Amz-Target": "AmazonSSM.DescribeParameters", "Content-Type": "application/x-amz-json-1.1" };
    const answer = await rawRequest(suite.kiln.url, {
      method: "POST",
      headers: { Host: "127.0.0.1", ...headers },
      body: "{}",
    });
    expect(answer.body).toContain("MissingAuthenticationTokenException");
    const s3 = await rawRequest(suite.kiln.url, { path: "/bucket/key", headers: { Host: "127.0.0.1" } });
    expect([s3.status, s3.body.includes("AccessDenied")]).toEqual([403, true]);
  });

  it("can be there from the start", async () => {
    await using other = await startKiln({ memory: true, lenientKeys: true });
    const sts = client(STS, { ...other.clientConfig(), credentials: ANY });
    expect(await sts.getCallerIdentity({})).toMatchObject({ Account: "000000000000" });
    await other.reset();
    expect(await sts.getCallerIdentity({})).toMatchObject({ Account: "000000000000" });
  });
});

test("the root key acts for the account that was chosen; an account's own key stays its own", async () => {
  const sts = client(STS);
  await suite.kiln.setKeys({ accountId: "111122223333" });
  expect(await sts.getCallerIdentity({})).toMatchObject({ Arn: "arn:aws:iam::111122223333:root" });
  const credentials = { accessKeyId: "444455556666", secretAccessKey: "test" };
  expect(await client(STS, { credentials }).getCallerIdentity({})).toMatchObject({ Account: "444455556666" });
  await client(SSM).putParameter({ Name: "/a", Value: "v", Type: "String" });
  await suite.kiln.setKeys({});
  expect(await sts.getCallerIdentity({})).toMatchObject({ Account: "000000000000" });
  await expect(client(SSM).getParameter({ Name: "/a" })).rejects.toMatchObject({ name: "ParameterNotFound" });
});
