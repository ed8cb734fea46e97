import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { DAY_MS } from "../../../core/clock.ts";
import { kms } from "../../kms/index.ts";
import { rotationsSettled } from "../background.ts";
import { closeSecrets, rotationFunctions, secretsmanager } from "../index.ts";
import { functionUrl } from "./rotation-functions.ts";

interface Event {
  readonly Step: string;
  readonly SecretId: string;
  readonly ClientRequestToken: string;
  readonly RotationToken: string;
}

const FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:rotate";
const UNFINISHED = "InvalidRequestException: A previous rotation isn't complete. That rotation will be reattempted.";

let services: ServicesFixture;
let server: Server;
let events: Event[];
/** What the function does in a step; an answer's body when it is a text. */
let onStep: (event: Event) => Promise<string | undefined>;
let arn: string;

const call = <O = Record<string, unknown>>(operation: string, input: object = {}): Promise<O> =>
  services.root.call<O>("secretsmanager", operation, { SecretId: "db", ...input });
const token = (n: number): string => `token-${n}-`.padEnd(32, "0");
const settled = () => rotationsSettled(services.store);
const rotate = (n: number, input: object = {}) =>
  call("RotateSecret", { ClientRequestToken: token(n), RotationLambdaARN: FUNCTION, ...input });
const stages = async () => (await call("DescribeSecret"))["VersionIdsToStages"];

/** What AWS's templates of rotation functions do. */
async function rotateWell({ Step, SecretId, ClientRequestToken, RotationToken }: Event): Promise<undefined> {
  const ask = (operation: string, input: object) =>
    services.root.call<Record<string, unknown>>("secretsmanager", operation, { SecretId, ...input });
  if (Step === "createSecret") {
    const pending = { VersionId: ClientRequestToken, VersionStage: "AWSPENDING" };
    expect(await failureOf(ask("GetSecretValue", pending))).toBe(
      `ResourceNotFoundException: Secrets Manager can't find the specified secret value for VersionId: ${ClientRequestToken}`,
    );
    const SecretString = `rotated-${events.length}`;
    await ask("PutSecretValue", { ClientRequestToken, RotationToken, SecretString, VersionStages: ["AWSPENDING"] });
  }
  if (Step === "finishSecret") {
    const { VersionId } = await ask("GetSecretValue", {});
    const move = { MoveToVersionId: ClientRequestToken, RemoveFromVersionId: VersionId };
    await ask("UpdateSecretVersionStage", { VersionStage: "AWSCURRENT", ...move });
  }
}

beforeEach(async () => {
  services = await openServices([secretsmanager, kms]);
  events = [];
  onStep = rotateWell;
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const event: Event = JSON.parse(Buffer.concat(chunks).toString());
    events.push(event);
    try {
      response.end((await onStep(event)) ?? "null");
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await rotationFunctions(services.store).register({ arn: FUNCTION, url });
  const created = { Name: "db", SecretString: "one", ClientRequestToken: token(1) };
  arn = (await services.root.call<{ ARN: string }>("secretsmanager", "CreateSecret", created)).ARN;
});
afterEach(async () => {
  await closeSecrets(services.store);
  await services.close();
  server.closeAllConnections();
  server.close();
});

describe("RotateSecret", () => {
  it("lets the function rotate in four steps, behind its answer", async () => {
    const RotationRules = { AutomaticallyAfterDays: 30 };
    expect(await rotate(2, { RotationRules })).toEqual({ ARN: arn, Name: "db", VersionId: token(2) });
    expect(await stages()).toEqual({ [token(1)]: ["AWSCURRENT"], [token(2)]: ["AWSPENDING"] });
    expect(await call("DescribeSecret")).not.toHaveProperty("LastRotatedDate");
    await settled();
    const RotationToken = expect.stringMatching(/^[a-f0-9-]{36}$/);
    const event = { SecretId: arn, ClientRequestToken: token(2), RotationToken };
    const steps = ["createSecret", "setSecret", "testSecret", "finishSecret"];
    expect(events).toEqual(steps.map((Step) => ({ Step, ...event })));
    expect(await call("GetSecretValue")).toMatchObject({ SecretString: "rotated-1", VersionId: token(2) });
    expect(await call("DescribeSecret")).toEqual({
      ...{ ARN: arn, Name: "db", RotationEnabled: true, RotationLambdaARN: FUNCTION, RotationRules },
      ...{ CreatedDate: services.clock.nowMs(), LastChangedDate: services.clock.nowMs() },
      LastRotatedDate: services.clock.nowMs(),
      LastAccessedDate: Date.UTC(2026, 0, 2),
      NextRotationDate: Date.UTC(2026, 1, 1, 23, 59, 59),
      VersionIdsToStages: { [token(1)]: ["AWSPREVIOUS"], [token(2)]: ["AWSCURRENT", "AWSPENDING"] },
    });
  });

  it("needs only the secret from the second time on, and is idempotent by its token", async () => {
    await rotate(2, { RotationRules: { ScheduleExpression: "rate(10 days)", Duration: "2h" } });
    await settled();
    await rotate(2);
    await settled();
    expect(events).toHaveLength(4);
    await call("RotateSecret", { ClientRequestToken: token(3) });
    await settled();
    expect(await stages()).toEqual({ [token(2)]: ["AWSPREVIOUS"], [token(3)]: ["AWSCURRENT", "AWSPENDING"] });
    expect((await call("DescribeSecret"))["RotationRules"]).toEqual({
      ...{ AutomaticallyAfterDays: 10, Duration: "2h", ScheduleExpression: "rate(10 days)" },
    });
  });

  it("leaves AWSPENDING where a step fails, and goes on with that version", async () => {
    onStep = (event) => (event.Step === "testSecret" ? Promise.reject(new Error("no")) : rotateWell(event));
    await rotate(2);
    await settled();
    expect(events.map(({ Step }) => Step)).toEqual(["createSecret", "setSecret", "testSecret"]);
    expect(await stages()).toEqual({ [token(1)]: ["AWSCURRENT"], [token(2)]: ["AWSPENDING"] });
    expect(await call("DescribeSecret")).not.toHaveProperty("LastRotatedDate");
    onStep = async (event) => (event.Step === "createSecret" ? undefined : rotateWell(event));
    expect(await failureOf(rotate(3))).toBe(UNFINISHED);
    await settled();
    expect(await stages()).toEqual({ [token(1)]: ["AWSPREVIOUS"], [token(2)]: ["AWSCURRENT", "AWSPENDING"] });
    expect(await call("DescribeSecret")).toMatchObject({ LastRotatedDate: services.clock.nowMs() });
  });

  it("does not make a version without a value the current one", async () => {
    onStep = async (event) => (event.Step === "createSecret" ? undefined : rotateWell(event));
    await rotate(2);
    await settled();
    expect(await stages()).toEqual({ [token(1)]: ["AWSCURRENT"], [token(2)]: ["AWSPENDING"] });
    const move = { VersionStage: "AWSCURRENT", MoveToVersionId: token(2), RemoveFromVersionId: token(1) };
    expect(await failureOf(call("UpdateSecretVersionStage", move))).toBe(
      `ResourceNotFoundException: Secrets Manager can't find the specified secret value for VersionId: ${token(2)}`,
    );
  });

  it("ends with the store, whatever the function does", async () => {
    onStep = () => new Promise(() => undefined);
    await rotate(2);
    await closeSecrets(services.store);
    expect(await stages()).toMatchObject({ [token(2)]: ["AWSPENDING"] });
  });

  it("takes Lambda's error body for a failure", async () => {
    onStep = async () => '{"errorMessage":"no","errorType":"ValueError"}';
    await rotate(2);
    await settled();
    expect(events).toHaveLength(1);
  });

  it("only tries the function out when it is not to rotate now", async () => {
    await rotate(2, { RotateImmediately: false, RotationRules: { AutomaticallyAfterDays: 7 } });
    expect(await stages()).toMatchObject({ [token(2)]: ["AWSPENDING"] });
    await settled();
    expect(events.map(({ Step }) => Step)).toEqual(["testSecret"]);
    expect(await stages()).toEqual({ [token(1)]: ["AWSCURRENT"] });
    expect(await call("DescribeSecret")).toMatchObject({ NextRotationDate: Date.UTC(2026, 0, 9, 23, 59, 59) });
  });

  it("keeps the rules of a function that is not registered, and cannot invoke it", async () => {
    const RotationLambdaARN = `${FUNCTION}-other`;
    expect(await failureOf(rotate(2, { RotationLambdaARN }))).toBe(
      "AccessDeniedException: Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.",
    );
    expect(await call("DescribeSecret")).not.toHaveProperty("RotationEnabled");
    const RotationRules = { AutomaticallyAfterDays: 7 };
    const answer = await rotate(2, { RotationLambdaARN, RotateImmediately: false, RotationRules });
    expect(answer).toEqual({ ARN: arn, Name: "db" });
    expect(await call("DescribeSecret")).toMatchObject({ RotationEnabled: true, RotationLambdaARN, RotationRules });
    services.clock.advance(8 * DAY_MS);
    expect(await call("DescribeSecret")).toMatchObject({ NextRotationDate: Date.UTC(2026, 0, 16, 23, 59, 59) });
  });

  it("names what is missing, the token first", async () => {
    expect(await failureOf(call("RotateSecret", { SecretId: "none" }))).toBe(
      "InvalidParameterException: You must provide a ClientRequestToken value. We recommend a UUID-type value.",
    );
    expect(await failureOf(rotate(2, { RotationLambdaARN: undefined }))).toBe(
      "InvalidRequestException: No Lambda rotation function ARN is associated with this secret.",
    );
    for (const RotationLambdaARN of [
      "rotate",
      FUNCTION.replace("us-east-1", "eu-west-1"),
      FUNCTION.replace("lambda", "s3"),
    ]) {
      expect(await failureOf(rotate(2, { RotationLambdaARN }))).toBe(
        "InvalidParameterException: Invalid rotation Lambda ARN. Ensure the ARN matches format arn:aws:lambda:us-east-1:000000000000:function:<functionName>.",
      );
    }
    expect(await failureOf(rotate(2, { ExternalSecretRotationMetadata: [] }))).toBe(
      "InvalidParameterException: kiln does not offer managed external secrets (docs/coverage.md)",
    );
    await call("DeleteSecret");
    const marked =
      "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.";
    expect(await failureOf(rotate(2))).toBe(marked);
    expect(await failureOf(call("CancelRotateSecret"))).toBe(marked);
  });
});

describe("a schedule", () => {
  it("rotates when its window opens", async () => {
    await rotate(2, { RotationRules: { AutomaticallyAfterDays: 30 } });
    await settled();
    services.clock.advance(30 * DAY_MS);
    await services.store.write(() => undefined);
    await settled();
    expect(events).toHaveLength(8);
    expect(await call("GetSecretValue")).toMatchObject({ SecretString: "rotated-5" });
    expect(await call("DescribeSecret")).toMatchObject({ NextRotationDate: Date.UTC(2026, 2, 3, 23, 59, 59) });
  });

  it("of days starts anew with a value that somebody puts", async () => {
    await rotate(2, { RotationRules: { AutomaticallyAfterDays: 30 } });
    await settled();
    services.clock.advance(10 * DAY_MS);
    await call("PutSecretValue", { ClientRequestToken: token(3), SecretString: "by hand" });
    expect(await call("DescribeSecret")).toMatchObject({ NextRotationDate: Date.UTC(2026, 1, 11, 23, 59, 59) });
  });

  it("does not rotate what is to be deleted", async () => {
    await rotate(2, { RotateImmediately: false, RotationRules: { AutomaticallyAfterDays: 1 } });
    await settled();
    await call("DeleteSecret");
    services.clock.advance(3 * DAY_MS);
    await services.store.write(() => undefined);
    await settled();
    expect(events).toHaveLength(1);
  });
});

describe("CancelRotateSecret", () => {
  it("turns rotation off, and names the version that was left", async () => {
    onStep = () => Promise.reject(new Error("no"));
    await rotate(2, { RotationRules: { AutomaticallyAfterDays: 30 } });
    await settled();
    expect(await call("CancelRotateSecret")).toEqual({ ARN: arn, Name: "db", VersionId: token(2) });
    const described = await call("DescribeSecret");
    expect(described).toMatchObject({ RotationEnabled: false, RotationLambdaARN: FUNCTION });
    expect(described).not.toHaveProperty("NextRotationDate");
    expect(await stages()).toEqual({ [token(1)]: ["AWSCURRENT"], [token(2)]: ["AWSPENDING"] });
    expect(await failureOf(rotate(3))).toBe(UNFINISHED);
    await settled();
    expect(events).toHaveLength(1);
    await call("UpdateSecretVersionStage", { VersionStage: "AWSPENDING", RemoveFromVersionId: token(2) });
    onStep = rotateWell;
    await rotate(3);
    await settled();
    expect(await call("GetSecretValue")).toMatchObject({ VersionId: token(3) });
  });

  it("needs a rotation", async () => {
    expect(await failureOf(call("CancelRotateSecret"))).toBe(
      "InvalidRequestException: No Lambda rotation function ARN is associated with this secret.",
    );
  });
});

describe("PutSecretValue", () => {
  it("takes the token of the rotation that runs, and no other", async () => {
    const put = { ClientRequestToken: token(5), SecretString: "x", RotationToken: "0".repeat(36) };
    expect(await failureOf(call("PutSecretValue", put))).toBe(
      "InvalidParameterException: The RotationToken does not belong to a rotation of this secret that is in progress.",
    );
  });
});

describe("rotation functions", () => {
  it("that a foreign state folder brings along are not called", async () => {
    const planted = { arn: FUNCTION, url: "http://example.com/" };
    const functions = services.store.collection("secretsmanager/rotation-functions");
    await services.store.write(() => functions.put([FUNCTION], planted));
    expect(functionUrl(services.store, FUNCTION)).toBeUndefined();
  });

  it("are ARNs of functions at addresses of this machine", async () => {
    const functions = rotationFunctions(services.store);
    expect(functions.list()).toEqual([{ arn: FUNCTION, url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:/) }]);
    await expect(functions.register({ arn: "rotate", url: "http://localhost:1" })).rejects.toThrow(
      "`rotate` is not the ARN of a Lambda function",
    );
    for (const url of ["http://example.com/", "ftp://127.0.0.1/", "127.0.0.1"]) {
      await expect(functions.register({ arn: FUNCTION, url })).rejects.toThrow(
        `\`${url}\` is not an address of this machine`,
      );
    }
    // Addresses are shown, so they hold no password.
    await expect(functions.register({ arn: FUNCTION, url: "http://me:pa55@127.0.0.1/" })).rejects.toThrow(
      "`http://…@127.0.0.1/` is not an address of this machine",
    );
    expect(await functions.remove(FUNCTION)).toBe(true);
    expect(await functions.remove(FUNCTION)).toBe(false);
    expect(functions.list()).toEqual([]);
  });
});
