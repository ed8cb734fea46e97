import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { systemIds } from "../core/ids.ts";
import { storeContract } from "./contract.ts";
import { openStore } from "./index.ts";
import { STATE_CLOCK, stateContract } from "./state.contract.ts";

const root = mkdtempSync(join(tmpdir(), "kiln-store-"));
let folders = 0;
afterAll(() => rmSync(root, { recursive: true, force: true }));

const inMemory = () => openStore({ ids: systemIds, clock: STATE_CLOCK });
const inFolder = () =>
  openStore({
    stateDir: join(root, String(folders++), ".kiln"),
    ids: systemIds,
    clock: STATE_CLOCK,
    environment: {},
  });

storeContract("memory", inMemory);
storeContract("folder", inFolder);
stateContract("memory", inMemory);
stateContract("folder", inFolder);
