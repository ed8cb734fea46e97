/** Secrets Manager over HTTP: unmodified aws CLIs and the SDK v3 client against a started Kiln. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { SecretsManager } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rotationsSettled } from "../../src/services/secretsmanager/background.ts";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const clis = findAwsClis();
const ARN = new RegExp(`^arn:aws:secretsmanager:us-east-1:${ACCOUNT}:secret:app/db-[A-Za-z0-9]{6}$`);
const UUID = /^[0-9a-f-]{36}$/;

let kiln: StartedEndpoint;
beforeAll(async () => {
  kiln = await startEndpoint();
});
afterAll(() => kiln.close());

describe.skipIf(clis.length === 0).each(clis)("$version", (cli) => {
  async function aws(...args: string[]) {
    const result = await runAws(cli, kiln.url, ["secretsmanager", ...args]);
    expect(result.stderr).toBe("");
    return JSON.parse(result.stdout);
  }

  async function failure(...args: string[]): Promise<string> {
    const result = await runAws(cli, kiln.url, ["secretsmanager", ...args]);
    expect(result.exitCode).not.toBe(0);
    return result.stderr.trim();
  }

  const id = ["--secret-id", "app/db"];

  it("keeps a secret from creation to deletion", async () => {
    const created = await aws("create-secret", "--name", "app/db", "--secret-string", '{"user":"me"}');
    expect(created).toEqual({
      ARN: expect.stringMatching(ARN),
      Name: "app/db",
      VersionId: expect.stringMatching(UUID),
    });
    const put = await aws("put-secret-value", ...id, "--secret-string", "second");
    expect(put).toMatchObject({ ARN: created.ARN, VersionStages: ["AWSCURRENT"] });
    const old = await aws("get-secret-value", ...id, "--version-stage", "AWSPREVIOUS");
    expect(old).toMatchObject({ SecretString: '{"user":"me"}', VersionId: created.VersionId });
    expect((await aws("get-secret-value", "--secret-id", created.ARN)).SecretString).toBe("second");
    await aws("update-secret", ...id, "--description", "the database");
    expect(await aws("describe-secret", ...id)).toMatchObject({
      Description: "the database",
      VersionIdsToStages: { [created.VersionId]: ["AWSPREVIOUS"], [put.VersionId]: ["AWSCURRENT"] },
    });
    // aws CLI v2 before 2.15 does not have this command.
    if (cli.major === 1) {
      const batch = await aws("batch-get-secret-value", "--secret-id-list", "app/db", "none");
      expect(batch).toMatchObject({
        SecretValues: [{ SecretString: "second" }],
        Errors: [{ SecretId: "none", ErrorCode: "ResourceNotFoundException" }],
      });
    }
    const listed = await aws("list-secrets", "--filters", "Key=name,Values=app/");
    expect(listed.SecretList).toHaveLength(1);
    await aws("delete-secret", ...id);
    await aws("restore-secret", ...id);
    await aws("delete-secret", ...id, "--force-delete-without-recovery");
    expect(await failure("get-secret-value", ...id)).toMatch(
      /An error occurred \(ResourceNotFoundException\) when calling the GetSecretValue operation: Secrets Manager can't find the specified secret\.$/,
    );
  });

  it("makes passwords and refuses what cannot be by name", async () => {
    const { RandomPassword } = await aws("get-random-password", "--password-length", "20");
    expect(RandomPassword).toHaveLength(20);
    const replicas = ["--add-replica-regions", "Region=eu-west-1"];
    expect(await failure("replicate-secret-to-regions", ...id, ...replicas)).toContain(
      "An error occurred (NotImplemented) when calling the ReplicateSecretToRegions operation: kiln does not offer `secretsmanager:ReplicateSecretToRegions`",
    );
    await aws("create-secret", "--name", "plain");
    expect(await failure("rotate-secret", "--secret-id", "plain")).toMatch(
      /An error occurred \(InvalidRequestException\) when calling the RotateSecret operation: No Lambda rotation function ARN is associated with this secret\.$/,
    );
    await aws("delete-secret", "--secret-id", "plain", "--force-delete-without-recovery");
  });
});

describe("the SDK", () => {
  let client: SecretsManager;
  beforeAll(() => {
    client = new SecretsManager(clientSettings(kiln.url));
  });
  afterAll(() => client.destroy());

  it("sends and reads bytes and dates", async () => {
    const SecretBinary = Uint8Array.of(0, 127, 255);
    await client.createSecret({ Name: "binary", SecretBinary });
    const answer = await client.getSecretValue({ SecretId: "binary" });
    expect(answer.SecretBinary).toEqual(SecretBinary);
    expect(answer.CreatedDate?.getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  it("gets modelled errors with their texts", async () => {
    await client.createSecret({ Name: "twice", SecretString: "x" });
    await expect(client.createSecret({ Name: "twice", SecretString: "x" })).rejects.toMatchObject({
      name: "ResourceExistsException",
      message: "The operation failed because the secret twice already exists.",
    });
    await expect(client.describeSecret({ SecretId: "a b" })).rejects.toMatchObject({
      name: "ValidationException",
      $metadata: { httpStatusCode: 400 },
    });
  });
});

describe("a rotation function", () => {
  const FUNCTION = `arn:aws:lambda:us-east-1:${ACCOUNT}:function:rotate`;
  let client: SecretsManager;
  let server: Server;
  const steps: string[] = [];
  let finished: () => void = () => undefined;
  beforeAll(async () => {
    client = new SecretsManager(clientSettings(kiln.url));
    // As AWS's template of a function does it, with the SDK.
    server = createServer(async (request, response) => {
      const { Step, SecretId, ClientRequestToken, RotationToken } = JSON.parse(await text(request));
      steps.push(Step);
      const { VersionIdsToStages = {} } = await client.describeSecret({ SecretId });
      if (Step === "createSecret") {
        expect(VersionIdsToStages[ClientRequestToken]).toEqual(["AWSPENDING"]);
        await expect(
          client.getSecretValue({ SecretId, VersionId: ClientRequestToken, VersionStage: "AWSPENDING" }),
        ).rejects.toMatchObject({ name: "ResourceNotFoundException" });
        const { RandomPassword } = await client.getRandomPassword({ ExcludePunctuation: true });
        const put = { SecretId, ClientRequestToken, RotationToken, VersionStages: ["AWSPENDING"] };
        await client.putSecretValue({ ...put, SecretString: RandomPassword });
      } else if (Step === "finishSecret") {
        const current = Object.keys(VersionIdsToStages).find((id) => VersionIdsToStages[id]?.includes("AWSCURRENT"));
        const move = { MoveToVersionId: ClientRequestToken, RemoveFromVersionId: current };
        await client.updateSecretVersionStage({ SecretId, VersionStage: "AWSCURRENT", ...move });
      }
      response.end("null", () => {
        if (Step === "finishSecret") finished();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await kiln.rotationFunctions.register({ arn: FUNCTION, url: `http://127.0.0.1:${port}/rotate` });
  });
  afterAll(() => {
    client.destroy();
    server.close();
  });

  it("rotates a secret while the caller has its answer already", async () => {
    const whenFinished = new Promise<void>((resolve) => {
      finished = resolve;
    });
    const { ARN = "", VersionId: first = "" } = await client.createSecret({ Name: "rotated", SecretString: "old" });
    const rules = { RotationRules: { ScheduleExpression: "cron(0 4 ? * SUN *)", Duration: "2h" } };
    const { VersionId = "" } = await client.rotateSecret({ SecretId: ARN, RotationLambdaARN: FUNCTION, ...rules });
    await whenFinished;
    expect(steps).toEqual(["createSecret", "setSecret", "testSecret", "finishSecret"]);
    const value = await client.getSecretValue({ SecretId: ARN });
    expect(value).toMatchObject({ VersionId, SecretString: expect.stringMatching(/^[A-Za-z0-9]{32}$/) });
    await rotationsSettled(kiln.store);
    const described = await client.describeSecret({ SecretId: ARN });
    expect(described).toMatchObject({
      RotationEnabled: true,
      RotationLambdaARN: FUNCTION,
      RotationRules: { AutomaticallyAfterDays: 7, ...rules.RotationRules },
      VersionIdsToStages: { [first]: ["AWSPREVIOUS"], [VersionId]: ["AWSCURRENT", "AWSPENDING"] },
    });
    expect(described.NextRotationDate?.toISOString()).toMatch(/T05:59:59\.000Z$/);
    expect((await client.listSecrets({ Filters: [{ Key: "name", Values: ["rotated"] }] })).SecretList).toMatchObject([
      { RotationEnabled: true, LastRotatedDate: described.LastRotatedDate },
    ]);
    await client.cancelRotateSecret({ SecretId: ARN });
    expect(await client.describeSecret({ SecretId: ARN })).toMatchObject({ RotationEnabled: false });
  });
});
