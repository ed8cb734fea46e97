/** The client of a container engine's API. See README.md. */
export { connectEngine } from "./connect-engine.ts";
export { Demultiplexer, type OutputName } from "./demultiplex.ts";
export { type EngineAddress, formatEngineAddress, isLocalAddress } from "./engine-address.ts";
export { EngineClient, EngineRequestError, messageOf } from "./engine-client.ts";
export { type Engine, type EngineCandidate, findEngine, lookForEngines } from "./find-engine.ts";
