/** What a failed command's tools said: see README.md. */
export { readToolFailure } from "./read-tool-failure.ts";
export type { CodePlace, ToolFailure, ToolFailureKind } from "./tool-failure.ts";
