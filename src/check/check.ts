/**
 * Runs every rule over one buildspec and the files around it. Pure: files come through the Workspace port, parameters
 * through the caller. Flow: text → parseBuildspec → rules → sorted findings (docs/checks.md lists the rules).
 */

import { posix } from "node:path";
import type { BatchRestrictions } from "../build/batch/index.ts";
import { type Buildspec, parseBuildspec } from "../build/buildspec/index.ts";
import type { EnvironmentVariable } from "../build/plan/index.ts";
import { type Diagnostic, sortDiagnostics } from "../core/diagnostics.ts";
import { findBuildspec } from "./find-buildspec.ts";
import { lineIndex } from "./line-index.ts";
import { readCommands } from "./read-commands.ts";
import type { CheckContext, Rule } from "./rule.ts";
import { rules } from "./rules/index.ts";
import type { ShellModel } from "./shell-model.ts";
import { sourceRootsOf } from "./source-paths.ts";
import type { Workspace } from "./workspace.ts";

/** A parameter that exists. `value` only for types that are not secret. */
export interface KnownParameter {
  readonly name: string;
  readonly type: "String" | "StringList" | "SecureString";
  readonly value?: string | undefined;
}

export interface ParameterSource {
  list(): readonly KnownParameter[];
}

/** What is known of the CodeBuild project, with CreateProject's members; those of `environment` first. All may be unknown. */
export interface CheckProject {
  readonly name?: string | undefined;
  /** Environment type, e.g. `LINUX_CONTAINER`. */
  readonly type?: string | undefined;
  readonly image?: string | undefined;
  readonly computeType?: string | undefined;
  readonly privilegedMode?: boolean | undefined;
  readonly environmentVariables?: readonly EnvironmentVariable[] | undefined;
  readonly source?: { readonly type?: string | undefined } | undefined;
  readonly artifacts?: { readonly type?: string | undefined } | undefined;
  readonly secondaryArtifacts?: readonly { readonly artifactIdentifier?: string | undefined }[] | undefined;
  readonly secondarySources?: readonly { readonly sourceIdentifier?: string | undefined }[] | undefined;
  readonly cache?: { readonly type?: string | undefined; readonly modes?: readonly string[] | undefined } | undefined;
  /** `buildBatchConfig.restrictions` */
  readonly batchRestrictions?: BatchRestrictions | undefined;
}

export interface CheckInput {
  readonly workspace: Workspace;
  /** Relative to the workspace; default `buildspec.yml`, else what looks like a buildspec here. */
  readonly buildspecPath?: string | undefined;
  /** Text to check instead of the file's. */
  readonly text?: string | undefined;
  readonly project?: CheckProject | undefined;
  /** Which parameters exist; without it rules about parameters stay silent. */
  readonly parameters?: ParameterSource | undefined;
  /** AWS's grammar only. */
  readonly strict?: boolean | undefined;
}

/** All findings, in the order of {@link sortDiagnostics}. */
export function check(input: CheckInput): Diagnostic[] {
  const found = findBuildspec(input);
  if (found.text === undefined || found.file === undefined) return [...found.diagnostics];
  const { file, text } = found;
  const parsed = parseBuildspec(text, file);
  const context = createContext(input, file, text, parsed);
  const diagnostics: Diagnostic[] = [];
  for (const rule of rules) if (!parsed.isGuess || rule.needsNoYaml) diagnostics.push(...run(rule, context));
  return sortDiagnostics(diagnostics);
}

function run(rule: Rule, context: CheckContext): Diagnostic[] {
  return [...rule.run(context)].map((finding) => ({
    code: rule.id,
    source: rule.source,
    ...finding,
    severity: finding.severity ?? rule.severity,
  }));
}

function createContext(
  input: CheckInput,
  file: string,
  text: string,
  parsed: ReturnType<typeof parseBuildspec>,
): CheckContext {
  const lines = lineIndex(file, text);
  const buildspec = parsed.buildspec ?? emptyBuildspec(file, text);
  const parameters = input.parameters?.list();
  const project = input.project ?? {};
  let shell: ShellModel | undefined;
  return {
    workspace: input.workspace,
    file,
    text,
    parsed,
    buildspec,
    project,
    parameters,
    strict: input.strict ?? false,
    isChosenFile: input.buildspecPath !== undefined || input.text !== undefined,
    get shell() {
      shell ??= readCommands({
        buildspec,
        project,
        parameters,
        spanOf: lines.spanOf,
        isFolder: (path) => isFolder(input.workspace, file, path),
      });
      return shell;
    },
    spanOf: lines.spanOf,
  };
}

/** Is `path` a folder, seen from the workspace's root or from the buildspec's own folder? */
function isFolder(workspace: Workspace, file: string, path: string): boolean {
  return sourceRootsOf(file).some((root) => workspace.exists(posix.join(root, path)) === "directory");
}

const emptyBuildspec = (file: string, text: string): Buildspec => ({
  file,
  text,
  env: { variables: [], parameterStore: [], secretsManager: [], exportedVariables: [] },
  phases: [],
  reports: [],
  unknownKeys: [],
  ssmReferences: [],
});
