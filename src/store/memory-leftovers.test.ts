/** The folder of a store in memory: gone with the store, and with the next one when its process was killed. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { systemIds } from "../core/ids.ts";
import { ownerName } from "../core/owned-folders.ts";
import { openStore } from "./index.ts";

let temporary = "";
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), "kiln-memory-"));
  vi.stubEnv("TMPDIR", temporary);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(temporary, { recursive: true, force: true });
});

it("takes away what a killed process left, with its own folder at its end", async () => {
  const left = `kiln-blobs-${ownerName().replace(`-${process.pid}-`, "-999999999-")}-abc`;
  mkdirSync(join(temporary, left, "blobs"), { recursive: true });
  const store = await openStore({ ids: systemIds });
  const upload = await store.blobs.upload("own");
  await expect.poll(() => readdirSync(temporary)).not.toContain(left);
  expect(readdirSync(temporary)).toEqual([expect.stringContaining(`kiln-blobs-${ownerName()}-`)]);
  await upload.cancel();
  await store.close();
  expect(readdirSync(temporary)).toEqual([]);
});
