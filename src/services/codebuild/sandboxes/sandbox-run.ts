/**
 * One sandbox of this process from its opening to its end: environment, then one command after the other. Commands and
 * stops may be asked for by any process on the state: they are records that are polled here.
 */
import { type CloudWatchSink, createCloudWatchSink } from "../../../build/report/cloud-watch-sink.ts";
import { type BuildEnvironmentOpener, buildEnvironmentOpener, type OpenEnvironment } from "../../../build/run/index.ts";
import { MINUTE_MS } from "../../../core/clock.ts";
import { debug } from "../../../core/log.ts";
import { removeFolders } from "../builds/build-folders.ts";
import { logsOf } from "../builds/build-progress.ts";
import { errorText } from "../builds/error-text.ts";
import { pollForStop, STOP_POLL_MS } from "../builds/own-runs.ts";
import type { RoleSession } from "../builds/role-session.ts";
import { runDependencies } from "../builds/run-dependencies.ts";
import { requestOf } from "../builds/run-request.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";
import { type CodeBuildRecords, recordsIn, type SandboxRecord } from "../records.ts";
import type { CommandExecution, PhaseContext } from "../shapes.gen.ts";
import type { Bell } from "./bell.ts";
import { asBuild, endSandbox, enterPhase, keyOfSandbox, RUN_SANDBOX, type SandboxEnd } from "./sandbox-records.ts";

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
    const timer = clock.after(this.#record.settings.timeoutInMinutes * MINUTE_MS, () => {
      if (!this.#stop.signal.aborted) this.#end = "TIMED_OUT";
      this.#stop.abort();
    });
    // A stop from another process must end the opening and each command, too.
    const stops = pollForStop(clock, this.#records.stops, keyOfSandbox(this.#record), this.#stop);
    let opener: BuildEnvironmentOpener | undefined;
    let context: PhaseContext | undefined;
    try {
      opener = await this.#opener();
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
        context = { statusCode: "INTERNAL_SERVICE_ERROR", message: errorText(error) };
      }
    } finally {
      timer.cancel();
      stops.cancel();
      try {
        await opener?.close();
        await this.#sink?.close();
      } catch (error) {
        // What cannot be ended must not keep the record open for ever.
        debug("run", () => `sandbox ${this.#record.sandbox.id} is not closed properly: ${errorText(error)}`);
      }
      await removeFolders(this.#record);
      await this.#finish(context);
    }
  }

  async #opener(): Promise<BuildEnvironmentOpener> {
    const { clock, strict = false } = this.#dependencies;
    const record = asBuild(this.#record);
    const request = { ...requestOf(record, strict), opensWithoutBuildspec: true };
    const dependencies = await runDependencies(this.#dependencies, {
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
          onFailure: (error) => debug("run", () => `log of sandbox ${request.buildId}: ${errorText(error)}`),
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
      const waiting = this.#records.waitingExecutions.list(key, { limit: 1 })[0];
      const execution = waiting && this.#records.executions.get([...key, waiting.value]);
      if (!waiting) await this.#bell.wait(this.#dependencies.clock, STOP_POLL_MS, signal);
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
