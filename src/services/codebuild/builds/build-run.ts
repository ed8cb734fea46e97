/**
 * One build of this process from its turn to its end: build/run does it, and its events become the event log, the record
 * at each phase change, CloudWatch Logs and the log in S3. At its end, the build that follows a failed one by itself.
 */
import { join } from "node:path";
import { type CloudWatchSink, createCloudWatchSink } from "../../../build/report/cloud-watch-sink.ts";
import { type BuildEvent, type BuildRequest, type BuildResult, runBuild } from "../../../build/run/index.ts";
import { debug } from "../../../core/log.ts";
import type { SecretLedger } from "../../../leak-guard/secret-ledger.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";
import { cacheGeneration } from "../projects/project-cache.ts";
import { type BuildRecord, recordsIn } from "../records.ts";
import { type AutoRetries, retryAfter } from "./auto-retry.ts";
import { removeFolders } from "./build-folders.ts";
import { updateBuild } from "./build-index.ts";
import { afterRun, duringRun, withReport } from "./build-progress.ts";
import { errorText } from "./error-text.ts";
import type { EventLogWriter } from "./event-log.ts";
import { markInterrupted } from "./interrupted.ts";
import { LeakGuard } from "./leak-guard.ts";
import type { RoleSession } from "./role-session.ts";
import { runDependencies } from "./run-dependencies.ts";
import { requestOf, withoutEffect } from "./run-request.ts";
import { openS3Log, type S3Log } from "./s3-log.ts";

export interface BuildRunInput {
  readonly outside: CodeBuildDependencies;
  readonly record: BuildRecord;
  readonly session: RoleSession;
  /** Of the container-credentials route. */
  readonly token: string;
  readonly artifactsDir: string;
  readonly cacheDir: string;
  readonly writer: EventLogWriter;
  readonly retries: AutoRetries;
  /** Builds may still follow this one. */
  mayRetry(): boolean;
  readonly stop: AbortSignal;
  /** What the build is given that is secret. */
  readonly ledger: SecretLedger;
  /** The build's events so far. */
  written(): AsyncIterable<BuildEvent>;
  /** It waited too long for its turn: the build is to be ended. */
  readonly queueTimedOut: boolean;
}

type NoticeLevel = "info" | "warning";

export class BuildRun {
  readonly #input: BuildRunInput;
  readonly #request: BuildRequest;
  readonly #s3Log: S3Log | undefined;
  readonly #leaks: LeakGuard;
  #record: BuildRecord;
  #sink: CloudWatchSink | undefined;
  /** Told when the record says so, too. */
  #last: BuildEvent | undefined;

  constructor(input: BuildRunInput) {
    const { outside, record, session } = input;
    this.#input = input;
    this.#record = record;
    const asked = requestOf(record, outside.strict ?? false);
    const generation = cacheGeneration(outside.store, record.scope, record.settings.projectName);
    this.#request = { ...asked, cache: { ...asked.cache, generation } };
    const { store, clock } = outside;
    const { token, ledger, written, stop } = input;
    this.#leaks = new LeakGuard({ store, clock, record, session, token, ledger, written, stop });
    this.#s3Log = openS3Log(this.#request, session, join(record.workDir, "s3-log.gz"));
  }

  /** Runs the build and records its end; resolves with the events that tell of the end. */
  async run(): Promise<readonly BuildEvent[]> {
    const { clock } = this.#input.outside;
    try {
      const result = await this.#build();
      const endedMs = clock.nowMs();
      // A build that ended before FINALIZING: its log is stored all the same, and its status stays.
      const unstored = await this.#s3Log?.store();
      if (unstored) this.#warn(`the log is not stored in S3: ${unstored.message}`);
      await this.#sink?.close();
      await this.#tellLeaks(result);
      await removeFolders(this.#record);
      const finished = afterRun(this.#record, result, endedMs);
      await this.#put(finished);
      await this.#retry(finished, result);
      return this.#last ? [this.#last] : [];
    } catch (error) {
      debug("run", () => (error instanceof Error ? (error.stack ?? error.message) : String(error)));
      await removeFolders(this.#record);
      const why = `Kiln could not go on with the build: ${errorText(error)}`;
      const closed = markInterrupted(this.#record, clock.nowMs(), why);
      await this.#put(closed.record);
      return closed.events;
    } finally {
      await this.#s3Log?.close();
    }
  }

  async #build(): Promise<BuildResult> {
    const { outside, record, session, token, artifactsDir, cacheDir, stop, queueTimedOut } = this.#input;
    const s3Log = this.#s3Log;
    const dependencies = await runDependencies(outside, {
      ...{ record, session, token, artifactsDir, cacheDir, queueTimedOut },
      ...(s3Log ? { storeLog: () => s3Log.store() } : {}),
      emit: (event) => this.#emit(event),
      onLogStreamReady: () => this.#openLogStream(),
      onPrepared: (build) => this.#leaks.prepared(build),
      onRoleSecrets: (values) => this.#leaks.roleSecrets(values),
      onOutput: (output) => this.#leaks.left(output),
      signal: stop,
    });
    return runBuild(this.#request, dependencies);
  }

  #emit(event: BuildEvent): void | Promise<void> {
    if (event.type === "build-finished") {
      this.#last = event;
      return;
    }
    this.#input.writer.append(event);
    if (event.type === "build-started") for (const text of withoutEffect(this.#record.settings)) this.#warn(text);
    if (event.type === "phase-started" || event.type === "phase-finished") {
      this.#record = duringRun(this.#record, event);
      this.#put(this.#record).catch((error: unknown) => debug("run", () => `record: ${String(error)}`));
    }
    if (event.type === "image-pushed") this.#leaks.pushed(event);
    if (event.type === "report") this.#record = withReport(this.#record, event.reportArn);
    const held = [this.#sink?.write(event), this.#s3Log?.write(event)].filter((wait) => wait instanceof Promise);
    if (held.length > 0) return Promise.all(held).then(() => {});
  }

  #openLogStream(): void {
    const { logs } = this.#request;
    if (!logs) return;
    this.#sink = createCloudWatchSink({
      caller: this.#input.session.caller,
      clock: this.#input.outside.clock,
      ...logs,
      onFailure: (error) => this.#warn(`the log is not written to CloudWatch Logs: ${errorText(error)}`),
    });
  }

  /** Starts the build that follows a failed one by itself, if any. What goes wrong there changes nothing about this one. */
  async #retry(record: BuildRecord, result: BuildResult): Promise<void> {
    const { outside, session, retries, mayRetry } = this.#input;
    if (!mayRetry()) return;
    try {
      const token = `auto-retry-${outside.ids.uuid()}`;
      const outcome = await retryAfter(record, result, { role: session.caller, retries, token });
      if (outcome.notice) this.#input.writer.append(this.#notice(outcome.notice.level, outcome.notice.text));
      if (!outcome.config) return;
      await this.#put({ ...record, build: { ...record.build, autoRetryConfig: outcome.config } });
    } catch (error) {
      this.#input.writer.append(this.#notice("warning", `the build is not started again: ${errorText(error)}`));
    }
  }

  /** Looks for the build's secrets in what it left behind. Whatever comes of it, the build is what it is. */
  async #tellLeaks(result: BuildResult): Promise<void> {
    const found = await this.#leaks.find(result).catch((error: unknown) => {
      this.#warn(`leaks were not looked for: ${errorText(error)}`);
      return undefined;
    });
    if (!found) return;
    const base = { buildId: this.#request.buildId, atMs: this.#input.outside.clock.nowMs() };
    for (const leak of found.leaks) void this.#emit({ type: "leak", ...base, ...leak });
    void this.#emit({ type: "leak-check", ...base, ...found.check });
  }

  /** A warning of Kiln's in the build's log. */
  #warn(text: string): void {
    void this.#emit(this.#notice("warning", text));
  }

  #notice(level: NoticeLevel, text: string): BuildEvent {
    const atMs = this.#input.outside.clock.nowMs();
    return { type: "notice", level, text, buildId: this.#request.buildId, atMs };
  }

  #put(record: BuildRecord): Promise<void> {
    const { store } = this.#input.outside;
    return store.write(() => void updateBuild(recordsIn(store), record));
  }
}
