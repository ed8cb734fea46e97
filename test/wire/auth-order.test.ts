/**
 * The order in which a JSON service looks at a request, as recorded on AWS: each request has two faults, and the earlier one
 * is told. Then presigned requests, dates and sessions. The sentences of each fault are in src/endpoint/authenticate.test.ts.
 */
import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startKiln } from "../../src/app.ts";
import { HOUR_MS, TestClock } from "../../src/core/clock.ts";
import { basicDate, canonicalRequest, deriveSigningKey, sha256Hex, stringToSign } from "../../src/endpoint/sigv4.ts";
import { rawRequest } from "../support/raw-request.ts";
import { type RequestToSign, signedHeaders } from "../support/sign.ts";
import type { StartedEndpoint } from "../support/start-endpoint.ts";

const NOW_MS = Date.UTC(2026, 4, 22, 12, 10, 19);
const TARGET = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AmazonSSM.GetParameter" };
const MISSING = '{"Name":"/none"}';

let kiln: StartedEndpoint;

beforeAll(async () => {
  kiln = await startKiln({ memory: true, port: 0, clock: new TestClock(NOW_MS) });
});

afterAll(() => kiln.close());

type Change = Record<string, string | undefined>;

/** `Code: message` of a call that is signed well but for `signed`; `change` replaces headers afterwards. */
async function told(body: string, change: Change = {}, signed: Partial<RequestToSign> = {}): Promise<string> {
  const request = { url: kiln.url, body, headers: TARGET, service: "ssm", atMs: NOW_MS, ...signed };
  const all = Object.entries({ ...signedHeaders(request), ...change }).filter(([, value]) => value !== undefined);
  const headers = Object.fromEntries(all) as Record<string, string>;
  const path = request.path ?? "/";
  const answer = await rawRequest(kiln.url, { method: request.method ?? "POST", path, headers, body });
  if (!answer.body.startsWith("{")) return `${answer.status} ${answer.body}`;
  const { __type, message, Message } = JSON.parse(answer.body);
  return `${answer.status} ${__type}: ${message ?? Message ?? ""}`;
}

const authorization = (credential: string, names = "host;x-amz-date", algorithm = "AWS4-HMAC-SHA256"): string =>
  `${algorithm} Credential=${credential}, SignedHeaders=${names}, Signature=${"0".repeat(64)}`;

describe("of two faults the earlier is told", () => {
  it.each<[string, string, Change, Partial<RequestToSign>, RegExp]>([
    ["content type, body", "{", { "content-type": "text/plain" }, {}, /^404 <UnknownOperationException\/>\n$/],
    ["body, target", "{", { "x-amz-target": "AmazonSSM.Nope" }, {}, /^400 SerializationException: $/],
    [
      "target, signature",
      "{}",
      { "x-amz-target": "AmazonSSM.Nope", authorization: undefined },
      {},
      /^400 UnknownOperationException: $/,
    ],
    [
      "no signature, types",
      '{"Name":1}',
      { authorization: undefined },
      {},
      /^400 MissingAuthenticationTokenException: Request is/,
    ],
    [
      "parts, date",
      "{}",
      { authorization: "AWS4-HMAC-SHA256 Credential=a", "x-amz-date": "x" },
      {},
      /^400 IncompleteSignatureException: Authorization header requires 'Signature'/,
    ],
    [
      "date format, host",
      "{}",
      { authorization: authorization("a/b", "x-amz-date"), "x-amz-date": "x" },
      {},
      /^400 IncompleteSignatureException: Date must be/,
    ],
    [
      "skew, host",
      "{}",
      { authorization: authorization("a/b", "x-amz-date") },
      { atMs: NOW_MS - HOUR_MS },
      /^400 InvalidSignatureException: Signature expired: 20260522T111019Z is now earlier than 20260522T120519Z \(20260522T121019Z - 5 min\.\)$/,
    ],
    [
      "host, algorithm",
      "{}",
      { authorization: authorization("a/b", "x-amz-date", "AWS4-X") },
      {},
      /^400 InvalidSignatureException: 'Host' must be/,
    ],
    [
      "algorithm, credential",
      "{}",
      { authorization: authorization("a/b", "host", "AWS4-X") },
      {},
      /^400 IncompleteSignatureException: Unsupported AWS 'algorithm': 'AWS4-X'/,
    ],
    [
      "credential, key",
      "{}",
      { authorization: authorization("a/b") },
      {},
      /^400 IncompleteSignatureException: Credential must have exactly 5/,
    ],
    [
      "scope, key",
      "{}",
      { authorization: authorization("a/20260522/us-east-1/kms/aws4_request") },
      {},
      /^400 InvalidSignatureException: Credential should be scoped to correct service: 'ssm'\.$/,
    ],
    [
      "key, signature",
      "{}",
      { authorization: authorization("a/20260522/us-east-1/ssm/aws4_request") },
      {},
      /^400 UnrecognizedClientException: The security token included in the request is invalid\.$/,
    ],
    [
      "signature, session token",
      "{}",
      { "x-amz-security-token": "t" },
      { secretAccessKey: "x" },
      /^400 InvalidSignatureException: The request signature/,
    ],
    [
      "session token, types",
      '{"Name":1}',
      { "x-amz-security-token": "t" },
      {},
      /^400 UnrecognizedClientException: The security token included in the request is invalid$/,
    ],
    ["types, constraints", '{"Name":"","WithDecryption":1}', {}, {}, /^400 SerializationException: NUMBER_VALUE/],
    ["constraints, behaviour", '{"Name":""}', {}, {}, /^400 ValidationException: 1 validation error detected/],
  ])("%s", async (_what, body, change, signed, expected) => {
    expect(await told(body, change, signed)).toMatch(expected);
  });

  it("constraints come before permission, permission before what there is", async () => {
    const { root } = kiln;
    await root.call("iam", "CreateUser", { UserName: "nobody" });
    const made = await root.call<{ AccessKey: { AccessKeyId: string; SecretAccessKey: string } }>(
      "iam",
      "CreateAccessKey",
      { UserName: "nobody" },
    );
    const key = { accessKeyId: made.AccessKey.AccessKeyId, secretAccessKey: made.AccessKey.SecretAccessKey };
    expect(await told('{"Name":""}', {}, key)).toMatch(/^400 ValidationException: /);
    expect(await told(MISSING, {}, key)).toMatch(/^400 AccessDeniedException: /);
  });
});

describe("dates", () => {
  it("may be a Date header, in HTTP's form, when there is no other", async () => {
    const date = new Date(NOW_MS).toUTCString();
    const body = MISSING;
    const headers: Record<string, string> = { ...TARGET, date, host: new URL(kiln.url).host };
    const names = Object.keys(headers).sort();
    const scope = { date: basicDate(NOW_MS).slice(0, 8), region: "us-east-1", service: "ssm" };
    const canonical = canonicalRequest({
      ...{ method: "POST", path: "/", query: "", signedHeaders: names, payloadHash: sha256Hex(body) },
      header: (name) => headers[name] ?? "",
    });
    const text = stringToSign(basicDate(NOW_MS), scope, canonical);
    const signature = createHmac("sha256", deriveSigningKey("test", scope)).update(text).digest("hex");
    const credential = `test/${scope.date}/us-east-1/ssm/aws4_request`;
    const signed = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
    const answer = await rawRequest(kiln.url, { method: "POST", headers: { ...headers, authorization: signed }, body });
    expect(answer.body).toBe('{"__type":"ParameterNotFound"}');
  });

  it.each<[number, string]>([
    [-301_000, "Signature expired: 20260522T120518Z is now earlier than 20260522T120519Z (20260522T121019Z - 5 min.)"],
    [
      301_000,
      "Signature not yet current: 20260522T121520Z is still later than 20260522T121519Z (20260522T121019Z + 5 min.)",
    ],
  ])("%i ms off are told with the limit", async (offMs, sentence) => {
    expect(await told(MISSING, {}, { atMs: NOW_MS + offMs })).toBe(`400 InvalidSignatureException: ${sentence}`);
  });
});

describe("presigned requests to a JSON service", () => {
  const query = (change: Record<string, string> = {}): string => {
    const all = {
      "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
      "X-Amz-Credential": "test/20260522/us-east-1/ssm/aws4_request",
      "X-Amz-Date": basicDate(NOW_MS),
      "X-Amz-Expires": "60",
      "X-Amz-SignedHeaders": "host",
      "X-Amz-Signature": "0".repeat(64),
      ...change,
    };
    const pairs = Object.entries(all).filter(([, value]) => value !== "");
    return `/?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")}`;
  };
  const presigned = (change: Record<string, string> = {}): Promise<string> =>
    told("{}", { authorization: undefined, "x-amz-date": undefined }, { path: query(change) });

  it("are held to the same rules", async () => {
    expect(await presigned()).toMatch(
      /^400 InvalidSignatureException: The request signature we calculated does not match/,
    );
    expect(await presigned({ "X-Amz-Date": basicDate(NOW_MS - HOUR_MS) })).toMatch(
      /^400 InvalidSignatureException: Signature expired: /,
    );
    expect(await presigned({ "X-Amz-Credential": "" })).toBe(
      "400 IncompleteSignatureException: AWS query-string parameters must include 'X-Amz-Credential'. Re-examine the query-string parameters.",
    );
  });

  it("may not be signed in a header too", async () => {
    expect(await told("{}", {}, { path: query() })).toBe(
      "400 InvalidSignatureException: Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    );
  });
});
