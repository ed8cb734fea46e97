/**
 * One batch from SUBMITTED to its end: the source build, then the builds of the plan in the order of their dependencies.
 * Each is a build like any other (`makeBuild`), so it has its record, number, log and events. What comes next is decided
 * by build/batch (`nextSteps`); here it is done and written down. The record is written at each change.
 * AWS: builds of a batch wait in the account's queue as others do; what the queue has no place for is made later.
 */
import {
  type BatchTask,
  DOWNLOAD_SOURCE,
  nextSteps,
  type TaskEnd,
  type TaskStatus,
} from "../../../build/batch/index.ts";
import { MINUTE_MS } from "../../../core/clock.ts";
import { AwsError } from "../../../core/errors.ts";
import { debug } from "../../../core/log.ts";
import type { Store } from "../../../store/store.ts";
import type { BuildContext } from "../builds/build-context.ts";
import { requireUsableFleet, roomFor } from "../builds/build-limits.ts";
import type { BuildRunner } from "../builds/build-runner.ts";
import type { RoleSession } from "../builds/role-session.ts";
import { makeBuild } from "../builds/start-build.ts";
import { queueIsFull } from "../errors.ts";
import { projectAccess } from "../projects/find-project.ts";
import { type BuildRecord, buildKey, parseBuildId, recordsIn } from "../records.ts";
import type { PhaseContext } from "../shapes.gen.ts";
import { BatchJournal } from "./batch-journal.ts";
import { type BatchBuild, type BatchRecord, type BatchStatus, batchRecordsIn } from "./batch-records.ts";
import * as texts from "./batch-texts.ts";
import { combineArtifacts } from "./combine-artifacts.ts";
import { memberOrigin, memberSettings, sourceSettings } from "./member-settings.ts";
import { mergeBatchReports } from "./merge-batch-reports.ts";

export interface BatchRunInput {
  readonly record: BatchRecord;
  readonly context: BuildContext;
  readonly runner: BuildRunner;
  /** Of the batch role; asked whether builds may be started, stopped and retried. */
  readonly session: RoleSession;
  /** Builds of this batch at the same time, waiting ones included. */
  readonly limit: number;
  /** Builds that the project may have at the same time. */
  readonly projectLimit: number | undefined;
  /** Aborts when StopBuildBatch asks for it. */
  readonly stop: AbortSignal;
}

type Ending = "STOPPED" | "TIMED_OUT";

/** How often to look for room that builds outside the batch have left. */
const ROOM_POLL_MS = 200;

export class BatchRun {
  readonly #input: BatchRunInput;
  readonly #store: Store;
  readonly #statuses = new Map<string, TaskStatus>();
  /** Builds that run now, by group. */
  readonly #running = new Map<string, BuildRecord>();
  readonly #contexts: PhaseContext[] = [];
  readonly #journal: BatchJournal;
  #ending: Ending | undefined;
  /** What runs is to be stopped: the batch is, or one build has failed under fast-fail. */
  #isStopping = false;
  #wake: () => void = () => {};

  constructor(input: BatchRunInput) {
    this.#input = input;
    this.#journal = new BatchJournal(input.record, input.context);
    this.#store = input.context.store;
  }

  get #record(): BatchRecord {
    return this.#journal.record;
  }

  /** Runs the batch and records its end. Rejects only when that cannot be written. */
  async run(): Promise<void> {
    const { stop, context } = this.#input;
    const minutes = this.#record.config.timeoutInMins ?? 480;
    const onStop = (): void => this.#end("STOPPED");
    const timer = context.clock.after(minutes * MINUTE_MS, () => this.#end("TIMED_OUT"));
    stop.addEventListener("abort", onStop, { once: true });
    if (stop.aborted) onStop();
    try {
      await this.#journal.finish(await this.#runPhases(minutes));
    } catch (error) {
      debug("run", () => (error instanceof Error ? (error.stack ?? error.message) : String(error)));
      await this.#stopAll();
      const context = texts.internalError(error instanceof Error ? error.message : String(error));
      await this.#journal.closePhase("FAULT", [context]);
      await this.#journal.finish("FAULT");
    } finally {
      timer.cancel();
      stop.removeEventListener("abort", onStop);
    }
  }

  async #runPhases(minutes: number): Promise<BatchStatus> {
    await this.#journal.closePhase("SUCCEEDED");
    if (!this.#record.plan) {
      await this.#journal.openPhase("DOWNLOAD_BATCHSPEC");
      const failure = await this.#downloadBatchspec();
      const status: BatchStatus = this.#ending ?? (failure ? "FAILED" : "SUCCEEDED");
      await this.#journal.closePhase(status, this.#endContexts(minutes, failure ? [failure] : []));
      if (status !== "SUCCEEDED") return status;
    }
    await this.#journal.openPhase("IN_PROGRESS");
    const outcome = await this.#runGroups();
    const failed = this.#record.groups
      .filter(({ identifier, ignoreFailure }) => !ignoreFailure && !this.#isGood(identifier))
      .map(({ identifier }) => identifier);
    const status: BatchStatus = this.#ending ?? outcome;
    if (status !== "SUCCEEDED") {
      // AWS: reports are merged, and say so, also when builds have failed.
      const unmerged = await mergeBatchReports(this.#journal, this.#input);
      const contexts = status === "FAILED" ? [texts.groupsFailed(failed), ...this.#contexts] : this.#contexts;
      await this.#journal.closePhase(status, this.#endContexts(minutes, [...contexts, ...unmerged]));
      return status;
    }
    await this.#journal.closePhase(status, this.#contexts);
    await this.#journal.openPhase("COMBINE_ARTIFACTS");
    const combined = await combineArtifacts(this.#journal, this.#input.runner);
    const contexts = [...(combined ? [combined] : []), ...(await mergeBatchReports(this.#journal, this.#input))];
    await this.#journal.closePhase(combined ? "FAILED" : "SUCCEEDED", contexts);
    return combined ? "FAILED" : "SUCCEEDED";
  }

  #endContexts(minutes: number, contexts: readonly PhaseContext[]): readonly PhaseContext[] {
    if (this.#ending === "TIMED_OUT") return [texts.batchTimedOut(minutes), ...contexts];
    return contexts;
  }

  #isGood(identifier: string): boolean {
    if (identifier === DOWNLOAD_SOURCE) return true;
    return this.#statuses.get(identifier) === "SUCCEEDED";
  }

  /** Runs the source build; afterwards the record has the plan and a group for each task. */
  async #downloadBatchspec(): Promise<PhaseContext | undefined> {
    const status = await this.#runSource();
    const group = this.#record.groups.find(({ identifier }) => identifier === DOWNLOAD_SOURCE);
    const build = this.#journal.buildOf(group?.current);
    const key = build && buildKey(build.scope, build.settings.projectName, build.uuid);
    const { batchspecs } = batchRecordsIn(this.#store);
    const plan = key && batchspecs.get(key)?.plan;
    if (key) await this.#store.write(() => batchspecs.delete(key));
    if (status !== "SUCCEEDED" || !plan) {
      const bad = build?.phases.find(({ phaseStatus }) => phaseStatus !== undefined && phaseStatus !== "SUCCEEDED");
      return this.#contexts[0] ?? texts.sourceNotDownloaded(build?.build.id ?? "", bad?.contexts?.[0]);
    }
    const before = new Map(this.#record.groups.map((one) => [one.identifier, one]));
    const version = build?.build.resolvedSourceVersion;
    await this.#journal.save({
      plan,
      ...(version === undefined ? {} : { batch: { ...this.#record.batch, resolvedSourceVersion: version } }),
      groups: [
        ...this.#record.groups.filter(({ identifier }) => identifier === DOWNLOAD_SOURCE),
        ...plan.tasks.map(({ identifier, dependsOn, ignoreFailure }) => ({
          identifier,
          dependsOn,
          ignoreFailure,
          prior: before.get(identifier)?.prior ?? [],
        })),
      ],
    });
    return undefined;
  }

  /** Runs the groups that have no good build yet, until nothing is left to do. */
  async #runGroups(): Promise<"SUCCEEDED" | "FAILED"> {
    const tasks = this.#record.plan?.tasks ?? [];
    for (const { identifier, current } of this.#record.groups) {
      if (current?.uuid !== undefined && current.buildStatus !== "IN_PROGRESS") {
        this.#statuses.set(identifier, current.buildStatus as TaskEnd);
      }
    }
    const underWay: Promise<unknown>[] = [];
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const limit = Math.min(this.#input.limit, this.#running.size + Math.max(0, this.#room()));
      const options = { fastFail: this.#record.plan?.fastFail ?? false, limit };
      const next = this.#ending ? this.#giveUp(tasks) : nextSteps(tasks, this.#statuses, options);
      if (next.skip.length > 0) await this.#skip(next.skip);
      if (next.stop.length > 0) {
        this.#isStopping = true;
        await Promise.all(next.stop.map((identifier) => this.#stopMember(identifier)));
      }
      if (next.outcome) {
        await Promise.all(underWay);
        return next.outcome;
      }
      for (const identifier of next.start) {
        this.#statuses.set(identifier, "RUNNING");
        const task = tasks.find((one) => one.identifier === identifier);
        underWay.push(this.#runGroup(identifier, task).finally(() => this.#wake()));
      }
      // The ends of this batch's own builds wake it; those of others have to be looked for.
      const isHeldBack = limit < this.#input.limit && tasks.some(({ identifier }) => !this.#statuses.has(identifier));
      const looking = isHeldBack ? this.#input.context.clock.after(ROOM_POLL_MS, () => this.#wake()) : undefined;
      await changed;
      looking?.cancel();
    }
  }

  /** How many builds could be made now. */
  #room(): number {
    const { runner, projectLimit } = this.#input;
    const { scope, settings } = this.#record;
    const limits = { store: this.#store, scope, accountLimit: runner.accountLimit };
    return roomFor(settings.projectName, projectLimit, limits);
  }

  /** The source build has no others beside it: it waits until there is a place for it, or the batch is over. */
  async #runSource(): Promise<TaskEnd> {
    const { clock } = this.#input.context;
    while (!this.#ending) {
      const status = this.#room() < 1 ? "PENDING" : await this.#runGroup(DOWNLOAD_SOURCE, undefined);
      if (status !== "PENDING") return status;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        clock.after(ROOM_POLL_MS, resolve);
      });
    }
    await this.#journal.updateGroup(DOWNLOAD_SOURCE, {
      current: { requestedOnMs: clock.nowMs(), buildStatus: "STOPPED" },
    });
    return "STOPPED";
  }

  /** The steps of a batch that is being stopped: nothing new, everything that runs comes to its end. */
  #giveUp(tasks: readonly BatchTask[]): ReturnType<typeof nextSteps> {
    const of = (status: TaskStatus | undefined): string[] =>
      tasks.map(({ identifier }) => identifier).filter((name) => this.#statuses.get(name) === status);
    const running = of("RUNNING");
    return {
      start: [],
      skip: of(undefined),
      stop: running,
      ...(running.length === 0 && { outcome: "FAILED" as const }),
    };
  }

  /** Makes one build, waits for its end, writes both down. PENDING: another took its place. Never rejects. */
  async #runGroup(identifier: string, task: BatchTask | undefined): Promise<TaskEnd | "PENDING"> {
    const { context, runner } = this.#input;
    const requestedOnMs = context.clock.nowMs();
    let status: TaskEnd;
    try {
      await this.#allow(this.#hasPrior(identifier) ? "RetryBuild" : "StartBuild");
      const settings = task ? memberSettings(this.#record, task, recordsIn(this.#store)) : sourceSettings(this.#record);
      requireUsableFleet(settings.environment, context);
      const { id = "" } = await makeBuild(settings, context, runner, {
        origin: memberOrigin(this.#record, task),
        check: () => {
          if (this.#room() < 1) throw queueIsFull(runner.accountLimit);
        },
      });
      const { projectName, uuid } = parseBuildId(id);
      const build: BatchBuild = { uuid, requestedOnMs, buildStatus: "IN_PROGRESS" };
      const key = buildKey(this.#record.scope, projectName, uuid);
      const made = recordsIn(this.#store).builds.get(key);
      if (made) this.#running.set(identifier, made);
      await this.#journal.updateGroup(identifier, { current: build });
      // A stop that came while the build was being made found nothing to stop.
      if (this.#isStopping && made) await runner.stop(made);
      await runner.ended(uuid);
      const ended = recordsIn(this.#store).builds.get(key)?.build.buildStatus ?? "FAULT";
      status = ended === "IN_PROGRESS" ? "FAULT" : ended;
      await this.#journal.updateGroup(identifier, { current: { ...build, buildStatus: status } });
    } catch (error) {
      debug("run", () => `batch group ${identifier}: ${String(error)}`);
      if (error instanceof AwsError && error.code === queueIsFull(0).code && !this.#ending) {
        this.#statuses.delete(identifier);
        return "PENDING";
      }
      status = this.#ending ? "STOPPED" : "FAILED";
      if (!this.#ending) this.#contexts.push(this.#explain(identifier, error));
      await this.#journal.updateGroup(identifier, { current: { requestedOnMs, buildStatus: status } });
    }
    this.#running.delete(identifier);
    this.#statuses.set(identifier, status);
    return status;
  }

  #explain(identifier: string, error: unknown): PhaseContext {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof AwsError && /^AccessDenied/.test(error.code)) return texts.batchRoleDenied(message);
    return texts.taskNotStarted(identifier, message);
  }

  /** Asks IAM whether the batch role may act on builds of the project. Throws AccessDeniedException. */
  async #allow(action: "StartBuild" | "StopBuild" | "RetryBuild"): Promise<void> {
    const { context, session } = this.#input;
    await session.authorize([projectAccess(context, action, this.#record.settings.projectName)], {
      service: "codebuild",
      operation: action,
      requestId: context.ids.uuid(),
    });
  }

  /** Stops a build, also when the role may not: nothing is left running here. What AWS would have said is kept. */
  async #stopMember(identifier: string): Promise<void> {
    const build = this.#running.get(identifier);
    if (!build) return;
    try {
      await this.#allow("StopBuild");
    } catch (error) {
      const denied = this.#explain(identifier, error);
      if (!this.#contexts.some(({ message }) => message === denied.message)) this.#contexts.push(denied);
    }
    await this.#input.runner.stop(build);
  }

  async #stopAll(): Promise<void> {
    this.#ending ??= "STOPPED";
    this.#isStopping = true;
    await Promise.all([...this.#running.values()].map((build) => this.#input.runner.stop(build)));
  }

  #end(by: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = by;
    this.#isStopping = true;
    this.#wake();
    // The source build is not in the loop that looks for changes.
    const source = this.#running.get(DOWNLOAD_SOURCE);
    if (source) this.#input.runner.stop(source).catch((error: unknown) => debug("run", () => String(error)));
  }

  async #skip(identifiers: readonly string[]): Promise<void> {
    const requestedOnMs = this.#input.context.clock.nowMs();
    for (const identifier of identifiers) this.#statuses.set(identifier, "SKIPPED");
    await this.#journal.save({
      groups: this.#record.groups.map((group) =>
        identifiers.includes(group.identifier)
          ? { ...group, current: { requestedOnMs, buildStatus: "STOPPED" as const } }
          : group,
      ),
    });
  }

  #hasPrior(identifier: string): boolean {
    return this.#record.groups.some((group) => group.identifier === identifier && group.prior.length > 0);
  }
}
