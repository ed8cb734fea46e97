/** Bodies that no client of good will sends, to a real `kiln start`: the right error, bounded memory, and it lives. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/endpoint/sigv4.ts";
import { isBuilt } from "../cli/kiln-process.ts";
import {
  isWell,
  openPeer,
  say,
  signedCall,
  signedText,
  startTarget,
  statusOf,
  type Target,
} from "../support/hostile-client.ts";

const MAX_MEBIBYTES = 700;
const JSON_TYPE = "application/x-amz-json-1.1";
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const HEAD = `POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSSM.GetParameter\r\nContent-Type: ${JSON_TYPE}\r\n`;

let target: Target;
let most = 0;

beforeAll(async () => {
  if (isBuilt) target = await startTarget();
});

afterEach(async () => {
  if (!isBuilt) return;
  expect(await isWell(target)).toBe(true);
  most = Math.max(most, target.residentMebibytes() ?? 0);
  expect(most).toBeLessThan(MAX_MEBIBYTES);
});

afterAll(async () => {
  if (isBuilt)
    process.stdout.write(`hostile bodies: at most ${most} MiB resident, ${target.residentMebibytes()} at the end\n`);
  await target?.stop();
});

const codeOf = (body: string): string => JSON.parse(body).__type;

describe.skipIf(!isBuilt)("bodies that are too large", () => {
  const TOO_LARGE = '{"__type":"RequestEntityTooLarge","message":"the request body is larger than 10485760 bytes"}';

  it("are refused where the head says so", async () => {
    const heard = await say(target, `${HEAD}Content-Length: 999999999999\r\n\r\n`);
    expect(statusOf(heard)).toBe("HTTP/1.1 413 Payload Too Large");
    expect(heard.endsWith(TOO_LARGE)).toBe(true);
  });

  it("are refused where only their chunks say so", async () => {
    const peer = await openPeer(target);
    peer.socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = `${(1024 * 1024).toString(16)}\r\n${"x".repeat(1024 * 1024)}\r\n`;
    for (let n = 0; n < 64 && !peer.socket.destroyed && peer.heard() === ""; n++) {
      await new Promise((resolve) => peer.socket.write(chunk, resolve));
    }
    const heard = await peer.ended;
    expect(statusOf(heard)).toBe("HTTP/1.1 413 Payload Too Large");
    expect(heard.endsWith(TOO_LARGE)).toBe(true);
  });

  it("take no more for coming byte by byte", async () => {
    const peer = await openPeer(target);
    peer.socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    const chunks = "1\r\nx\r\n".repeat(100_000);
    for (let n = 0; n < 5; n++) await new Promise((resolve) => peer.socket.write(chunks, resolve));
    peer.socket.end("0\r\n\r\n");
    expect(statusOf(await peer.ended)).toBe("HTTP/1.1 400 Bad Request");
  });

  it("are refused when they are too much together", async () => {
    const peers = await Promise.all(Array.from({ length: 40 }, () => openPeer(target)));
    const body = Buffer.alloc(9 * 1024 * 1024, 0x20);
    for (const { socket } of peers) {
      socket.write(`${HEAD}Content-Length: ${10 * 1024 * 1024}\r\n\r\n`);
      socket.write(body);
    }
    const refused = await Promise.race(peers.map((peer) => peer.ended));
    expect(statusOf(refused)).toBe("HTTP/1.1 503 Service Unavailable");
    expect(refused).toContain(
      '{"__type":"ServiceUnavailable","message":"the request bodies that are arriving are larger',
    );
    for (const { socket } of peers) socket.destroy();
  });
});

describe.skipIf(!isBuilt)("JSON", () => {
  it.each([
    ["lists", '{"Name":', "[", "]"],
    ["objects", '{"Name":"/none","X":', '{"a":', "}"],
  ])("of 100,000 levels of %s is refused or ignored", async (_what, start, open, close) => {
    const depth = 100_000;
    const inner = open === "[" ? "" : "1";
    const answer = await signedCall(target.url, `${start}${open.repeat(depth)}${inner}${close.repeat(depth)}}`);
    expect(answer.status).toBe(400);
    expect(codeOf(answer.body)).toBe(open === "[" ? "SerializationException" : "ParameterNotFound");
  });

  it("of half a million members is ignored but for those that count", async () => {
    const members = Array.from({ length: 500_000 }, (_, n) => `"k${n}":${n}`);
    const answer = await signedCall(target.url, `{"Name":"/none",${members.join(",")}}`);
    expect([answer.status, codeOf(answer.body)]).toEqual([400, "ParameterNotFound"]);
  });

  it("of a million broken members has an answer of bounded size", async () => {
    const headers = { "content-type": JSON_TYPE, "x-amz-target": "AmazonSSM.AddTagsToResource" };
    const tags = Array.from({ length: 1_000_000 }, () => '{"Key":""}').slice(0, 800_000);
    const answer = await signedCall(target.url, `{"Tags":[${tags.join(",")}]}`, { headers });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatch(/^\{"__type":"ValidationException","message":"1000 validation errors detected: /);
    expect(answer.body.length).toBeLessThan(2_000_000);
  });

  it("with names of JavaScript's own is data like any other", async () => {
    const call = async (operation: string, body: object): Promise<Record<string, unknown>> => {
      const headers = { "content-type": JSON_TYPE, "x-amz-target": `Logs_20140328.${operation}` };
      const answer = await signedCall(target.url, JSON.stringify(body), { headers, service: "logs" });
      return answer.body === "" ? {} : JSON.parse(answer.body);
    };
    const tags = JSON.parse('{"__proto__":"polluted","constructor":"c","toString":"t","hasOwnProperty":"h"}');
    expect(await call("CreateLogGroup", { logGroupName: "__proto__", tags })).toEqual({});
    expect(await call("ListTagsLogGroup", { logGroupName: "__proto__" })).toEqual({ tags });
    expect(await call("DescribeLogGroups", { logGroupNamePrefix: "constructor" })).toEqual({ logGroups: [] });
    const answer = await signedCall(target.url, '{"__proto__":{"Name":"/x"},"constructor":{"prototype":{}}}');
    expect(answer.body).toContain("Value null at 'name'");
    expect(await call("DescribeLogGroups", {})).toMatchObject({ logGroups: [{ logGroupName: "__proto__" }] });
  });

  it.each<[string, string, string, object, string]>([
    ["ssm", "AmazonSSM.GetParameter", "a parameter", { Name: "/a\u0000b" }, "ValidationException"],
    [
      "ssm",
      "AmazonSSM.PutParameter",
      "a new parameter",
      { Name: "a\u0000", Value: "v", Type: "String" },
      "ValidationException",
    ],
    ["kms", "TrentService.DescribeKey", "a key", { KeyId: "a\u0000b" }, "NotFoundException"],
    [
      "kms",
      "TrentService.CreateAlias",
      "an alias",
      { AliasName: "alias/\u0000", TargetKeyId: "k" },
      "ValidationException",
    ],
    ["secretsmanager", "secretsmanager.GetSecretValue", "a secret", { SecretId: "a\u0000b" }, "ValidationException"],
    ["logs", "Logs_20140328.CreateLogGroup", "a log group", { logGroupName: "a\u0000" }, "InvalidParameterException"],
    [
      "logs",
      "Logs_20140328.CreateLogStream",
      "a stream",
      { logGroupName: "a", logStreamName: "\u0000" },
      "ResourceNotFoundException",
    ],
    ["codebuild", "CodeBuild_20161006.BatchDeleteBuilds", "a build", { ids: ["a\u0000b"] }, ""],
    [
      "ecr",
      "AmazonEC2ContainerRegistry_V20150921.CreateRepository",
      "a repository",
      { repositoryName: "a\u0000" },
      "InvalidParameterException",
    ],
  ])("%s:%s with a NUL in the name of %s is answered", async (service, operation, _what, input, code) => {
    const headers = { "content-type": JSON_TYPE, "x-amz-target": operation };
    const answer = await signedCall(target.url, JSON.stringify(input), { headers, service });
    expect([answer.status, JSON.parse(answer.body).__type ?? ""]).toEqual([code === "" ? 200 : 400, code]);
  });
});

describe.skipIf(!isBuilt)("forms", () => {
  const send = (body: string) => signedCall(target.url, body, { headers: FORM, service: "iam" });
  const START = "Action=CreateUser&Version=2010-05-08&UserName=bob";

  it("of 100,000 parameters are refused", async () => {
    const body = `${START}&${Array.from({ length: 100_000 }, (_, n) => `Tags.member.${n}.Key=k`).join("&")}`;
    const answer = await send(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toContain(
      "<Code>MalformedInput</Code><Message>The request has more than 20000 parameters</Message>",
    );
  });

  it("of 20,000 items are told that they are too many", async () => {
    const body = `${START}&${Array.from({ length: 19_000 }, (_, n) => `Tags.member.${n}.Key=k`).join("&")}`;
    const answer = await send(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toContain("<Code>ValidationError</Code>");
  });

  it("of endless depth and of numbers without end are ignored or told", async () => {
    const names = ["Tags.member.1".repeat(100_000), ".".repeat(1_000_000), `Tags.member.${"9".repeat(1_000_000)}.Key`];
    for (const name of names) {
      const answer = await send(`Action=GetUser&Version=2010-05-08&UserName=nobody&${name}=x`);
      expect([answer.status, answer.body.includes("<Code>NoSuchEntity</Code>")]).toEqual([404, true]);
    }
    const answer = await send("Action=GetUser&Version=2010-05-08&UserName=a%00b&__proto__.x=1&constructor=2");
    expect([answer.status, /<Code>(\w+)</.exec(answer.body)?.[1]]).toEqual([400, "ValidationError"]);
  });
});

describe.skipIf(!isBuilt)("XML", () => {
  const put = (path: string, body: string) =>
    signedCall(target.url, body, {
      headers: { "content-type": "application/xml", "x-amz-content-sha256": sha256Hex(body) },
      service: "s3",
      method: "PUT",
      path,
    });
  const tagging = (inner: string): string =>
    `<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</Tagging>`;

  it.each<[string, string]>([
    [
      "entities in entities",
      `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>${tagging("<TagSet>&b;</TagSet>")}`,
    ],
    ["an external entity", `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>${tagging("&a;")}`],
    ["100,000 levels", `${"<a>".repeat(100_000)}${"</a>".repeat(100_000)}`],
    ["a million elements", tagging("<a/>".repeat(900_000))],
    ["a million attributes", `<Tagging ${Array.from({ length: 100_000 }, (_, n) => `a${n}="1"`).join(" ")}`],
    ["an endless comment", `<!--${"-".repeat(3_000_000)}`],
    ["an element without end", `<${"a".repeat(3_000_000)}`],
    ["ampersands alone", tagging("&".repeat(1_000_000))],
    ["a name that is no XML", tagging("<TagSet><Tag><Key>\u0000</Key></Tag")],
  ])("of %s is no document", async (_what, body) => {
    await put("/hostile-bucket", "");
    const answer = await put("/hostile-bucket?versioning=", body);
    expect(answer.body).toMatch(/<Code>(?:MalformedXML|NotImplemented)<\/Code>/);
    expect([400, 501]).toContain(answer.status);
  });

  it("that is larger than any document is not read", async () => {
    // The connection may end before all is written.
    const answer = await put("/hostile-bucket?versioning=", "x".repeat(5 * 1024 * 1024)).catch(() => ({ status: 413 }));
    expect(answer.status).toBe(413);
  });
});

it.skipIf(!isBuilt)("a request whose text is cut off is no request", async () => {
  const whole = signedText(target.url);
  expect(statusOf(await say(target, whole.slice(0, -4)))).toBe("HTTP/1.1 400 Bad Request");
  expect(statusOf(await say(target, whole.slice(0, 40)))).toBe("HTTP/1.1 400 Bad Request");
});
