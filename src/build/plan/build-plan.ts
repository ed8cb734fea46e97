/**
 * What a run will do, before it does it: printable (`kiln plan`), pure data, no values of secrets.
 * Made from a buildspec, a project and StartBuild's overrides; executed by build/run.
 */
import type { PhaseName } from "../buildspec/buildspec.ts";

export type VariableSource = "start-build" | "project" | "buildspec" | "phase" | "codebuild";

/** Where a value was written; `line` when that is a buildspec. */
export interface VariableOrigin {
  readonly source: VariableSource;
  readonly line?: number;
  readonly phase?: PhaseName;
}

/** A variable of the build, not yet resolved. Precedence: StartBuild > project > buildspec. */
export interface PlannedVariable {
  readonly name: string;
  readonly type: "PLAINTEXT" | "PARAMETER_STORE" | "SECRETS_MANAGER";
  /** The text, or the name / reference to resolve. */
  readonly value: string;
  readonly source: VariableSource;
  /** Set for `ssm:/name` values that Kiln resolves beyond AWS's grammar. */
  readonly extension?: "ssm-reference";
  /** 1-based line in the buildspec, when it comes from there. */
  readonly line?: number;
  /** Only set for `environment.variables` under a phase. */
  readonly phase?: PhaseName;
  /** Values of the same name that this one wins over, strongest first; absent when there is none. */
  readonly overrides?: readonly VariableOrigin[];
}

export interface PlannedCommand {
  readonly text: string;
  /** 1-based line in the buildspec. */
  readonly line: number;
}

export interface PlannedPhase {
  readonly name: PhaseName;
  /** CodeBuild's phase type, e.g. `PRE_BUILD`. */
  readonly phaseType: "INSTALL" | "PRE_BUILD" | "BUILD" | "POST_BUILD";
  readonly commands: readonly PlannedCommand[];
  readonly finally: readonly PlannedCommand[];
  readonly onFailure?: string;
  readonly runAs?: string;
}

export interface BuildPlan {
  readonly buildspecFile: string;
  readonly version: string;
  readonly shell: "sh" | "bash";
  readonly image: string;
  readonly computeType: string;
  readonly environmentType: string;
  readonly privilegedMode: boolean;
  readonly variables: readonly PlannedVariable[];
  /** Values set for one phase only (`phases.<phase>.environment.variables`, Kiln's extension). */
  readonly phaseVariables: readonly PlannedVariable[];
  readonly phases: readonly PlannedPhase[];
  readonly runtimeVersions: readonly { readonly runtime: string; readonly version: string; readonly line: number }[];
  readonly exportedVariables: readonly string[];
  readonly artifacts?: PlannedArtifacts;
  readonly secondaryArtifacts: readonly (PlannedArtifacts & { readonly identifier: string })[];
  readonly cache?: PlannedCache;
  readonly reports: readonly PlannedReport[];
  readonly gitCredentialHelper: boolean;
  readonly proxy: { readonly uploadArtifacts: boolean; readonly logs: boolean };
  /** The "Found possible syntax errors in buildspec" block: sections and keys. */
  readonly unknownKeys: readonly { readonly section: string; readonly keys: readonly string[] }[];
  /** Parts of the buildspec that this version of Kiln does not run; printed, never silent. */
  readonly notDone: readonly string[];
  readonly timeoutMs: number;
}

export interface PlannedArtifacts {
  readonly files: readonly string[];
  readonly baseDirectory?: string;
  readonly excludePaths: readonly string[];
  readonly discardPaths: boolean;
  readonly enableSymlinks: boolean;
  readonly name?: string;
  readonly s3Prefix?: string;
}

export interface PlannedCache {
  readonly paths: readonly string[];
  /** Shell expression. */
  readonly key?: string;
  readonly fallbackKeys: readonly string[];
  /** Absent: both. */
  readonly action?: "restore" | "save";
}

export interface PlannedReport {
  /** Name or ARN of the report group, as written; may hold variables. */
  readonly group: string;
  readonly files: readonly string[];
  /** In capitals, e.g. `JUNITXML` (the default). */
  readonly fileFormat: string;
  readonly baseDirectory?: string;
  readonly discardPaths: boolean;
  /** 1-based line in the buildspec. */
  readonly line: number;
}
