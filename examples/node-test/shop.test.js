/** One Kiln for the file, as good as new for each test. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { startKiln } from "kiln";
import { databaseUrl, discount } from "./shop.js";

let kiln;
let ssm;

before(async () => {
  kiln = await startKiln({ memory: true });
  ssm = new SSMClient(kiln.clientConfig());
});
beforeEach(() => kiln.reset());
after(async () => {
  ssm.destroy();
  await kiln.close();
});

const put = (Name, Value, more) => ssm.send(new PutParameterCommand({ Name, Value, Type: "String", ...more }));

test("reads the secret", async () => {
  await put("/shop/database-url", "postgres://shop:s3cret@db/shop", { Type: "SecureString" });
  assert.equal(await databaseUrl(ssm), "postgres://shop:s3cret@db/shop");
});

test("tells when it is not there", async () => {
  await assert.rejects(databaseUrl(ssm), { name: "ParameterNotFound" });
});

test("survives throttling", async () => {
  await put("/shop/database-url", "postgres://db");
  await kiln.faults.inject({ service: "ssm", operation: "GetParameter", kind: "throttle", times: 2 });
  assert.equal(await databaseUrl(ssm), "postgres://db");
  const [fault] = await kiln.faults.list();
  assert.equal(fault.hits, 2);
});

test("the discount ends with the offer", async () => {
  const Timestamp = new Date(Date.now() + 30 * 86_400_000).toISOString();
  const Policies = JSON.stringify([{ Type: "Expiration", Version: "1.0", Attributes: { Timestamp } }]);
  await put("/shop/discount", "20", { Tier: "Advanced", Policies });
  assert.equal(await discount(ssm), 20);
  await kiln.advance("31d");
  assert.equal(await discount(ssm), 0);
});
