import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf } from "../../../test/support/services-fixture.ts";
import { DAY_MS, TestClock } from "../../core/clock.ts";
import { TestIds } from "../../core/ids.ts";
import { rootPrincipal } from "../../identity/index.ts";
import { openStore, type Store } from "../../store/index.ts";
import { createDispatcher, type Dispatcher } from "../dispatcher.ts";
import { kms } from "../kms/index.ts";
import { closeSecrets, secretsmanager } from "./index.ts";

const ClientRequestToken = "token".padEnd(32, "0");
const NOT_FOUND = "ResourceNotFoundException: Secrets Manager can't find the specified secret.";
const scope = { partition: "aws", region: "us-east-1", accountId: "000000000000" };

let stateDir: string;
let clock: TestClock;
let ids: TestIds;
let store: Store;
let dispatcher: Dispatcher;

async function open(): Promise<void> {
  store = await openStore({ ids, stateDir });
  const identity = { policiesOf: () => ({ identity: [] }), tagsOf: () => ({}) };
  dispatcher = createDispatcher({ services: [secretsmanager, kms], identity, store, clock, ids });
}
async function close(): Promise<void> {
  await closeSecrets(store);
  await dispatcher.flush();
  await store.close();
}
const call = <O = Record<string, unknown>>(operation: string, input: object = {}): Promise<O> =>
  dispatcher.callerFor(rootPrincipal(scope), scope).call<O>("secretsmanager", operation, input);
const create = (Name: string) => call("CreateSecret", { Name, SecretString: "hunter2", ClientRequestToken });
/** How many records the service keeps, of what sort ever. */
const kept = () =>
  ["secrets", "values", "by-created", "due"].map((name) => store.collection(`secretsmanager/${name}`).count([]));

beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "kiln-secrets-"));
  clock = new TestClock();
  ids = new TestIds();
  await open();
});
afterEach(async () => {
  await close();
  rmSync(stateDir, { recursive: true });
});

describe("a deletion that is due", () => {
  it("leaves nothing behind, also when nobody looks", async () => {
    await create("db");
    await create("other");
    await call("DeleteSecret", { SecretId: "db", RecoveryWindowInDays: 7 });
    clock.advance(7 * DAY_MS - 1);
    expect(await call("DescribeSecret", { SecretId: "db" })).toHaveProperty("DeletedDate");
    clock.advance(1);
    expect(kept()).toEqual([1, 1, 1, 0]);
    expect(await failureOf(call("RestoreSecret", { SecretId: "db" }))).toBe(NOT_FOUND);
  });

  it("happens after a restart with the first call, and is not seen in it", async () => {
    await create("db");
    await call("DeleteSecret", { SecretId: "db", RecoveryWindowInDays: 7 });
    await close();
    clock.advance(30 * DAY_MS);
    await open();
    expect(await call("ListSecrets", { IncludePlannedDeletion: true })).toEqual({ SecretList: [] });
    await store.write(() => undefined);
    expect(kept()).toEqual([0, 0, 0, 0]);
    expect(await failureOf(call("DescribeSecret", { SecretId: "db" }))).toBe(NOT_FOUND);
  });

  it("is called off for good", async () => {
    await create("db");
    await call("DeleteSecret", { SecretId: "db", RecoveryWindowInDays: 7 });
    await call("RestoreSecret", { SecretId: "db" });
    clock.advance(60 * DAY_MS);
    expect(await call("GetSecretValue", { SecretId: "db" })).toMatchObject({ SecretString: "hunter2" });
    expect(kept()).toEqual([1, 1, 1, 0]);
  });

  it("takes many at once", async () => {
    const names = Array.from({ length: 600 }, (_, n) => `app/${n}`);
    await Promise.all(names.map(create));
    await Promise.all(names.map((SecretId) => call("DeleteSecret", { SecretId, RecoveryWindowInDays: 7 })));
    clock.advance(7 * DAY_MS);
    await store.write(() => undefined);
    clock.advance(1);
    expect(kept()).toEqual([0, 0, 0, 0]);
  });
});

describe("a state folder of before there was an index", () => {
  it("is listed all the same", async () => {
    await create("b");
    clock.advance(1);
    await create("a");
    await store.write(() => {
      const index = store.collection("secretsmanager/by-created");
      for (const { key } of index.list([])) index.delete(key);
    });
    expect(await call("ListSecrets", { MaxResults: 1 })).toMatchObject({ SecretList: [{ Name: "b" }] });
  });
});
