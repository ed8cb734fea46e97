import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { kms } from "../kms/index.ts";
import { secretsmanager } from "./index.ts";

let services: ServicesFixture;
let arn: string;
beforeEach(async () => {
  services = await openServices([secretsmanager, kms]);
  arn = (await create()).ARN;
});
afterEach(() => services.close());

const ROLE = "arn:aws:sts::000000000000:assumed-role/R/session";
const KMS_DENIED = "AccessDeniedException: Access to KMS is not allowed";
const call = <O = Record<string, unknown>>(operation: string, input: object, caller = services.root): Promise<O> =>
  caller.call<O>("secretsmanager", operation, input);
const token = (n: number): string => `token-${n}-`.padEnd(32, "0");
const create = (input: object = {}, caller = services.root) =>
  call<{ ARN: string }>(
    "CreateSecret",
    { Name: "db", SecretString: "hunter2", ClientRequestToken: token(1), ...input },
    caller,
  );
const read = async (caller = services.root, input: object = {}) =>
  (await call<{ SecretString: string }>("GetSecretValue", { SecretId: "db", ...input }, caller)).SecretString;
const role = (...statements: object[]) => services.role("R", statements);
const allow = (Action: string | string[], Resource = "*", more: object = {}) => ({
  ...{ Effect: "Allow", Action, Resource },
  ...more,
});
const createKey = async (): Promise<{ KeyId: string; Arn: string }> =>
  (await services.root.call<{ KeyMetadata: { KeyId: string; Arn: string } }>("kms", "CreateKey", {})).KeyMetadata;

describe("permission", () => {
  it("is asked on the full ARN of a secret, and on what was written where there is none", async () => {
    const denied = (resource: string) =>
      `AccessDeniedException: User: ${ROLE} is not authorized to perform: secretsmanager:GetSecretValue on resource: ${resource} because no identity-based policy allows the secretsmanager:GetSecretValue action`;
    expect(await failureOf(read(role()))).toBe(denied(arn));
    expect(await failureOf(read(role(), { SecretId: arn.slice(0, -7) }))).toBe(denied(arn));
    const scoped = role(allow("secretsmanager:GetSecretValue", `${arn.slice(0, -7)}-??????`));
    expect(await read(scoped)).toBe("hunter2");
    expect(await failureOf(read(scoped, { SecretId: "other/secret" }))).toBe(denied("other/secret"));
    expect(await failureOf(read(role(allow("secretsmanager:*")), { SecretId: "other" }))).toBe(
      "ResourceNotFoundException: Secrets Manager can't find the specified secret.",
    );
  });

  it("of a list names no resource", async () => {
    expect(await failureOf(call("ListSecrets", {}, role()))).toBe(
      `AccessDeniedException: User: ${ROLE} is not authorized to perform: secretsmanager:ListSecrets because no identity-based policy allows the secretsmanager:ListSecrets action`,
    );
  });

  it("to create is decided by ARN and printed by name; tags need a second action", async () => {
    const resource = "arn:aws:secretsmanager:us-east-1:000000000000:secret:app/*";
    const creator = role(allow("secretsmanager:CreateSecret", resource));
    await create({ Name: "app/x" }, creator);
    expect(await failureOf(create({ Name: "x" }, creator))).toBe(
      `AccessDeniedException: User: ${ROLE} is not authorized to perform: secretsmanager:CreateSecret on resource: x because no identity-based policy allows the secretsmanager:CreateSecret action`,
    );
    expect(await failureOf(create({ Name: "app/y", Tags: [{ Key: "a", Value: "b" }] }, creator))).toContain(
      "not authorized to perform: secretsmanager:TagResource",
    );
  });

  it("may depend on stages, tags and the secret itself", async () => {
    await call("TagResource", { SecretId: "db", Tags: [{ Key: "team", Value: "a" }] });
    const StringEquals = {
      "secretsmanager:VersionStage": "AWSCURRENT",
      "secretsmanager:ResourceTag/team": "a",
      "aws:ResourceTag/team": "a",
      "secretsmanager:SecretId": arn,
    };
    const reader = role(allow("secretsmanager:GetSecretValue", "*", { Condition: { StringEquals } }));
    expect(await read(reader, { VersionStage: "AWSCURRENT" })).toBe("hunter2");
    for (const input of [{ VersionStage: "AWSPREVIOUS" }, {}]) {
      expect(await failureOf(read(reader, input))).toContain("is not authorized to perform");
    }
  });

  it("of a batch is decided for each secret", async () => {
    await create({ Name: "other" });
    const reader = role(
      allow(["secretsmanager:BatchGetSecretValue", "secretsmanager:ListSecrets"]),
      allow("secretsmanager:GetSecretValue", `${arn.slice(0, -7)}-??????`),
    );
    const batch = await call("BatchGetSecretValue", { SecretIdList: ["db", "other", "none"] }, reader);
    expect(batch).toMatchObject({
      SecretValues: [{ Name: "db", SecretString: "hunter2" }],
      Errors: [
        { SecretId: "other", ErrorCode: "AccessDeniedException" },
        { SecretId: "none", ErrorCode: "AccessDeniedException" },
      ],
    });
    const byFilter = await call("BatchGetSecretValue", { Filters: [{ Key: "name", Values: ["d"] }] }, reader);
    expect(byFilter).toMatchObject({ SecretValues: [{ Name: "db" }], Errors: [] });
    expect(await failureOf(call("BatchGetSecretValue", {}, reader))).toBe(
      "InvalidParameterException: Either 'SecretIdList' or 'Filters' must be provided, but not both.",
    );
    for (const [member, value] of [
      ["MaxResults", 1],
      ["NextToken", "x"],
    ] as const) {
      expect(await failureOf(call("BatchGetSecretValue", { SecretIdList: ["db"], [member]: value }, reader))).toBe(
        `InvalidParameterException: 'Filters' not specified. 'Filters' must also be specified when '${member}' is provided.`,
      );
    }
  });
});

describe("a resource policy", () => {
  const policy = (statement: object): string =>
    JSON.stringify({ Version: "2012-10-17", Statement: [{ Resource: "*", ...statement }] });
  const put = (ResourcePolicy: string, more: object = {}) =>
    call("PutResourcePolicy", { SecretId: "db", ResourcePolicy, ...more });
  const READ = "secretsmanager:GetSecretValue";

  it("lets a role of the account in and keeps another out", async () => {
    const text = policy({ Effect: "Allow", Principal: { AWS: ROLE }, Action: READ });
    await put(text);
    expect(await read(role())).toBe("hunter2");
    expect(await call("GetResourcePolicy", { SecretId: "db" })).toEqual({ ARN: arn, Name: "db", ResourcePolicy: text });
    await put(policy({ Effect: "Deny", Principal: "*", Action: READ }));
    expect(await failureOf(read(role(allow("*"))))).toContain("with an explicit deny in a resource-based policy");
    await call("DeleteResourcePolicy", { SecretId: "db" });
    expect(await call("GetResourcePolicy", { SecretId: "db" })).not.toHaveProperty("ResourcePolicy");
    expect(await read(role(allow("*")))).toBe("hunter2");
  });

  it("is checked before it is taken", async () => {
    expect(await failureOf(put("{}"))).toBe(
      "MalformedPolicyDocumentException: This resource policy contains a syntax error.",
    );
    const wrong = (Principal: object) => failureOf(put(policy({ Effect: "Allow", Principal, Action: READ })));
    expect(await wrong({ AWS: "bob" })).toBe(
      "MalformedPolicyDocumentException: This resource policy contains an unsupported principal.",
    );
    expect(await wrong({ Service: "codebuild" })).toBe(
      "MalformedPolicyDocumentException: This resource policy contains an invalid service principal.",
    );
    const text = policy({ Effect: "Allow", Principal: { AWS: ["*"] }, Action: READ });
    expect(await failureOf(put(text, { BlockPublicPolicy: true }))).toBe(
      "PublicPolicyException: You can't attach a resource-based policy that allows broad access to the secret.",
    );
    await put(text);
  });
});

describe("encryption", () => {
  const USE = ["secretsmanager:*"];

  it("leaves no value in the store", async () => {
    const records = [...services.store.collection("secretsmanager/secrets").list([])];
    const values = [...services.store.collection("secretsmanager/values").list([])];
    expect(values).toHaveLength(1);
    const text = JSON.stringify([records, values]);
    for (const form of ["hunter2", Buffer.from("hunter2").toString("base64")]) expect(text).not.toContain(form);
  });

  it("under the default key needs no KMS permission, but obeys a deny", async () => {
    expect(await read(role(allow(USE)))).toBe("hunter2");
    const denied = role(allow(USE), { Effect: "Deny", Action: "kms:*", Resource: "*" });
    expect(await failureOf(read(denied))).toBe(KMS_DENIED);
    expect(await call("DescribeSecret", { SecretId: "db" })).not.toHaveProperty("KmsKeyId");
  });

  it("under a customer key needs it, bound to the secret and the version", async () => {
    const key = await createKey();
    const secret = await create({ Name: "own", KmsKeyId: key.KeyId });
    expect(await call("DescribeSecret", { SecretId: "own" })).toMatchObject({ KmsKeyId: key.KeyId });
    expect(await failureOf(read(role(allow(USE)), { SecretId: "own" }))).toBe(KMS_DENIED);
    const StringEquals = {
      "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com",
      "kms:EncryptionContext:SecretARN": secret.ARN,
      "kms:EncryptionContext:SecretVersionId": token(1),
    };
    const reader = role(allow(USE), allow("kms:Decrypt", key.Arn, { Condition: { StringEquals } }));
    expect(await read(reader, { SecretId: "own" })).toBe("hunter2");
    const write = { SecretId: "own", SecretString: "x", ClientRequestToken: token(2) };
    expect(await failureOf(call("PutSecretValue", write, reader))).toBe(KMS_DENIED);
    expect(await failureOf(create({ Name: "two", KmsKeyId: key.Arn }, role(allow(USE), allow("kms:Gen*"))))).toBe(
      KMS_DENIED,
    );
  });

  it("names a key that is wrong", async () => {
    expect(await failureOf(create({ Name: "x", KmsKeyId: "fake" }))).toBe(
      "InvalidParameterException: The operation failed because of an invalid KMS key: Invalid keyId 'fake'",
    );
    const key = await createKey();
    await create({ Name: "own", KmsKeyId: key.KeyId });
    await services.root.call("kms", "DisableKey", { KeyId: key.KeyId });
    const why = `the secret value: ${key.Arn} is disabled. (Service: AWSKMS; Status Code: 400; Error Code: DisabledException; Request ID: `;
    const read1 = await failureOf(read(services.root, { SecretId: "own" }));
    expect(read1).toContain(`DecryptionFailure: Secrets Manager can't decrypt ${why}`);
    expect(read1).toMatch(/; Request ID: [0-9a-f-]{36}; Proxy: null\)$/);
    const write = { SecretId: "own", SecretString: "x", ClientRequestToken: token(2) };
    expect(await failureOf(services.root.call("secretsmanager", "PutSecretValue", write))).toContain(
      `EncryptionFailure: Secrets Manager can't encrypt ${why}`,
    );
  });

  it("moves to another key with UpdateSecret, the labelled versions too", async () => {
    const key = await createKey();
    await call("PutSecretValue", { SecretId: "db", SecretString: "two", ClientRequestToken: token(2) });
    const update = (KmsKeyId: string) =>
      call("UpdateSecret", { SecretId: "db", KmsKeyId, ClientRequestToken: token(3) });
    await update(key.Arn);
    const list = { SecretId: "db" };
    expect(await call("ListSecretVersionIds", list)).toMatchObject({
      Versions: [{ KmsKeyIds: [key.Arn] }, { KmsKeyIds: [key.Arn] }],
    });
    expect(await read()).toBe("two");
    expect(await read(services.root, { VersionStage: "AWSPREVIOUS" })).toBe("hunter2");
    expect(await failureOf(read(role(allow(USE))))).toBe(KMS_DENIED);
    await update("");
    expect(await read(role(allow(USE)))).toBe("two");
    expect(await call("DescribeSecret", { SecretId: "db" })).not.toHaveProperty("KmsKeyId");
  });
});
