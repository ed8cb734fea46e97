/** Grants as they are made, listed and ended; what they decide is in grant-decisions.test.ts. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../../test/support/services-fixture.ts";
import { kms } from "../index.ts";

const A = "000000000000";
const worker = `arn:aws:iam::${A}:role/Worker`;
const admin = `arn:aws:iam::${A}:user/admin`;

// biome-ignore lint/suspicious/noExplicitAny: tests read members of answers of many shapes
type Answer = any;

let services: ServicesFixture;
let KeyId = "";
let Arn = "";
const call = (operation: string, input: object): Promise<Answer> => services.root.call("kms", operation, input);
const create = (input: object = {}) =>
  call("CreateGrant", { KeyId, GranteePrincipal: worker, Operations: ["Decrypt"], ...input });
const list = async (input: object = {}): Promise<Answer[]> => (await call("ListGrants", { KeyId, ...input })).Grants;

beforeEach(async () => {
  services = await openServices([kms]);
  ({ KeyId, Arn } = (await call("CreateKey", {})).KeyMetadata);
});
afterEach(() => services.close());

describe("a grant", () => {
  it("has an id, a token, and comes back as it was given", async () => {
    const { GrantId, GrantToken } = await create({
      RetiringPrincipal: admin,
      Operations: ["Decrypt", "DescribeKey", "Decrypt"],
      Constraints: { EncryptionContextSubset: { app: "web" }, EncryptionContextEquals: {} },
      Name: "web/1",
    });
    expect(GrantId).toMatch(/^[0-9a-f]{64}$/);
    expect(Buffer.from(GrantToken, "base64").length).toBeGreaterThan(64);
    expect(await list()).toEqual([
      {
        KeyId: Arn,
        GrantId,
        Name: "web/1",
        CreationDate: services.clock.nowMs(),
        GranteePrincipal: worker,
        RetiringPrincipal: admin,
        IssuingAccount: `arn:aws:iam::${A}:root`,
        Operations: ["Decrypt", "DescribeKey"],
        Constraints: { EncryptionContextSubset: { app: "web" } },
      },
    ]);
  });

  it("without name, retiring principal and constraint has an empty name", async () => {
    await create();
    const [grant] = await list();
    expect(grant.Name).toBe("");
    expect(Object.keys(grant)).not.toContain("RetiringPrincipal");
    expect(Object.keys(grant)).not.toContain("Constraints");
  });

  it("with a name is made once, each time with another token; without a name each time anew", async () => {
    const first = await create({ Name: "one", Operations: ["Decrypt", "Encrypt"] });
    const again = await create({ Name: "one", Operations: ["Encrypt", "Decrypt"] });
    const other = await create({ Name: "one", Operations: ["Decrypt"] });
    expect(again.GrantId).toBe(first.GrantId);
    expect(again.GrantToken).not.toBe(first.GrantToken);
    expect(other.GrantId).not.toBe(first.GrantId);
    expect((await create()).GrantId).not.toBe((await create()).GrantId);
    expect(await list()).toHaveLength(4);
  });

  it.each([
    ["a service", { GranteePrincipal: "sns.amazonaws.com" }, "sns.amazonaws.com"],
    ["a group", { GranteePrincipal: `arn:aws:iam::${A}:group/g` }, `arn:aws:iam::${A}:group/g`],
    ["an account id", { RetiringPrincipal: A }, A],
    [
      "a role session without a name",
      { GranteePrincipal: `${admin}:x`, RetiringPrincipal: "arn:aws:sts::1:x" },
      "arn:aws:sts::1:x",
    ],
  ])("is not for %s", async (_what, input, named) => {
    expect(await failureOf(create(input))).toBe(
      `InvalidArnException: ARN does not refer to a valid principal: ${named}`,
    );
  });

  it.each([
    `arn:aws:iam::${A}:root`,
    `arn:aws:iam::${A}:user/team/ann`,
    `arn:aws:sts::${A}:assumed-role/Worker/session`,
    `arn:aws:sts::${A}:federated-user/guest`,
    "arn:aws:iam::444455556666:role/Other",
  ])("is for %s", async (GranteePrincipal) => {
    await create({ GranteePrincipal });
    expect(await list({ GranteePrincipal })).toMatchObject([{ GranteePrincipal }]);
  });

  it.each([
    [{ Operations: [] }, "ValidationException: Operations must include at least one grant operation."],
    [
      { Operations: ["Decrypt", "Sign"] },
      "ValidationException: Operation Sign is not valid for a grant on a key with key spec SYMMETRIC_DEFAULT.",
    ],
    [
      { GranteePrincipal: undefined },
      "ValidationException: 1 validation error detected: Value null at 'granteePrincipal' failed to satisfy constraint: Member must not be null",
    ],
    [
      { Constraints: { EncryptionContextEquals: { a: "1" }, EncryptionContextSubset: { a: "1" } } },
      "ValidationException: Only one of EncryptionContextEquals and EncryptionContextSubset can be specified.",
    ],
    [
      { Constraints: { EncryptionContextSubset: Object.fromEntries([..."123456789"].map((name) => [name, "x"])) } },
      "ValidationException: A grant constraint can include up to 8 encryption context pairs.",
    ],
    [
      { Constraints: { EncryptionContextSubset: { a: "x".repeat(385) } } },
      "ValidationException: An encryption context value in a grant constraint cannot exceed 384 characters.",
    ],
    [
      { GranteePrincipal: undefined, GranteeServicePrincipal: "sns.amazonaws.com" },
      "UnsupportedOperationException: kiln does not offer grants to AWS services (`GranteeServicePrincipal`, `RetiringServicePrincipal`) (docs/coverage.md)",
    ],
    [
      { Constraints: { SourceArn: "arn:aws:s3:::b" } },
      "UnsupportedOperationException: kiln does not offer the grant constraint `SourceArn` (docs/coverage.md)",
    ],
    [{ KeyId: "alias/app" }, "InvalidArnException: Key Aliases are not supported for this operation."],
    [{ GrantTokens: ["bm8gdG9rZW4="] }, "InvalidGrantTokenException: The specified grant token is not valid."],
    [{ DryRun: true }, "DryRunOperationException: The request would have succeeded, but the DryRun option is set."],
  ])("refuses %j", async (input, message) => {
    expect(await failureOf(create(input))).toBe(message);
    expect(await list()).toEqual([]);
  });

  it("is not made on a key that cannot be used", async () => {
    await call("DisableKey", { KeyId });
    expect(await failureOf(create())).toBe(`DisabledException: ${Arn} is disabled.`);
    await call("ScheduleKeyDeletion", { KeyId });
    expect(await failureOf(create())).toBe(`KMSInvalidStateException: ${Arn} is pending deletion.`);
  });

  it("goes with its key", async () => {
    await create();
    await call("ScheduleKeyDeletion", { KeyId, PendingWindowInDays: 7 });
    services.clock.advance(7 * 24 * 60 * 60 * 1000);
    await call("CreateKey", {});
    for (const name of ["kms/grants", "kms/grants-by-grantee", "kms/grant-counts"])
      expect(services.store.collection(name).list([])).toEqual([]);
  });

  it("is one of 50,000 at most", async () => {
    const { GrantId } = await create();
    const counts = services.store.collection<number>("kms/grant-counts");
    const key = [A, "us-east-1", KeyId];
    expect(counts.get(key)).toBe(1);
    await services.store.write(() => counts.put(key, 50_000));
    expect(await failureOf(create())).toBe(
      `LimitExceededException: The quota of grants per KMS key is reached for ${Arn}`,
    );
    await call("RevokeGrant", { KeyId, GrantId });
    await create();
  });
});

describe("lists", () => {
  it("come page by page, of 100 at most", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 120; i++) ids.push((await create()).GrantId);
    const first = await call("ListGrants", { KeyId, Limit: 1000 });
    expect([first.Grants.length, first.Truncated]).toEqual([100, true]);
    const second = await call("ListGrants", { KeyId, Limit: 1000, Marker: first.NextMarker });
    expect([second.Grants.length, second.Truncated]).toEqual([20, false]);
    expect([...first.Grants, ...second.Grants].map((grant) => grant.GrantId)).toEqual(ids.sort());
    expect((await call("ListGrants", { KeyId })).Grants).toHaveLength(50);
    expect(await failureOf(call("ListGrants", { KeyId, Marker: "no" }))).toBe(
      "InvalidMarkerException: Could not deserialize marker",
    );
  });

  it("are of one grant by its id, of one grantee, of one retiring principal", async () => {
    const { GrantId } = await create({ RetiringPrincipal: admin });
    await create({ GranteePrincipal: admin });
    expect(await list({ GrantId })).toMatchObject([{ GrantId }]);
    expect(await list({ GranteePrincipal: admin })).toMatchObject([{ GranteePrincipal: admin }]);
    expect((await call("ListRetirableGrants", { RetiringPrincipal: admin })).Grants).toMatchObject([{ GrantId }]);
    expect((await call("ListRetirableGrants", { RetiringPrincipal: worker })).Grants).toEqual([]);
    const foreign = "arn:aws:iam::444455556666:root";
    expect(await failureOf(call("ListRetirableGrants", { RetiringPrincipal: foreign }))).toBe(
      `InvalidArnException: The principal is not in the caller's account: ${foreign}`,
    );
    const service = "sns.amazonaws.com";
    expect(await failureOf(list({ GranteeServicePrincipal: service }))).toBe(
      "UnsupportedOperationException: kiln does not offer the filter `GranteeServicePrincipal` (docs/coverage.md)",
    );
    expect(await failureOf(call("ListRetirableGrants", { RetiringServicePrincipal: service }))).toBe(
      "UnsupportedOperationException: kiln does not offer the filter `RetiringServicePrincipal` (docs/coverage.md)",
    );
    expect(await failureOf(call("ListRetirableGrants", {}))).toBe(
      "ValidationException: 1 validation error detected: Value null at 'retiringPrincipal' failed to satisfy constraint: Member must not be null",
    );
  });
});

describe("an end", () => {
  it("is made by id or, for retiring, by token", async () => {
    const one = await create();
    const two = await create();
    const three = await create();
    await call("RevokeGrant", { KeyId, GrantId: one.GrantId });
    await call("RetireGrant", { KeyId: Arn, GrantId: two.GrantId });
    await call("RetireGrant", { GrantToken: three.GrantToken });
    expect(await list()).toEqual([]);
    expect(await failureOf(call("RetireGrant", { GrantToken: three.GrantToken }))).toBe(
      `NotFoundException: Grant ID ${three.GrantId} not found`,
    );
  });

  it("does not come in a dry run", async () => {
    const { GrantId } = await create();
    const dry = "DryRunOperationException: The request would have succeeded, but the DryRun option is set.";
    expect(await failureOf(call("RevokeGrant", { KeyId, GrantId, DryRun: true }))).toBe(dry);
    expect(await failureOf(call("RetireGrant", { KeyId, GrantId, DryRun: true }))).toBe(dry);
    expect(await list()).toHaveLength(1);
  });

  it("needs a grant that is there, named in one way", async () => {
    const { GrantId, GrantToken } = await create();
    const none = "f".repeat(64);
    const revoke = (input: object) => failureOf(call("RevokeGrant", { KeyId, ...input }));
    const retire = (input: object) => failureOf(call("RetireGrant", input));
    expect(await revoke({ GrantId: none })).toBe(`NotFoundException: Grant ID ${none} not found`);
    expect(await failureOf(call("ListGrants", { KeyId, GrantId: "x" }))).toBe(
      "InvalidGrantIdException: The specified GrantId is not valid.",
    );
    expect(await revoke({ GrantId: "x" })).toBe("InvalidGrantIdException: The specified GrantId is not valid.");
    expect(await retire({ KeyId, GrantId: none })).toBe(`NotFoundException: Grant ID ${none} not found`);
    const named = "ValidationException: Please specify either a grant token, or both a key ID and a grant ID.";
    for (const input of [{}, { GrantId }, { KeyId }, { GrantToken, GrantId, KeyId }])
      expect(await retire(input)).toBe(named);
    expect(await retire({ GrantToken: `${GrantToken.slice(0, -8)}AAAAAAA=` })).toBe(
      "InvalidGrantTokenException: The specified grant token is not valid.",
    );
  });
});
