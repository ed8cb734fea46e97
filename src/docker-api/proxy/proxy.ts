import type { DockerSocketRequest } from "../docker-api.ts";
import type { Engine } from "./find-engine.ts";

export async function startProxy(_options: { request: DockerSocketRequest; engine: Engine; socketPath: string }): Promise<{ close(): Promise<void> }> {
  throw new Error("not yet");
}
