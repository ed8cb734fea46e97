/** Kiln as a library: several in one process, clean ends, and what it tells clients and processes to use. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SSM } from "@aws-sdk/client-ssm";
import { STS } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { type KilnOptions, startKiln } from "../../src/app.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

test("several in one process, each on a port, with a state and a clock of its own", async () => {
  await using one = await startKiln({ memory: true });
  await using other = await startKiln({ memory: true, accountId: "111122223333", region: "eu-west-1" });
  expect(one.url).not.toBe(other.url);
  const clients = [new SSM(one.clientConfig()), new SSM(other.clientConfig())] as const;
  await clients[0].putParameter({ Name: "/a", Value: "v", Type: "String" });
  await one.advance("1d");
  await one.faults.inject({ service: "ssm", operation: "DescribeParameters", kind: "error", code: "X" });
  expect((await clients[1].describeParameters({})).Parameters).toEqual([]);
  const moved = await other.advance(0);
  expect(moved.offsetMs).toBe(0);
  const sts = new STS(other.clientConfig());
  expect(await sts.getCallerIdentity({})).toMatchObject({ Account: "111122223333" });
  for (const client of [...clients, sts]) client.destroy();
});

test("tells processes and clients where it is", async () => {
  await using kiln = await startKiln({ memory: true, rootKey: { accessKeyId: "own", secretAccessKey: "secret" } });
  expect(kiln.env()).toEqual({
    AWS_ENDPOINT_URL: kiln.url,
    AWS_REGION: "us-east-1",
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "own",
    AWS_SECRET_ACCESS_KEY: "secret",
  });
  expect(kiln.clientConfig()).toMatchObject({ endpoint: kiln.url, credentials: kiln.credentials });
});

test("closes while requests wait, and a second time", async () => {
  const kiln = await startKiln({ memory: true });
  await kiln.faults.inject({ service: "ssm", kind: "delay", delay: "10m" });
  const ssm = new SSM({ ...kiln.clientConfig(), maxAttempts: 1 });
  const waiting = ssm.describeParameters({}).catch((error: unknown) => error);
  while ((await kiln.faults.list())[0]?.hits !== 1) await new Promise((resolve) => setImmediate(resolve));
  await Promise.all([kiln.close(), kiln.close()]);
  expect(await waiting).toBeInstanceOf(Error);
  ssm.destroy();
});

test("leaves nothing listening when it cannot start", async () => {
  const stateDir = mkdtempSync(join(tmpdir(), "kiln-start-"));
  try {
    const first = await startKiln({ stateDir, port: 0 });
    await first.store.write(() => {
      first.store.collection("codebuild.active-batches").put(["broken"], true);
      first.store.collection("codebuild.batches").put(["broken"], {});
    });
    const servers = (): number => process.getActiveResourcesInfo().filter((name) => name === "TCPServerWrap").length;
    const listening = servers();
    expect(listening).toBeGreaterThan(0);
    await first.close();
    // It listens before it looks at what was under way. Not asked over the net: the port may be another program's by now.
    await expect(startKiln({ stateDir, port: 0 })).rejects.toThrow();
    await expect.poll(servers).toBe(listening - 1);
  } finally {
    rmSync(stateDir, { recursive: true });
  }
});

test("says that it is closed", async () => {
  const kiln = await startKiln({ memory: true });
  await kiln.faults.inject({ service: "ssm", kind: "throttle" });
  await kiln.close();
  const closed = expect.objectContaining({ code: "KILN_E_CLOSED", message: "this Kiln is closed" });
  await expect(kiln.reset()).rejects.toEqual(closed);
  await expect(kiln.advance("1d")).rejects.toEqual(closed);
  await expect(kiln.faults.list()).rejects.toEqual(closed);
  await expect(kiln.restore("base")).rejects.toEqual(closed);
  await expect(kiln.root.call("ssm", "DescribeParameters", {})).rejects.toEqual(closed);
});

test.each([
  [{ memory: true, acountId: "111122223333" }, "startKiln has no option `acountId`", "did you mean `accountId`?"],
  [{ inMemory: true }, "startKiln has no option `inMemory`", "did you mean `memory`?"],
  [
    { memory: true, stateDir: ".kiln" },
    "`memory` and `stateDir` exclude each other: the state is kept nowhere, or there",
    "leave one of them out",
  ],
  [{ memory: true, port: 99_999 }, "`port` must be a whole number from 0 to 65535, not `99999`"],
  [{ memory: true, region: "mars" }, "`region` must be a region like us-east-1, not `mars`"],
  [{ memory: true, accountId: 111122223333 }, "`accountId` must be a text of twelve digits, not `111122223333`"],
  [{ memory: true, accountId: "123" }, "`123` is not an AWS account id", "give twelve digits: `123456789012`"],
  [
    { rootKey: { accessKeyId: "own" } },
    "`rootKey` must be { accessKeyId, secretAccessKey }, two texts that are not empty",
  ],
])("refuses options that it does not know or cannot use: %j", async (options, message, ...fix) => {
  await expect(startKiln(options as KilnOptions)).rejects.toMatchObject({ name: "KilnError", message, fix });
});

test("leaves nothing that keeps a process alive", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kiln-ends-"));
  try {
    const script = join(folder, "ends.mjs");
    writeFileSync(
      script,
      `import { startKiln } from ${JSON.stringify(join(root, "dist/index.js"))};
       const kiln = await startKiln({ memory: true });
       await kiln.root.call("ssm", "PutParameter", { Name: "/a", Value: "v", Type: "String" });
       await kiln.advance("1d");
       await kiln.reset();
       await kiln.close();
       console.log("closed");`,
    );
    const { stdout } = await run(process.execPath, [script], { timeout: 170_000 });
    expect(stdout).toBe("closed\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
