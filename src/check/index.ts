/** Public face of check/: static findings about a buildspec and the files around it, how to print and how to fix them. */
export { type AppliedFixes, applyFixes } from "./apply-fixes.ts";
export { isBuildspecLike } from "./buildspec-like.ts";
export { type CheckInput, type CheckResult, check, checkBuildspec, contextOf } from "./check.ts";
export { dockerBuild } from "./docker-build.ts";
export { createFolderWorkspace } from "./folder-workspace.ts";
export { type CheckJson, toJson } from "./formats.ts";
export { allRules } from "./frame-rules.ts";
export { toGithub } from "./github-annotations.ts";
export type {
  CheckProject,
  Knowledge,
  KnownKey,
  KnownParameter,
  KnownRole,
  KnownScope,
  KnownSecret,
  ParameterSource,
} from "./knowledge.ts";
export { createMemoryWorkspace } from "./memory-workspace.ts";
export { nearestPath } from "./nearest-path.ts";
export { nearestReportFormat } from "./nearest-report-format.ts";
export { parameterNameTest } from "./parameter-names.ts";
export { pathUsesOf } from "./path-uses.ts";
export { type FrameOptions, renderDiagnostics } from "./render.ts";
export type { CheckContext, Rule } from "./rule.ts";
export { rules } from "./rules/index.ts";
export { toSarif } from "./sarif.ts";
export type { ShellCommand } from "./shell-model.ts";
export { directoryOf, sourceRootsOf } from "./source-paths.ts";
export type { SuppressedFinding } from "./suppressions.ts";
export { unifiedDiff } from "./text-diff.ts";
export { findParameter, parameterNameOf } from "./variables.ts";
export type { Workspace } from "./workspace.ts";
