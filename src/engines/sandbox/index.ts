/** The engine `sandbox`; see README.md. */
export { createSandboxEngine, type SandboxEngineOptions } from "./sandbox.ts";
