/**
 * Runs builds in this process, one record a build: queue, work folders, role session, event log, CloudWatch Logs, record
 * at each phase change. Other processes on the same state see the record and the event log; they stop a build by writing
 * a mark that the owner polls. Builds whose owner died are closed by the next process that starts (`recover`).
 */
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type CloudWatchSink, createCloudWatchSink } from "../../build/report/cloud-watch-sink.ts";
import { type BuildEvent, type BuildResult, chooseEngine, runBuild } from "../../build/run/index.ts";
import type { AwsScope } from "../../core/arn.ts";
import { sleep } from "../../core/clock.ts";
import { AwsError } from "../../core/errors.ts";
import { debug } from "../../core/log.ts";
import type { Key } from "../../store/store.ts";
import { type BuildFolders, makeFolders, removeFolders } from "./build-folders.ts";
import { afterRun, duringRun } from "./build-progress.ts";
import type { CodeBuildDependencies } from "./dependencies.ts";
import { EventLogs, type EventLogWriter } from "./event-log.ts";
import { markInterrupted } from "./interrupted.ts";
import { isAlive } from "./process-mark.ts";
import { type BuildRecord, buildKey, type CodeBuildRecords, parseBuildId, projectArn, recordsIn } from "./records.ts";
import { RoleSession } from "./role-session.ts";
import { loadPlan, requestOf } from "./run-request.ts";

const STOP_POLL_MS = 200;
/** How long StopBuild waits for the build of another process to end. */
const STOP_WAIT_MS = 5000;

interface RunningBuild {
  readonly record: BuildRecord;
  readonly session: RoleSession;
  readonly token: string;
  readonly stop: AbortController;
  readonly finished: Promise<void>;
}

export class BuildRunner {
  readonly #dependencies: CodeBuildDependencies;
  readonly #records: CodeBuildRecords;
  readonly #eventLogs: EventLogs;
  readonly #ownRoot: string | undefined;
  readonly #root: string;
  readonly #running = new Map<string, RunningBuild>();
  readonly #queue: (() => void)[] = [];
  #free: number;

  constructor(dependencies: CodeBuildDependencies) {
    this.#dependencies = dependencies;
    this.#records = recordsIn(dependencies.store);
    this.#ownRoot =
      dependencies.stateDir === undefined
        ? mkdtempSync(join(dependencies.workRoot ?? tmpdir(), "kiln-builds-"))
        : undefined;
    this.#root = this.#ownRoot ?? (dependencies.stateDir as string);
    this.#eventLogs = new EventLogs(join(this.#root, "builds"), dependencies.clock);
    this.#free = dependencies.maxConcurrentBuilds ?? Math.max(2, availableParallelism());
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
    const finished = this.#turn(stop.signal)
      .then((release) => this.#run(record, session, token, stop, writer).finally(release))
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

  /** Credentials of a running build, for the container-credentials route. */
  credentialsFor(uuid: string): { readonly session: RoleSession; readonly token: string } | undefined {
    return this.#running.get(uuid);
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
    for (const { value } of this.#records.builds.list([])) {
      if (value.build.buildComplete === true || this.#running.has(value.uuid) || isAlive(value.owner)) continue;
      await this.#interrupt(value);
    }
  }

  /** Stops what runs and waits for it. */
  async close(): Promise<void> {
    const running = [...this.#running.values()];
    for (const build of running) build.stop.abort();
    await Promise.all(running.map((build) => build.finished));
    if (this.#ownRoot !== undefined) await rm(this.#ownRoot, { recursive: true, force: true });
  }

  /** Removes what is kept beside the record of a build. */
  async forget(uuid: string): Promise<void> {
    await rm(join(this.#root, "builds", uuid), { recursive: true, force: true });
    await rm(this.#artifactsDir(uuid), { recursive: true, force: true });
  }

  /** Runs the build and records its end; resolves with the events that tell of the end. */
  async #run(
    record: BuildRecord,
    session: RoleSession,
    token: string,
    stop: AbortController,
    writer: EventLogWriter,
  ): Promise<readonly BuildEvent[]> {
    const { store, clock, ids, engines, engine, openDocker, strict, machine } = this.#dependencies;
    const key = keyOf(record);
    const put = (next: BuildRecord): Promise<void> =>
      store.write(() => {
        // A deleted build is not brought back.
        if (this.#records.builds.has(key)) this.#records.builds.put(key, next);
      });
    let current = record;
    let sink: CloudWatchSink | undefined;
    let last: BuildEvent | undefined;
    const request = requestOf(record, strict ?? false);
    const polling = this.#pollForStop(key, stop);
    try {
      const emit = (event: BuildEvent): void | Promise<void> => {
        if (event.type === "build-finished") {
          last = event; // told when the record says so, too
          return;
        }
        writer.append(event);
        if (event.type === "phase-started" || event.type === "phase-finished") {
          current = duringRun(current, event);
          put(current).catch((error: unknown) => debug("run", () => `record: ${String(error)}`));
        }
        return sink?.write(event);
      };
      const notice = (text: string): void => {
        void emit({ type: "notice", level: "warning", text, buildId: request.buildId, atMs: clock.nowMs() });
      };
      const result: BuildResult = await runBuild(request, {
        engine: chooseEngine(engines, engine ?? "auto", request.image),
        role: session.caller,
        clock,
        ids,
        loadPlan: (text, file) => loadPlan(record, text, file, strict ?? false),
        ...(openDocker ? { openDocker: (asked) => openDocker({ ...asked, scope: record.scope }) } : {}),
        workDir: record.workDir,
        privateDir: record.privateDir,
        artifactsDir: this.#artifactsDir(record.uuid),
        credentials: { uri: `${this.#dependencies.endpointUrl()}/_kiln/credentials/${record.uuid}`, token },
        endpointUrl: this.#dependencies.endpointUrl(),
        ...(machine ? { machine } : {}),
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
      });
      await sink?.close();
      await removeFolders(record);
      await put(afterRun(current, result, clock.nowMs()));
      return last ? [last] : [];
    } catch (error) {
      debug("run", () => (error instanceof Error ? (error.stack ?? error.message) : String(error)));
      await removeFolders(record);
      const closed = markInterrupted(current, clock.nowMs(), `Kiln could not go on with the build: ${textOf(error)}`);
      await put(closed.record);
      return closed.events;
    } finally {
      polling.cancel();
      await store.write(() => this.#records.stops.delete(key));
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
      // Another process may have closed it at the same time, or deleted it.
      if (this.#records.builds.get(key)?.build.buildComplete !== false) return false;
      this.#records.builds.put(key, closed.record);
      return true;
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

  /** Waits for room; a build stopped meanwhile runs at once, to record that it was. */
  async #turn(signal: AbortSignal): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else {
      const { promise, resolve } = withResolvers();
      this.#queue.push(resolve);
      signal.addEventListener("abort", resolve, { once: true });
      await promise;
      const at = this.#queue.indexOf(resolve);
      if (at !== -1) {
        this.#queue.splice(at, 1);
        return () => {};
      }
    }
    return () => {
      const next = this.#queue.shift();
      if (next) next();
      else this.#free++;
    };
  }

  #artifactsDir(uuid: string): string {
    return join(this.#root, "artifacts", uuid);
  }

  #findKey(projectName: string, uuid: string): Key | undefined {
    return this.#records.builds
      .list([])
      .find(({ value }) => value.uuid === uuid && value.settings.projectName === projectName)?.key;
  }
}

const keyOf = (record: BuildRecord): readonly string[] =>
  buildKey(record.scope, record.settings.projectName, record.uuid);

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const textOf = (error: unknown): string =>
  error instanceof AwsError
    ? `${error.code}: ${error.message}`
    : error instanceof Error
      ? error.message
      : String(error);
