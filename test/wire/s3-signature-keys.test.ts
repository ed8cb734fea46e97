/** Condition keys of S3 that follow from how a request is signed and sent: each request has its own, however fast they come. */
import { S3 } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

let kiln: StartedEndpoint;
let keys: { accessKeyId: string; secretAccessKey: string };
let client: S3;

beforeAll(async () => {
  kiln = await startEndpoint();
  await kiln.root.call("s3", "CreateBucket", { Bucket: "docs" });
  await kiln.root.call("s3", "PutObject", { Bucket: "docs", Key: "k", Body: Buffer.from("text") });
  await kiln.root.call("iam", "CreateUser", { UserName: "dev" });
  const { AccessKey } = await kiln.root.call<{ AccessKey: { AccessKeyId: string; SecretAccessKey: string } }>(
    ...(["iam", "CreateAccessKey", { UserName: "dev" }] as const),
  );
  keys = { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };
  client = new S3({ ...clientSettings(kiln.url, keys), forcePathStyle: true });
});
afterAll(async () => {
  client.destroy();
  await kiln.close();
});

const may = (Condition: object) =>
  kiln.root.call("iam", "PutUserPolicy", {
    ...{ UserName: "dev", PolicyName: "p" },
    PolicyDocument: JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::docs/*", Condition }],
    }),
  });

/** What the SDK's signer looks like to a caller of `presign`. */
interface Presigner {
  presign(
    request: object,
    options: { expiresIn: number; signingDate?: Date },
  ): Promise<{ query: Record<string, string> }>;
}

async function byUrl(ageMs = 0): Promise<number> {
  const { hostname, port, host } = new URL(kiln.url);
  const request = {
    ...{ method: "GET", protocol: "http:", hostname, port: Number(port), path: "/docs/k", query: {} },
    headers: { host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
    clone: () => ({ ...request }),
  };
  const signer = (await client.config.signer()) as unknown as Presigner;
  const { query } = await signer.presign(request, { expiresIn: 3600, signingDate: new Date(Date.now() - ageMs) });
  const text = Object.entries(query).map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
  return (await fetch(`${kiln.url}/docs/k?${text.join("&")}`)).status;
}

const byHeader = async (): Promise<number> => {
  try {
    return (await client.getObject({ Bucket: "docs", Key: "k" })).$metadata.httpStatusCode ?? 0;
  } catch (error) {
    return (error as { $metadata: { httpStatusCode: number } }).$metadata.httpStatusCode;
  }
};

describe("a condition on", () => {
  it.each<[string, object, { header: number; url: number }]>([
    ["the header's signature", { StringEquals: { "s3:authType": "REST-HEADER" } }, { header: 200, url: 403 }],
    ["the URL's signature", { StringEquals: { "s3:authType": "REST-QUERY-STRING" } }, { header: 403, url: 200 }],
    ["the version of both", { StringEquals: { "s3:signatureversion": "AWS4-HMAC-SHA256" } }, { header: 200, url: 200 }],
    ["an old version", { StringEquals: { "s3:signatureversion": "AWS" } }, { header: 403, url: 403 }],
    ["a fresh URL", { NumericLessThan: { "s3:signatureAge": "600000" } }, { header: 403, url: 200 }],
    ["any URL's age", { Null: { "s3:signatureAge": "true" } }, { header: 200, url: 403 }],
    ["today's TLS", { NumericGreaterThanEquals: { "s3:TlsVersion": "1.2" } }, { header: 200, url: 200 }],
    [
      "an unsigned body",
      { StringEquals: { "s3:x-amz-content-sha256": "UNSIGNED-PAYLOAD" } },
      { header: 403, url: 200 },
    ],
  ])("%s", async (_name, condition, expected) => {
    await may(condition);
    // One after the other in the same second, both ways round: nothing of a request is left for the next.
    const seen = [await byHeader(), await byUrl(), await byHeader(), await byUrl()];
    expect(seen).toEqual([expected.header, expected.url, expected.header, expected.url]);
  });

  it("a URL that has grown old", async () => {
    await may({ NumericLessThan: { "s3:signatureAge": "600000" } });
    expect(await byUrl(20 * 60_000)).toBe(403);
    expect(await byUrl(5 * 60_000)).toBe(200);
  });
});
