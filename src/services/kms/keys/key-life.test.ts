import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { DAY_MS, TestClock } from "../../../core/clock.ts";
import { systemIds } from "../../../core/ids.ts";
import { rootPrincipal } from "../../../identity/index.ts";
import { openStore } from "../../../store/index.ts";
import { createDispatcher } from "../../dispatcher.ts";
import { kms } from "../index.ts";

let services: ServicesFixture;
let keyId: string;
let keyArn: string;

const call = <O = Record<string, unknown>>(operation: string, input: object = {}): Promise<O> =>
  services.root.call<O>("kms", operation, { KeyId: keyId, ...input });
const failure = (operation: string, input: object = {}): Promise<string> => failureOf(call(operation, input));
const state = async () => (await call<{ KeyMetadata: { KeyState: string } }>("DescribeKey")).KeyMetadata.KeyState;
const makeKey = async (input: object = {}): Promise<void> => {
  const made = await services.root.call<{ KeyMetadata: { KeyId: string; Arn: string } }>("kms", "CreateKey", input);
  ({ KeyId: keyId, Arn: keyArn } = made.KeyMetadata);
};
const stored = (name: string) => services.store.collection(name).list([]);

beforeEach(async () => {
  services = await openServices([kms]);
  await makeKey();
});
afterEach(() => services.close());

describe("states of a key", () => {
  it("refuse what AWS refuses while the key is disabled or waits for its deletion", async () => {
    const Plaintext = Buffer.from("x");
    await call("DisableKey");
    expect(await failure("Encrypt", { Plaintext })).toBe(`DisabledException: ${keyArn} is disabled.`);
    expect(await failure("CancelKeyDeletion")).toBe(`KMSInvalidStateException: ${keyArn} is not pending deletion.`);
    await call("UpdateKeyDescription", { Description: "still here" });
    await call("CreateAlias", { AliasName: "alias/app", TargetKeyId: keyId });
    await call("ScheduleKeyDeletion", { PendingWindowInDays: 7 });
    const pending = `KMSInvalidStateException: ${keyArn} is pending deletion.`;
    const refused: readonly (readonly [string, object])[] = [
      ["Encrypt", { Plaintext }],
      ["GenerateDataKey", { KeySpec: "AES_256" }],
      ["EnableKey", {}],
      ["DisableKey", {}],
      ["ScheduleKeyDeletion", {}],
      ["UpdateKeyDescription", { Description: "" }],
      ["TagResource", { Tags: [{ TagKey: "a", TagValue: "b" }] }],
      ["UntagResource", { TagKeys: ["a"] }],
      ["CreateAlias", { AliasName: "alias/more", TargetKeyId: keyId }],
      ["UpdateAlias", { AliasName: "alias/app", TargetKeyId: keyId }],
      ["CreateGrant", { GranteePrincipal: "arn:aws:iam::000000000000:root", Operations: ["Decrypt"] }],
    ];
    for (const [operation, input] of refused) expect(await failure(operation, input), operation).toBe(pending);
    for (const operation of ["GetKeyPolicy", "ListGrants", "ListResourceTags", "ListKeyPolicies", "ListKeyRotations"]) {
      await call(operation);
    }
    await call("DeleteAlias", { AliasName: "alias/app" });
    expect(await call("CancelKeyDeletion")).toStrictEqual({ KeyId: keyArn });
    expect(await state()).toBe("Disabled");
    await call("EnableKey");
    expect(await state()).toBe("Enabled");
  });

  it("have waiting periods of 7 to 30 days", async () => {
    for (const PendingWindowInDays of [6, 31]) {
      expect(await failure("ScheduleKeyDeletion", { PendingWindowInDays })).toBe(
        "ValidationException: PendingWindowInDays must be between 7 and 30",
      );
    }
    expect(await failure("ScheduleKeyDeletion", { PendingWindowInDays: 0 })).toBe(
      "ValidationException: 1 validation error detected: Value '0' at 'pendingWindowInDays' failed to satisfy " +
        "constraint: Member must have value greater than or equal to 1",
    );
    expect(await call("ScheduleKeyDeletion")).toStrictEqual({
      ...{ KeyId: keyArn, KeyState: "PendingDeletion", PendingWindowInDays: 30 },
      DeletionDate: services.clock.nowMs() + 30 * DAY_MS,
    });
  });
});

describe("a key whose deletion date has come", () => {
  const GRANTEE = "arn:aws:iam::000000000000:role/worker";

  it("is gone, and its record, aliases and grants are erased when it is looked for", async () => {
    await call("CreateAlias", { AliasName: "alias/app", TargetKeyId: keyId });
    await call("CreateGrant", { GranteePrincipal: GRANTEE, RetiringPrincipal: GRANTEE, Operations: ["Decrypt"] });
    const { CiphertextBlob } = await call("Encrypt", { Plaintext: Buffer.from("x") });
    await call("ScheduleKeyDeletion", { PendingWindowInDays: 7 });
    services.clock.advance(7 * DAY_MS);
    expect(await call("ListRetirableGrants", { RetiringPrincipal: GRANTEE })).toMatchObject({ Grants: [] });
    expect(await failure("DescribeKey", { KeyId: "alias/app" })).toBe(
      "NotFoundException: Alias arn:aws:kms:us-east-1:000000000000:alias/app is not found.",
    );
    for (const name of ["kms/keys", "kms/aliases", "kms/grants", "kms/grants-by-grantee", "kms/grant-counts"]) {
      expect(stored(name), name).toEqual([]);
    }
    expect(stored("kms/last-uses")).toEqual([]);
    expect(await failure("DescribeKey")).toBe(`NotFoundException: Key '${keyArn}' does not exist`);
    expect(await failure("Decrypt", { CiphertextBlob, KeyId: undefined })).toMatch(
      /^AccessDeniedException: .* on the resource associated with this ciphertext because the resource does not exist/,
    );
  });

  it("stays gone after a restart", async () => {
    const stateDir = await mkdtemp(join(tmpdir(), "kiln-kms-"));
    const scope = { partition: "aws", region: "us-east-1", accountId: "000000000000" };
    const identity = { policiesOf: () => ({ identity: [] }), tagsOf: () => ({}) };
    const clock = new TestClock();
    const started = async () => {
      const store = await openStore({ stateDir, ids: systemIds, environment: {} });
      const dispatcher = createDispatcher({ services: [kms], identity, store, clock, ids: systemIds });
      const root = dispatcher.callerFor(rootPrincipal(scope), scope);
      return { root, stop: () => dispatcher.flush().then(() => store.close()) };
    };
    try {
      const first = await started();
      const { KeyMetadata } = await first.root.call<{ KeyMetadata: { KeyId: string } }>("kms", "CreateKey", {});
      const { KeyId } = KeyMetadata;
      await first.root.call("kms", "CreateAlias", { AliasName: "alias/app", TargetKeyId: KeyId });
      await first.root.call("kms", "ScheduleKeyDeletion", { KeyId, PendingWindowInDays: 7 });
      await first.stop();
      clock.advance(7 * DAY_MS);
      const second = await started();
      expect(await second.root.call("kms", "ListKeys", {})).toMatchObject({ Keys: [] });
      expect(await failureOf(second.root.call("kms", "DescribeKey", { KeyId }))).toContain("does not exist");
      const { Aliases } = await second.root.call<{ Aliases: { AliasName: string }[] }>("kms", "ListAliases", {});
      expect(Aliases.map((alias) => alias.AliasName)).not.toContain("alias/app");
      await second.stop();
    } finally {
      await rm(stateDir, { recursive: true, force: true });
    }
  });
});

describe("GetKeyLastUsage", () => {
  it("tells of the last operation that succeeded with the key", async () => {
    const createdAtMs = services.clock.nowMs();
    const known = { KeyId: keyArn, TrackingStartDate: createdAtMs, KeyCreationDate: createdAtMs };
    expect(await call("GetKeyLastUsage")).toStrictEqual({ ...known, KeyLastUsage: {} });
    const { CiphertextBlob } = await call("Encrypt", { Plaintext: Buffer.from("x") });
    services.clock.advance(1000);
    await call("Decrypt", { CiphertextBlob });
    await failure("Decrypt", { CiphertextBlob, EncryptionContext: { a: "b" } });
    await failure("Encrypt", { Plaintext: Buffer.from("x"), DryRun: true });
    expect(await call("GetKeyLastUsage")).toStrictEqual({
      ...known,
      KeyLastUsage: { Operation: "Decrypt", Timestamp: createdAtMs + 1000, KmsRequestId: expect.any(String) },
    });
    const source = keyId;
    await makeKey();
    services.clock.advance(1000);
    await call("ReEncrypt", { CiphertextBlob, DestinationKeyId: keyId });
    for (const KeyId of [source, keyId]) {
      expect(await call("GetKeyLastUsage", { KeyId })).toMatchObject({ KeyLastUsage: { Operation: "ReEncrypt" } });
    }
    expect(stored("kms/last-uses")).toHaveLength(2);
  });

  it("knows nothing of a state that a restore replaced", async () => {
    await services.store.saveSnapshot("unused");
    await call("Encrypt", { Plaintext: Buffer.from("x") });
    services.clock.advance(1000);
    await call("Encrypt", { Plaintext: Buffer.from("x") });
    // Behind the note of the first use.
    await services.store.write(() => {});
    expect(await call("GetKeyLastUsage")).toMatchObject({ KeyLastUsage: { Operation: "Encrypt" } });
    await services.store.restoreSnapshot("unused");
    expect((await call<{ KeyLastUsage: object }>("GetKeyLastUsage")).KeyLastUsage).toStrictEqual({});
  });
});

describe("limits", () => {
  it("of aliases and policies", async () => {
    for (let count = 0; count < 50; count++)
      await call("CreateAlias", { AliasName: `alias/${count}`, TargetKeyId: keyId });
    expect(await failure("CreateAlias", { AliasName: "alias/more", TargetKeyId: keyId })).toBe(
      "LimitExceededException: Aliases per key quota for this account in this region is 50, current usage is 50.",
    );
    expect(await failure("CreateAlias", { AliasName: "alias/", TargetKeyId: keyId })).toBe("InvalidAliasNameException");
    expect(await failure("PutKeyPolicy", { Policy: `{${" ".repeat(32 * 1024)}}` })).toBe(
      "LimitExceededException: The key policy exceeds the maximum size of 32768 bytes.",
    );
    expect(await failure("Encrypt", { Plaintext: Buffer.from("x"), EncryptionContext: { a: "b".repeat(8192) } })).toBe(
      "ValidationException: The encryption context exceeds the maximum size of 8192 bytes.",
    );
  });

  it("of the kinds of keys an alias moves between", async () => {
    await call("CreateAlias", { AliasName: "alias/app", TargetKeyId: keyId });
    await makeKey({ KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" });
    expect(await failure("UpdateAlias", { AliasName: "alias/app", TargetKeyId: keyId })).toBe(
      "ValidationException: Alias arn:aws:kms:us-east-1:000000000000:alias/app can only be associated with a KMS key of " +
        "the same type and key usage as its current KMS key",
    );
  });

  it("of pages", async () => {
    const list = (operation: string, Limit: number) => failure(operation, { Limit });
    for (const operation of ["ListKeys", "ListAliases", "ListGrants", "ListResourceTags", "ListKeyPolicies"]) {
      for (const [Limit, bound] of [
        [0, "greater than or equal to 1"],
        [1001, "less than or equal to 1000"],
      ] as const) {
        expect(await list(operation, Limit)).toBe(
          `ValidationException: 1 validation error detected: Value '${Limit}' at 'limit' failed to satisfy constraint: ` +
            `Member must have value ${bound}`,
        );
      }
    }
    const tags = Array.from({ length: 50 }, (_, n) => ({ TagKey: `k${n}`, TagValue: "" }));
    await call("TagResource", { Tags: tags });
    expect(await call("ListResourceTags", { Limit: 1000 })).toMatchObject({ Truncated: false });
  });
});

describe("custom key stores", () => {
  it("are refused by name", async () => {
    expect(await failure("DescribeCustomKeyStores", { KeyId: undefined })).toMatch(/kms:DescribeCustomKeyStores/);
    expect(await failure("CreateKey", { KeyId: undefined, Origin: "AWS_CLOUDHSM" })).toBe(
      "UnsupportedOperationException: kiln does not offer Origin `AWS_CLOUDHSM` (custom key stores) (docs/coverage.md)",
    );
  });
});
