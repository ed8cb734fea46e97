import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { DAY_MS } from "../../core/clock.ts";
import { kms } from "../kms/index.ts";
import { secretsmanager } from "./index.ts";

let services: ServicesFixture;
beforeEach(async () => {
  services = await openServices([secretsmanager, kms]);
});
afterEach(() => services.close());

const MARKED =
  "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.";
const ClientRequestToken = "token".padEnd(32, "0");
const call = <O = Record<string, unknown>>(operation: string, input: object = {}): Promise<O> =>
  services.root.call<O>("secretsmanager", operation, input);
const create = (Name: string, input: object = {}) =>
  call<{ ARN: string }>("CreateSecret", { Name, SecretString: "hunter2", ClientRequestToken, ...input });
const namesOf = async (input: object = {}) =>
  (await call<{ SecretList: { Name: string }[] }>("ListSecrets", input)).SecretList.map((secret) => secret.Name);
const remove = (input: object = {}) => call("DeleteSecret", { SecretId: "db", ...input });

describe("DeleteSecret", () => {
  it("schedules the deletion, and RestoreSecret calls it off", async () => {
    const { ARN } = await create("db");
    const DeletionDate = services.clock.nowMs() + 30 * DAY_MS;
    expect(await remove()).toEqual({ ARN, Name: "db", DeletionDate });
    expect(await call("DescribeSecret", { SecretId: "db" })).toMatchObject({ DeletedDate: services.clock.nowMs() });
    const id = { SecretId: "db", ClientRequestToken };
    for (const [operation, input] of [
      ["GetSecretValue", { SecretId: "db" }],
      ["PutSecretValue", { ...id, SecretString: "x" }],
      ["UpdateSecret", { ...id, Description: "x" }],
      ["TagResource", { SecretId: "db", Tags: [{ Key: "a", Value: "b" }] }],
      ["UntagResource", { SecretId: "db", TagKeys: ["a"] }],
      ["GetResourcePolicy", { SecretId: "db" }],
      ["DeleteSecret", { SecretId: "db" }],
    ] as const) {
      expect(await failureOf(call(operation, input))).toBe(MARKED);
    }
    expect(await failureOf(create("db"))).toBe(
      "InvalidRequestException: You can't create this secret because a secret with this name is already scheduled for deletion.",
    );
    expect(await namesOf()).toEqual([]);
    expect(await namesOf({ IncludePlannedDeletion: true })).toEqual(["db"]);
    expect(await call("RestoreSecret", { SecretId: "db" })).toEqual({ ARN, Name: "db" });
    expect(await call("GetSecretValue", { SecretId: "db" })).toMatchObject({ SecretString: "hunter2" });
  });

  it("happens when the window is over, and the next secret of the name has another ARN and no old values", async () => {
    const { ARN } = await create("db");
    await remove({ RecoveryWindowInDays: 7 });
    services.clock.advance(7 * DAY_MS);
    expect(await failureOf(call("DescribeSecret", { SecretId: "db" }))).toBe(
      "ResourceNotFoundException: Secrets Manager can't find the specified secret.",
    );
    const next = await create("db", { SecretString: "new" });
    expect(next.ARN).not.toBe(ARN);
    expect(services.store.collection("secretsmanager/values").list([])).toHaveLength(1);
  });

  it("happens at once with force, also for what is scheduled or absent", async () => {
    const { ARN } = await create("db");
    await remove();
    expect(await remove({ ForceDeleteWithoutRecovery: true })).toEqual({
      ...{ ARN, Name: "db", DeletionDate: services.clock.nowMs() },
    });
    expect(services.store.collection("secretsmanager/values").list([])).toEqual([]);
    expect(await remove({ ForceDeleteWithoutRecovery: true })).toMatchObject({ Name: "db" });
    expect(await failureOf(remove())).toContain("ResourceNotFoundException");
  });

  it("refuses windows that AWS does not have", async () => {
    await create("db");
    expect(await failureOf(remove({ RecoveryWindowInDays: 7, ForceDeleteWithoutRecovery: true }))).toBe(
      "InvalidParameterException: You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
    );
    for (const RecoveryWindowInDays of [6, 31]) {
      expect(await failureOf(remove({ RecoveryWindowInDays }))).toBe(
        "InvalidParameterException: The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
      );
    }
  });
});

describe("tags", () => {
  it("are absent until the first and an empty list after the last", async () => {
    await create("db");
    const tags = async () => (await call<{ Tags?: object[] }>("DescribeSecret", { SecretId: "db" })).Tags;
    expect(await tags()).toBeUndefined();
    await call("TagResource", { SecretId: "db", Tags: [{ Key: "a", Value: "1" }] });
    expect(await tags()).toEqual([{ Key: "a", Value: "1" }]);
    await call("UntagResource", { SecretId: "db", TagKeys: ["a"] });
    expect(await tags()).toEqual([]);
  });

  it("are refused when they are too many, reserved or without a key", async () => {
    const failure = (...Tags: object[]) => failureOf(create("x", { Tags }));
    expect(await failure({ Value: "1" })).toContain("You must provide a key for each tag.");
    expect(await failure({ Key: "aws:x", Value: "1" })).toContain("You can't modify system tags.");
    expect(await failure(...Array.from({ length: 51 }, (_, n) => ({ Key: `${n}`, Value: "" })))).toContain("50 tags");
  });
});

describe("ListSecrets", () => {
  beforeEach(async () => {
    await create("app/DatabaseSecret", { Description: "Description of my secret" });
    services.clock.advance(1);
    await create("app/api", { Description: "key 42", Tags: [{ Key: "Production", Value: "Blue" }] });
    services.clock.advance(1);
    await create("other", { Tags: [{ Key: "stage", Value: "test" }] });
  });
  const filtered = (Key: string, ...Values: string[]) => namesOf({ Filters: [{ Key, Values }] });

  it.each([
    ["name", ["app/"], ["app/DatabaseSecret", "app/api"]],
    ["name", ["App/"], []],
    ["name", ["!app/"], ["other"]],
    ["name", ["app/a", "other"], ["app/api", "other"]],
    ["description", ["my DESCRIPTION"], ["app/DatabaseSecret"]],
    ["description", ["my key"], []],
    ["tag-key", ["Prod"], ["app/api"]],
    ["tag-key", ["prod"], []],
    ["tag-value", ["Blue"], ["app/api"]],
    ["all", ["secret database"], ["app/DatabaseSecret"]],
    ["all", ["production 42"], ["app/api"]],
    ["owning-service", ["rds"], []],
  ])("with %s %j finds %j", async (key, values, expected) => {
    expect(await filtered(key, ...values)).toEqual(expected);
  });

  it("needs every filter to match", async () => {
    const Filters = [
      { Key: "name", Values: ["app/"] },
      { Key: "name", Values: ["!app/api"] },
    ];
    expect(await namesOf({ Filters })).toEqual(["app/DatabaseSecret"]);
    expect(await failureOf(namesOf({ Filters: [{ Key: "name" }] }))).toBe(
      "InvalidParameterException: Invalid filter values for key: name",
    );
    expect(await failureOf(namesOf({ Filters: [{ Values: ["x"] }] }))).toBe(
      "InvalidParameterException: Invalid filter key",
    );
  });

  it("sorts and pages", async () => {
    expect(await namesOf({ SortBy: "name", SortOrder: "desc" })).toEqual(["other", "app/api", "app/DatabaseSecret"]);
    expect(await namesOf({ SortOrder: "desc" })).toEqual(["other", "app/api", "app/DatabaseSecret"]);
    const first = await call<{ NextToken: string }>("ListSecrets", { MaxResults: 2 });
    expect(await namesOf({ MaxResults: 2, NextToken: first.NextToken })).toEqual(["other"]);
    expect(await failureOf(namesOf({ NextToken: "x" }))).toBe(
      "InvalidNextTokenException: The NextToken value is invalid.",
    );
  });

  it("shows stages under their own name", async () => {
    const { SecretList } = await call<{ SecretList: object[] }>("ListSecrets");
    expect(SecretList[0]).toMatchObject({ SecretVersionsToStages: { [ClientRequestToken]: ["AWSCURRENT"] } });
    expect(SecretList[0]).not.toHaveProperty("SecretString");
  });
});

describe("GetRandomPassword", () => {
  const password = async (input: object = {}) =>
    (await call<{ RandomPassword: string }>("GetRandomPassword", input)).RandomPassword;

  it("has 32 characters with one of each type", async () => {
    const text = await password();
    expect(text).toHaveLength(32);
    for (const type of [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9 ]/]) expect(text).toMatch(type);
  });

  it("leaves out what the request excludes", async () => {
    const input = { ExcludePunctuation: true, ExcludeNumbers: true, ExcludeUppercase: true, ExcludeCharacters: "abc" };
    expect(await password({ PasswordLength: 500, ...input })).toMatch(/^[d-z]{500}$/);
    expect(await password({ PasswordLength: 40, ...input, ExcludeLowercase: true, IncludeSpace: true })).toBe(
      " ".repeat(40),
    );
  });

  it("must be long enough for the types it needs", async () => {
    expect(await failureOf(password({ PasswordLength: 3 }))).toBe(
      "InvalidParameterException: Password length is too short based on the required types.",
    );
    expect(await password({ PasswordLength: 3, RequireEachIncludedType: false })).toHaveLength(3);
  });

  it("must have characters left, of each type it needs", async () => {
    const withoutNumbers = { ExcludeCharacters: "0123456789" };
    expect(await failureOf(password(withoutNumbers))).toBe(
      "InvalidParameterException: All characters of the desired type have been excluded.",
    );
    expect(await password({ ...withoutNumbers, RequireEachIncludedType: false })).toHaveLength(32);
    expect(await password({ ...withoutNumbers, ExcludeNumbers: true })).toHaveLength(32);
    const none = { ExcludeLowercase: true, ExcludeUppercase: true, ExcludeNumbers: true, ExcludePunctuation: true };
    expect(await failureOf(password(none))).toBe(
      "InvalidParameterException: All characters have been excluded from selection.",
    );
  });
});
