import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RawAnswer, rawRequest } from "../../test/support/raw-request.ts";
import { type RequestToSign, signedHeaders } from "../../test/support/sign.ts";
import type { AssumedRolePrincipal } from "../core/aws.ts";
import { TestClock } from "../core/clock.ts";
import { TestIds } from "../core/ids.ts";
import { Secret } from "../core/secret.ts";
import { type AccessKey, rootPrincipal } from "../identity/index.ts";
import { createDispatcher, type Dispatcher } from "../services/index.ts";
import { logs } from "../services/logs/index.ts";
import { sts } from "../services/sts/index.ts";
import { openStore, type Store } from "../store/index.ts";
import { type Endpoint, startEndpoint } from "./server.ts";

const SCOPE = { partition: "aws", region: "us-east-1", accountId: "000000000000" };
const NOW_MS = Date.UTC(2024, 4, 22, 12, 10, 19);
const clock = new TestClock(NOW_MS);
const root = rootPrincipal(SCOPE);
const session: AssumedRolePrincipal = {
  type: "AssumedRole",
  arn: "arn:aws:sts::000000000000:assumed-role/Builder/one",
  accountId: "000000000000",
  userId: "AROAEXAMPLE:one",
  roleArn: "arn:aws:iam::000000000000:role/Builder",
  roleName: "Builder",
  sessionName: "one",
  sessionPolicies: [],
  sessionTags: {},
  tokenIssuedAtMs: NOW_MS,
};
const temporary = (expiresAtMs: number): Omit<AccessKey, "accessKeyId"> => ({
  secret: new Secret("temporary"),
  sessionToken: "token",
  expiresAtMs,
  status: "Active",
  principal: session,
});
const keys = new Map<string, AccessKey>(
  Object.entries({
    test: { secret: new Secret("test"), status: "Active", principal: root } as const,
    AKIAINACTIVE: { secret: new Secret("test"), status: "Inactive", principal: root } as const,
    ASIACURRENT: temporary(NOW_MS + 1000),
    ASIAEXPIRED: temporary(NOW_MS),
  }).map(([accessKeyId, key]) => [accessKeyId, { accessKeyId, ...key }]),
);
const identity = {
  findAccessKey: (id: string) => keys.get(id),
  policiesOf: () => ({ identity: [] }),
  tagsOf: () => ({}),
};

let store: Store;
let dispatcher: Dispatcher;
let endpoint: Endpoint;

beforeAll(async () => {
  store = await openStore({ ids: new TestIds() });
  dispatcher = createDispatcher({ services: [logs, sts], identity, store, clock, ids: new TestIds() });
  const options = { dispatcher, identity, scope: SCOPE, clock, ids: new TestIds(), routes: [] };
  endpoint = await startEndpoint({ ...options, host: "127.0.0.1", port: 0 });
});

afterAll(async () => {
  await endpoint.close();
  await dispatcher.flush();
  await store.close();
});

const TARGET = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "Logs_20140328.DescribeLogGroups" };
const CALLER_IDENTITY = "Action=GetCallerIdentity&Version=2011-06-15";

/** A JSON call, correctly signed but for `signed`; `change` replaces headers after signing. */
async function json(
  change: Record<string, string | undefined> = {},
  signed: Partial<RequestToSign> = {},
): Promise<{ status: number; body: { __type?: string; message?: string } }> {
  const request = { url: endpoint.url, body: "{}", headers: TARGET, service: "logs", atMs: NOW_MS, ...signed };
  const headers = Object.fromEntries(
    Object.entries({ ...signedHeaders(request), ...change }).filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
  const answer = await rawRequest(endpoint.url, { method: "POST", headers, body: "{}" });
  return { status: answer.status, body: JSON.parse(answer.body) };
}

async function query(
  change: Record<string, string> = {},
  signed: Partial<RequestToSign> = {},
  drop: readonly string[] = [],
): Promise<RawAnswer> {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const request = { url: endpoint.url, body: CALLER_IDENTITY, headers, service: "sts", atMs: NOW_MS, ...signed };
  const sent = { ...signedHeaders(request), ...change };
  for (const name of drop) delete sent[name];
  return rawRequest(endpoint.url, { method: "POST", headers: sent, body: CALLER_IDENTITY });
}

const withCredential = (credential: string): string =>
  `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host;x-amz-date, Signature=${"0".repeat(64)}`;

describe("a genuine request", () => {
  it("is taken from a long-term and from a temporary key", async () => {
    expect((await json()).status).toBe(200);
    const signed = { accessKeyId: "ASIACURRENT", secretAccessKey: "temporary", sessionToken: "token" };
    expect((await json({}, signed)).body.__type).toBe("AccessDeniedException");
  });

  it("is taken for any region, five minutes early or late", async () => {
    expect((await json({}, { region: "eu-central-1" })).status).toBe(200);
    expect((await json({}, { atMs: NOW_MS - 300_000 })).status).toBe(200);
    expect((await json({}, { atMs: NOW_MS + 300_000 })).status).toBe(200);
  });
});

describe("refusals of a JSON service, in AWS's order", () => {
  it.each<[string, Record<string, string | undefined>, Partial<RequestToSign>, string, string]>([
    [
      "no signature",
      { authorization: undefined },
      {},
      "MissingAuthenticationTokenException",
      "Request is missing Authentication Token",
    ],
    ...["Bearer abc", "Basic dGVzdDp0ZXN0", "AWS test:abc", "Credential=a", ""].map(
      (authorization): [string, Record<string, string>, Partial<RequestToSign>, string, string] => [
        `\`${authorization}\` for a signature`,
        { authorization },
        {},
        "MissingAuthenticationTokenException",
        "Request is missing Authentication Token",
      ],
    ),
    [
      "missing parts",
      { authorization: "AWS4-HMAC-SHA256 Credential=a", "x-amz-date": undefined },
      {},
      "IncompleteSignatureException",
      "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256 Credential=a",
    ],
    [
      "a part that is no pair",
      { authorization: "AWS4-HMAC-SHA256 Credential" },
      {},
      "IncompleteSignatureException",
      "'Credential' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 Credential'.",
    ],
    [
      "a date of another form",
      { "x-amz-date": "2024-05-22" },
      {},
      "IncompleteSignatureException",
      "Date must be in ISO-8601 'basic format'. Got '2024-05-22'. See http://en.wikipedia.org/wiki/ISO_8601",
    ],
    [
      "a month that there is not",
      { "x-amz-date": "20241322T121019Z" },
      {},
      "IncompleteSignatureException",
      "Date must be in ISO-8601 'basic format'. Got '20241322T121019Z'. See http://en.wikipedia.org/wiki/ISO_8601",
    ],
    [
      "an old date",
      {},
      { atMs: Date.UTC(2024, 4, 22, 11, 51, 59) },
      "InvalidSignatureException",
      "Signature expired: 20240522T115159Z is now earlier than 20240522T120519Z (20240522T121019Z - 5 min.)",
    ],
    [
      "a date to come",
      {},
      { atMs: Date.UTC(2024, 4, 22, 13, 0, 0) },
      "InvalidSignatureException",
      "Signature not yet current: 20240522T130000Z is still later than 20240522T121519Z (20240522T121019Z + 5 min.)",
    ],
    [
      "an unsigned host",
      { authorization: withCredential("a/b/c/d/e").replace("host;", "") },
      {},
      "InvalidSignatureException",
      "'Host' must be a 'SignedHeader' in the AWS Authorization.",
    ],
    [
      "another algorithm",
      { authorization: withCredential("a/b/c/d/e").replace("SHA256", "SHA512") },
      {},
      "IncompleteSignatureException",
      "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512' (only AWS4-HMAC-SHA256 for now). ",
    ],
    [
      "a credential of two parts",
      { authorization: withCredential("a/b") },
      {},
      "IncompleteSignatureException",
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'",
    ],
    [
      "a wrong scope, all faults at once",
      { authorization: withCredential("a/b/c/d/e") },
      {},
      "InvalidSignatureException",
      "Credential should be scoped to a valid region, not 'c'. Credential should be scoped to correct service: 'logs'. Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != '20240522', from '20240522T121019Z'.",
    ],
    [
      "an unknown key",
      {},
      { accessKeyId: "AKIAUNKNOWN" },
      "UnrecognizedClientException",
      "The security token included in the request is invalid.",
    ],
    [
      "an inactive key",
      {},
      { accessKeyId: "AKIAINACTIVE" },
      "UnrecognizedClientException",
      "The security token included in the request is invalid.",
    ],
    [
      "a temporary key without its token",
      {},
      { accessKeyId: "ASIACURRENT", secretAccessKey: "temporary" },
      "UnrecognizedClientException",
      "The security token included in the request is invalid",
    ],
    [
      "a token that is not the key's",
      {},
      { accessKeyId: "ASIACURRENT", secretAccessKey: "temporary", sessionToken: "other" },
      "UnrecognizedClientException",
      "The security token included in the request is invalid",
    ],
    [
      "an expired key",
      {},
      { accessKeyId: "ASIAEXPIRED", secretAccessKey: "temporary", sessionToken: "token" },
      "ExpiredTokenException",
      "The security token included in the request is expired",
    ],
  ])("refuses %s", async (_what, change, signed, code, message) => {
    expect(await json(change, signed)).toEqual({ status: 400, body: { __type: code, message } });
  });

  it("says of a wrong signature what the services say, and no more", async () => {
    expect(await json({}, { secretAccessKey: "wrong" })).toEqual({
      status: 400,
      body: {
        __type: "InvalidSignatureException",
        message:
          "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
      },
    });
  });
});

describe("refusals of a query service", () => {
  it.each<[string, Record<string, string>, Partial<RequestToSign>, number, string, string]>([
    ["an old date", {}, { atMs: NOW_MS - 3_600_000 }, 403, "SignatureDoesNotMatch", "Signature expired: "],
    ["a wrong signature", {}, { secretAccessKey: "x" }, 403, "SignatureDoesNotMatch", "The request signature we "],
    ["an unknown key", {}, { accessKeyId: "AKIA" }, 403, "InvalidClientTokenId", "The security token included in"],
    ["a bad date", { "x-amz-date": "x" }, {}, 400, "IncompleteSignature", "Date must be in ISO-8601 &apos;basic"],
  ])("refuses %s", async (_what, change, signed, status, code, message) => {
    const answer = await query(change, signed);
    expect(answer.status).toBe(status);
    expect(answer.headers["content-type"]).toBe("text/xml");
    expect(answer.body).toContain(
      `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message.replaceAll("&apos;", "'")}`,
    );
  });

  it("refuses a request without a signature", async () => {
    const answer = await query({}, {}, ["authorization"]);
    expect(answer.status).toBe(403);
    expect(answer.body).toMatch(
      /^<ErrorResponse xmlns="https:\/\/sts.amazonaws.com\/doc\/2011-06-15\/"><Error><Type>Sender<\/Type><Code>MissingAuthenticationToken<\/Code><Message>Request is missing Authentication Token<\/Message><\/Error><RequestId>[0-9a-f-]{36}<\/RequestId><\/ErrorResponse>$/,
    );
  });

  it("names the parts that a presigned URL lacks", async () => {
    const path = `/?${CALLER_IDENTITY}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20240522T121019Z`;
    expect((await rawRequest(endpoint.url, { path })).body).toContain(
      "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. Re-examine the query-string parameters.",
    );
  });

  it("takes a URL without an algorithm for one that is not presigned", async () => {
    const path = `/?${CALLER_IDENTITY}&X-Amz-Date=20240522T121019Z&X-Amz-SignedHeaders=host`;
    expect((await rawRequest(endpoint.url, { path })).body).toContain("<Code>MissingAuthenticationToken</Code>");
  });
});
