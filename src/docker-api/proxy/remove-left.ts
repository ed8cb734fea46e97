/** Removes what builds of killed processes left: in an engine, told by their notes (journal.ts), and in the image store. */
import { debug } from "../../core/log.ts";
import { formatEngineAddress } from "../../engine-api/engine-address.ts";
import { EngineClient } from "../../engine-api/engine-client.ts";
import { type Engine, findEngine } from "../../engine-api/find-engine.ts";
import { LayerStore } from "../../images/layer-store.ts";
import { reclaim } from "./journal.ts";
import { cleanUp } from "./session.ts";

export async function removeLeft(imageStoreDir: string, engine: Engine, client: EngineClient): Promise<void> {
  await reclaim(imageStoreDir, formatEngineAddress(engine.address), (left) =>
    cleanUp(client, { ...left, containers: [] }),
  );
}

/** For a build that was interrupted. Never throws; what an engine has stays where none answers. */
export async function reclaimDocker(imageStoreDir: string, environment: NodeJS.ProcessEnv): Promise<void> {
  try {
    await LayerStore.removeLeft(imageStoreDir);
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
