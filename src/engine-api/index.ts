export { EngineClient } from "./engine-client.ts";
export { type Engine, findEngine } from "./find-engine.ts";
