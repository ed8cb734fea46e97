import { afterEach, beforeEach, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { ssm } from "./index.ts";
import { parametersIn } from "./records.ts";

let services: ServicesFixture;
const put = (Name: string, input: object = {}) =>
  services.root.call("ssm", "PutParameter", { Name, Value: "v", Type: "String", ...input });

beforeEach(async () => {
  services = await openServices([ssm]);
});
afterEach(() => services.close());

async function fill(count: number) {
  const latest = {
    ...({ version: 1, type: "String", value: "v", tier: "Standard", dataType: "text" } as const),
    ...{ lastModifiedMs: 0, lastModifiedUser: "arn:aws:iam::000000000000:root" },
  };
  await services.store.write(() => {
    for (let n = 0; n < count; n++) {
      const record = { name: `/full/${n}`, latest, oldestVersion: 1, labels: {}, tags: {} };
      parametersIn(services.store).put(["000000000000", "us-east-1", "full", String(n)], record);
    }
  });
}

const FULL =
  "ParameterLimitExceeded: You have reached the maximum number of standard parameters for this AWS account and Region " +
  "(10000). To add more parameters, either delete existing parameters or upgrade to the advanced-parameter tier " +
  "(charges apply).";

it("an account has 10,000 standard parameters and no more; overwriting goes on", async () => {
  await fill(9_998);
  await put("a");
  await put("b");
  expect(await failureOf(put("c"))).toBe(FULL);
  expect(await put("a", { Overwrite: true })).toMatchObject({ Version: 2 });
  expect(await put("c", { Tier: "Advanced" })).toMatchObject({ Tier: "Advanced" });
  expect(await put("d", { Tier: "Intelligent-Tiering" })).toMatchObject({ Tier: "Advanced" });
  expect(await failureOf(put("e"))).toBe(FULL);
  await services.root.call("ssm", "DeleteParameter", { Name: "b" });
  expect(await put("e")).toMatchObject({ Version: 1 });
  expect(await failureOf(put("f"))).toBe(FULL);
});
