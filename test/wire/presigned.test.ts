/** Requests signed by the SDK's own signer, beyond what its clients send: presigned URLs and odd paths. */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { rawRequest } from "../support/raw-request.ts";
import { ACCOUNT, clientSettings, rootArn, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

let kiln: StartedEndpoint;

beforeAll(async () => {
  kiln = await startEndpoint();
});

afterAll(() => kiln.close());

/** What the SDK's signer looks like to a caller of `presign`. */
interface Presigner {
  presign(request: object, options: { expiresIn: number }): Promise<{ path: string; query: Record<string, string> }>;
}

async function presignedPath(secretAccessKey: string): Promise<string> {
  const client = new STSClient(clientSettings(kiln.url, { accessKeyId: "test", secretAccessKey }));
  const { port } = new URL(kiln.url);
  const request = {
    method: "GET",
    protocol: "http:",
    hostname: "127.0.0.1",
    port: Number(port),
    path: "/",
    query: { Action: "GetCallerIdentity", Version: "2011-06-15" },
    headers: { host: `127.0.0.1:${port}` },
    clone: () => ({ ...request }),
  };
  const signer = (await client.config.signer()) as unknown as Presigner;
  const { query } = await signer.presign(request, { expiresIn: 60 });
  const text = Object.entries(query).map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
  return `/?${text.join("&")}`;
}

it("answers a presigned GetCallerIdentity", async () => {
  const answer = await rawRequest(kiln.url, { path: await presignedPath("test") });
  expect(answer.status).toBe(200);
  expect(answer.body).toContain(`<GetCallerIdentityResult><UserId>${ACCOUNT}</UserId>`);
  expect(answer.body).toContain(`<Arn>${rootArn}</Arn>`);
});

it("refuses a presigned URL of another secret", async () => {
  const answer = await rawRequest(kiln.url, { path: await presignedPath("wrong") });
  expect(answer.status).toBe(403);
  expect(answer.body).toContain("<Code>SignatureDoesNotMatch</Code>");
});

it("answers clients whose endpoint URL has a path", async () => {
  const client = new STSClient({ ...clientSettings(kiln.url), endpoint: `${kiln.url}/sts path/` });
  expect((await client.send(new GetCallerIdentityCommand({}))).Arn).toBe(rootArn);
  client.destroy();
});
