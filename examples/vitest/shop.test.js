/** One Kiln for the file, as good as new for each test. */
import { ParameterNotFound, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { startKiln } from "kiln";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { databaseUrl, discount } from "./shop.js";

let kiln;
let ssm;

beforeAll(async () => {
  kiln = await startKiln({ memory: true });
  ssm = new SSMClient(kiln.clientConfig());
});
beforeEach(() => kiln.reset());
afterAll(async () => {
  ssm.destroy();
  await kiln.close();
});

const put = (Name, Value, more) => ssm.send(new PutParameterCommand({ Name, Value, Type: "String", ...more }));

test("reads the secret", async () => {
  await put("/shop/database-url", "postgres://shop:s3cret@db/shop", { Type: "SecureString" });
  expect(await databaseUrl(ssm)).toBe("postgres://shop:s3cret@db/shop");
});

test("tells when it is not there", async () => {
  await expect(databaseUrl(ssm)).rejects.toThrow(ParameterNotFound);
});

test("survives throttling", async () => {
  await put("/shop/database-url", "postgres://db");
  await kiln.faults.inject({ service: "ssm", operation: "GetParameter", kind: "throttle", times: 2 });
  expect(await databaseUrl(ssm)).toBe("postgres://db");
  expect(await kiln.faults.list()).toMatchObject([{ hits: 2 }]);
});

test("the discount ends with the offer", async () => {
  const Timestamp = new Date(Date.now() + 30 * 86_400_000).toISOString();
  const Policies = JSON.stringify([{ Type: "Expiration", Version: "1.0", Attributes: { Timestamp } }]);
  await put("/shop/discount", "20", { Tier: "Advanced", Policies });
  expect(await discount(ssm)).toBe(20);
  await kiln.advance("31d");
  expect(await discount(ssm)).toBe(0);
});
