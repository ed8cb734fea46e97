/** Big batches in files: through the operations, on a state folder. */
import { readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AwsCaller } from "../../core/aws.ts";
import { systemClock } from "../../core/clock.ts";
import { systemIds } from "../../core/ids.ts";
import { createIdentity, rootPrincipal } from "../../identity/index.ts";
import { openStore } from "../../store/index.ts";
import { createDispatcher } from "../index.ts";
import { logs } from "./index.ts";
import { packBatch, partsOf, unpackBatch } from "./packed-batch.ts";

const SCOPE = { partition: "aws", region: "us-east-1", accountId: "111122223333" } as const;
const STREAM = { logGroupName: "g", logStreamName: "s" };

async function open(stateDir: string): Promise<{ root: AwsCaller; close(): Promise<void> }> {
  const store = await openStore({ stateDir, ids: systemIds });
  const parts = { store, clock: systemClock, ids: systemIds };
  const rootKey = { accessKeyId: "test", secretAccessKey: "test" };
  const identity = createIdentity({ ...parts, scope: SCOPE, rootKey });
  const dispatcher = createDispatcher({ ...parts, services: [logs], identity });
  return {
    root: dispatcher.callerFor(rootPrincipal(SCOPE), SCOPE),
    async close() {
      await dispatcher.flush();
      await store.close();
    },
  };
}

describe("big batches of log events", () => {
  let folder = "";
  let account: Awaited<ReturnType<typeof open>>;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kiln-logs-"));
    account = await open(folder);
    await account.root.call("logs", "CreateLogGroup", { logGroupName: "g" });
    await account.root.call("logs", "CreateLogStream", STREAM);
  });
  afterEach(async () => {
    await account.close();
    await rm(folder, { recursive: true, force: true });
  });

  const put = (messages: readonly string[], root = account.root) => {
    const timestamp = systemClock.nowMs();
    const logEvents = messages.map((message) => ({ timestamp, message }));
    return root.call("logs", "PutLogEvents", { ...STREAM, logEvents });
  };
  async function all(root = account.root): Promise<string[]> {
    const messages: string[] = [];
    for (let nextToken: string | undefined; ; ) {
      const page = await root.call<{ events: { message: string }[]; nextForwardToken: string }>(
        "logs",
        "GetLogEvents",
        {
          ...STREAM,
          startFromHead: true,
          ...(nextToken !== undefined && { nextToken }),
        },
      );
      if (page.events.length === 0) return messages;
      messages.push(...page.events.map((event) => event.message));
      nextToken = page.nextForwardToken;
    }
  }
  const lines = (name: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${name} ${i} ü😀 ${"x".repeat(60)}\n`);

  it("keep their order among small ones that are put while they are under way, and after a restart", async () => {
    const batches = [lines("a", 5000), ["small\n"], lines("b", 3000), ["\n", "two\n"], lines("c", 2000)];
    await Promise.all(batches.map((batch) => put(batch)));
    expect(await all()).toEqual(batches.flat());
    expect(readdirSync(join(folder, "logs"))).toHaveLength(1);
    await account.close();
    account = await open(folder);
    await put(lines("d", 1000));
    expect(await all()).toEqual([...batches.flat(), ...lines("d", 1000)]);
  });

  it("can be written and read by two processes", async () => {
    const other = await open(folder);
    await put(lines("a", 1000));
    await put(lines("b", 1000), other.root);
    await put(lines("c", 1000));
    const wanted = [...lines("a", 1000), ...lines("b", 1000), ...lines("c", 1000)];
    expect(await all(other.root)).toEqual(wanted);
    expect(await all()).toEqual(wanted);
    await other.close();
  });

  it.each([
    ["stream", "DeleteLogStream", STREAM],
    ["group", "DeleteLogGroup", { logGroupName: "g" }],
  ])("leave no file when their %s is deleted", async (_what, operation, input) => {
    await put(lines("a", 1000));
    await account.root.call("logs", operation, input);
    expect(readdirSync(join(folder, "logs"))).toEqual([]);
  });

  it("are refused, not lost, when the file cannot be written", async () => {
    await put(lines("a", 1000));
    await rm(join(folder, "logs"), { recursive: true });
    await writeFile(join(folder, "logs"), "");
    await expect(put(lines("b", 1000))).rejects.toMatchObject({ code: "InternalFailure" });
    await rm(join(folder, "logs"));
    await expect(put(lines("c", 1000))).resolves.toBeDefined();
  });
});

describe("a packed batch", () => {
  it("is the batch when unpacked", () => {
    const chunk = { messages: ["", "a\n", "ü😀", "x".repeat(300)], timestampRuns: [4, 7], ingestionRuns: [3, 8, 1, 9] };
    expect(unpackBatch(packBatch(partsOf(chunk)))).toEqual(chunk);
  });
});
