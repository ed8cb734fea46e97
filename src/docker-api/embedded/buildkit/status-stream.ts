/**
 * What a build tells, as BuildKit's StatusResponse messages: kept from the build's start, so that a client that asks
 * late sees all of it, and sent on as it comes.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../../../core/clock.ts";
import type { BuildReporter, BuildWarning, TransferStatus, Vertex } from "../build/build-reporter.ts";
import { type StatusMessage, timestampOf } from "./messages.ts";

type Listener = (message: StatusMessage) => void;

/** Of the whole output of one build, kept for late listeners; older output goes first. */
const MAX_KEPT_LOG_BYTES = 16 * 1024 * 1024;

export class StatusStream implements BuildReporter {
  readonly #clock: Clock;
  readonly #build: string;
  readonly #started = new Map<string, { readonly vertex: Vertex; readonly atMs: number }>();
  readonly #transfers = new Map<string, number>();
  readonly #kept: StatusMessage[] = [];
  readonly #listeners = new Set<Listener>();
  #keptLogBytes = 0;
  #own = 0;

  /** `build` tells this build's steps from equal ones of another that a client shows beside it. */
  constructor(clock: Clock, build: string) {
    this.#clock = clock;
    this.#build = build;
  }

  /** The digest that clients know a step by. */
  shownDigest(digest: string): string {
    return `sha256:${createHash("sha256").update(`${this.#build} ${digest}`).digest("hex")}`;
  }

  /** Tells everything so far and then the rest. Returns how to stop. */
  listen(listener: Listener): () => void {
    for (const message of this.#kept) listener(message);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  started(vertex: Vertex): void {
    const atMs = this.#clock.nowMs();
    this.#started.set(vertex.digest, { vertex, atMs });
    this.#tell({ vertexes: [this.#vertexMessage(vertex.digest)] });
  }

  output(digest: string, stream: 1 | 2, text: string): void {
    const msg = Buffer.from(text, "utf8");
    this.#keptLogBytes += msg.length;
    this.#tell({ logs: [{ vertex: this.shownDigest(digest), timestamp: this.#now(), stream, msg }] });
  }

  status(digest: string, status: TransferStatus): void {
    const key = `${digest} ${status.id}`;
    const startedMs = this.#transfers.get(key) ?? this.#clock.nowMs();
    this.#transfers.set(key, startedMs);
    this.#tell({
      statuses: [
        {
          id: status.id,
          vertex: this.shownDigest(digest),
          name: "",
          current: status.currentBytes,
          total: status.totalBytes,
          timestamp: this.#now(),
          started: timestampOf(startedMs),
          completed: status.isDone ? this.#now() : undefined,
        },
      ],
    });
  }

  completed(digest: string, end: { readonly isCached: boolean; readonly error?: string }): void {
    this.#tell({ vertexes: [this.#vertexMessage(digest, end)] });
  }

  warning(digest: string, { short, detail, url, source }: BuildWarning): void {
    const { file, text, startLine, endLine } = source;
    this.#tell({
      warnings: [
        {
          vertex: this.shownDigest(digest),
          level: 1,
          short: Buffer.from(short, "utf8"),
          detail: [Buffer.from(detail, "utf8")],
          url,
          info: { filename: file, data: Buffer.from(text, "utf8"), language: "Dockerfile" },
          ranges: [{ start: { line: startLine, character: 0 }, end: { line: endLine, character: 0 } }],
        },
      ],
    });
  }

  /** A step of its own: BuildKit's clients show text only below steps. */
  remark(text: string): void {
    const digest = this.newDigest();
    this.started({ digest, name: text.trimEnd(), inputs: [] });
    this.completed(digest, { isCached: false });
  }

  /** For a step that the builder does not know. */
  newDigest(): string {
    return `sha256:${String(++this.#own).padStart(64, "0")}`;
  }

  #vertexMessage(
    digest: string,
    end?: { readonly isCached: boolean; readonly error?: string },
  ): StatusMessage["vertexes"][number] {
    const start = this.#started.get(digest);
    return {
      digest: this.shownDigest(digest),
      inputs: (start?.vertex.inputs ?? []).map((input) => this.shownDigest(input)),
      name: start?.vertex.name ?? "",
      cached: end?.isCached ?? false,
      started: timestampOf(start?.atMs ?? this.#clock.nowMs()),
      completed: end && this.#now(),
      error: end?.error ?? "",
    };
  }

  #now(): ReturnType<typeof timestampOf> {
    return timestampOf(this.#clock.nowMs());
  }

  #tell(part: Partial<StatusMessage>): void {
    const message: StatusMessage = { vertexes: [], statuses: [], logs: [], warnings: [], ...part };
    this.#kept.push(message);
    if (this.#keptLogBytes > MAX_KEPT_LOG_BYTES) this.#forget();
    for (const listener of this.#listeners) listener(message);
  }

  #forget(): void {
    const firstLog = this.#kept.findIndex(({ logs }) => logs.length > 0);
    if (firstLog < 0) return;
    const [gone] = this.#kept.splice(firstLog, 1);
    this.#keptLogBytes -= gone?.logs[0]?.msg.length ?? 0;
  }
}
