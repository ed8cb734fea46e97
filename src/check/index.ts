/** Public face of check/: static findings about a buildspec and the files around it, how to print and how to fix them. */

export { check, checkBuildspec } from "./check.ts";
export { pathUsesOf } from "./commands/path-uses.ts";
export { dockerBuild } from "./docker/docker-build.ts";
export { type AppliedFixes, applyFixes } from "./edits/apply-fixes.ts";
export type {
  CheckProject,
  Knowledge,
  KnownKey,
  KnownParameter,
  KnownRole,
  KnownScope,
  KnownSecret,
  ParameterSource,
} from "./knowledge/knowledge.ts";
export { parameterNameTest } from "./knowledge/parameter-names.ts";
export { isSecretName, secretLookOf } from "./knowledge/secret-looks.ts";
export { nearestReportFormat } from "./nearest-report-format.ts";
export { type CheckJson, toJson } from "./output/formats.ts";
export { toGithub } from "./output/github-annotations.ts";
export { type FrameOptions, renderDiagnostics } from "./output/render.ts";
export { toSarif } from "./output/sarif.ts";
export { unifiedDiff } from "./output/text-diff.ts";
export { type CommandPermissions, commandPermissions } from "./role/command-permissions.ts";
export type { CheckContext, Rule } from "./rule.ts";
export { allRules, rules } from "./rules/index.ts";
export { type CheckInput, type CheckResult, contextOf } from "./run-rules.ts";
export type { ShellCommand } from "./shell/shell-model.ts";
export { findParameter, parameterNameOf } from "./shell/variables.ts";
export type { SuppressedFinding } from "./suppressions.ts";
export { isBuildspecLike } from "./tree/buildspec-like.ts";
export { createFolderWorkspace } from "./tree/folder-workspace.ts";
export { createMemoryWorkspace } from "./tree/memory-workspace.ts";
export { nearestPath } from "./tree/nearest-path.ts";
export { directoryOf, sourceRootsOf } from "./tree/source-paths.ts";
export type { Workspace } from "./tree/workspace.ts";
