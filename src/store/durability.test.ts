/**
 * The promise of `write`: what was acknowledged is there after `kill -9`, with several processes on one folder.
 * Real child processes run the store's own sources, transpiled into a temporary folder.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it } from "vitest";
import { transpileSources } from "../../test/support/transpiled-sources.ts";
import { systemIds } from "../core/ids.ts";
import { openStore } from "./index.ts";
import { loadSqliteDriver } from "./sqlite-driver.ts";

const root = mkdtempSync(join(tmpdir(), "kiln-durability-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let urlOf: (file: string) => string;
beforeAll(() => {
  urlOf = transpileSources(root, ["core", "store"]);
});

/** Writes records `[name, 1]`, `[name, 2]`, … four at a time for ever (or `count`), printing each once acknowledged. */
const startWriter = (stateDir: string, name: string, count = Number.MAX_SAFE_INTEGER): ChildProcess => {
  const script = `
    const { openStore } = await import(${JSON.stringify(urlOf("store/index.ts"))});
    const { systemIds } = await import(${JSON.stringify(urlOf("core/ids.ts"))});
    const { writeSync } = await import("node:fs");
    const store = await openStore({ stateDir: ${JSON.stringify(stateDir)}, ids: systemIds, environment: {} });
    const records = store.collection("records");
    let next = 1;
    const writer = async () => {
      while (next <= ${count}) {
        const n = next++;
        await store.write(() => records.put([${JSON.stringify(name)}, String(n)], { n, filler: "x".repeat(n % 500) }));
        writeSync(1, n + "\\n");
      }
    };
    await Promise.all([writer(), writer(), writer(), writer()]);
    await store.close();
  `;
  return spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
};

const acknowledgedBy = (child: ChildProcess, onLine: () => void = () => {}): number[] => {
  const numbers: number[] = [];
  if (child.stdout === null) throw new Error("no stdout");
  createInterface(child.stdout).on("line", (line) => {
    numbers.push(Number(line));
    onLine();
  });
  return numbers;
};

const integrityOf = async (stateDir: string): Promise<unknown> => {
  const database = (await loadSqliteDriver())(join(stateDir, "kiln.db"));
  try {
    return { ...(database.prepare("PRAGMA integrity_check").get() as object) };
  } finally {
    database.close();
  }
};

it("keeps every acknowledged write through 20 kills at random moments", { timeout: 300_000 }, async () => {
  const stateDir = join(root, "killed", ".kiln");
  const acknowledged = new Map<string, number[]>();
  for (let round = 0; round < 20; round++) {
    const child = startWriter(stateDir, `round ${round}`);
    const killAfter = 1 + (systemIds.bytes(1)[0] ?? 0) * 2;
    const numbers = acknowledgedBy(child, () => numbers.length >= killAfter && child.kill("SIGKILL"));
    await once(child, "close");
    acknowledged.set(`round ${round}`, numbers);
  }
  expect(await integrityOf(stateDir)).toMatchObject({ integrity_check: "ok" });
  const store = await openStore({ stateDir, ids: systemIds, environment: {} });
  try {
    const records = store.collection<{ n: number; filler: string }>("records");
    for (const [name, numbers] of acknowledged) {
      expect(numbers.length).toBeGreaterThan(0);
      for (const n of numbers) expect(records.get([name, String(n)])).toEqual({ n, filler: "x".repeat(n % 500) });
    }
  } finally {
    await store.close();
  }
});

it("lets several processes make and write one new folder at once, and sees their writes", {
  timeout: 300_000,
}, async () => {
  const stateDir = join(root, "shared", ".kiln");
  const names = ["a", "b", "c"];
  const children = names.map((name) => startWriter(stateDir, name, 200));
  const acknowledged = children.map((child) => acknowledgedBy(child));
  const store = await openStore({ stateDir, ids: systemIds, environment: {} });
  try {
    const codes = await Promise.all(children.map((child) => once(child, "close").then(([code]) => code as number)));
    expect(codes).toEqual([0, 0, 0]);
    expect(acknowledged.map((numbers) => numbers.length)).toEqual([200, 200, 200]);
    for (const name of names) expect(store.collection("records").list([name])).toHaveLength(200);
  } finally {
    await store.close();
  }
  expect(await integrityOf(stateDir)).toMatchObject({ integrity_check: "ok" });
});
