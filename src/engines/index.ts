/** Where the commands of a build run. The port is engine.ts; see README.md. */

export { type ContainerEngineOptions, createContainerEngine } from "./container/index.ts";
export type {
  BuildEnvironment,
  CommandSpec,
  Engine,
  EngineCapabilities,
  EngineName,
  EnvironmentSpec,
  UserProblem,
} from "./engine.ts";
export { createFakeEngine, type FakeCommand, type FakeEngine } from "./fake.ts";
export { createHostEngine, type HostEngineOptions } from "./host.ts";
export type { Outcome } from "./outcome.ts";
export type { SweepTarget } from "./process-sweep.ts";
export { createSandboxEngine, type SandboxEngineOptions } from "./sandbox/index.ts";
