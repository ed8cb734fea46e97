/**
 * What a build of the embedded builder tells while it goes on, as data: BuildKit's vertexes. Renderers make of it the
 * classic builder's text, BuildKit's plain text or BuildKit's trace messages; the builder itself composes no progress.
 * Source: BuildKit's `moby.buildkit.v1.StatusResponse` (vertexes, statuses, logs, warnings).
 */
import type { SourceExcerpt } from "./build-request.ts";

/** One step; `digest` is its key in this build: `sha256:<hex>`. */
export interface Vertex {
  readonly digest: string;
  /** e.g. `[build 2/5] COPY . .`, `[internal] load build definition from Dockerfile`. */
  readonly name: string;
  /** Digests of the steps it builds upon. */
  readonly inputs: readonly string[];
  /** What the classic builder shows of it; absent for steps that only BuildKit has. */
  readonly classic?: ClassicStep;
}

export interface ClassicStep {
  /** e.g. `Step 2/5 : COPY . .` without its line end. */
  readonly announcement: string;
}

export interface VertexEnd {
  readonly isCached: boolean;
  /** Short id of the image after it; classic only. */
  readonly imageId?: string;
  /** Absent: it succeeded. */
  readonly error?: string;
}

export interface TransferStatus {
  /** e.g. `sha256:… 3.4MB / 10MB`, `transferring context:`. */
  readonly id: string;
  readonly currentBytes: number;
  /** Zero: not known. */
  readonly totalBytes: number;
  readonly isDone: boolean;
}

/** A remark about a Dockerfile that builds all the same: one of BuildKit's build checks. */
export interface BuildWarning {
  /** e.g. `StageNameCasing: Stage name 'A' should be lowercase (line 1)` */
  readonly short: string;
  readonly detail: string;
  readonly url: string;
  readonly source: SourceExcerpt;
}

export interface BuildReporter {
  started(vertex: Vertex): void;
  /** 1 is standard output, 2 standard error. Whole characters. */
  output(digest: string, stream: 1 | 2, text: string): void;
  status(digest: string, status: TransferStatus): void;
  completed(digest: string, end: VertexEnd): void;
  warning(digest: string, warning: BuildWarning): void;
  /** A remark that belongs to no step, e.g. about build arguments nobody used. */
  remark(text: string): void;
}
