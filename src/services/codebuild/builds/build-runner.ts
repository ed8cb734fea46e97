/**
 * The builds of this process (build-run.ts is one): queue, work folders, role sessions, event logs. Other processes on the
 * same state see the record and the event log; they stop a build by writing a mark that the owner polls (own-runs.ts).
 * Builds whose owner died are closed by the next process that starts (`recover`).
 */
import { rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { BuildEvent } from "../../../build/run/index.ts";
import type { AwsScope } from "../../../core/arn.ts";
import { MINUTE_MS } from "../../../core/clock.ts";
import { debug } from "../../../core/log.ts";
import { isAlive } from "../../../core/process-mark.ts";
import type { SecretLedger } from "../../../leak-guard/secret-ledger.ts";
import type { Key } from "../../../store/store.ts";
import type { Call } from "../../call.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";
import { fleetPlaces } from "../fleets/fleet-records.ts";
import { type BuildRecord, buildKey, type CodeBuildRecords, parseBuildId, projectArn, recordsIn } from "../records.ts";
import { closeReportsOf } from "../reports/incomplete-reports.ts";
import { SandboxRunner } from "../sandboxes/sandbox-runner.ts";
import { AutoRetries } from "./auto-retry.ts";
import { type BuildFolders, makeFolders, removeFolders } from "./build-folders.ts";
import { indexOlderBuilds, updateBuild } from "./build-index.ts";
import { BuildQueue } from "./build-queue.ts";
import { errorText } from "./error-text.ts";
import { EventLogs, type EventLogWriter } from "./event-log.ts";
import { markInterrupted } from "./interrupted.ts";
import { type OwnRun, OwnRuns, whyLeft } from "./own-runs.ts";
import { RoleSession } from "./role-session.ts";

/** How long StopBuild waits for the build of another process to end. */
const STOP_WAIT_MS = 20_000;

/** A build's place to run on. */
interface Turn {
  readonly release: () => void;
  /** It waited too long and has no place. */
  readonly queueTimedOut: boolean;
}

interface RunningBuild extends OwnRun {
  readonly session: RoleSession;
  readonly token: string;
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
  readonly #runs: OwnRuns<RunningBuild>;
  readonly #queue: BuildQueue;
  /** What the builds that run here were given, by uuid. */
  readonly #ledgers = new Map<string, SecretLedger>();
  #isClosing = false;

  constructor(dependencies: CodeBuildDependencies) {
    this.#dependencies = dependencies;
    this.#records = recordsIn(dependencies.store);
    this.#runs = new OwnRuns(dependencies, this.#records.stops, STOP_WAIT_MS);
    this.#eventLogs = new EventLogs(() => dependencies.store.folder("builds"), dependencies.clock);
    const { concurrentBuilds, maxConcurrentBuilds } = dependencies;
    this.sandboxes = new SandboxRunner(dependencies, (uuid) => this.artifactsDir(uuid));
    this.accountLimit = concurrentBuilds ?? DEFAULT_ACCOUNT_LIMIT;
    const places = maxConcurrentBuilds ?? concurrentBuilds ?? Math.max(2, availableParallelism());
    this.places = places;
    this.#queue = new BuildQueue(places, (arn) => fleetPlaces(this.#records, arn));
  }

  /**
   * A session of the role for a build that is about to be made; AssumeRole is its first call. Sessions of builds (`runArn`)
   * have the build's ARN and the project's as condition keys, so that policies of the role can use them as variables.
   * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/permissions-conditionkeys-variables.html
   */
  newSession(uuid: string, projectName: string, roleArn: string, scope: AwsScope, runArn?: string): RoleSession {
    const { callerForService, callerForAccessKey, authorizeAccessKey, clock } = this.#dependencies;
    const project = projectArn(scope, projectName);
    const keys = {
      "codebuild:projectArn": project,
      ...(runArn === undefined ? {} : { "codebuild:buildArn": runArn }),
    };
    return new RoleSession({
      uuid,
      roleArn,
      scope,
      clock,
      service: callerForService("codebuild.amazonaws.com", project, scope, keys),
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
    let writer: EventLogWriter | undefined;
    const open = async (): Promise<EventLogWriter> => {
      writer = this.#eventLogs.open(record.uuid);
      return writer;
    };
    const finished = open()
      .then((log) => this.#run(record, { session, token, stop }, log))
      .catch((error: unknown) => this.#giveUp(record, error))
      .then((lastEvents) => {
        // Who reads that the build is over finds nothing of it left here.
        this.#runs.remove(record.uuid, stop);
        for (const event of lastEvents) writer?.append(event);
      })
      .catch((error: unknown) => debug("run", () => `build ${record.build.id}: ${String(error)}`))
      .finally(() => {
        this.#runs.remove(record.uuid, stop);
        this.#ledgers.delete(record.uuid);
        writer?.close();
      });
    this.#runs.add(record.uuid, { session, token, stop, finished });
  }

  /** Where this process's endpoint is reached. */
  get endpointUrl(): string {
    return this.#dependencies.endpointUrl();
  }

  /** Resolves when a build that runs in this process has ended and its record says so. */
  ended(uuid: string): Promise<void> {
    return this.#runs.ended(uuid);
  }

  /** Folder of the state for what a build, or a batch as a whole, leaves behind. */
  artifactsDir(uuid: string): string {
    return join(this.#dependencies.store.folder("artifacts"), uuid);
  }

  /** Folder of the caches of type LOCAL. */
  get cacheDir(): string {
    return this.#dependencies.store.folder("cache");
  }

  /** Credentials of a running build, for the container-credentials route. */
  credentialsFor(uuid: string): { readonly session: RoleSession; readonly token: string } | undefined {
    return this.#runs.get(uuid) ?? this.sandboxes.credentialsFor(uuid);
  }

  /** A call of a role's session was answered: what it was told may be a secret of the build whose session it is. */
  noteAnswer({ principal, service, operation, input }: Call, output: object): void {
    if (this.#ledgers.size === 0) return;
    const uuid = /\/AWSCodeBuild-([^/]+)$/.exec(principal.arn)?.[1];
    const own = uuid === undefined ? undefined : this.#ledgers.get(uuid);
    // A session that a build opened by itself may have any name.
    const ledgers = own ? [own] : [...this.#ledgers.values()].filter((ledger) => ledger.hasSession(principal.arn));
    for (const ledger of ledgers) ledger.answered(service, operation, input, output);
  }

  /**
   * The build's events from its start, then live until it is over: a line of output an event, or with `joined` a chunk
   * of lines an event (text with line ends in it), which is many times faster.
   */
  events(buildId: string, options: { readonly joined?: boolean } = {}): AsyncIterable<BuildEvent> {
    const { projectName, uuid } = parseBuildId(buildId);
    let key: Key | undefined;
    const isOver = (): boolean => {
      if (this.#runs.get(uuid)) return false;
      key ??= this.#findKey(projectName, uuid);
      const found = key && this.#records.builds.get(key);
      return found === undefined || found.build.buildComplete === true || !isAlive(found.owner);
    };
    return this.#eventLogs.read(uuid, isOver, options.joined);
  }

  /** Stops a build wherever it runs; resolves when it has ended, or after a few seconds for another process's. */
  stop(record: BuildRecord): Promise<void> {
    const { uuid, owner } = record;
    const key = keyOf(record);
    return this.#runs.stop({
      ...{ uuid, owner, key },
      isOver: () => this.#records.builds.get(key)?.build.buildComplete !== false,
      interrupt: () => this.#interrupt(record),
    });
  }

  /**
   * Closes builds that a process left unfinished which is no longer there. Call once at the start; and with `orMine` for
   * those that this process does not know, either, because the state is another one now.
   */
  async recover(orMine = false): Promise<void> {
    await indexOlderBuilds(this.#dependencies.store);
    for (const { key } of this.#records.active.list([])) {
      const record = this.#records.builds.get(key);
      if (!record || !this.#runs.isLeft(record, orMine)) continue;
      // One that cannot be closed now must not keep Kiln from starting; it is tried again at the next start.
      await this.#interrupt(record).catch((error: unknown) =>
        debug("run", () => `${record.build.id}: ${String(error)}`),
      );
    }
    await this.sandboxes.recover(orMine);
  }

  /** Stops what runs, waits for it, and takes new builds again. */
  async stopAll(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([this.#runs.stopAll(), this.sandboxes.stopAll()]);
    this.#isClosing = false;
  }

  /** The credentials of what runs last longer; the access keys whose sessions must last longer, too. */
  lengthenSessions(byMs: number): string[] {
    const sessions = [...this.#runs.all().map(({ session }) => session), ...this.sandboxes.sessions()];
    return sessions.flatMap((session) => session.lengthen(byMs) ?? []);
  }

  /** Stops what runs and waits for it. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([this.#runs.close(), this.sandboxes.close()]);
  }

  /** Removes what is kept beside the record of a build. */
  async forget(uuid: string): Promise<void> {
    await rm(join(this.#dependencies.store.folder("builds"), uuid), { recursive: true, force: true });
    await rm(this.artifactsDir(uuid), { recursive: true, force: true });
  }

  /** Runs the build when it is its turn; resolves with the events that tell of its end. */
  async #run(
    record: BuildRecord,
    { session, token, stop }: Pick<RunningBuild, "session" | "token" | "stop">,
    writer: EventLogWriter,
  ): Promise<readonly BuildEvent[]> {
    const key = keyOf(record);
    const polling = this.#runs.pollForStop(key, stop);
    let turn: Turn | undefined;
    try {
      turn = await this.#turn(record, stop.signal);
      const { BuildRun } = await import("./build-run.ts");
      const { SecretLedger } = await import("../../../leak-guard/secret-ledger.ts");
      // Before the first call that the build makes.
      const ledger = new SecretLedger();
      this.#ledgers.set(record.uuid, ledger);
      return await new BuildRun({
        outside: this.#dependencies,
        ...{ record, session, token, writer, queueTimedOut: turn.queueTimedOut },
        ledger,
        written: () => this.#eventLogs.written(record.uuid),
        artifactsDir: this.artifactsDir(record.uuid),
        cacheDir: this.cacheDir,
        retries: this.autoRetries,
        mayRetry: () => !this.#isClosing,
        stop: stop.signal,
      }).run();
    } finally {
      polling.cancel();
      turn?.release();
      await this.#dependencies.store.write(() => this.#records.stops.delete(key));
    }
  }

  /** Closes the record of a build that could not even be begun: nobody else will. Resolves with the events of its end. */
  async #giveUp(record: BuildRecord, error: unknown): Promise<readonly BuildEvent[]> {
    debug(
      "run",
      () => `build ${record.build.id}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    const { store, clock } = this.#dependencies;
    await removeFolders(record);
    return store.write(() => {
      const current = this.#records.builds.get(keyOf(record));
      if (current?.build.buildComplete !== false) return [];
      const closed = markInterrupted(current, clock.nowMs(), `Kiln could not run the build: ${errorText(error)}`);
      updateBuild(this.#records, closed.record);
      return closed.events;
    });
  }

  async #interrupt(record: BuildRecord): Promise<void> {
    const { store, clock, engines } = this.#dependencies;
    const left = { buildId: record.build.id ?? "", workDir: record.workDir };
    for (const engine of engines) await engine.reclaim(left);
    if (record.settings.environment.privilegedMode) await this.#dependencies.reclaimDocker?.();
    await removeFolders(record);
    const closed = markInterrupted(
      record,
      clock.nowMs(),
      `${whyLeft("the build ran", record.owner)}; start the build again`,
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

  /** A place to run on. A build that is stopped, or whose time in the queue is over, goes on without: to be ended. */
  async #turn({ build, settings }: BuildRecord, stop: AbortSignal): Promise<Turn> {
    const { clock } = this.#dependencies;
    const over = new AbortController();
    const leftMs = (build.startTime ?? 0) + settings.queuedTimeoutInMinutes * MINUTE_MS - clock.nowMs();
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
