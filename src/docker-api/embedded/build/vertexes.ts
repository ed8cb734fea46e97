/** Tells a `BuildReporter` of steps as they start and end; a failure carries the step that it happened in. */
import { createHash } from "node:crypto";
import type { BuildReporter, BuildWarning, ClassicStep, TransferStatus } from "./build-reporter.ts";
import { BuildError } from "./build-request.ts";

export interface RunningVertex {
  readonly digest: string;
  output(stream: 1 | 2, text: string): void;
  status(status: TransferStatus): void;
  /** What it ends with, besides success. */
  end: { isCached: boolean; imageId?: string };
}

export class Vertexes {
  readonly #reporter: BuildReporter;
  #count = 0;

  constructor(reporter: BuildReporter) {
    this.#reporter = reporter;
  }

  remark(text: string): void {
    this.#reporter.remark(text);
  }

  warning(digest: string, warning: BuildWarning): void {
    this.#reporter.warning(digest, warning);
  }

  async run<T>(
    name: string,
    work: (vertex: RunningVertex) => Promise<T>,
    options: { readonly inputs?: readonly string[]; readonly classic?: ClassicStep } = {},
  ): Promise<T> {
    const { inputs = [], classic } = options;
    const digest = `sha256:${createHash("sha256")
      .update(`${++this.#count} ${name}`)
      .digest("hex")}`;
    const reporter = this.#reporter;
    reporter.started({ digest, name, inputs, ...(classic && { classic }) });
    const vertex: RunningVertex = {
      digest,
      output: (stream, text) => reporter.output(digest, stream, text),
      status: (status) => reporter.status(digest, status),
      end: { isCached: false },
    };
    try {
      const result = await work(vertex);
      reporter.completed(digest, vertex.end);
      return result;
    } catch (error) {
      reporter.completed(digest, { isCached: false, error: (error as Error).message });
      if (error instanceof BuildError && error.vertex === undefined)
        throw new BuildError(error.message, error.exitCode, { source: error.source, vertex: digest });
      throw error;
    }
  }

  /** A step that takes no time. */
  note(name: string, isCached = false): Promise<void> {
    return this.run(name, async (vertex) => {
      vertex.end.isCached = isCached;
    });
  }
}

/** `[build 2/5] RUN …`; numbers are as wide as the total. */
export function stepName(stage: string, at: number, total: number, title: string): string {
  const width = String(total).length;
  return `[${stage === "" ? "" : `${stage} `}${String(at).padStart(width)}/${total}] ${title}`;
}
