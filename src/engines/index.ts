/** Where the commands of a build run. The port is engine.ts; see README.md. */
export type {
  BuildEnvironment,
  CommandSpec,
  Engine,
  EngineCapabilities,
  EngineName,
  EnvironmentSpec,
} from "./engine.ts";
export { createFakeEngine, type FakeCommand, type FakeEngine } from "./fake.ts";
export { createHostEngine, type HostEngineOptions } from "./host.ts";
export { PASSED_PREFIXES, PASSED_VARIABLES } from "./host-variables.ts";
export { exitStatus, type Outcome } from "./outcome.ts";
export { BUILD_MARK, findProcesses, type SweepTarget, sweep } from "./process-sweep.ts";
