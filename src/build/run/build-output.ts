/** What leaves a build as files, told while it leaves: for who looks at it when the build is over (leak-guard/). */
import type { ResolvedVariable } from "./resolve-variables.ts";

export interface OutputFile {
  /** As people know it. */
  readonly path: string;
  readonly sizeBytes?: number | undefined;
  /** Rejects where the file is gone, or leads out of the build. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** Files that left together. They may be read until the build's folders are removed. */
export interface BuildOutput {
  readonly kind: "artifact" | "report" | "cache";
  /** Identifier of a secondary artifact, name of the report group, key or folder of the cache. */
  readonly name?: string | undefined;
  files(): AsyncIterable<OutputFile> | Iterable<OutputFile>;
}

/** What is known of a build when its commands are about to run. */
export interface PreparedBuild {
  readonly variables: readonly ResolvedVariable[];
  /** For the source provider. */
  readonly sourceCredentials: readonly string[];
  readonly srcDir: string;
  /** The name people know it by. */
  readonly buildspecFile: string;
}
