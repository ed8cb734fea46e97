import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { ssm } from "./index.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

let services: ServicesFixture;
const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("ssm", operation, input);
const policy = (Type: string, Attributes: object) => ({ Type, Version: "1.0", Attributes });
const expiration = (atMs: number) => policy("Expiration", { Timestamp: new Date(atMs).toISOString() });
const putWith = (policies: unknown, input: object = {}) =>
  call("PutParameter", {
    ...{ Name: "x", Value: "v", Type: "String", Tier: "Advanced", Policies: JSON.stringify(policies) },
    ...input,
  });
const statuses = async () => {
  const { Parameters } = await call<{ Parameters: { Policies: Record<string, string>[] }[] }>("DescribeParameters", {});
  return Parameters.map(({ Policies }) => Policies.map((one) => `${one["PolicyType"]} ${one["PolicyStatus"]}`));
};

beforeEach(async () => {
  services = await openServices([ssm]);
});
afterEach(() => services.close());

describe("an expiration", () => {
  it("deletes the parameter when its time has come", async () => {
    const ends = expiration(services.clock.nowMs() + 1000);
    await putWith([ends]);
    expect(await call("DescribeParameters", {})).toMatchObject({
      Parameters: [
        { Policies: [{ PolicyText: JSON.stringify(ends), PolicyType: "Expiration", PolicyStatus: "Pending" }] },
      ],
    });
    services.clock.advance(1000);
    expect(await failureOf(call("GetParameter", { Name: "x" }))).toBe("ParameterNotFound");
    expect(await call("PutParameter", { Name: "x", Value: "new", Type: "String" })).toMatchObject({ Version: 1 });
    expect(await call("GetParameterHistory", { Name: "x" })).toMatchObject({
      Parameters: [{ Version: 1, Value: "new" }],
    });
  });

  it.each([
    ["2030-01-02T00:00:00.000Z", 0],
    ["2030-01-02T00:00:00.123456789Z", 123],
    ["2030-01-02T10:30:00+10:30", 0],
    ["2030-01-02T10:30:00.87+10:30:00", 870],
    ["2030-01-01T18:29:30-05:30:30", 0],
    ["2030-01-02T01:00+01:00", 0],
  ])("may be at %s", async (Timestamp, laterMs) => {
    const endsMs = Date.parse("2030-01-02T00:00:00Z") + laterMs;
    await putWith([policy("Expiration", { Timestamp })]);
    services.clock.advance(endsMs - 1 - services.clock.nowMs());
    expect(await call("GetParameter", { Name: "x" })).toMatchObject({ Parameter: { Value: "v" } });
    services.clock.advance(1);
    expect(await failureOf(call("GetParameter", { Name: "x" }))).toBe("ParameterNotFound");
  });

  it.each([
    ["GetParameter", { Name: "/x" }],
    ["GetParameters", { Names: ["x"] }],
    ["GetParametersByPath", { Path: "/" }],
    ["DescribeParameters", {}],
    ["GetParameterHistory", { Name: "x" }],
    ["LabelParameterVersion", { Name: "x", Labels: ["a"] }],
    ["ListTagsForResource", { ResourceType: "Parameter", ResourceId: "x" }],
    ["PutParameter", { Name: "x", Value: "v", Overwrite: true }],
  ])("leaves nothing in the store once %s has looked", async (operation, input) => {
    await putWith([expiration(services.clock.nowMs() + DAY_MS)], { Tags: [{ Key: "a", Value: "b" }] });
    await call("PutParameter", { Name: "x", Value: "second", Overwrite: true });
    services.clock.advance(30 * DAY_MS);
    await call(operation, input).catch(() => undefined);
    expect(services.store.collection("ssm/parameters").count([])).toBe(0);
    expect(services.store.collection("ssm/versions").count([])).toBe(0);
  });

  it("stays when an overwrite names no policies, and goes with empty ones", async () => {
    await putWith([expiration(services.clock.nowMs() + DAY_MS)]);
    await call("PutParameter", { Name: "x", Value: "2", Overwrite: true });
    expect(await statuses()).toEqual([["Expiration Pending"]]);
    await call("PutParameter", { Name: "x", Value: "3", Overwrite: true, Policies: "[{}]" });
    expect(await statuses()).toEqual([[]]);
    services.clock.advance(2 * DAY_MS);
    expect(await call("GetParameter", { Name: "x" })).toMatchObject({ Parameter: { Value: "3", Version: 3 } });
  });
});

it("notifications are finished when they are due, each by its own time", async () => {
  await putWith([
    expiration(services.clock.nowMs() + 10 * DAY_MS),
    policy("ExpirationNotification", { Before: "1", Unit: "Days" }),
    policy("NoChangeNotification", { After: "5", Unit: "hours" }),
  ]);
  expect(await statuses()).toEqual([
    ["Expiration Pending", "ExpirationNotification Pending", "NoChangeNotification Pending"],
  ]);
  services.clock.advance(5 * HOUR_MS);
  expect((await statuses())[0]).toContain("NoChangeNotification Finished");
  await call("PutParameter", { Name: "x", Value: "changed", Overwrite: true });
  expect((await statuses())[0]).toContain("NoChangeNotification Pending");
  services.clock.advance(9 * DAY_MS);
  expect(await statuses()).toEqual([
    ["Expiration Pending", "ExpirationNotification Finished", "NoChangeNotification Finished"],
  ]);
  const { Parameters } = await call<{ Parameters: { Policies: { PolicyStatus: string }[] }[] }>("GetParameterHistory", {
    Name: "x",
  });
  // The first version's own policies had only been due as far as its time went.
  expect(Parameters.map(({ Policies }) => Policies.map((one) => one.PolicyStatus))).toEqual([
    ["Pending", "Pending", "Finished"],
    ["Pending", "Finished", "Finished"],
  ]);
});

describe("policies are refused", () => {
  const valid = policy("Expiration", { Timestamp: "2030-01-01T00:00:00.000Z" });
  it.each([
    [{}, "ValidationException: Invalid policies input: {}."],
    [["x"], 'ValidationException: Invalid policies input: ["x"].'],
    [[policy("Other", {})], "InvalidPolicyTypeException: Policy type Other is not supported."],
    [[{ ...valid, Version: "2.0" }], "InvalidPolicyAttributeException: Unsupported policy version."],
    [
      [{ Type: "Expiration", Version: "1.0" }],
      "InvalidPolicyAttributeException: Mandatory policy attribute Attributes is missing.",
    ],
    [
      [policy("Expiration", {})],
      "InvalidPolicyAttributeException: A valid Expiration policy must have an attribute of Timestamp.",
    ],
    [
      [policy("NoChangeNotification", { Unit: "Days" })],
      "InvalidPolicyAttributeException: Mandatory policy attribute After is missing.",
    ],
    [
      [policy("NoChangeNotification", { After: "x", Unit: "Days" })],
      "InvalidPolicyAttributeException: Attribute After must be a positive integer.",
    ],
    [
      [policy("NoChangeNotification", { After: "1", Unit: "Weeks" })],
      "InvalidPolicyAttributeException: Supported time units: DAYS HOURS",
    ],
    [[valid, valid], "IncompatiblePolicyException: There can be only one expiration policy"],
    [
      [policy("ExpirationNotification", { Before: "1", Unit: "Days" })],
      "IncompatiblePolicyException: Expiration notification policies are missing expiration policy",
    ],
    [
      Array.from({ length: 11 }, () => valid),
      "PoliciesLimitExceededException: Number of policies attached to a parameter cannot exceed 10",
    ],
  ])("%j", async (policies, expected) => {
    expect(await failureOf(putWith(policies))).toBe(expected);
  });

  it.each([
    "tomorrow",
    "2030-01-01",
    "2030-01-01T00:00:00",
    "2030-02-30T00:00:00Z",
    "2030-01-01T25:00:00Z",
    1_893_456_000,
  ])("with the timestamp %s", async (Timestamp) => {
    expect(await failureOf(putWith([policy("Expiration", { Timestamp })]))).toBe(
      "InvalidPolicyAttributeException: Invalid timestamp format",
    );
  });

  it("outside the advanced tier, which intelligent tiering chooses for them", async () => {
    expect(await failureOf(putWith([valid], { Tier: "Standard" }))).toBe(
      "ValidationException: You can't assign parameter policies to a standard-parameter tier. For more information, see " +
        "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
    );
    expect(await putWith([valid], { Tier: "Intelligent-Tiering" })).toEqual({ Version: 1, Tier: "Advanced" });
  });
});
