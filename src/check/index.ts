/** Public face of check/: static findings about a buildspec and the files around it, how to print and how to fix them. */
export { type AppliedFixes, applyFixes } from "./apply-fixes.ts";
export { type CheckInput, type CheckProject, check, type KnownParameter, type ParameterSource } from "./check.ts";
export { createFolderWorkspace } from "./folder-workspace.ts";
export { type CheckJson, toGithub, toJson, toSarif } from "./formats.ts";
export { createMemoryWorkspace } from "./memory-workspace.ts";
export { nearestPath } from "./nearest-path.ts";
export { nearestReportFormat } from "./nearest-report-format.ts";
export { type FrameOptions, renderDiagnostics } from "./render.ts";
export type { Rule } from "./rule.ts";
export { rules } from "./rules/index.ts";
export type { Workspace } from "./workspace.ts";
