/** Big batches in files: through the operations, on a state folder. */
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AwsCaller } from "../../core/aws.ts";
import { systemClock } from "../../core/clock.ts";
import { systemIds } from "../../core/ids.ts";
import { LogLines } from "../../core/log-lines.ts";
import { createIdentity, rootPrincipal } from "../../identity/index.ts";
import { openStore } from "../../store/index.ts";
import { createDispatcher } from "../index.ts";
import { kms } from "../kms/index.ts";
import { logs } from "./index.ts";
import { packBatch, partsOf, unpackBatch } from "./packed-batch.ts";

const SCOPE = { partition: "aws", region: "us-east-1", accountId: "111122223333" } as const;
const STREAM = { logGroupName: "g", logStreamName: "s" };

async function open(stateDir: string): Promise<{ root: AwsCaller; close(): Promise<void> }> {
  const store = await openStore({ stateDir, ids: systemIds });
  const parts = { store, clock: systemClock, ids: systemIds };
  const rootKey = { accessKeyId: "test", secretAccessKey: "test" };
  const identity = createIdentity({ ...parts, scope: SCOPE, rootKey });
  const dispatcher = createDispatcher({ ...parts, services: [logs, kms], identity });
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

  it("of another process come in a live tail", async () => {
    const other = await open(folder);
    try {
      const logGroupIdentifiers = [`arn:aws:logs:us-east-1:${SCOPE.accountId}:log-group:g`];
      const { responseStream } = await account.root.call<{
        responseStream: AsyncIterable<{ sessionUpdate?: { sessionResults: object[] } }>;
      }>("logs", "StartLiveTail", { logGroupIdentifiers });
      await put(lines("a", 1000), other.root);
      for await (const { sessionUpdate } of responseStream) {
        if (!sessionUpdate) continue;
        expect(sessionUpdate).toMatchObject({ sessionMetadata: { sampled: true } });
        expect(sessionUpdate.sessionResults).toHaveLength(500);
        break;
      }
    } finally {
      await other.close();
    }
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

describe("big batches of a group with a KMS key", () => {
  it("are encrypted in the file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kiln-logs-"));
    const account = await open(folder);
    try {
      const service = { Service: "logs.us-east-1.amazonaws.com" };
      const Statement = [{ AWS: `arn:aws:iam::${SCOPE.accountId}:root` }, service].map((Principal) => ({
        Effect: "Allow",
        Principal,
        Action: "kms:*",
        Resource: "*",
      }));
      const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
      const key = await account.root.call<{ KeyMetadata: { Arn: string } }>("kms", "CreateKey", { Policy });
      await account.root.call("logs", "CreateLogGroup", { logGroupName: "g", kmsKeyId: key.KeyMetadata.Arn });
      await account.root.call("logs", "CreateLogStream", STREAM);
      const timestamp = systemClock.nowMs();
      const message = `secret ${"x".repeat(50_000)}`;
      const lines = new LogLines();
      lines.add(timestamp, message, [message.length]);
      for (const logEvents of [[{ timestamp, message }], lines]) {
        await account.root.call("logs", "PutLogEvents", { ...STREAM, logEvents });
      }
      const root = join(folder, "logs");
      const files = readdirSync(root).flatMap((name) => readdirSync(join(root, name)).map((file) => join(name, file)));
      expect(files).toHaveLength(1);
      expect(readFileSync(join(root, files[0] as string), "latin1")).not.toContain("secret");
      const { events } = await account.root.call<{ events: { message: string }[] }>("logs", "GetLogEvents", STREAM);
      expect(events.map((event) => event.message)).toEqual([message, message]);
    } finally {
      await account.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
