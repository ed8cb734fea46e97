/**
 * Runs builds in this process, one record a build: queue, work folders, role session, event log, CloudWatch Logs, record
 * at each phase change. Other processes on the same state see the record and the event log; they stop a build by writing
 * a mark that the owner polls. Builds whose owner died are closed by the next process that starts (`recover`).
 */
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type CloudWatchSink, createCloudWatchSink } from "../../../build/report/cloud-watch-sink.ts";
import { type BuildEvent, type BuildResult, runBuild } from "../../../build/run/index.ts";
import type { AwsScope } from "../../../core/arn.ts";
import { sleep } from "../../../core/clock.ts";
import { AwsError } from "../../../core/errors.ts";
import { debug } from "../../../core/log.ts";
import type { Key } from "../../../store/store.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";
import { fleetPlaces } from "../fleets/fleet-records.ts";
import { cacheGeneration } from "../projects/project-cache.ts";
import { type BuildRecord, buildKey, type CodeBuildRecords, parseBuildId, projectArn, recordsIn } from "../records.ts";
import { closeReportsOf } from "../reports/index.ts";
import { SandboxRunner } from "../sandboxes/sandbox-runner.ts";
import { AutoRetries, retryAfter } from "./auto-retry.ts";
import { type BuildFolders, makeFolders, removeFolders } from "./build-folders.ts";
import { indexOlderBuilds, updateBuild } from "./build-index.ts";
import { afterRun, duringRun, withReport } from "./build-progress.ts";
import { BuildQueue } from "./build-queue.ts";
import { EventLogs, type EventLogWriter } from "./event-log.ts";
import { markInterrupted } from "./interrupted.ts";
import { isAlive } from "./process-mark.ts";
import { RoleSession } from "./role-session.ts";
import { runDependencies } from "./run-dependencies.ts";
import { requestOf, withoutEffect } from "./run-request.ts";
import { openS3Log } from "./s3-log.ts";

const STOP_POLL_MS = 200;
/** How long StopBuild waits for the build of another process to end. */
const STOP_WAIT_MS = 5000;

/** A build's place to run on. */
interface Turn {
  readonly release: () => void;
  /** It waited too long and has no place. */
  readonly queueTimedOut: boolean;
}

interface RunningBuild {
  readonly record: BuildRecord;
  readonly session: RoleSession;
  readonly token: string;
  readonly stop: AbortController;
  readonly finished: Promise<void>;
}

/** AWS's quota for established accounts; queued builds cost this machine almost nothing. */
const DEFAULT_ACCOUNT_LIMIT = 60;

export class BuildRunner {
  /** Concurrent builds the account may have. */
  readonly accountLimit: number;
  readonly sandboxes: SandboxRunner;
  /** Builds that this process runs at the same time. */
  readonly places: number;
  /** Builds that are about to follow a failed one. */
  readonly autoRetries = new AutoRetries();
  readonly #dependencies: CodeBuildDependencies;
  readonly #records: CodeBuildRecords;
  readonly #eventLogs: EventLogs;
  readonly #ownRoot: string | undefined;
  readonly #root: string;
  readonly #running = new Map<string, RunningBuild>();
  readonly #queue: BuildQueue;
  #isClosing = false;

  constructor(dependencies: CodeBuildDependencies) {
    this.#dependencies = dependencies;
    this.#records = recordsIn(dependencies.store);
    this.#ownRoot =
      dependencies.stateDir === undefined
        ? mkdtempSync(join(dependencies.workRoot ?? tmpdir(), "kiln-builds-"))
        : undefined;
    this.#root = this.#ownRoot ?? (dependencies.stateDir as string);
    this.#eventLogs = new EventLogs(join(this.#root, "builds"), dependencies.clock);
    const { concurrentBuilds, maxConcurrentBuilds } = dependencies;
    this.sandboxes = new SandboxRunner(dependencies, (uuid) => this.artifactsDir(uuid));
    this.accountLimit = concurrentBuilds ?? DEFAULT_ACCOUNT_LIMIT;
    const places = maxConcurrentBuilds ?? concurrentBuilds ?? Math.max(2, availableParallelism());
    this.places = places;
    this.#queue = new BuildQueue(places, (arn) => fleetPlaces(this.#records, arn));
  }

  /** A session of the role for a build that is about to be made; AssumeRole is its first call. */
  newSession(uuid: string, projectName: string, roleArn: string, scope: AwsScope): RoleSession {
    const { callerForService, callerForAccessKey, authorizeAccessKey, clock } = this.#dependencies;
    return new RoleSession({
      uuid,
      roleArn,
      scope,
      clock,
      service: callerForService("codebuild.amazonaws.com", projectArn(scope, projectName), scope),
      callerForAccessKey: (accessKeyId, where) => callerForAccessKey(accessKeyId, where),
      authorizeAccessKey: (...question) => authorizeAccessKey(...question),
    });
  }

  /** Private folders of a new build. */
  newFolders(uuid: string): Promise<BuildFolders> {
    return makeFolders(this.#dependencies.workRoot ?? tmpdir(), uuid);
  }

  /** Takes over a build whose record was just written. It starts as soon as there is room. */
  start(record: BuildRecord, session: RoleSession): void {
    const stop = new AbortController();
    const token = this.#dependencies.ids.alphanumeric(48);
    const writer = this.#eventLogs.open(record.uuid);
    const finished = this.#turn(record, stop.signal)
      .then((turn) => this.#run(record, session, token, stop, writer, turn).finally(turn.release))
      .catch((error: unknown): BuildEvent[] => {
        debug("run", () => `build ${record.build.id}: ${String(error)}`);
        return [];
      })
      .then((lastEvents) => {
        // Who reads that the build is over finds nothing of it left here.
        this.#running.delete(record.uuid);
        for (const event of lastEvents) writer.append(event);
      })
      .catch((error: unknown) => debug("run", () => `build ${record.build.id}: ${String(error)}`))
      .finally(() => writer.close());
    this.#running.set(record.uuid, { record, session, token, stop, finished });
  }

  /** Where this process's endpoint is reached. */
  get endpointUrl(): string {
    return this.#dependencies.endpointUrl();
  }

  /** Resolves when a build that runs in this process has ended and its record says so. */
  async ended(uuid: string): Promise<void> {
    await this.#running.get(uuid)?.finished;
  }

  /** Folder of the state for what a build, or a batch as a whole, leaves behind. */
  artifactsDir(uuid: string): string {
    return join(this.#root, "artifacts", uuid);
  }

  /** Folder of the caches of type LOCAL. */
  get cacheDir(): string {
    return join(this.#root, "cache");
  }

  /** Credentials of a running build, for the container-credentials route. */
  credentialsFor(uuid: string): { readonly session: RoleSession; readonly token: string } | undefined {
    return this.#running.get(uuid) ?? this.sandboxes.credentialsFor(uuid);
  }

  /**
   * The build's events from its start, then live until it is over: a line of output an event, or with `joined` a chunk
   * of lines an event (text with line ends in it), which is many times faster.
   */
  events(buildId: string, options: { readonly joined?: boolean } = {}): AsyncIterable<BuildEvent> {
    const { projectName, uuid } = parseBuildId(buildId);
    let key: Key | undefined;
    const isOver = (): boolean => {
      if (this.#running.has(uuid)) return false;
      key ??= this.#findKey(projectName, uuid);
      const found = key && this.#records.builds.get(key);
      return found === undefined || found.build.buildComplete === true || !isAlive(found.owner);
    };
    return this.#eventLogs.read(uuid, isOver, options.joined);
  }

  /** Stops a build wherever it runs; resolves when it has ended, or after a few seconds for another process's. */
  async stop(record: BuildRecord): Promise<void> {
    const running = this.#running.get(record.uuid);
    if (running) {
      running.stop.abort();
      await running.finished;
      return;
    }
    if (!isAlive(record.owner)) return this.#interrupt(record);
    const key = keyOf(record);
    await this.#dependencies.store.write(() => this.#records.stops.put(key, true));
    for (let waitedMs = 0; waitedMs < STOP_WAIT_MS; waitedMs += STOP_POLL_MS / 4) {
      if (this.#records.builds.get(key)?.build.buildComplete !== false) return;
      await sleep(this.#dependencies.clock, STOP_POLL_MS / 4);
    }
  }

  /** Closes builds that a process left unfinished which is no longer there. Call once at the start. */
  async recover(): Promise<void> {
    await indexOlderBuilds(this.#dependencies.store);
    for (const { key } of this.#records.active.list([])) {
      const value = this.#records.builds.get(key);
      if (!value || this.#running.has(value.uuid) || isAlive(value.owner)) continue;
      await this.#interrupt(value);
    }
    await this.sandboxes.recover();
  }

  /** Stops what runs and waits for it. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const running = [...this.#running.values()];
    for (const build of running) build.stop.abort();
    await Promise.all([...running.map((build) => build.finished), this.sandboxes.close()]);
    if (this.#ownRoot !== undefined) await rm(this.#ownRoot, { recursive: true, force: true });
  }

  /** Removes what is kept beside the record of a build. */
  async forget(uuid: string): Promise<void> {
    await rm(join(this.#root, "builds", uuid), { recursive: true, force: true });
    await rm(this.artifactsDir(uuid), { recursive: true, force: true });
  }

  /** Runs the build and records its end; resolves with the events that tell of the end. */
  async #run(
    record: BuildRecord,
    session: RoleSession,
    token: string,
    stop: AbortController,
    writer: EventLogWriter,
    { queueTimedOut }: Turn,
  ): Promise<readonly BuildEvent[]> {
    const { store, clock, strict } = this.#dependencies;
    const key = keyOf(record);
    const put = (next: BuildRecord): Promise<void> => store.write(() => void updateBuild(this.#records, next));
    let current = record;
    let sink: CloudWatchSink | undefined;
    let last: BuildEvent | undefined;
    const asked = requestOf(record, strict ?? false);
    const generation = cacheGeneration(store, record.scope, record.settings.projectName);
    const request = { ...asked, cache: { ...asked.cache, generation } };
    const s3Log = openS3Log(request, session, join(record.workDir, "s3-log.gz"));
    const polling = this.#pollForStop(key, stop);
    try {
      const emit = (event: BuildEvent): void | Promise<void> => {
        if (event.type === "build-finished") {
          last = event; // told when the record says so, too
          return;
        }
        writer.append(event);
        if (event.type === "build-started") for (const text of withoutEffect(record.settings)) notice(text);
        if (event.type === "phase-started" || event.type === "phase-finished") {
          current = duringRun(current, event);
          put(current).catch((error: unknown) => debug("run", () => `record: ${String(error)}`));
        }
        if (event.type === "report") current = withReport(current, event.reportArn);
        const held = [sink?.write(event), s3Log?.write(event)].filter((wait) => wait instanceof Promise);
        if (held.length > 0) return Promise.all(held).then(() => {});
      };
      const notice = (text: string): void => {
        void emit({ type: "notice", level: "warning", text, buildId: request.buildId, atMs: clock.nowMs() });
      };
      const dependencies = runDependencies(this.#dependencies, {
        record,
        session,
        token,
        artifactsDir: this.artifactsDir(record.uuid),
        cacheDir: this.cacheDir,
        ...(s3Log ? { storeLog: () => s3Log.store() } : {}),
        emit,
        onLogStreamReady: () => {
          if (!request.logs) return;
          sink = createCloudWatchSink({
            caller: session.caller,
            clock,
            ...request.logs,
            onFailure: (error) => notice(`the log is not written to CloudWatch Logs: ${textOf(error)}`),
          });
        },
        signal: stop.signal,
        queueTimedOut,
      });
      const result: BuildResult = await runBuild(request, dependencies);
      // A build that ended before FINALIZING: its log is stored all the same, and its status stays.
      const unstored = await s3Log?.store();
      if (unstored) notice(`the log is not stored in S3: ${unstored.message}`);
      await sink?.close();
      await removeFolders(record);
      const finished = afterRun(current, result, clock.nowMs());
      await put(finished);
      await this.#retry(finished, result, session, (level, text) => {
        writer.append({ type: "notice", level, text, buildId: request.buildId, atMs: clock.nowMs() });
      });
      return last ? [last] : [];
    } catch (error) {
      debug("run", () => (error instanceof Error ? (error.stack ?? error.message) : String(error)));
      await removeFolders(record);
      const closed = markInterrupted(current, clock.nowMs(), `Kiln could not go on with the build: ${textOf(error)}`);
      await put(closed.record);
      return closed.events;
    } finally {
      polling.cancel();
      await s3Log?.close();
      await store.write(() => this.#records.stops.delete(key));
    }
  }

  /** Starts the build that follows a failed one by itself, if any. What goes wrong there changes nothing about this one. */
  async #retry(
    record: BuildRecord,
    result: BuildResult,
    session: RoleSession,
    notice: (level: "info" | "warning", text: string) => void,
  ): Promise<void> {
    if (this.#isClosing) return;
    try {
      const token = `auto-retry-${this.#dependencies.ids.uuid()}`;
      const outcome = await retryAfter(record, result, { role: session.caller, retries: this.autoRetries, token });
      if (outcome.notice) notice(outcome.notice.level, outcome.notice.text);
      if (!outcome.config) return;
      const linked = { ...record, build: { ...record.build, autoRetryConfig: outcome.config } };
      await this.#dependencies.store.write(() => void updateBuild(this.#records, linked));
    } catch (error) {
      notice("warning", `the build is not started again: ${textOf(error)}`);
    }
  }

  async #interrupt(record: BuildRecord): Promise<void> {
    const { store, clock, engines } = this.#dependencies;
    const left = { buildId: record.build.id ?? "", workDir: record.workDir };
    for (const engine of engines) await engine.reclaim(left);
    await removeFolders(record);
    const closed = markInterrupted(
      record,
      clock.nowMs(),
      `Kiln was interrupted while the build ran (process ${record.owner.pid} ended); start the build again`,
    );
    const isFirst = await store.write(() => {
      const key = keyOf(record);
      this.#records.stops.delete(key);
      closeReportsOf(store, record);
      // Another process may have closed it at the same time, or deleted it.
      if (this.#records.builds.get(key)?.build.buildComplete !== false) return false;
      return updateBuild(this.#records, closed.record);
    });
    if (!isFirst) return;
    const writer = this.#eventLogs.open(record.uuid);
    for (const event of closed.events) writer.append(event);
    writer.close();
  }

  #pollForStop(key: readonly string[], stop: AbortController): { cancel(): void } {
    const { clock } = this.#dependencies;
    const look = (): void => {
      if (this.#records.stops.has(key)) stop.abort();
      else timer = clock.after(STOP_POLL_MS, look);
    };
    let timer = clock.after(STOP_POLL_MS, look);
    return { cancel: () => timer.cancel() };
  }

  /** A place to run on. A build that is stopped, or whose time in the queue is over, goes on without: to be ended. */
  async #turn({ build, settings }: BuildRecord, stop: AbortSignal): Promise<Turn> {
    const { clock } = this.#dependencies;
    const over = new AbortController();
    const leftMs = (build.startTime ?? 0) + settings.queuedTimeoutInMinutes * 60_000 - clock.nowMs();
    const timer = clock.after(Math.max(0, leftMs), () => over.abort());
    try {
      const signal = AbortSignal.any([stop, over.signal]);
      const release = await this.#queue.turn(settings.environment.fleet?.fleetArn, signal);
      return { release, queueTimedOut: over.signal.aborted && !stop.aborted };
    } finally {
      timer.cancel();
    }
  }

  /** A fleet has changed: builds that wait may have room now. */
  wakeQueue(): void {
    this.#queue.wake();
  }

  /** The key of a build that is not over, in whatever account and region. */
  #findKey(projectName: string, uuid: string): Key | undefined {
    return this.#records.active.list([]).find(({ key }) => key[2] === projectName && key[3] === uuid)?.key;
  }
}

const keyOf = (record: BuildRecord): readonly string[] =>
  buildKey(record.scope, record.settings.projectName, record.uuid);

const textOf = (error: unknown): string =>
  error instanceof AwsError
    ? `${error.code}: ${error.message}`
    : error instanceof Error
      ? error.message
      : String(error);
