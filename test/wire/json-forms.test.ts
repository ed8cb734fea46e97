/**
 * What a JSON service makes of bodies and requests that no client sends: wrong types, odd numbers, broken text, other
 * methods and content types, operations that AWS has not or Kiln does not offer. All over HTTP, signed unless said.
 */
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startKiln } from "../../src/app.ts";
import { type RawAnswer, rawRequest } from "../support/raw-request.ts";
import { signedHeaders } from "../support/sign.ts";
import type { StartedEndpoint } from "../support/start-endpoint.ts";

let kiln: StartedEndpoint;
const notices: string[] = [];

beforeAll(async () => {
  kiln = await startKiln({ memory: true, port: 0, notice: (line) => notices.push(line) });
});

afterAll(() => kiln.close());

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly service?: string;
}

/** `target` is that of the header, e.g. `AmazonSSM.GetParameter`. */
function send(target: string, body: string | Buffer, { method = "POST", headers = {}, service }: Sent = {}) {
  const known: Record<string, string> = { AmazonSSM: "ssm", TrentService: "kms", Logs_20140328: "logs" };
  const request = {
    ...{ url: kiln.url, method, body: body as string, atMs: Date.now() },
    service: service ?? known[target.split(".")[0] as string] ?? "ssm",
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": target, ...headers },
  };
  return rawRequest(kiln.url, { method, headers: signedHeaders(request), body: body as string });
}

const told = ({ status, body }: RawAnswer): string => `${status} ${body}`;

const get = (body: string | Buffer, sent?: Sent): Promise<RawAnswer> => send("AmazonSSM.GetParameter", body, sent);

const SERIALIZATION = '400 {"__type":"SerializationException"}';

/** As CloudWatch's agent sends PutLogEvents; the signature is that of the packed bytes. */
describe("compressed bodies", () => {
  const headers = { "content-encoding": "gzip" };

  it("are unpacked", async () => {
    const packed = gzipSync('{"logGroupName":"/packed"}');
    expect(told(await send("Logs_20140328.CreateLogGroup", packed, { headers }))).toBe("200 ");
    const found = await send("Logs_20140328.DescribeLogGroups", '{"logGroupNamePrefix":"/packed"}');
    expect(found.body).toContain('"logGroupName":"/packed"');
  });

  it("that are not what they say are no input", async () => {
    expect(told(await get("{}", { headers }))).toBe(SERIALIZATION);
    expect(told(await get(gzipSync("{"), { headers }))).toBe(SERIALIZATION);
  });

  it("may not become larger than others", async () => {
    const packed = gzipSync(`{"Name":"${"x".repeat(11 * 1024 * 1024)}"}`);
    expect((await get(packed, { headers })).status).toBe(413);
  });

  it("of few bytes become no millions, of many they may", async () => {
    const bomb = gzipSync("[".repeat(3 * 1024 * 1024));
    expect((await get(bomb, { headers })).status).toBe(413);
    const hex = randomBytes(1.5 * 1024 * 1024).toString("hex");
    expect(told(await get(gzipSync(`{"Name":"${hex}"}`), { headers }))).toMatch(
      /^400 \{"__type":"ValidationException"/,
    );
  });
});

describe("bodies", () => {
  it.each<[string, string | Buffer]>([
    ["no JSON", "{"],
    ["two documents", "{}{}"],
    ["a byte order mark", "\ufeff{}"],
    ["a text", '"Name"'],
    ["null", "null"],
    ["bytes that are no UTF-8", Buffer.from([0x7b, 0x22, 0x4e, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d])],
    ["UTF-16", Buffer.from('{"Name":"/a"}', "utf16le")],
    ["half a surrogate pair", '{"Name":"\\ud83d"}'],
    ["half a surrogate pair as a key", '{"Name":"/a","\\uDE00":1}'],
    ["a number that is none", '{"Name":NaN}'],
  ])("with %s are no input", async (_what, body) => {
    expect(told(await get(body))).toBe(SERIALIZATION);
  });

  it.each<[string, string]>([
    ["members that nobody knows", '{"Name":"/none","Nmae":1,"__proto__":{"x":1},"constructor":[]}'],
    ["members that are null", '{"Name":"/none","WithDecryption":null}'],
    ["a member twice: the last counts", '{"Name":1,"Name":"/none"}'],
    ["a whole surrogate pair", '{"Name":"/none","X":"\\ud83d\\ude00"}'],
    ["a replacement character that was written", '{"Name":"/none","X":"\ufffd"}'],
    ["space around", ' \n{"Name" : "/none"}\r\n'],
  ])("with %s are", async (_what, body) => {
    expect(told(await get(body))).toBe('400 {"__type":"ParameterNotFound"}');
  });

  it("that are a list are told so", async () => {
    expect(told(await get("[]"))).toBe(
      '400 {"__type":"SerializationException","Message":"Start of list found where not expected"}',
    );
  });

  it("that are empty are no input, which is told behind the signature", async () => {
    expect(told(await get(""))).toBe(SERIALIZATION);
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AmazonSSM.GetParameter" };
    expect((await rawRequest(kiln.url, { method: "POST", headers })).body).toContain("MissingAuthenticationToken");
    expect((await get("{}")).body).toContain(
      "Value null at 'name' failed to satisfy constraint: Member must not be null",
    );
  });
});

describe("values", () => {
  const history = (members: string): Promise<RawAnswer> =>
    send("AmazonSSM.GetParameterHistory", `{"Name":"/none",${members}}`);
  const events = (members: string): Promise<RawAnswer> =>
    send("Logs_20140328.GetLogEvents", `{"logGroupName":"none","logStreamName":"s",${members}}`);
  const encrypt = (members: string): Promise<RawAnswer> => send("TrentService.Encrypt", `{${members}}`);

  it("that are fractions lose them where whole numbers are asked for", async () => {
    expect((await history('"MaxResults":50.9')).body).toContain("ParameterNotFound");
    expect((await history('"MaxResults":1e1')).body).toContain("ParameterNotFound");
    expect((await history('"MaxResults":51.9')).body).toContain("Value '51' at 'maxResults'");
    expect((await history('"MaxResults":-0.5')).body).toContain("Value '0' at 'maxResults'");
  });

  it("that no integer holds break the constraints; a long takes what Java's does", async () => {
    for (const [value, limit] of [
      ["3000000000", "2147483647"],
      ["-3000000000", "-2147483648"],
    ]) {
      expect((await history(`"MaxResults":${value}`)).body).toContain(`Value '${limit}' at 'maxResults' failed`);
    }
    expect(told(await history('"MaxResults":1e400'))).toBe(SERIALIZATION);
    expect((await events('"endTime":9223372036854775807')).body).toContain("ResourceNotFoundException");
    expect(told(await events('"endTime":1e20'))).toBe(SERIALIZATION);
    expect((await events('"startTime":-9223372036854775808')).body).toContain(
      "Value '-9223372036854775808' at 'startTime'",
    );
  });

  it("that are no base64 are no input", async () => {
    for (const blob of ['"a"', '"a==="', '"-_-_"', '"YQ==\\n"', '"YQ=="1', "1", "true", "{}", "[1]"]) {
      const answer = await encrypt(`"KeyId":"k","Plaintext":${blob}`);
      expect([blob, answer.status, JSON.parse(answer.body).__type]).toEqual([blob, 400, "SerializationException"]);
    }
  });

  it("of times are numbers of seconds, in any notation", async () => {
    const deleteMaterial = (time: string): Promise<RawAnswer> =>
      send(
        "TrentService.ImportKeyMaterial",
        `{"KeyId":"k","ImportToken":"YQ==","EncryptedKeyMaterial":"YQ==","ValidTo":${time}}`,
      );
    for (const time of ["1.79E9", "1790000000", "1790000000.123", "-1"]) {
      expect([time, (await deleteMaterial(time)).body]).toEqual([time, expect.not.stringContaining("Serialization")]);
    }
    for (const time of ['"2026-01-02T03:04:05Z"', '"Fri, 02 Jan 2026 03:04:05 GMT"', '"1790000000"']) {
      expect((await deleteMaterial(time)).body).toBe(
        '{"__type":"SerializationException","Message":"STRING_VALUE can not be converted to milliseconds since epoch"}',
      );
    }
    expect(told(await deleteMaterial("1e300"))).toBe(SERIALIZATION);
  });

  it.each<[string, string]>([
    ['"MaxResults":"5"', "STRING_VALUE can not be converted to an Integer"],
    ['"MaxResults":true', "TRUE_VALUE can not be converted to an Integer"],
    ['"MaxResults":[5]', "Start of list found where not expected"],
    ['"MaxResults":{}', "Start of structure or map found where not expected."],
    ['"NextToken":5.5', "NUMBER_VALUE can not be converted to a String"],
    ['"NextToken":false', "FALSE_VALUE can not be converted to a String"],
    ['"WithDecryption":"true"', "STRING_VALUE can not be converted to a Boolean"],
  ])("of another type are told: %s", async (member, message) => {
    expect(JSON.parse((await history(member)).body)).toEqual({
      __type: "SerializationException",
      Message: message,
    });
  });
});

describe("requests", () => {
  const NO_OPERATION = "404 <UnknownOperationException/>\n";

  it.each(["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])("by %s ask for no operation", async (method) => {
    expect(told(await get(method === "PUT" || method === "PATCH" ? "{}" : "", { method }))).toBe(NO_OPERATION);
  });

  it("by HEAD are answered without a body", async () => {
    expect(await get("", { method: "HEAD" })).toMatchObject({ status: 404, body: "" });
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data"])(
    "of type %s ask for no operation",
    async (type) => {
      expect(told(await get("{}", { headers: { "content-type": type } }))).toBe(NO_OPERATION);
    },
  );

  it.each(["application/x-amz-json-1.0", "application/json", "application/json; charset=utf-8", "Application/JSON"])(
    "of type %s are taken",
    async (type) => {
      const answer = await get('{"Name":"/none"}', { headers: { "content-type": type } });
      expect(told(answer)).toBe('400 {"__type":"ParameterNotFound"}');
    },
  );

  it("that are signed for a JSON service and name no target ask for no operation", async () => {
    const signed = signedHeaders({ url: kiln.url, body: "{}", service: "kms", atMs: Date.now() });
    expect(told(await rawRequest(kiln.url, { method: "POST", headers: signed, body: "{}" }))).toBe(NO_OPERATION);
    const path = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fssm%2Faws4_request";
    expect(told(await rawRequest(kiln.url, { path }))).toBe(NO_OPERATION);
  });

  it("of JSON that name no target are told so as JSON", async () => {
    const headers = { "content-type": "application/x-amz-json-1.1" };
    for (const service of ["kms", undefined]) {
      const signed = service && signedHeaders({ url: kiln.url, body: "{}", headers, service, atMs: Date.now() });
      const answer = await rawRequest(kiln.url, { method: "POST", headers: signed || headers, body: "{}" });
      expect(told(answer)).toBe('400 {"__type":"UnknownOperationException"}');
      expect(answer.headers["content-type"]).toBe("application/x-amz-json-1.1");
    }
  });

  it("end the connection when the client says so", async () => {
    const answer = await get('{"Name":"/none"}', { headers: { connection: "close" } });
    expect(answer.headers["connection"]).toBe("close");
  });
});

describe("operations", () => {
  it("that AWS does not have are told so before the signature, with the scope beside it", async () => {
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AmazonSSM.GetParametr" };
    const answer = await rawRequest(kiln.url, { method: "POST", headers, body: "{}" });
    expect(told(answer)).toBe('400 {"__type":"UnknownOperationException"}');
    expect(answer.headers).toMatchObject({
      "x-kiln-unknown-operation": "ssm:GetParametr",
      "x-kiln-scope": expect.stringMatching(/^ssm: \d+ of \d+ operations \(docs\/coverage\.md\)$/),
    });
    expect(
      notices.filter((line) => line.startsWith("`ssm:GetParametr` is no operation of AWS; in scope: ssm: ")),
    ).toHaveLength(1);
    await rawRequest(kiln.url, { method: "POST", headers, body: "{}" });
    expect(notices.filter((line) => line.includes("GetParametr`"))).toHaveLength(1);
  });

  it("that AWS has and Kiln does not offer are refused by name, to callers that may ask", async () => {
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AmazonSSM.StartSession" };
    const unsigned = await rawRequest(kiln.url, { method: "POST", headers, body: "{}" });
    expect(unsigned.body).toContain("MissingAuthenticationTokenException");
    const answer = await send("AmazonSSM.StartSession", "{}");
    expect(JSON.parse(answer.body)).toMatchObject({
      __type: "UnknownOperationException",
      message: expect.stringMatching(/^kiln does not offer `ssm:StartSession`; it offers these operations of /),
    });
    expect(answer.headers["x-kiln-not-offered"]).toBe("ssm:StartSession");
    expect(notices).toContainEqual(expect.stringMatching(/^`ssm:StartSession` is not offered; in scope: ssm: \d+ of /));
  });

  it("of services that Kiln does not offer are refused with the ones it has", async () => {
    const answer = await send("DynamoDB_20120810.GetItem", "{}");
    expect(answer.headers).toMatchObject({
      "x-kiln-not-offered": "DynamoDB_20120810.GetItem",
      "x-kiln-scope": "services codebuild, ecr, iam, kms, logs, s3, secretsmanager, ssm, sts (docs/coverage.md)",
    });
  });

  it("in a target of no form are none", async () => {
    for (const target of ["GetParameter", ".GetParameter", "x"]) {
      expect(told(await send(target, "{}"))).toBe('400 {"__type":"UnknownOperationException"}');
    }
    expect((await send("AmazonSSM.GetParameter, AmazonSSM.PutParameter", "{}")).status).toBe(400);
  });

  it("of IAM that AWS does not have are told so with the version", async () => {
    const body = "Action=GetUsr&Version=2010-05-08";
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const answer = await rawRequest(kiln.url, { method: "POST", headers, body });
    expect(answer.status).toBe(400);
    expect(answer.body).toContain(
      "<Error><Type>Sender</Type><Code>InvalidAction</Code><Message>Could not find operation GetUsr for version 2010-05-08</Message></Error>",
    );
    expect(answer.headers["x-kiln-scope"]).toMatch(/^iam: /);
  });

  it.each([
    ["Action=ListUsers", "ListUsers for version NO_VERSION_SPECIFIED"],
    ["Action=ListUsers&Version=2011-06-15", "ListUsers for version 2011-06-15"],
  ])("of IAM are found in its version only, not with %s", async (body, text) => {
    const authorization = "AWS4-HMAC-SHA256 Credential=test/20240522/us-east-1/iam/aws4_request";
    const headers = { "content-type": "application/x-www-form-urlencoded", authorization };
    const answer = await rawRequest(kiln.url, { method: "POST", headers, body });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatch(
      `<ErrorResponse xmlns="http://webservices.amazon.com/AWSFault/2005-15-09"><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>Could not find operation ${text}</Message></Error>`,
    );
    expect(answer.headers).not.toHaveProperty("x-kiln-scope");
  });

  it("in CBOR are refused in CBOR", async () => {
    const headers = {
      "smithy-protocol": "rpc-v2-cbor",
      "content-type": "application/cbor",
      accept: "application/cbor",
    };
    const path = "/service/AmazonSSM/operation/GetParameter";
    const answer = await rawRequest(kiln.url, { method: "POST", path, headers, body: "\u00a0" });
    expect(answer).toMatchObject({ status: 400, headers: { "smithy-protocol": "rpc-v2-cbor" } });
    expect(answer.body).toContain(
      "kiln does not offer `the CBOR protocol (/service/AmazonSSM/operation/GetParameter)`",
    );
  });
});
