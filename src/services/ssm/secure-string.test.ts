import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { kms } from "../kms/index.ts";
import { ssm } from "./index.ts";

let services: ServicesFixture;
const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("ssm", operation, input);
const put = (input: object = {}) =>
  call("PutParameter", { Name: "/app/password", Value: "hunter2", Type: "SecureString", ...input });
const read = async (WithDecryption: boolean, caller = services.root) =>
  (
    await caller.call<{ Parameter: { Value: string } }>("ssm", "GetParameter", {
      Name: "/app/password",
      WithDecryption,
    })
  ).Parameter.Value;
const createKey = async (): Promise<{ KeyId: string; Arn: string }> =>
  (await services.root.call<{ KeyMetadata: { KeyId: string; Arn: string } }>("kms", "CreateKey", {})).KeyMetadata;

const ARN = "arn:aws:ssm:us-east-1:000000000000:parameter/app/password";
const GET_ALL = { Effect: "Allow", Action: "ssm:Get*", Resource: "*" };
const UUID = "[0-9a-f-]{36}";

beforeEach(async () => {
  services = await openServices([ssm, kms]);
});
afterEach(() => services.close());

describe("SecureString", () => {
  it("is stored as a KMS ciphertext, bound to the parameter's ARN", async () => {
    await put();
    const ciphertext = Buffer.from(await read(false), "base64");
    expect(ciphertext.toString("base64")).toMatch(/^AQICAHg/);
    for (const entry of services.store.collection("ssm/versions").list([])) {
      expect(JSON.stringify(entry)).not.toContain("hunter2");
    }
    expect(await read(true)).toBe("hunter2");
    const key = await createKey();
    await call("PutParameter", { Name: "/other", Value: "x", Type: "SecureString", KeyId: key.KeyId });
    const blob = await call<{ Parameter: { Value: string } }>("GetParameter", { Name: "/other" });
    const decrypt = (name: string) =>
      services.root.call<{ Plaintext: Uint8Array }>("kms", "Decrypt", {
        CiphertextBlob: Buffer.from(blob.Parameter.Value, "base64"),
        EncryptionContext: { PARAMETER_ARN: `arn:aws:ssm:us-east-1:000000000000:parameter/${name}` },
      });
    expect(Buffer.from((await decrypt("other")).Plaintext).toString()).toBe("x");
    expect(await failureOf(decrypt("app/password"))).toBe("InvalidCiphertextException");
  });

  it("of the advanced tier holds 8192 bytes under a data key", async () => {
    const Value = "é".repeat(4096);
    await put({ Value, Tier: "Advanced" });
    expect(await read(false)).not.toContain("é");
    expect(await read(true)).toBe(Value);
  });

  it("under the default key needs no KMS permission", async () => {
    await put();
    expect(await read(true, services.role("Reader", [GET_ALL]))).toBe("hunter2");
  });

  it("under the default key obeys an explicit deny", async () => {
    await put();
    const role = services.role("Denied", [GET_ALL, { Effect: "Deny", Action: "kms:Decrypt", Resource: "*" }]);
    expect(await read(false, role)).not.toBe("hunter2");
    expect(await failureOf(read(true, role))).toMatch(
      /^AccessDeniedException: .* with an explicit deny .* \(Service: AWSKMS;/,
    );
  });

  it("under a customer key needs kms:Decrypt on it, and says so in KMS's words", async () => {
    const key = await createKey();
    await put({ KeyId: key.KeyId });
    const reader = services.role("Reader", [GET_ALL]);
    expect(await failureOf(read(true, reader))).toMatch(
      new RegExp(
        "^AccessDeniedException: User: arn:aws:sts::000000000000:assumed-role/Reader/session is not authorized to " +
          `perform: kms:Decrypt on resource: ${key.Arn} because no identity-based policy allows the kms:Decrypt action ` +
          `\\(Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Request ID: ${UUID}; Proxy: null\\)$`,
      ),
    );
    const allowed = services.role("Allowed", [
      GET_ALL,
      {
        Effect: "Allow",
        Action: "kms:Decrypt",
        Resource: key.Arn,
        Condition: {
          StringEquals: { "kms:ViaService": "ssm.us-east-1.amazonaws.com", "kms:EncryptionContext:PARAMETER_ARN": ARN },
        },
      },
    ]);
    expect(await read(true, allowed)).toBe("hunter2");
  });

  it("is written only by who may encrypt", async () => {
    const key = await createKey();
    const writer = services.role("Writer", [{ Effect: "Allow", Action: "ssm:PutParameter", Resource: ARN }]);
    const input = { Name: "/app/password", Value: "x", Type: "SecureString", KeyId: key.Arn };
    expect(await failureOf(writer.call("ssm", "PutParameter", input))).toContain("kms:Encrypt on resource");
    await writer.call("ssm", "PutParameter", { ...input, KeyId: "alias/aws/ssm" });
  });

  it("names the key that is wrong", async () => {
    const tail = (code: string) =>
      `\\(Service: AWSKMS; Status Code: 400; Error Code: ${code}; Request ID: ${UUID}; Proxy: null\\)$`;
    expect(await failureOf(put({ KeyId: "alias/none" }))).toMatch(
      new RegExp(
        `^InvalidKeyId: Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found. ${tail("NotFoundException")}`,
      ),
    );
    const key = await createKey();
    await put({ KeyId: key.Arn });
    await services.root.call("kms", "DisableKey", { KeyId: key.KeyId });
    expect(await failureOf(read(true))).toMatch(
      new RegExp(`^InvalidKeyId: ${key.Arn} is disabled. ${tail("DisabledException")}`),
    );
    await services.root.call("kms", "ScheduleKeyDeletion", { KeyId: key.KeyId });
    expect(await failureOf(read(true))).toMatch(
      new RegExp(`^InvalidKeyId: ${key.Arn} is pending deletion. ${tail("KMSInvalidStateException")}`),
    );
  });

  it("gets the default key when an overwrite names none, and its history decrypts", async () => {
    const key = await createKey();
    await put({ KeyId: key.KeyId });
    await call("PutParameter", { Name: "/app/password", Value: "second", Overwrite: true });
    const history = { Name: "/app/password", WithDecryption: true };
    expect(await call("GetParameterHistory", history)).toMatchObject({
      Parameters: [
        { Value: "hunter2", KeyId: key.KeyId },
        { Value: "second", KeyId: "alias/aws/ssm" },
      ],
    });
  });

  it("is decrypted below a path too", async () => {
    await put();
    const answer = await call("GetParametersByPath", { Path: "/app", WithDecryption: true });
    expect(answer).toMatchObject({ Parameters: [{ Value: "hunter2" }] });
  });
});
