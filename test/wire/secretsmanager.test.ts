/** Secrets Manager over HTTP: unmodified aws CLIs and the SDK v3 client against a started Kiln. */
import { SecretsManager } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

  it("makes passwords and refuses rotation by name", async () => {
    const { RandomPassword } = await aws("get-random-password", "--password-length", "20");
    expect(RandomPassword).toHaveLength(20);
    expect(await failure("rotate-secret", ...id)).toContain(
      "An error occurred (NotImplemented) when calling the RotateSecret operation: kiln does not offer `secretsmanager:RotateSecret`",
    );
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
