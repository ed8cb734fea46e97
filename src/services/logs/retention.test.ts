/** What expires is gone: hidden at once, then deleted from records and files, also by another process. */
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AwsCaller } from "../../core/aws.ts";
import { DAY_MS, HOUR_MS, TestClock } from "../../core/clock.ts";
import { systemIds } from "../../core/ids.ts";
import { createIdentity, rootPrincipal } from "../../identity/index.ts";
import { openStore, type Store } from "../../store/index.ts";
import { createDispatcher } from "../index.ts";
import { logs } from "./index.ts";
import type { DescribeLogGroupsResponse, GetLogEventsResponse } from "./shapes.gen.ts";

const SCOPE = { partition: "aws", region: "us-east-1", accountId: "111122223333" } as const;
const group = { logGroupName: "g" };
const stream = { ...group, logStreamName: "s" };
const BIG = "x".repeat(50_000);

let folder: string;
let clock: TestClock;
let open: { readonly root: AwsCaller; readonly store: Store; close(): Promise<void> };

async function start() {
  const store = await openStore({ stateDir: folder, ids: systemIds });
  const parts = { store, clock, ids: systemIds };
  const rootKey = { accessKeyId: "test", secretAccessKey: "test" };
  const identity = createIdentity({ ...parts, scope: SCOPE, rootKey });
  const dispatcher = createDispatcher({ ...parts, services: [logs], identity });
  return {
    root: dispatcher.callerFor(rootPrincipal(SCOPE), SCOPE),
    store,
    async close() {
      await dispatcher.flush();
      await store.close();
    },
  };
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kiln-retention-"));
  clock = new TestClock();
  open = await start();
  await call("CreateLogGroup", group);
  await call("CreateLogStream", stream);
  await call("PutRetentionPolicy", { ...group, retentionInDays: 3 });
});

afterEach(async () => {
  await open.close();
  await rm(folder, { recursive: true, force: true });
});

const call = <O = object>(operation: string, input: object, root = open.root): Promise<O> =>
  root.call<O>("logs", operation, input);

const put = (message: string, agoMs = 0, root = open.root) =>
  call("PutLogEvents", { ...stream, logEvents: [{ timestamp: clock.nowMs() - agoMs, message }] }, root);

async function texts(root = open.root): Promise<string[]> {
  const { events = [] } = await call<GetLogEventsResponse>("GetLogEvents", stream, root);
  return events.map((event) => event.message?.slice(0, 5) ?? "");
}

const files = (): string[] => {
  const root = open.store.folder("logs");
  return existsSync(root) ? readdirSync(root).flatMap((name) => readdirSync(join(root, name))) : [];
};
const chunks = () => open.store.collection("log-chunks").count([]);

async function storedBytes(): Promise<number | undefined> {
  const { logGroups } = await call<DescribeLogGroupsResponse>("DescribeLogGroups", {});
  return logGroups?.[0]?.storedBytes;
}

describe("retention", () => {
  it("deletes records and files of what has expired at the next call", async () => {
    await put("small");
    await put(BIG);
    expect([chunks(), files().length]).toEqual([2, 1]);
    clock.advance(3 * DAY_MS + 1);
    expect(await storedBytes()).toBe(0);
    expect(await texts()).toEqual([]);
    expect([chunks(), files().length]).toEqual([0, 0]);
    await put(BIG);
    expect(await texts()).toEqual(["xxxxx"]);
  });

  it("keeps the files in which something is still shown", async () => {
    await put(BIG);
    clock.advance(DAY_MS - HOUR_MS);
    await put(BIG);
    expect(files()).toHaveLength(1);
    clock.advance(2 * DAY_MS + 2 * HOUR_MS);
    expect(await texts()).toEqual(["xxxxx"]);
    expect([chunks(), files().length]).toEqual([1, 1]);
    clock.advance(DAY_MS);
    await put("new");
    expect([chunks(), files().length]).toEqual([1, 0]);
  });

  it("begins a new file each day", async () => {
    await put(BIG);
    clock.advance(DAY_MS);
    await put(BIG);
    expect(files()).toHaveLength(2);
    clock.advance(2 * DAY_MS + 1);
    expect(await texts()).toEqual(["xxxxx"]);
    expect(files()).toHaveLength(1);
  });

  it("deletes in a process that was started later, too", async () => {
    await put(BIG);
    await open.close();
    clock.advance(4 * DAY_MS);
    open = await start();
    expect(await texts()).toEqual([]);
    expect([chunks(), files().length]).toEqual([0, 0]);
  });

  it("deletes under the hands of another process, which goes on in a new file", async () => {
    const other = await start();
    try {
      await put(BIG, 0, other.root);
      await call("PutRetentionPolicy", { ...group, retentionInDays: 1 });
      clock.advance(DAY_MS + HOUR_MS);
      expect(await texts()).toEqual([]);
      expect(files()).toHaveLength(0);
      await put(BIG, 0, other.root);
      expect(await texts()).toEqual(["xxxxx"]);
      expect(await texts(other.root)).toEqual(["xxxxx"]);
    } finally {
      await other.close();
    }
  });

  it("deletes what comes out of order, too", async () => {
    await put(BIG);
    await put(`late ${BIG}`, DAY_MS);
    await put("now");
    clock.advance(2 * DAY_MS + 1);
    expect(await texts()).toEqual(["xxxxx", "now"]);
    expect(chunks()).toBe(2);
  });

  it("deletes at once when it becomes shorter, and hides nothing any more when it ends", async () => {
    await put("old", DAY_MS + HOUR_MS);
    await put("new");
    await call("PutRetentionPolicy", { ...group, retentionInDays: 1 });
    expect(chunks()).toBe(1);
    await call("DeleteRetentionPolicy", group);
    expect(await texts()).toEqual(["new"]);
    clock.advance(30 * DAY_MS);
    expect(await texts()).toEqual(["new"]);
    await expect(call("PutRetentionPolicy", { ...group, retentionInDays: 2 })).rejects.toMatchObject({
      code: "InvalidParameterException",
    });
  });

  it.each([
    ["becomes longer", () => call("PutRetentionPolicy", { ...group, retentionInDays: 30 })],
    ["ends", () => call("DeleteRetentionPolicy", group)],
  ])("does not bring back what has expired when it %s", async (_, change) => {
    await put("old");
    expect(await texts()).toEqual(["old"]);
    clock.advance(3 * DAY_MS - 1);
    await put("new");
    clock.advance(2);
    await change();
    expect(await texts()).toEqual(["new"]);
  });

  it("refuses events that have expired", async () => {
    const logEvents = [4 * DAY_MS, 3 * DAY_MS + 1, HOUR_MS, 0].map((agoMs) => ({
      timestamp: clock.nowMs() - agoMs,
      message: "m",
    }));
    expect(await call("PutLogEvents", { ...stream, logEvents })).toMatchObject({
      rejectedLogEventsInfo: { expiredLogEventEndIndex: 2 },
    });
    expect(await texts()).toEqual(["m", "m"]);
  });
});
