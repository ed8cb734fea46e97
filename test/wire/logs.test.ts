/** CloudWatch Logs with unmodified clients: the SDK, its event stream, and `aws logs tail --follow`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { devNull } from "node:os";
import * as Logs from "@aws-sdk/client-cloudwatch-logs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAwsClis } from "../support/aws-cli.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const GROUP = "/wire/logs";
const ARN = `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:${GROUP}`;
const logGroupName = GROUP;

let kiln: StartedEndpoint;
let logs: Logs.CloudWatchLogs;

beforeAll(async () => {
  kiln = await startEndpoint();
  logs = new Logs.CloudWatchLogs({ ...clientSettings(kiln.url), disableHostPrefix: true });
  await logs.createLogGroup({ logGroupName });
  for (const logStreamName of ["one", "two"]) await logs.createLogStream({ logGroupName, logStreamName });
});

afterAll(async () => {
  logs.destroy();
  await kiln.close();
});

const put = (logStreamName: string, ...messages: string[]) => {
  const timestamp = Date.now();
  return logs.putLogEvents({
    logGroupName,
    logStreamName,
    logEvents: messages.map((message) => ({ timestamp, message })),
  });
};

/** Messages of a tail, until there are as many as asked for. */
async function take(stream: AsyncIterable<Logs.StartLiveTailResponseStream>, count: number): Promise<string[]> {
  const found: string[] = [];
  for await (const event of stream) {
    for (const result of event.sessionUpdate?.sessionResults ?? []) found.push(result.message ?? "");
    if (found.length >= count) break;
  }
  return found;
}

const streamOf = ({ responseStream }: Logs.StartLiveTailCommandOutput) =>
  responseStream as AsyncIterable<Logs.StartLiveTailResponseStream>;

describe("StartLiveTail", () => {
  it("streams to the SDK: the session, then what comes", async () => {
    const stream = streamOf(await logs.startLiveTail({ logGroupIdentifiers: [ARN], logEventFilterPattern: "%^x%" }));
    const events = stream[Symbol.asyncIterator]();
    const { sessionStart } = (await events.next()).value as Logs.StartLiveTailResponseStream;
    expect(sessionStart).toMatchObject({ logGroupIdentifiers: [ARN], logEventFilterPattern: "%^x%" });
    await put("one", "x ü1", "y", "x2");
    expect(await take({ [Symbol.asyncIterator]: () => events }, 2)).toEqual(["x ü1", "x2"]);
  });

  it("answers under the host that the SDK makes up", async () => {
    const hosts = new Set<string>();
    const lookup = (name: string, options: { all?: boolean }, done: (...found: unknown[]) => void) => {
      hosts.add(name);
      options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);
    };
    const client = new Logs.CloudWatchLogs({
      ...clientSettings(kiln.url.replace("127.0.0.1", "localhost")),
      requestHandler: { httpAgent: new Agent({ lookup } as object) },
    });
    const stream = streamOf(await client.startLiveTail({ logGroupIdentifiers: [ARN], logStreamNames: ["two"] }));
    const taking = take(stream, 1);
    await put("two", "here");
    expect(await taking).toEqual(["here"]);
    expect([...hosts]).toEqual(["stream-localhost"]);
    client.destroy();
  });

  it.each([
    ["stream-127.0.0.1", 200],
    ["streaming-127.0.0.1", 200],
    ["streaming-logs.localhost", 200],
    ["stream-example.com", 403],
    ["stream-localhost.example.com", 403],
  ])("under the host %s there is %s", async (host, status) => {
    const { port, hostname } = new URL(kiln.url);
    const asked = request({ host: hostname, port, path: "/_kiln/health", headers: { host: `${host}:${port}` } }).end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(status);
  });

  it("says what is wrong before it streams", async () => {
    await expect(logs.startLiveTail({ logGroupIdentifiers: [`${ARN}x`] })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message: "The specified log group does not exist.",
    });
    await expect(logs.startLiveTail({ logGroupIdentifiers: Array(11).fill(ARN) })).rejects.toMatchObject({
      name: "InvalidParameterException",
    });
  });

  it("ends with the endpoint, at once", async () => {
    const other = await startEndpoint();
    const client = new Logs.CloudWatchLogs({ ...clientSettings(other.url), disableHostPrefix: true });
    await client.createLogGroup({ logGroupName });
    const taking = take(streamOf(await client.startLiveTail({ logGroupIdentifiers: [ARN] })), 1);
    await other.close();
    // It comes to its end: what goes on for longer than requests under way are given is cut off.
    expect(await taking).toEqual([]);
    client.destroy();
  });
});

describe("errors", () => {
  it("have the codes and texts of AWS", async () => {
    const cases: [() => Promise<unknown>, string, string][] = [
      [
        () => logs.createLogGroup({ logGroupName }),
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
      ],
      [
        () => logs.createLogStream({ logGroupName, logStreamName: "one" }),
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
      ],
      [
        () => logs.describeLogStreams({ logGroupName: "/none" }),
        "ResourceNotFoundException",
        "The specified log group does not exist.",
      ],
      [
        () => logs.getLogEvents({ logGroupName, logStreamName: "none" }),
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
      ],
      [
        () => logs.filterLogEvents({ logGroupName, filterPattern: "{ $.a" }),
        "InvalidParameterException",
        "If a filter pattern starts with '{' it must end with '}'",
      ],
      [
        () => logs.createLogGroup({ logGroupName: "g".repeat(513) }),
        "InvalidParameterException",
        "Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
      ],
      [
        () => logs.describeLogStreams({ logGroupIdentifier: `${ARN}:*` }),
        "InvalidParameterException",
        "1 validation error detected: Value at 'logGroupIdentifier' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w#+=/:,.@-]*",
      ],
    ];
    for (const [call, name, message] of cases) {
      await expect(call()).rejects.toMatchObject({ name, message });
    }
  });
});

const cli = findAwsClis().find(({ major }) => major === 2);

describe.skipIf(!cli)("aws logs tail", () => {
  it("follows", async () => {
    const env = {
      PATH: process.env["PATH"],
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      PYTHONUNBUFFERED: "1",
    };
    const args = ["--endpoint-url", kiln.url, "logs", "tail", GROUP, "--follow", "--format", "short", "--since", "1m"];
    await put("one", "tail before");
    const tail = spawn(cli?.path ?? "aws", [...args, "--filter-pattern", "tail"], { env });
    try {
      let output = "";
      const seen = async (text: string): Promise<void> => {
        while (!output.includes(text)) output += String((await once(tail.stdout, "data"))[0]);
      };
      await seen("tail before");
      await put("two", "tail after", "something else");
      await seen("tail after");
      expect(output).not.toContain("something else");
    } finally {
      tail.kill();
    }
  });
});
