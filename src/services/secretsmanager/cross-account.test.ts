import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf } from "../../../test/support/services-fixture.ts";
import type { AwsCaller, Principal } from "../../core/aws.ts";
import { TestClock } from "../../core/clock.ts";
import { TestIds } from "../../core/ids.ts";
import { openStore, type Store } from "../../store/index.ts";
import { createDispatcher, type Dispatcher } from "../dispatcher.ts";
import { kms } from "../kms/index.ts";
import { secretsmanager } from "./index.ts";

const OWNER = "000000000000";
const GUEST = "111122223333";
const ClientRequestToken = "token".padEnd(32, "0");

let store: Store;
let dispatcher: Dispatcher;

const rootOf = (accountId: string): AwsCaller => {
  const principal: Principal = {
    ...{ type: "Root", arn: `arn:aws:iam::${accountId}:root`, accountId, userId: accountId },
  };
  return dispatcher.callerFor(principal, { partition: "aws", region: "us-east-1", accountId });
};

beforeEach(async () => {
  const ids = new TestIds();
  store = await openStore({ ids });
  const identity = { policiesOf: () => ({ identity: [] }), tagsOf: () => ({}) };
  dispatcher = createDispatcher({ services: [secretsmanager, kms], identity, store, clock: new TestClock(), ids });
});
afterEach(async () => {
  await dispatcher.flush();
  await store.close();
});

const allowGuest = (Action: string | readonly string[]): object => ({
  ...{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${GUEST}:root` }, Action, Resource: "*" },
});

/** A secret of the owner that its resource policy opens to the guest. */
async function sharedSecret(KmsKeyId?: string): Promise<string> {
  const owner = rootOf(OWNER);
  const input = { Name: "shared", SecretString: "hunter2", ClientRequestToken, ...(KmsKeyId && { KmsKeyId }) };
  const { ARN } = await owner.call<{ ARN: string }>("secretsmanager", "CreateSecret", input);
  const Statement = [allowGuest("secretsmanager:*")];
  const ResourcePolicy = JSON.stringify({ Version: "2012-10-17", Statement });
  await owner.call("secretsmanager", "PutResourcePolicy", { SecretId: ARN, ResourcePolicy });
  return ARN;
}

describe("a secret of another account", () => {
  it("is closed without a resource policy", async () => {
    const SecretId = await sharedSecret();
    await rootOf(OWNER).call("secretsmanager", "DeleteResourcePolicy", { SecretId });
    expect(await failureOf(rootOf(GUEST).call("secretsmanager", "GetSecretValue", { SecretId }))).toBe(
      `AccessDeniedException: User: arn:aws:iam::${GUEST}:root is not authorized to perform: secretsmanager:GetSecretValue on resource: ${SecretId} because no resource-based policy allows the secretsmanager:GetSecretValue action`,
    );
  });

  it("cannot be decrypted under the default key, whatever its policy says", async () => {
    const SecretId = await sharedSecret();
    expect(await rootOf(GUEST).call("secretsmanager", "DescribeSecret", { SecretId })).toMatchObject({
      Name: "shared",
    });
    const refused =
      "InvalidRequestException: You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.";
    expect(await failureOf(rootOf(GUEST).call("secretsmanager", "GetSecretValue", { SecretId }))).toBe(refused);
    const write = { SecretId, SecretString: "new", ClientRequestToken: "other".padEnd(32, "0") };
    expect(await failureOf(rootOf(GUEST).call("secretsmanager", "PutSecretValue", write))).toBe(refused);
    const batch = { SecretIdList: [SecretId] };
    expect(await rootOf(GUEST).call("secretsmanager", "BatchGetSecretValue", batch)).toMatchObject({
      Errors: [{ SecretId, ErrorCode: "InvalidRequestException" }],
    });
  });

  it("is read and written under a key that is shared too", async () => {
    const owner = rootOf(OWNER);
    const own = {
      ...{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${OWNER}:root` } },
      Action: "kms:*",
      Resource: "*",
    };
    const Statement = [own, allowGuest(["kms:Decrypt", "kms:GenerateDataKey"])];
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    const { KeyMetadata } = await owner.call<{ KeyMetadata: { Arn: string } }>("kms", "CreateKey", { Policy });
    const SecretId = await sharedSecret(KeyMetadata.Arn);
    const guest = rootOf(GUEST);
    const read = { SecretId };
    expect(await guest.call("secretsmanager", "GetSecretValue", read)).toMatchObject({ SecretString: "hunter2" });
    const write = { SecretId, SecretString: "new", ClientRequestToken: "other".padEnd(32, "0") };
    await guest.call("secretsmanager", "PutSecretValue", write);
    expect(await owner.call("secretsmanager", "GetSecretValue", read)).toMatchObject({ SecretString: "new" });
    expect(await failureOf(guest.call("secretsmanager", "GetSecretValue", { SecretId: "shared" }))).toContain(
      "ResourceNotFoundException",
    );
  });

  it("is read but not written under a key that was given without its ARN", async () => {
    const Statement = [allowGuest("kms:*"), { ...allowGuest("kms:*"), Principal: { AWS: OWNER } }];
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    type Created = { KeyMetadata: { KeyId: string; Arn: string } };
    const { KeyMetadata } = await rootOf(OWNER).call<Created>("kms", "CreateKey", { Policy });
    const SecretId = await sharedSecret(KeyMetadata.KeyId);
    const guest = rootOf(GUEST);
    await expect(guest.call("secretsmanager", "GetSecretValue", { SecretId })).resolves.toBeDefined();
    const write = { SecretId, SecretString: "new", ClientRequestToken: "other".padEnd(32, "0") };
    expect(await failureOf(guest.call("secretsmanager", "PutSecretValue", write))).toContain(
      `EncryptionFailure: Secrets Manager can't encrypt the secret value: Key '${KeyMetadata.Arn.replace(OWNER, GUEST)}' does not exist (Service: AWSKMS; Status Code: 400; Error Code: NotFoundException; Request ID: `,
    );
  });
});
