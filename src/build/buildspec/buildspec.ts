/**
 * The buildspec as data, after parsing. Every value keeps its place in the file; scalars are source text
 * (`python: 3.10` stays `"3.10"`). Keys are CodeBuild's, in camel case.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
 */
import type { Span } from "../../core/diagnostics.ts";
import type { BatchSection } from "./batch-section.ts";

export interface Located<T> {
  readonly value: T;
  readonly span: Span;
}

export const PHASE_NAMES = ["install", "pre_build", "build", "post_build"] as const;
export type PhaseName = (typeof PHASE_NAMES)[number];

export interface Buildspec {
  /** Path shown to people, e.g. `buildspec.yml`. */
  readonly file: string;
  /** The whole text; spans point into it. */
  readonly text: string;
  readonly version?: Located<"0.1" | "0.2" | string>;
  readonly runAs?: Located<string>;
  readonly env: BuildspecEnv;
  /** Present phases only, in file order. */
  readonly phases: readonly Phase[];
  readonly artifacts?: Artifacts;
  readonly cache?: Cache;
  readonly reports: readonly Report[];
  readonly proxy?: { readonly uploadArtifacts?: Located<boolean>; readonly logs?: Located<boolean> };
  /** Present when the file has a `batch` section; build/batch makes a plan of it. */
  readonly batch?: BatchSection;
  /** Keys CodeBuild does not know, for its "Found possible syntax errors" block: section as AWS names it, what it knows, and keys. */
  readonly unknownKeys: readonly {
    readonly section: string;
    readonly known: readonly string[];
    readonly keys: readonly Located<string>[];
  }[];
  /** `ssm:/name` values under `phases.<phase>.environment.variables` and `env.variables` (Kiln's extension). */
  readonly ssmReferences: readonly SsmReference[];
}

export interface Variable {
  readonly name: Located<string>;
  readonly value: Located<string>;
}

export interface BuildspecEnv {
  readonly shell?: Located<string>;
  readonly variables: readonly Variable[];
  readonly parameterStore: readonly Variable[];
  readonly secretsManager: readonly Variable[];
  readonly exportedVariables: readonly Located<string>[];
  readonly gitCredentialHelper?: Located<boolean>;
  readonly span?: Span;
}

export interface Phase {
  readonly name: PhaseName;
  readonly span: Span;
  readonly runAs?: Located<string>;
  readonly onFailure?: Located<string>;
  readonly runtimeVersions: readonly { readonly runtime: Located<string>; readonly version: Located<string> }[];
  readonly commands: readonly Located<string>[];
  readonly finally: readonly Located<string>[];
  /** `environment.variables` under the phase: not AWS's grammar, run by Kiln unless strict. */
  readonly environmentVariables: readonly Variable[];
}

export interface SsmReference {
  readonly variable: Variable;
  /** Parameter name as written after `ssm:`. */
  readonly parameterName: string;
  /** Phase it stands under, or undefined for `env.variables`. */
  readonly phase?: PhaseName;
}

export interface Artifacts {
  readonly span: Span;
  readonly files: readonly Located<string>[];
  readonly name?: Located<string>;
  readonly discardPaths?: Located<boolean>;
  readonly baseDirectory?: Located<string>;
  readonly excludePaths: readonly Located<string>[];
  readonly enableSymlinks?: Located<boolean>;
  readonly s3Prefix?: Located<string>;
  readonly secondary: readonly { readonly identifier: Located<string>; readonly artifacts: Artifacts }[];
}

export interface Cache {
  readonly span: Span;
  readonly paths: readonly Located<string>[];
  readonly key?: Located<string>;
  readonly fallbackKeys: readonly Located<string>[];
  readonly action?: Located<string>;
}

export interface Report {
  readonly group: Located<string>;
  readonly files: readonly Located<string>[];
  readonly fileFormat?: Located<string>;
  readonly baseDirectory?: Located<string>;
  readonly discardPaths?: Located<boolean>;
}

/** What stops a build in DOWNLOAD_SOURCE: CodeBuild's status code and text. */
export interface BuildspecFailure {
  readonly statusCode: "YAML_FILE_ERROR";
  readonly message: string;
  readonly span?: Span;
}
