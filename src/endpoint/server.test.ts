import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rawRequest } from "../../test/support/raw-request.ts";
import { signedHeaders } from "../../test/support/sign.ts";
import { systemClock } from "../core/clock.ts";
import type { KilnError } from "../core/errors.ts";
import { systemIds } from "../core/ids.ts";
import { createIdentity, type Identity } from "../identity/index.ts";
import { createDispatcher, type Dispatcher } from "../services/index.ts";
import { logs } from "../services/logs/index.ts";
import { sts } from "../services/sts/index.ts";
import { openStore, type Store } from "../store/index.ts";
import { type Endpoint, type EndpointOptions, startEndpoint } from "./server.ts";

const SCOPE = { partition: "aws", region: "us-east-1", accountId: "000000000000" };
const JSON_TYPE = "application/x-amz-json-1.1";

let store: Store;
let identity: Identity;
let dispatcher: Dispatcher;
let endpoint: Endpoint;

const optionsWith = (changes: Partial<EndpointOptions>): EndpointOptions => ({
  dispatcher,
  identity,
  scope: SCOPE,
  clock: systemClock,
  ids: systemIds,
  host: "127.0.0.1",
  port: 0,
  routes: [],
  version: "1.2.3",
  ...changes,
});

beforeAll(async () => {
  store = await openStore({ ids: systemIds });
  const rootKey = { accessKeyId: "test", secretAccessKey: "test" };
  identity = createIdentity({ store, clock: systemClock, ids: systemIds, scope: SCOPE, rootKey });
  dispatcher = createDispatcher({ services: [logs, sts], identity, store, clock: systemClock, ids: systemIds });
  const route = {
    prefix: "/v2/",
    async handle({ url }: IncomingMessage, response: ServerResponse) {
      if (url === "/v2/begun") response.write("the");
      else response.end("the registry");
    },
    refusal: (status: number, message: string) => ({
      headers: { "content-type": "text/x-refusal" },
      body: `${status}: ${message}`,
    }),
  };
  endpoint = await startEndpoint(optionsWith({ routes: [route] }));
});

afterAll(async () => {
  await endpoint.close();
  await store.close();
});

const nowMs = (): number => systemClock.nowMs();

/** A signed Logs call; `headers` given last replace what was signed. */
async function call(target: string, body: string, change: Record<string, string> = {}, atMs = nowMs()) {
  const headers = { "content-type": JSON_TYPE, "x-amz-target": target };
  const signed = signedHeaders({ url: endpoint.url, body, headers, service: "logs", atMs });
  return rawRequest(endpoint.url, { method: "POST", headers: { ...signed, ...change }, body });
}

describe("a signed JSON request", () => {
  it("is answered with the request id and AWS's content type", async () => {
    const answer = await call("Logs_20140328.DescribeLogGroups", "{}");
    expect(answer).toMatchObject({ status: 200, body: '{"logGroups":[]}' });
    expect(answer.headers["content-type"]).toBe(JSON_TYPE);
    expect(answer.headers["x-amzn-requestid"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("is answered with an empty body when the operation has no output", async () => {
    const answer = await call("Logs_20140328.CreateLogGroup", '{"logGroupName":"empty-output"}');
    expect(answer).toMatchObject({ status: 200, body: "" });
  });

  it("may be sent to any path", async () => {
    const headers = { "content-type": JSON_TYPE, "x-amz-target": "Logs_20140328.DescribeLogGroups" };
    const path = "/logs/";
    const signed = signedHeaders({ url: endpoint.url, path, body: "{}", headers, service: "logs", atMs: nowMs() });
    expect((await rawRequest(endpoint.url, { method: "POST", path, headers: signed, body: "{}" })).status).toBe(200);
  });
});

describe("what cannot be understood", () => {
  it("answers SerializationException without a text for a body that is no JSON, before the signature", async () => {
    const answer = await call("Logs_20140328.DescribeLogGroups", "{", { authorization: "none" });
    expect(answer).toMatchObject({ status: 400, body: '{"__type":"SerializationException"}' });
  });

  it("answers SerializationException for a value of the wrong type", async () => {
    const answer = await call("Logs_20140328.DescribeLogGroups", '{"limit":"ten"}');
    expect(JSON.parse(answer.body)).toEqual({
      __type: "SerializationException",
      Message: "STRING_VALUE can not be converted to an Integer",
    });
  });

  it("answers UnknownOperationException for an operation that AWS does not have", async () => {
    const answer = await call("Logs_20140328.DescribeLogGroupz", "{}");
    expect(answer).toMatchObject({ status: 400, body: '{"__type":"UnknownOperationException"}' });
  });

  it("refuses an operation outside the scope by name, in the text and in a header", async () => {
    const answer = await call("Logs_20140328.StartQuery", "{}");
    expect(answer.status).toBe(400);
    expect(answer.headers["x-kiln-not-offered"]).toBe("logs:StartQuery");
    expect(JSON.parse(answer.body).message).toMatch(
      /^kiln does not offer `logs:StartQuery`; it offers these operations of CloudWatch Logs: AssociateKmsKey, CreateLogGroup, /,
    );
  });

  it("refuses by name what clients do not sign", async () => {
    const answer = await rawRequest(endpoint.url, {
      method: "POST",
      path: "/",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=r&RoleSessionName=s&WebIdentityToken=t",
    });
    expect([answer.status, answer.headers["x-kiln-not-offered"]]).toEqual([400, "sts:AssumeRoleWithWebIdentity"]);
    expect(answer.body).toContain(
      "<Message>kiln does not offer `sts:AssumeRoleWithWebIdentity`; it offers AssumeRole, to callers with AWS credentials (docs/coverage.md)</Message>",
    );
  });

  it("refuses a service outside the scope by name", async () => {
    const answer = await call("DynamoDB_20120810.GetItem", "{}");
    expect(JSON.parse(answer.body)).toEqual({
      __type: "NotImplemented",
      message: "kiln does not offer `DynamoDB_20120810.GetItem`; it offers the services logs, sts (docs/coverage.md)",
    });
  });

  it("refuses S3 in S3's shape", async () => {
    const answer = await rawRequest(endpoint.url, { method: "PUT", path: "/bucket/key", body: "x" });
    expect(answer.status).toBe(400);
    expect(answer.headers["content-type"]).toBe("application/xml");
    expect(answer.body).toContain(
      "<Error><Code>NotImplemented</Code><Message>kiln does not offer `s3: PUT /bucket/key`;",
    );
  });

  it("refuses CBOR in CBOR", async () => {
    const headers = { "smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor" };
    const answer = await rawRequest(endpoint.url, { method: "POST", path: "/service/Logs/operation/X", headers });
    expect(answer.status).toBe(400);
    expect(answer.headers["smithy-protocol"]).toBe("rpc-v2-cbor");
    expect(answer.body).toContain("NotImplemented");
  });

  it("answers 413 for a body that is too large and closes the connection", async () => {
    const headers = { "x-amz-target": "Logs_20140328.DescribeLogGroups", "content-length": "99999999" };
    const answer = await rawRequest(endpoint.url, { method: "POST", headers });
    expect(answer.status).toBe(413);
    expect(answer.headers["connection"]).toBe("close");
    expect(JSON.parse(answer.body)).toEqual({
      __type: "RequestEntityTooLarge",
      message: "the request body is larger than 10485760 bytes",
    });
  });
});

describe("a body that is too large, but not by much", () => {
  it("is read to its end, so that clients get to see the answer", async () => {
    const body = Buffer.alloc(12 * 1024 * 1024);
    for (let round = 0; round < 3; round++) {
      const headers = { "x-amz-target": "Logs_20140328.DescribeLogGroups" };
      const answer = await fetch(endpoint.url, { method: "POST", headers, body });
      expect([answer.status, await answer.json()]).toMatchObject([413, { __type: "RequestEntityTooLarge" }]);
    }
  });
});

describe("the host check", () => {
  it("refuses foreign names, so that no web page can reach the endpoint through its own DNS name", async () => {
    const answer = await rawRequest(endpoint.url, { headers: { host: "evil.example:4566" } });
    expect(answer.status).toBe(403);
    expect(answer.body).toContain(
      "the Host header `evil.example:4566` is not a name of this endpoint; call it by its address, e.g. 127.0.0.1 with this port",
    );
  });

  it.each([
    "localhost:4566",
    "127.0.0.1",
    "[::1]:4566",
    "bucket.localhost:4566",
    "000000000000.dkr.ecr.us-east-1.amazonaws.com",
    "registry-1.docker.io",
    "172.17.0.1:4566",
  ])("answers %s", async (host) => {
    expect((await rawRequest(endpoint.url, { headers: { host } })).status).toBe(200);
  });

  it("says so in a route's own words to the route's clients", async () => {
    const answer = await rawRequest(endpoint.url, { path: "/v2/app", headers: { host: "evil.example:4566" } });
    expect([answer.status, answer.headers["content-type"]]).toEqual([403, "text/x-refusal"]);
    expect(answer.body).toContain("403: the Host header `evil.example:4566` is not a name of this endpoint");
  });

  it("refuses what a page of another site makes a browser send, but for links that read", async () => {
    const headers = { "sec-fetch-site": "cross-site", "content-type": "application/x-www-form-urlencoded" };
    const posted = await rawRequest(endpoint.url, { method: "POST", headers, body: "Action=CreateUser&UserName=eve" });
    expect(posted.status).toBe(403);
    expect(posted.body).toContain("a page of another site sent this request; call this endpoint with an AWS client");
    expect((await rawRequest(endpoint.url, { path: "/?Action=CreateUser", headers })).status).toBe(403);
    expect((await rawRequest(endpoint.url, { headers })).status).toBe(200);
    const own = { ...headers, "sec-fetch-site": "same-origin" };
    const answered = await rawRequest(endpoint.url, { method: "POST", headers: own, body: "Action=CreateUser" });
    expect(answered.body).not.toContain("a page of another site");
  });

  it("sends no CORS header", async () => {
    const headers = { origin: "https://evil.example" };
    expect((await rawRequest(endpoint.url, { headers })).headers["access-control-allow-origin"]).toBeUndefined();
  });
});

describe("paths that are not AWS's", () => {
  it("tells a person what this is", async () => {
    const answer = await rawRequest(endpoint.url);
    expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(answer.body).toMatch(/^This is kiln: AWS CodeBuild on your own machine\./);
  });

  it("tells its health", async () => {
    const answer = await rawRequest(endpoint.url, { path: "/_kiln/health" });
    expect(JSON.parse(answer.body)).toEqual({ status: "running", version: "1.2.3", services: ["logs", "sts"] });
  });

  it("gives requests to the route with their prefix", async () => {
    expect((await rawRequest(endpoint.url, { path: "/v2/_catalog" })).body).toBe("the registry");
  });
});

describe("starting", () => {
  it("says that another kiln holds the port", async () => {
    const error = await startEndpoint(optionsWith({ port: endpoint.port })).catch((e: KilnError) => e);
    expect(error).toMatchObject({
      code: "KILN_E_PORT_IN_USE",
      message: `port ${endpoint.port} of \`127.0.0.1\` is in use`,
      why: "another kiln (1.2.3) listens there",
      fix: [
        "use the one that runs: kiln status",
        "or stop it first: kiln stop",
        `use another port: --port ${endpoint.port + 1}, or --port 0 for any free one`,
      ],
      exitCode: 4,
    });
  });

  it("says that some other program holds the port", async () => {
    const other = createServer((_request, response) => response.end("hello")).listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as AddressInfo;
    const error = await startEndpoint(optionsWith({ port })).catch((e: KilnError) => e);
    other.close();
    expect(error).toMatchObject({ code: "KILN_E_PORT_IN_USE", why: "another program listens there", exitCode: 4 });
  });

  it("does not leave loopback with the default root key", async () => {
    await expect(startEndpoint(optionsWith({ host: "0.0.0.0" }))).rejects.toMatchObject({
      code: "KILN_E_ROOT_KEY_OFF_LOOPBACK",
      message: "`0.0.0.0` can be reached from other machines while the root key is still the default one",
      exitCode: 4,
    });
  });
});

describe("closing", () => {
  it("ends kept-alive connections and may be called again", async () => {
    const other = await startEndpoint(optionsWith({}));
    await fetch(`${other.url}/_kiln/health`).then((response) => response.text());
    await other.close();
    await other.close();
    await expect(rawRequest(other.url)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});

describe("what is no HTTP request", () => {
  /** All that the server says to these bytes, until it closes the connection. */
  const say = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(endpoint.port, "127.0.0.1", () => socket.write(text));
      let heard = "";
      socket.setEncoding("utf8");
      socket.on("data", (chunk: string) => {
        heard += chunk;
      });
      socket.on("close", () => resolve(heard));
      socket.on("error", reject);
    });
  const large = `Authorization: Bearer ${"a".repeat(20_000)}`;

  it("is refused in a route's own words where the path is one of the route's", async () => {
    expect(await say(`PUT /v2/app/manifests/v1 HTTP/1.1\r\nHost: localhost\r\n${large}\r\n\r\n`)).toBe(
      "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/x-refusal\r\nConnection: close\r\n\r\n" +
        "431: the headers of the request are larger than 16384 bytes",
    );
    expect(await say("GET /v2/ HTTP/1.1\r\nHost: localhost\r\nno header\r\n\r\n")).toContain(
      "400: the request is not HTTP/1.1 as its specification has it",
    );
  });

  it("is refused by a bare status line elsewhere", async () => {
    const tooLarge = "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n";
    expect(await say(`GET / HTTP/1.1\r\nHost: localhost\r\n${large}\r\n\r\n`)).toBe(tooLarge);
    expect(await say("hello\r\n\r\n")).toBe("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  });

  it("does not come into an answer that has begun", async () => {
    const heard = await say("GET /v2/begun HTTP/1.1\r\nHost: localhost\r\n\r\nno request\r\n\r\n");
    expect(heard).not.toContain("400");
  });
});
