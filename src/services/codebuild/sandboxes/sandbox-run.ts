/**
 * One sandbox of this process from its opening to its end: environment, then one command after the other. Commands and
 * stops may be asked for by any process on the state: they are records that are polled here.
 */
import { type CloudWatchSink, createCloudWatchSink } from "../../../build/report/cloud-watch-sink.ts";
import { type BuildEnvironmentOpener, buildEnvironmentOpener, type OpenEnvironment } from "../../../build/run/index.ts";
import { AwsError } from "../../../core/errors.ts";
import { debug } from "../../../core/log.ts";
import { removeFolders } from "../builds/build-folders.ts";
import { logsOf } from "../builds/build-progress.ts";
import type { RoleSession } from "../builds/role-session.ts";
import { runDependencies } from "../builds/run-dependencies.ts";
import { requestOf } from "../builds/run-request.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";
import { type CodeBuildRecords, recordsIn, type SandboxRecord } from "../records.ts";
import type { CommandExecution, PhaseContext } from "../shapes.gen.ts";
import { asBuild, endSandbox, enterPhase, keyOfSandbox, RUN_SANDBOX, type SandboxEnd } from "./sandbox-records.ts";

/** How often the owner of a sandbox looks for what other processes ask. */
export const POLL_MS = 200;

/** One sandbox from its opening to its end. */
export class SandboxRun {
  readonly #dependencies: CodeBuildDependencies;
  readonly #records: CodeBuildRecords;
  readonly #session: RoleSession;
  readonly #token: string;
  readonly #stop: AbortController;
  readonly #bell: Bell;
  readonly #artifactsDir: (uuid: string) => string;
  #record: SandboxRecord;
  #end: SandboxEnd = "STOPPED";
  #sink: CloudWatchSink | undefined;

  constructor(
    dependencies: CodeBuildDependencies,
    record: SandboxRecord,
    session: RoleSession,
    token: string,
    stop: AbortController,
    bell: Bell,
    artifactsDir: (uuid: string) => string,
  ) {
    this.#dependencies = dependencies;
    this.#records = recordsIn(dependencies.store);
    this.#record = record;
    this.#session = session;
    this.#token = token;
    this.#stop = stop;
    this.#bell = bell;
    this.#artifactsDir = artifactsDir;
  }

  async run(): Promise<void> {
    const { clock } = this.#dependencies;
    const timer = clock.after(this.#record.settings.timeoutInMinutes * 60_000, () => {
      if (!this.#stop.signal.aborted) this.#end = "TIMED_OUT";
      this.#stop.abort();
    });
    const opener = await this.#opener();
    let context: PhaseContext | undefined;
    try {
      const opened = await opener.open((phaseType) => this.#enter(phaseType));
      if (opened.ok) await this.#serve(opened.value);
      else if (!this.#stop.signal.aborted) {
        this.#end = "FAILED";
        context = opened.error;
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        debug("run", () => (error instanceof Error ? (error.stack ?? error.message) : String(error)));
        this.#end = "FAULT";
        context = { statusCode: "INTERNAL_SERVICE_ERROR", message: textOf(error) };
      }
    } finally {
      timer.cancel();
      await opener.close();
      await this.#sink?.close();
      await removeFolders(this.#record);
      await this.#finish(context);
    }
  }

  #opener(): Promise<BuildEnvironmentOpener> {
    const { clock, strict = false } = this.#dependencies;
    const record = asBuild(this.#record);
    const request = { ...requestOf(record, strict), opensWithoutBuildspec: true };
    const dependencies = runDependencies(this.#dependencies, {
      record,
      session: this.#session,
      token: this.#token,
      artifactsDir: this.#artifactsDir(record.uuid),
      emit: (event) => this.#sink?.write(event),
      onLogStreamReady: () => {
        if (!request.logs) return;
        this.#sink = createCloudWatchSink({
          caller: this.#session.caller,
          clock,
          ...request.logs,
          onFailure: (error) => debug("run", () => `log of sandbox ${request.buildId}: ${textOf(error)}`),
        });
      },
      signal: this.#stop.signal,
    });
    return buildEnvironmentOpener(request, dependencies);
  }

  #enter(phaseType: string, more: { readonly resolvedSourceVersion?: string } = {}): void {
    const entered = enterPhase(this.#record, phaseType, this.#dependencies.clock.nowMs());
    const logs = phaseType === "PROVISIONING" ? { logs: logsOf(asBuild(entered)) } : {};
    const session = { ...entered.sandbox.currentSession, ...logs, ...more };
    this.#record = { ...entered, sandbox: { ...entered.sandbox, currentSession: session } };
    this.#write(() => this.#records.sandboxes.put(keyOfSandbox(this.#record), this.#record)).catch((error: unknown) =>
      debug("run", () => `record: ${String(error)}`),
    );
  }

  /** Runs what is asked for until the sandbox is to end. */
  async #serve(environment: OpenEnvironment): Promise<void> {
    const { resolvedSourceVersion } = environment;
    this.#enter(RUN_SANDBOX, resolvedSourceVersion === undefined ? {} : { resolvedSourceVersion });
    const key = keyOfSandbox(this.#record);
    const signal = this.#stop.signal;
    while (!signal.aborted) {
      if (this.#records.stops.has(key)) return;
      const waiting = this.#records.waitingExecutions.list(key, { limit: 1 })[0];
      const execution = waiting && this.#records.executions.get([...key, waiting.value]);
      if (!waiting) await this.#bell.wait(this.#dependencies.clock, POLL_MS, signal);
      else if (execution) await this.#execute(environment, execution, waiting.key);
    }
  }

  async #execute(environment: OpenEnvironment, execution: CommandExecution, waitingKey: readonly string[]) {
    const { clock } = this.#dependencies;
    const key = [...keyOfSandbox(this.#record), execution.id ?? ""];
    const started = { ...execution, status: "IN_PROGRESS", startTime: clock.nowMs() };
    await this.#write(() => {
      this.#records.executions.put(key, started);
      this.#records.waitingExecutions.delete(waitingKey);
    });
    // A stop from another process must end a command, too.
    const stops = this.#watchForStop();
    try {
      const result = await environment.run(execution.command ?? "");
      const wasStopped = this.#stop.signal.aborted;
      await this.#write(() =>
        this.#records.executions.put(key, {
          ...started,
          status: wasStopped ? "STOPPED" : result.exitStatus === 0 ? "SUCCEEDED" : "FAILED",
          endTime: clock.nowMs(),
          ...(wasStopped ? {} : { exitCode: String(result.exitStatus) }),
          standardOutputContent: result.standardOutput,
          standardErrContent: result.standardError,
        }),
      );
    } finally {
      stops.cancel();
    }
  }

  #watchForStop(): { cancel(): void } {
    const { clock } = this.#dependencies;
    const key = keyOfSandbox(this.#record);
    const look = (): void => {
      if (this.#records.stops.has(key)) this.#stop.abort();
      else timer = clock.after(POLL_MS, look);
    };
    let timer = clock.after(POLL_MS, look);
    return { cancel: () => timer.cancel() };
  }

  async #finish(context: PhaseContext | undefined): Promise<void> {
    const nowMs = this.#dependencies.clock.nowMs();
    await this.#write(() => {
      closeSandbox(this.#records, this.#record, this.#end, nowMs, context);
      this.#records.stops.delete(keyOfSandbox(this.#record));
    });
  }

  #write(change: () => void): Promise<void> {
    return this.#dependencies.store.write(change);
  }
}

/** Ends the record, and the commands that nobody will run. Inside `Store.write`. */
export function closeSandbox(
  records: CodeBuildRecords,
  record: SandboxRecord,
  status: SandboxEnd,
  nowMs: number,
  context: PhaseContext | undefined,
): void {
  const key = keyOfSandbox(record);
  records.sandboxes.put(key, endSandbox(record, status, nowMs, context));
  for (const waiting of records.waitingExecutions.list(key)) records.waitingExecutions.delete(waiting.key);
  for (const { key: executionKey, value } of records.executions.list(key)) {
    if (value.endTime === undefined)
      records.executions.put(executionKey, { ...value, status: "STOPPED", endTime: nowMs });
  }
}

/** A pause that can be ended early. */
export class Bell {
  #ring: (() => void) | undefined;
  #hasRung = false;

  ring(): void {
    this.#hasRung = true;
    this.#ring?.();
  }

  async wait(clock: CodeBuildDependencies["clock"], ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasRung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = clock.after(ms, resolve);
        this.#ring = () => {
          timer.cancel();
          resolve();
        };
        signal.addEventListener("abort", this.#ring, { once: true });
      });
      if (this.#ring) signal.removeEventListener("abort", this.#ring);
      this.#ring = undefined;
    }
    this.#hasRung = false;
  }
}

const textOf = (error: unknown): string =>
  error instanceof AwsError
    ? `${error.code}: ${error.message}`
    : error instanceof Error
      ? error.message
      : String(error);
