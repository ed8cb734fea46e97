/** Removes from an engine what builds of killed processes made there: told by their notes (journal.ts). */
import { debug } from "../../core/log.ts";
import { formatEngineAddress } from "../../engine-api/engine-address.ts";
import { EngineClient } from "../../engine-api/engine-client.ts";
import { type Engine, findEngine } from "../../engine-api/find-engine.ts";
import { reclaim } from "./journal.ts";
import { cleanUp } from "./session.ts";

export async function removeLeft(imageStoreDir: string, engine: Engine, client: EngineClient): Promise<void> {
  await reclaim(imageStoreDir, formatEngineAddress(engine.address), (left) =>
    cleanUp(client, { ...left, containers: [] }),
  );
}

/** The same without a build: for a build that was interrupted. Never throws; without an engine everything stays. */
export async function reclaimDocker(imageStoreDir: string, environment: NodeJS.ProcessEnv): Promise<void> {
  try {
    const engine = await findEngine(environment, "auto", new AbortController().signal);
    if (!engine) return;
    const client = new EngineClient(engine.address);
    try {
      await removeLeft(imageStoreDir, engine, client);
    } finally {
      client.close();
    }
  } catch (error) {
    debug("docker", () => `clean-up of interrupted builds: ${(error as Error).message}`);
  }
}
