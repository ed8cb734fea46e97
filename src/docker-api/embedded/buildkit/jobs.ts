/**
 * Builds under way, by the reference that a client gives each: Control.Solve makes one, Control.Status listens to it, and
 * the calls of the client's own frontend (LLBBridge) belong to it.
 */
import type { Clock } from "../../../core/clock.ts";
import { CODE, GrpcError } from "./grpc-frames.ts";
import type { CacheOption, ExporterRequest } from "./messages.ts";
import type { BuildResult } from "./solve-build.ts";
import { StatusStream } from "./status-stream.ts";

/** Of finished builds, whose progress a client may still ask for. */
const MAX_KEPT = 32;
const MAX_UNDER_WAY = 256;

export interface Job {
  readonly ref: string;
  readonly sessionId: string;
  readonly exporters: readonly ExporterRequest[];
  readonly cacheImports: readonly CacheOption[];
  readonly cacheExports: readonly CacheOption[];
  readonly status: StatusStream;
  /** Ends the build with the client's call. */
  readonly signal: AbortSignal;
  /** What the client's frontend built, once it has; a second build of one job is refused. */
  result: Promise<BuildResult> | undefined;
  /** The client's frontend ended, with its failure if it has one. */
  readonly returned: Promise<void>;
  finishFrontend(failure: GrpcError | undefined): void;
}

export type NewJob = Pick<Job, "ref" | "sessionId" | "exporters" | "cacheImports" | "cacheExports" | "signal">;

export class Jobs {
  readonly #clock: Clock;
  readonly #jobs = new Map<string, { readonly job: Job; readonly ended: Promise<void>; end(): void }>();
  readonly #finished: string[] = [];
  readonly #arrivals = new Map<string, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(given: NewJob): Job {
    if (given.ref === "") throw new GrpcError(CODE.invalidArgument, "a build has no reference");
    if (this.#jobs.has(given.ref)) throw new GrpcError(CODE.unknown, `job ID ${given.ref} exists`);
    if (this.#jobs.size - this.#finished.length >= MAX_UNDER_WAY)
      throw new GrpcError(CODE.resourceExhausted, "too many builds at once");
    let finishFrontend: Job["finishFrontend"] = () => undefined;
    const returned = new Promise<void>((resolve, reject) => {
      finishFrontend = (failure) => (failure ? reject(failure) : resolve());
    });
    returned.catch(() => undefined);
    given.signal.addEventListener("abort", () => finishFrontend(new GrpcError(CODE.canceled, "context canceled")), {
      once: true,
    });
    const job: Job = {
      ...given,
      status: new StatusStream(this.#clock, given.ref),
      result: undefined,
      returned,
      finishFrontend,
    };
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#jobs.set(given.ref, { job, ended, end });
    for (const arrived of this.#arrivals.get(given.ref) ?? []) arrived();
    return job;
  }

  /** The job's progress is complete. */
  finish(job: Job): void {
    this.#jobs.get(job.ref)?.end();
    this.#finished.push(job.ref);
    if (this.#finished.length > MAX_KEPT) this.#jobs.delete(this.#finished.shift() ?? "");
  }

  find(ref: string): Job | undefined {
    return this.#jobs.get(ref)?.job;
  }

  /** The job of that reference and its end, waiting for one that is about to start. */
  async wait(ref: string, signal: AbortSignal): Promise<{ readonly job: Job; readonly ended: Promise<void> }> {
    for (;;) {
      const known = this.#jobs.get(ref);
      if (known) return known;
      if (this.#arrivals.size >= MAX_UNDER_WAY) throw new GrpcError(CODE.resourceExhausted, "too many builds at once");
      await new Promise<void>((resolve, reject) => {
        const waiting = this.#arrivals.get(ref) ?? new Set();
        this.#arrivals.set(ref, waiting);
        const done = (settle: () => void) => (): void => {
          waiting.delete(arrived);
          if (waiting.size === 0) this.#arrivals.delete(ref);
          signal.removeEventListener("abort", aborted);
          settle();
        };
        const arrived = done(resolve);
        const aborted = done(() => reject(signal.reason as Error));
        if (signal.aborted) return aborted();
        waiting.add(arrived);
        signal.addEventListener("abort", aborted, { once: true });
      });
    }
  }
}
