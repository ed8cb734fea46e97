import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { WalSync } from "./wal-sync.ts";

const root = mkdtempSync(join(tmpdir(), "kiln-wal-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it("gives commits that come during a flush one flush of their own", async () => {
  const path = join(root, "log");
  writeFileSync(path, "frames");
  const wal = new WalSync(path, root);
  const first = wal.sync();
  const second = wal.sync();
  expect(second).not.toBe(first);
  expect(wal.sync()).toBe(second);
  const order: string[] = [];
  await Promise.all([first.then(() => order.push("first")), second.then(() => order.push("second"))]);
  expect(order).toEqual(["first", "second"]);
  expect(wal.sync()).not.toBe(second);
  await wal.sync();
  await wal.close();
});

it("never calls anything durable after a flush has failed", async () => {
  const path = join(root, "absent");
  const wal = new WalSync(path, root);
  await expect(wal.sync()).rejects.toThrow("ENOENT");
  writeFileSync(path, "frames");
  await expect(wal.sync()).rejects.toThrow("ENOENT");
  await wal.close();
});
