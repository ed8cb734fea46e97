/**
 * Every constraint of every input of the JSON services' operations, broken once over HTTP: code and text to the letter,
 * worked out from the model tables by other code than the endpoint's. Below it, texts recorded on AWS.
 */
import { Agent, request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConstraintCase, constraintCases } from "../support/constraint-cases.ts";
import { signedHeaders } from "../support/sign.ts";
import { type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const TARGETS = {
  ssm: "AmazonSSM",
  kms: "TrentService",
  secretsmanager: "secretsmanager",
  logs: "Logs_20140328",
  codebuild: "CodeBuild_20161006",
} as const;
type JsonService = keyof typeof TARGETS;

/** Operations of Logs that came late. */
const NEWER_LOGS = new Set(["TagResource", "UntagResource", "ListTagsForResource"]);

let kiln: StartedEndpoint;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

beforeAll(async () => {
  kiln = await startEndpoint();
});

afterAll(async () => {
  agent.destroy();
  await kiln.close();
});

interface Told {
  readonly status: number;
  readonly body: { readonly __type?: string; readonly message?: string; readonly Message?: string };
}

function send(service: JsonService, operation: string, body: string): Promise<Told> {
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": `${TARGETS[service]}.${operation}` };
  const signed = signedHeaders({ url: kiln.url, body, headers, service, atMs: Date.now() });
  return new Promise((resolve, reject) => {
    const outgoing = request(kiln.url, { method: "POST", headers: signed, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: response.statusCode ?? 0, body: text === "" ? {} : JSON.parse(text) });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

const codeOf = (service: JsonService, operation: string): string =>
  service === "logs" && !NEWER_LOGS.has(operation) ? "InvalidParameterException" : "ValidationException";

const LONG_NAME = /Value at '(?:logGroupName|logStreamName)' .* less than or equal to 512$/;

const short = (text: string): string => (text.length <= 500 ? text : `${text.slice(0, 250)}…${text.slice(-250)}`);

/** The whole message. */
function messageOf(service: JsonService, { failures }: ConstraintCase): string {
  if (service === "logs" && failures.some((failure) => LONG_NAME.test(failure))) {
    return "Invalid LogGroup or LogStream, both must have length less than or equal to 512.";
  }
  const count = failures.length;
  return `${count} validation error${count === 1 ? "" : "s"} detected: ${failures.join("; ")}`;
}

describe("each constraint of the model, broken", () => {
  it.each<[JsonService, number]>([
    ["ssm", 200],
    ["kms", 400],
    ["secretsmanager", 150],
    ["logs", 150],
    ["codebuild", 300],
  ])("%s answers AWS's sentence", async (service, atLeast) => {
    const offered = await kiln.dispatcher.services.get(service)?.operations();
    const cases = constraintCases(service, new Set(offered?.map(({ name }) => name)));
    const wrong: object[] = [];
    await Promise.all(
      Array.from({ length: 8 }, async (_, lane) => {
        for (let n = lane; n < cases.length; n += 8) {
          const one = cases[n] as ConstraintCase;
          const { status, body } = await send(service, one.operation, JSON.stringify(one.body));
          const expected = `400 ${codeOf(service, one.operation)}: ${messageOf(service, one)}`;
          const told = `${status} ${body.__type}: ${body.message ?? body.Message}`;
          if (told !== expected)
            wrong.push({ operation: one.operation, about: one.about, expected: short(expected), told: short(told) });
        }
      }),
    );
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(cases.length).toBeGreaterThan(atLeast);
  });
});

/** As AWS was recorded to answer. */
describe("recorded texts", () => {
  const many = Array.from({ length: 11 }, (_, n) => `n${n}`);

  it.each<[JsonService, string, object, string]>([
    [
      "ssm",
      "GetParameters",
      { Names: many },
      `ValidationException: 1 validation error detected: Value '[${many.join(", ")}]' at 'names' failed to satisfy constraint: Member must have length less than or equal to 10`,
    ],
    [
      "ssm",
      "LabelParameterVersion",
      { Name: "/a", Labels: ["x".repeat(101)] },
      `ValidationException: 1 validation error detected: Value '[${"x".repeat(101)}]' at 'labels' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 100, Member must have length greater than or equal to 1]`,
    ],
    [
      "kms",
      "Encrypt",
      { KeyId: "k", Plaintext: "" },
      "ValidationException: 1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      "kms",
      "Encrypt",
      { KeyId: "k", Plaintext: Buffer.alloc(4097).toString("base64") },
      "ValidationException: 1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096",
    ],
    [
      "kms",
      "GenerateRandom",
      { NumberOfBytes: 0 },
      "ValidationException: 1 validation error detected: Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ],
    [
      "kms",
      "GenerateRandom",
      { NumberOfBytes: 1025 },
      "ValidationException: 1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024",
    ],
    [
      "logs",
      "CreateLogGroup",
      { logGroupName: "a".repeat(513) },
      "InvalidParameterException: Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
    ],
    [
      "logs",
      "GetLogEvents",
      { logGroupIdentifier: "arn:aws:logs:us-east-1:111122223333:log-group:a:*", logStreamName: "s" },
      "InvalidParameterException: 1 validation error detected: Value at 'logGroupIdentifier' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w#+=/:,.@-]*",
    ],
    [
      "logs",
      "FilterLogEvents",
      { logGroupName: "a", limit: 10_001 },
      "InvalidParameterException: 1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000",
    ],
    [
      "logs",
      "FilterLogEvents",
      { logGroupName: "a", logStreamNames: [] },
      "InvalidParameterException: 1 validation error detected: Value '[]' at 'logStreamNames' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
  ])("%s:%s %j", async (service, operation, body, expected) => {
    const told = await send(service, operation, JSON.stringify(body));
    expect(`${told.body.__type}: ${told.body.message ?? told.body.Message}`).toBe(expected);
  });
});
