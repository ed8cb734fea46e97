import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { systemIds } from "../core/ids.ts";
import { storeContract } from "./contract.ts";
import { openStore } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "kiln-store-"));
let folders = 0;
afterAll(() => rmSync(root, { recursive: true, force: true }));

storeContract("memory", () => openStore({ ids: systemIds }));
storeContract("folder", () =>
  openStore({ stateDir: join(root, String(folders++), ".kiln"), ids: systemIds, environment: {} }),
);
