/** S3 requests that no client makes, or only old ones: chunks signed one by one, host-named buckets, forged and late. */
import { createHash, createHmac } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { basicDate, canonicalRequest, deriveSigningKey, sha256Hex, stringToSign } from "../../src/endpoint/sigv4.ts";
import { rawRequest } from "../support/raw-request.ts";
import { type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const BUCKET = "signed";
const REGION = "us-east-1";
let kiln: StartedEndpoint;

beforeAll(async () => {
  kiln = await startEndpoint();
  await kiln.root.call("s3", "CreateBucket", { Bucket: BUCKET });
  await kiln.root.call("s3", "PutObject", { Bucket: BUCKET, Key: "k", Body: Buffer.from("text") });
});

afterAll(() => kiln.close());

interface Wanted {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly contentHash?: string;
  readonly host?: string;
  readonly atMs?: number;
  readonly region?: string;
  readonly accessKeyId?: string;
  readonly secret?: string;
  /** Sent, but not signed. */
  readonly unsigned?: Readonly<Record<string, string>>;
}

/** Headers of a request signed as S3 wants it, with what its chunks go on from. */
function sign(wanted: Wanted) {
  const { method = "GET", path = `/${BUCKET}/k`, contentHash = sha256Hex(""), region = REGION } = wanted;
  const date = basicDate(wanted.atMs ?? Date.now());
  const headers: Record<string, string> = {
    ...wanted.headers,
    host: wanted.host ?? new URL(kiln.url).host,
    "x-amz-date": date,
    "x-amz-content-sha256": contentHash,
  };
  const signedHeaders = Object.keys(headers).sort();
  const [plainPath = "", query = ""] = path.split("?");
  const canonical = canonicalRequest({
    method,
    path: plainPath,
    isPathLiteral: true,
    query,
    signedHeaders,
    header: (name) => headers[name] ?? "",
    payloadHash: contentHash,
  });
  const scope = { date: date.slice(0, 8), region, service: "s3" };
  const key = deriveSigningKey(wanted.secret ?? "test", scope);
  const text = stringToSign(date, scope, canonical);
  const signature = createHmac("sha256", key).update(text).digest("hex");
  const credential = `${wanted.accessKeyId ?? "test"}/${scope.date}/${region}/s3/aws4_request`;
  return {
    headers: {
      ...headers,
      ...wanted.unsigned,
      authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders.join(";")}, Signature=${signature}`,
    },
    key,
    date,
    scope: `${scope.date}/${region}/s3/aws4_request`,
    signature,
    canonical,
    text,
  };
}

const send = (wanted: Wanted & { readonly body?: string }) =>
  rawRequest(kiln.url, {
    method: wanted.method ?? "GET",
    path: wanted.path ?? `/${BUCKET}/k`,
    headers: sign(wanted).headers,
    ...(wanted.body !== undefined && { body: wanted.body }),
  });

const errorOf = (body: string): string =>
  `${/<Code>(.*?)<\/Code>/.exec(body)?.[1]}: ${/<Message>(.*?)<\/Message>/s.exec(body)?.[1]}`;

describe("the host name", () => {
  it.each(["localhost", "s3.localhost", "s3.us-east-1.localhost", "127.0.0.1"])(
    "may put a bucket before %s",
    async (base) => {
      const { port } = new URL(kiln.url);
      const answer = await send({ host: `${BUCKET}.${base}:${port}`, path: "/k" });
      expect([answer.status, answer.body]).toEqual([200, "text"]);
      const listed = await send({ host: `${BUCKET}.${base}:${port}`, path: "/?list-type=2" });
      expect(listed.body).toContain("<Key>k</Key>");
    },
  );

  it("keeps a key that begins like a route", async () => {
    const { port } = new URL(kiln.url);
    await kiln.root.call("s3", "PutObject", { Bucket: BUCKET, Key: "v2/x", Body: Buffer.from("not an image") });
    const answer = await send({ host: `${BUCKET}.localhost:${port}`, path: "/v2/x" });
    expect(answer.body).toBe("not an image");
  });
});

describe("an object in a browser", () => {
  it("is no page of the origin that all services share", async () => {
    const policy = async (wanted: Wanted): Promise<unknown> => {
      const answer = await send(wanted);
      expect(answer.body).toBe("text");
      return answer.headers["content-security-policy"];
    };
    const unsigned = { "sec-fetch-dest": "document" };
    expect(await policy({ unsigned })).toBe("sandbox allow-scripts allow-popups allow-downloads");
    expect(await policy({})).toBeUndefined();
    const host = `${BUCKET}.localhost:${new URL(kiln.url).port}`;
    expect(await policy({ unsigned, host, path: "/k" })).toBeUndefined();
  });
});

describe("error documents", () => {
  it("have the elements of S3's", async () => {
    const answer = await send({ path: `/${BUCKET}/nix` });
    const id = answer.headers["x-amz-request-id"] as string;
    expect(answer.body).toBe(
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>nix</Key><RequestId>${id}</RequestId><HostId>${answer.headers["x-amz-id-2"]}</HostId></Error>`,
    );
    expect(answer.headers["content-type"]).toBe("application/xml");
    const head = await send({ method: "HEAD", path: `/${BUCKET}/nix` });
    expect([head.status, head.body]).toEqual([404, ""]);
  });

  it.each([
    [
      "PUT",
      "/signed?versioning",
      "MalformedXML",
      "<VersioningConfiguration><Status>Maybe</Status></VersioningConfiguration>",
    ],
    ["PUT", "/signed?versioning", "MalformedXML", "<VersioningConfiguration>"],
    ["PUT", "/signed?versioning", "MalformedXML", '<!DOCTYPE x [<!ENTITY e "x">]><VersioningConfiguration/>'],
    ["PUT", "/signed?versioning", "IllegalVersioningConfigurationException", "<VersioningConfiguration/>"],
    ["PUT", "/signed?versioning", "MissingRequestBodyError", ""],
    ["POST", "/signed", "MethodNotAllowed", ""],
    ["GET", "/signed?list-type=2&max-keys=x", "InvalidArgument", ""],
    ["GET", "/signed?list-type=2&encoding-type=rot13", "InvalidArgument", ""],
    ["GET", "/signed/%FF", "InvalidURI", ""],
    ["GET", "/signed?lifecycle", "NotImplemented", ""],
    ["PUT", "/signed/k?acl", "NotImplemented", ""],
    ["PUT", "/signed/k?annotation", "NotImplemented", ""],
    ["DELETE", "/signed?analytics", "NotImplemented", ""],
    ["GET", "/ab", "InvalidBucketName", ""],
  ])("answer %s %s with %s", async (method, path, code, body) => {
    const answer = await send({ method, path, contentHash: sha256Hex(body), body });
    expect(errorOf(answer.body).split(":")[0]).toBe(code);
  });
});

describe("signatures", () => {
  it("refuses anonymous requests", async () => {
    const answer = await rawRequest(kiln.url, { path: `/${BUCKET}/k` });
    expect([answer.status, errorOf(answer.body)]).toEqual([403, "AccessDenied: Access Denied"]);
  });

  it("names what it calculated for a wrong signature", async () => {
    const answer = await send({ secret: "wrong" });
    expect(errorOf(answer.body)).toBe(
      "SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    );
    for (const name of [
      "AWSAccessKeyId",
      "StringToSign",
      "SignatureProvided",
      "StringToSignBytes",
      "CanonicalRequest",
    ]) {
      expect(answer.body).toContain(`<${name}>`);
    }
  });

  it.each<[string, Wanted, string]>([
    [
      "late",
      { atMs: Date.now() - 16 * 60_000 },
      "RequestTimeTooSkewed: The difference between the request time and the current time is too large.",
    ],
    [
      "unknown key",
      { accessKeyId: "AKIANOBODY" },
      "InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records.",
    ],
    [
      "strange region",
      { region: "nowhere" },
      "AuthorizationHeaderMalformed: The authorization header is malformed; the region 'nowhere' is wrong; expecting 'us-east-1'",
    ],
    [
      "unsigned header",
      { unsigned: { "x-amz-acl": "private" } },
      "AccessDenied: There were headers present in the request which were not signed",
    ],
    [
      "another body",
      { contentHash: sha256Hex("another") },
      "XAmzContentSHA256Mismatch: The provided 'x-amz-content-sha256' header does not match what was computed.",
    ],
    [
      "no hash",
      { contentHash: "nonsense" },
      "InvalidArgument: x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
    ],
  ])("refuses a request that is wrong: %s", async (_what, wanted, message) => {
    expect(errorOf((await send(wanted)).body)).toBe(message);
  });

  it.each([
    ["X-Amz-Algorithm=AWS4-HMAC-SHA256", "AuthorizationQueryParametersError"],
    ["AWSAccessKeyId=test&Expires=1&Signature=x", "AccessDenied"],
    ["AWSAccessKeyId=test", "AccessDenied"],
  ])("refuses the presigned URL ?%s", async (query, code) => {
    const answer = await rawRequest(kiln.url, { path: `/${BUCKET}/k?${query}` });
    expect(errorOf(answer.body).split(":")[0]).toBe(code);
  });
});

describe("bodies signed chunk by chunk", () => {
  const KIND = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  const empty = sha256Hex("");

  function chunked(chunks: readonly string[], options: { trailer?: string; forge?: "chunk" | "trailer" } = {}) {
    const length = String(chunks.join("").length);
    const contentHash = options.trailer === undefined ? KIND : `${KIND}-TRAILER`;
    const signed = sign({
      method: "PUT",
      path: `/${BUCKET}/chunked`,
      contentHash,
      headers: {
        "content-encoding": "aws-chunked",
        "x-amz-decoded-content-length": length,
        ...(options.trailer !== undefined && { "x-amz-trailer": "x-amz-checksum-crc32" }),
      },
    });
    let previous = signed.signature;
    const next = (kind: string, what: string): string => {
      const text = `${kind}\n${signed.date}\n${signed.scope}\n${previous}\n${what}`;
      previous = createHmac("sha256", signed.key).update(text).digest("hex");
      return previous;
    };
    let body = "";
    for (const chunk of [...chunks, ""]) {
      const signature = next("AWS4-HMAC-SHA256-PAYLOAD", `${empty}\n${sha256Hex(chunk)}`);
      const shown = options.forge === "chunk" && chunk === chunks.at(-1) ? "0".repeat(64) : signature;
      body += `${chunk.length.toString(16)};chunk-signature=${shown}\r\n${chunk === "" ? "" : `${chunk}\r\n`}`;
    }
    if (options.trailer !== undefined) {
      const line = `x-amz-checksum-crc32:${options.trailer}\n`;
      const signature = next("AWS4-HMAC-SHA256-TRAILER", sha256Hex(line));
      const shown = options.forge === "trailer" ? "0".repeat(64) : signature;
      body += `${line.trimEnd()}\r\nx-amz-trailer-signature:${shown}\r\n`;
    }
    body += "\r\n";
    return rawRequest(kiln.url, {
      method: "PUT",
      path: `/${BUCKET}/chunked`,
      headers: { ...signed.headers, "content-length": String(body.length) },
      body,
    });
  }

  const stored = async () => (await send({ path: `/${BUCKET}/chunked` })).body;

  it("takes them, with and without trailers, and stores no envelope", async () => {
    const answer = await chunked(["x".repeat(70_000), "tail"]);
    expect(answer.status).toBe(200);
    expect(answer.headers["etag"]).toBe(
      `"${createHash("md5")
        .update(`${"x".repeat(70_000)}tail`)
        .digest("hex")}"`,
    );
    const found = await send({ path: `/${BUCKET}/chunked` });
    expect(found.headers["content-encoding"]).toBeUndefined();
    expect((await chunked(["hello"], { trailer: "NhCmhg==" })).status).toBe(200);
    expect(await stored()).toBe("hello");
  });

  it("keeps nothing of a body with a forged chunk, trailer or checksum", async () => {
    await chunked(["kept"]);
    expect(errorOf((await chunked(["good", "forged"], { forge: "chunk" })).body)).toMatch(/^SignatureDoesNotMatch: /);
    expect(errorOf((await chunked(["x"], { trailer: "NhCmhg==", forge: "trailer" })).body)).toMatch(/^SignatureDoes/);
    expect(errorOf((await chunked(["other"], { trailer: "NhCmhg==" })).body)).toBe(
      "BadDigest: The CRC32 you specified did not match the calculated checksum.",
    );
    expect(await stored()).toBe("kept");
  });
});

it("asks for no body that it refuses: Expect: 100-continue", async () => {
  const signed = sign({
    method: "PUT",
    secret: "wrong",
    contentHash: "UNSIGNED-PAYLOAD",
    headers: { "content-length": "1000000000", expect: "100-continue" },
  });
  const { hostname, port } = new URL(kiln.url);
  const lines = Object.entries(signed.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write(`PUT /${BUCKET}/k HTTP/1.1\r\n${lines.join("")}\r\n`),
    );
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("end", () => resolve(text));
    socket.on("error", reject);
  });
  expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
});
