/**
 * Results of earlier steps by what they were made of, below `cache/` of the layer store. A key holds contents, not names:
 * layers below, command, variables, hashes of files. An entry whose layer is gone is no entry.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type LayerRecord, type LayerStore, writeAtomically } from "../../../images/layer-store.ts";

export interface CachedStep {
  readonly createdMs: number;
  /** Undefined: the step made none. */
  readonly layer: LayerRecord | undefined;
}

interface Entry {
  readonly createdMs: number;
  readonly chainId?: string;
}

export class StepCache {
  readonly #store: LayerStore;
  readonly #going = new Map<string, Promise<unknown>>();

  constructor(store: LayerStore) {
    this.#store = store;
  }

  async find(key: readonly unknown[]): Promise<CachedStep | undefined> {
    try {
      const { createdMs, chainId } = JSON.parse(await readFile(this.#path(key), "utf8")) as Entry;
      if (chainId === undefined) return { createdMs, layer: undefined };
      const layer = await this.#store.find(chainId);
      return layer && { createdMs, layer };
    } catch {
      return undefined;
    }
  }

  async keep(key: readonly unknown[], { createdMs, layer }: CachedStep): Promise<void> {
    const entry: Entry = { createdMs, ...(layer && { chainId: layer.chainId }) };
    await writeAtomically(this.#path(key), JSON.stringify(entry));
  }

  /** Runs one at a time what two stages would do alike at the same moment. */
  async exclusively<T>(key: readonly unknown[], work: () => Promise<T>): Promise<T> {
    const name = hashOf(key);
    for (let other = this.#going.get(name); other; other = this.#going.get(name)) await other.catch(() => undefined);
    const going = work();
    this.#going.set(name, going);
    try {
      return await going;
    } finally {
      this.#going.delete(name);
    }
  }

  #path(key: readonly unknown[]): string {
    return join(this.#store.dir, "cache", `${hashOf(key)}.json`);
  }
}

const hashOf = (key: readonly unknown[]): string => createHash("sha256").update(JSON.stringify(key)).digest("hex");
