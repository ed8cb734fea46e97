/** What `kiln run` is asked for, and what that says of the source. */

/** Options of the command line as commander gives them. */
export interface RunValues {
  readonly buildspec?: string;
  readonly project?: string;
  readonly template?: string;
  readonly role?: string;
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly parameter?: readonly string[];
  readonly engine?: string;
  readonly image?: string;
  readonly source?: string;
  readonly asPipeline?: boolean;
  readonly timeout?: number;
  readonly keep?: boolean;
  readonly strict?: boolean;
  readonly privileged?: boolean;
  readonly format?: string;
  readonly pushForReal?: boolean;
  readonly pullForReal?: boolean;
  /** `IMAGE=OTHER` each. */
  readonly P?: readonly string[];
  readonly batch?: boolean;
  readonly jobs?: number;
  readonly failOnLeak?: boolean;
  readonly [name: string]: unknown;
}

/** As people read it: what of the folder is taken. */
export const sourceText = (dir: string, { source }: RunValues): string =>
  source === undefined || source === "worktree"
    ? `${dir} as it is now`
    : `${dir} at ${source === "head" ? "HEAD" : source}`;

/** The version of the source that StartBuild is told, if any. */
export const sourceVersion = ({ source }: RunValues): { sourceVersion?: string } =>
  source === undefined || source === "worktree" ? {} : { sourceVersion: source === "head" ? "HEAD" : source };

/** As a pipeline starts a build: it brings the source, without `.git`, and takes the artifacts. */
export const pipelineOverrides = ({ asPipeline }: RunValues): Record<string, unknown> =>
  asPipeline ? { sourceTypeOverride: "CODEPIPELINE", artifactsOverride: { type: "CODEPIPELINE" } } : {};
