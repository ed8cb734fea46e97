/** Reset, save and restore where several processes, a kill, another master key or a damaged copy come into it. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { transpileSources } from "../../test/support/transpiled-sources.ts";
import type { KilnError } from "../core/errors.ts";
import { systemIds } from "../core/ids.ts";
import { ownerName } from "../core/owned-folders.ts";
import { openStore, type Store } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "kiln-snapshots-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
let stateDir = "";
beforeEach(() => {
  stateDir = join(root, String(folders++), ".kiln");
});
const open = (environment: NodeJS.ProcessEnv = {}): Promise<Store> =>
  openStore({ stateDir, ids: systemIds, environment });
const refusalOf = (promise: Promise<unknown>): Promise<KilnError> =>
  promise.then(
    () => Promise.reject(),
    (e) => e,
  );
/** What is no longer used goes beside the work. */
const GONE = { timeout: 20_000 };
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe("a reset and a restore by another process on the folder", () => {
  it("are seen at the next turn of the event loop, with the folders of files", async () => {
    const [store, other] = [await open(), await open()];
    const words = other.collection<string>("words");
    await store.write(() => store.collection("words").put(["a"], "1"));
    await nextTurn();
    expect(words.get(["a"])).toBe("1");
    await store.saveSnapshot("s");
    await store.reset();
    await nextTurn();
    expect([words.get(["a"]), other.folder("logs")]).toEqual([undefined, store.folder("logs")]);
    await other.write(() => words.put(["b"], "2"));
    await store.restoreSnapshot("s");
    await nextTurn();
    expect([words.get(["a"]), words.get(["b"]), other.folder("logs")]).toEqual(["1", undefined, store.folder("logs")]);
    await Promise.all([store.close(), other.close()]);
  });

  it("may be asked of both at once", async () => {
    const stores = [await open(), await open()];
    const put = (store: Store | undefined, n: number) => store?.write(() => store.collection("n").put([String(n)], n));
    await put(stores[0], 0);
    await Promise.all(stores.map((store) => store.saveSnapshot("s")));
    for (let round = 0; round < 5; round++) {
      await Promise.all([
        ...stores.map((store) => store.reset()),
        ...stores.map((store, n) => put(store, n)),
        ...stores.map((store) => store.restoreSnapshot("s")),
        ...stores.map((store) => store.saveSnapshot(`s${round}`)),
      ]);
    }
    await stores[1]?.restoreSnapshot("s");
    await nextTurn();
    expect(stores[0]?.collection("n").list([])).toEqual([{ key: ["0"], value: 0 }]);
    await Promise.all(stores.map((store) => store.close()));
    const again = await open();
    await vi.waitFor(() => expect(readdirSync(join(stateDir, "generations"))).toHaveLength(1), GONE);
    await again.close();
  });
});

describe.skipIf(!existsSync("/proc/self/ns/pid"))("what was being made for a reset or a restore", () => {
  const uuid = "0c7b5f2e-1d7c-4c1b-9a53-3f0e6a1d2b4c";
  const [namespace, pid] = ownerName().split("-");
  const left = (name: string) => mkdir(join(stateDir, "generations", name, "blobs"), { recursive: true });

  it("goes when its process is gone, also when the number was given again, and stays when nobody can tell", async () => {
    await left(`${namespace}-${pid}-1-${uuid}`);
    await left(`1-${pid}-1-${uuid}`);
    await left("holidays");
    const store = await open();
    const kept = ["holidays", `1-${pid}-1-${uuid}`].toSorted();
    await vi.waitFor(() => expect(readdirSync(join(stateDir, "generations")).toSorted()).toEqual(kept), GONE);
    await store.close();
  });

  it("is read where an older Kiln has named its process by the number alone", async () => {
    const store = await open();
    const name = `4242-${uuid}`;
    await store.write(() => {
      store.collection("kiln/state").put(["generation"], name);
    });
    await nextTurn();
    expect(store.folder("logs")).toBe(join(stateDir, "generations", name, "logs"));
    await store.close();
  });
});

describe("a snapshot", () => {
  it("is for its owner only, and holds no secret in clear", async () => {
    const store = await open();
    await store.write(() => store.collection("s").put(["a"], { sealed: store.seal(Buffer.from("hunter2"), "a") }));
    await store.saveSnapshot("s");
    await store.close();
    const modes: string[] = [];
    for (const name of readdirSync(join(stateDir, "snapshots"), { recursive: true, encoding: "utf8" })) {
      const path = join(stateDir, "snapshots", name);
      const found = statSync(path);
      modes.push((found.mode & 0o777).toString(8));
      if (found.isFile()) expect(await readFile(path, "latin1")).not.toContain("hunter2");
    }
    expect(new Set(modes)).toEqual(new Set(["700", "600"]));
  });

  it("made under another master key is refused, and nothing is changed", async () => {
    const [one, two] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];
    const first = await open({ KILN_MASTER_KEY: one });
    await first.saveSnapshot("s");
    await first.close();
    const source = stateDir;
    stateDir = join(root, String(folders++), ".kiln");
    const second = await open({ KILN_MASTER_KEY: two });
    await second.write(() => second.collection("words").put(["a"], "kept"));
    renameSync(join(source, "snapshots"), join(stateDir, "snapshots"));
    const error = await refusalOf(second.restoreSnapshot("s"));
    expect([error.code, error.message]).toEqual([
      "KILN_E_MASTER_KEY",
      "the snapshot `s` was made under another master key",
    ]);
    expect(second.collection("words").get(["a"])).toBe("kept");
    await second.close();
  });

  it.each(["kiln.db", "snapshot.json"])("that is damaged (%s) is refused, and nothing is changed", async (file) => {
    const store = await open();
    await store.write(() => store.collection("words").put(["a"], "saved"));
    await store.saveSnapshot("s");
    await store.write(() => store.collection("words").put(["a"], "kept"));
    const folder = join(stateDir, "snapshots", "s");
    const [id = ""] = readdirSync(folder).filter((name) => name !== "snapshot.json");
    truncateSync(file === "kiln.db" ? join(folder, id, file) : join(folder, file), 10);
    const error = await refusalOf(store.restoreSnapshot("s"));
    expect([error.code, error.message]).toEqual(["KILN_E_SNAPSHOT_UNREADABLE", "the snapshot `s` cannot be read"]);
    expect(store.collection("words").get(["a"])).toBe("kept");
    await store.saveSnapshot("s");
    await store.restoreSnapshot("s");
    await store.close();
  });
});

describe("a process that is killed during a save, a restore or a reset", () => {
  const ROUNDS = 25;
  let urlOf: (file: string) => string;
  beforeAll(() => {
    urlOf = transpileSources(join(root, "sources"), ["core", "store"]);
  });

  const digestOf = (bytes: string): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const bytesOf = (state: string, n: number): string => `${state}${n}`.repeat(1_000);
  async function fill(store: Store, state: string): Promise<void> {
    for (let n = 0; n < 20; n++) {
      const upload = await store.blobs.upload(`${state}${n}`);
      await upload.append([Buffer.from(bytesOf(state, n))] as unknown as AsyncIterable<Uint8Array>);
      await upload.commit(digestOf(bytesOf(state, n)));
    }
    await mkdir(join(store.folder("logs"), "s"), { recursive: true });
    await writeFile(join(store.folder("logs"), "s", "f"), state);
    await store.write(() => {
      for (let n = 0; n < 3_000; n++) store.collection("k").put([String(n)], state);
    });
  }
  /** Which state it is; fails when it is not all of one. */
  async function stateOf(store: Store): Promise<string> {
    const values = store
      .collection<string>("k")
      .list([])
      .map(({ value }) => value);
    if (values.length === 0) {
      expect(await store.blobs.size(digestOf(bytesOf("A", 0)))).toBeUndefined();
      return "empty";
    }
    const [state = ""] = values;
    expect([values.length, new Set(values).size]).toEqual([3_000, 1]);
    for (let n = 0; n < 20; n++) {
      expect(await text(store.blobs.read(digestOf(bytesOf(state, n))))).toBe(bytesOf(state, n));
    }
    expect(await readFile(join(store.folder("logs"), "s", "f"), "utf8")).toBe(state);
    return state;
  }
  const startLoop = (): ChildProcess => {
    const script = `
      const { openStore } = await import(${JSON.stringify(urlOf("store/index.ts"))});
      const { systemIds } = await import(${JSON.stringify(urlOf("core/ids.ts"))});
      const store = await openStore({ stateDir: ${JSON.stringify(stateDir)}, ids: systemIds, environment: {} });
      const steps = [
        () => store.restoreSnapshot("A"),
        () => store.saveSnapshot("s"),
        () => store.restoreSnapshot("B"),
        () => store.saveSnapshot("s"),
        () => store.reset(),
      ];
      for (let n = 0; ; n++) {
        process.stdout.write("step\\n");
        await steps[n % steps.length]();
      }`;
    return spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  };

  it(`leaves the state before or after it, whole, in ${ROUNDS} rounds`, { timeout: 300_000 }, async () => {
    const first = await open();
    for (const state of ["A", "B"]) {
      await fill(first, state);
      await first.saveSnapshot(state);
      await first.reset();
    }
    await first.close();
    const seen = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const child = startLoop();
      const closed = once(child, "close");
      // In any of the steps, which a busy disk makes long, and anywhere in it: it may take as long as the one before.
      const steps = randomInt(1, 7);
      let stepMs = 50;
      for (let [step, fromMs] = [1, 0]; step <= steps && child.stdout; step++) {
        await once(child.stdout, "data");
        if (step > 1) stepMs = performance.now() - fromMs;
        fromMs = performance.now();
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * stepMs));
      child.kill("SIGKILL");
      await closed;
      const store = await open();
      seen.add(await stateOf(store));
      const saved = await store.snapshots();
      expect(saved.map(({ name }) => name)).toEqual(expect.arrayContaining(["A", "B"]));
      if (saved.length === 3) {
        await store.restoreSnapshot("s");
        seen.add(`saved ${await stateOf(store)}`);
      }
      await store.close();
    }
    expect([...seen].filter((state) => !["A", "B", "empty", "saved A", "saved B"].includes(state))).toEqual([]);
    expect(seen.size).toBeGreaterThan(1);
    const last = await open();
    await vi.waitFor(() => expect(readdirSync(join(stateDir, "generations")).length).toBeLessThan(2), GONE);
    await last.saveSnapshot("s");
    for (const name of ["A", "B", "s"]) expect(readdirSync(join(stateDir, "snapshots", name))).toHaveLength(2);
    await last.close();
  });
});
