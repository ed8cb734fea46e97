/**
 * Runs one build: CodeBuild's phases in CodeBuild's order, as events. A failed build is a result, not an exception.
 * Whatever happens, the engine's environment and the docker side are closed before the build is reported as finished.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
 */
import { debug } from "../../core/log.ts";
import type { Result } from "../../core/result.ts";
import type { BuildEnvironment, ProvisionedEnvironment } from "../../engines/engine.ts";
import type { OnFailure } from "../plan/index.ts";
import { BroughtFiles } from "./brought-files.ts";
import { BuildEnding } from "./build-ending.ts";
import { BuildLog } from "./build-log.ts";
import type { BuildDocker, BuildRequest, BuildResult, RunDependencies } from "./build-request.ts";
import { markFailing, runCommandPhase } from "./commands/command-phase.ts";
import { matchMessage } from "./commands/match-message.ts";
import { downloadSource, type ReadyBuild } from "./download-source.ts";
import type { BuildStatus, PhaseContext, PhaseType } from "./events.ts";
import { exportedVariables } from "./export-variables.ts";
import { faultContext } from "./fault-context.ts";
import { cacheFolderOf } from "./lent-folders.ts";
import { OwnFiles } from "./own-files.ts";
import { PhaseRecord } from "./phase-record.ts";
import { leaveQueue, type Provisioned, provisionBuild } from "./provision.ts";
import { afterCommandPhase, type CommandPhase, onFailureOf } from "./transitions.ts";
import { type Uploaded, uploadArtifacts } from "./upload-artifacts.ts";

/** Runs the build to its end. Rejects only on a bug. */
export async function runBuild(request: BuildRequest, dependencies: RunDependencies): Promise<BuildResult> {
  return new BuildRun(request, dependencies).run();
}

/** How a phase ended; `undefined` means it succeeded. */
type PhaseEnd = { readonly status: BuildStatus; readonly context?: PhaseContext } | undefined;

const COMMAND_PHASES: readonly PhaseType[] = ["INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD"];
const isCommandPhase = (phase: PhaseType): phase is CommandPhase => COMMAND_PHASES.includes(phase);

class BuildRun {
  readonly #request: BuildRequest;
  readonly #dependencies: RunDependencies;
  readonly #log: BuildLog;
  readonly #phases: PhaseRecord;
  readonly #ending: BuildEnding;
  /** A phase has recorded that the build ended before its time. */
  #isEndRecorded = false;
  #isClosed = false;
  #retry: BuildResult["retry"];
  #provisioned: Provisioned | undefined;
  #place: ProvisionedEnvironment | undefined;
  #environment: BuildEnvironment | undefined;
  #docker: BuildDocker | undefined;
  #build: ReadyBuild | undefined;
  #resolvedSourceVersion: string | undefined;
  #secondarySourceVersions: BuildResult["secondarySourceVersions"];
  #stored: Uploaded = { secondaryArtifacts: [] };
  #exported: BuildResult["exportedVariables"] = [];

  constructor(request: BuildRequest, dependencies: RunDependencies) {
    this.#request = request;
    this.#dependencies = dependencies;
    this.#ending = new BuildEnding(dependencies.clock);
    this.#log = new BuildLog(request.buildId, dependencies.clock, dependencies.emit, {
      maxOutputLength: dependencies.maxOutputLength,
      onBroken: (error) => this.#ending.end("FAULT", error),
    });
    this.#phases = new PhaseRecord(dependencies.clock, this.#log);
  }

  async run(): Promise<BuildResult> {
    const { signal, clock, engine } = this.#dependencies;
    const onStop = (): void => this.#ending.end("STOPPED");
    signal.addEventListener("abort", onStop, { once: true });
    const timer = clock.after(this.#request.timeoutMs, () => this.#ending.end("TIMED_OUT"));
    this.#log.hide([this.#dependencies.credentials.token]);
    this.#dependencies.onRoleSecrets?.((values) => this.#log.hide(values));
    this.#log.started({
      buildNumber: this.#request.buildNumber,
      projectName: this.#request.projectName,
      image: this.#request.image,
      engine: engine.ok ? engine.value.name : "none",
      serviceRole: this.#request.serviceRole,
    });
    const { startTimeMs } = this.#request;
    this.#phases.start("SUBMITTED", startTimeMs);
    this.#phases.finish("SUCCEEDED", undefined, startTimeMs);
    if (signal.aborted) onStop();
    if (this.#dependencies.queueTimedOut) this.#ending.end("TIMED_OUT");
    let buildStatus: BuildStatus;
    try {
      buildStatus = await this.#runPhases();
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", onStop);
      await this.#close();
    }
    this.#phases.complete();
    this.#log.finished(buildStatus, this.#phases.phases);
    return {
      buildStatus,
      phases: this.#phases.phases,
      ...(buildStatus === "FAILED" && this.#retry ? { retry: this.#retry } : {}),
      exportedVariables: this.#exported,
      ...(this.#resolvedSourceVersion === undefined ? {} : { resolvedSourceVersion: this.#resolvedSourceVersion }),
      ...(this.#secondarySourceVersions?.length ? { secondarySourceVersions: this.#secondarySourceVersions } : {}),
      ...this.#stored,
    };
  }

  async #runPhases(): Promise<BuildStatus> {
    const queued = await this.#phase("QUEUED", () => leaveQueue(this.#request, this.#dependencies));
    if (queued) return queued.status;
    const provisioned = await this.#phase("PROVISIONING", () => this.#provision());
    if (provisioned) return provisioned.status;
    const downloaded = await this.#phase("DOWNLOAD_SOURCE", () => this.#download());
    let status: BuildStatus = downloaded?.status ?? "SUCCEEDED";
    let next: PhaseType = downloaded ? "FINALIZING" : "INSTALL";
    while (next !== "FINALIZING" && !this.#isEndRecorded) {
      const ended: PhaseEnd = isCommandPhase(next)
        ? await this.#commandPhase(next)
        : await this.#phase("UPLOAD_ARTIFACTS", () => this.#upload(status === "SUCCEEDED"));
      const after: { next: PhaseType; failing: boolean } = isCommandPhase(next)
        ? afterCommandPhase(next, ended !== undefined, this.#onFailure(next))
        : { next: "FINALIZING", failing: ended !== undefined };
      if (ended && (after.failing || ended.status !== "FAILED")) status = ended.status;
      next = after.next;
    }
    // AWS: a stopped build goes from its phase straight to COMPLETED.
    if (this.#isEndRecorded) return status;
    const finalized = await this.#phase("FINALIZING", async () => {
      await this.#close();
      return this.#dependencies.storeLog?.();
    });
    return finalized?.status ?? status;
  }

  async #commandPhase(phaseType: CommandPhase): Promise<PhaseEnd> {
    const build = this.#build;
    if (!build) return undefined;
    const { clock } = this.#dependencies;
    return this.#phase(phaseType, async () => {
      const failure = await runCommandPhase(phaseType, build, this.#log, clock, this.#ending.signal);
      if (failure) {
        const onFailure = this.#onFailure(phaseType);
        if (afterCommandPhase(phaseType, true, onFailure).failing) await markFailing(build);
        await this.#noteRetry(onFailure, failure);
      }
      if (phaseType === "POST_BUILD" && !this.#ending.signal.aborted)
        this.#exported = await exportedVariables(build, this.#log);
      return failure;
    });
  }

  #onFailure(phaseType: CommandPhase): OnFailure | undefined {
    return onFailureOf(this.#build?.plan.phases.find((phase) => phase.phaseType === phaseType));
  }

  /** AWS: `RETRY…` asks for another build when the message of the failed phase matches. The first such phase counts. */
  async #noteRetry(onFailure: OnFailure | undefined, { message }: PhaseContext): Promise<void> {
    if (onFailure?.action !== "RETRY" || this.#retry || this.#ending.by !== undefined) return;
    const { maximum, pattern } = onFailure;
    const matches = pattern === undefined || (await matchMessage(pattern, message, this.#dependencies.clock));
    if (matches) this.#retry = { maximum };
    if (matches === undefined) {
      this.#log.notice(
        "warning",
        `\`on-failure\`: matching \`${pattern?.source}\` against the error message took longer than a second; it counts as not matching`,
      );
    }
  }

  /** Runs one phase and records how it ended. */
  async #phase(phaseType: PhaseType, body: () => Promise<PhaseContext | undefined>): Promise<PhaseEnd> {
    // AWS: a build is QUEUED from the moment it was submitted.
    this.#phases.start(phaseType, phaseType === "QUEUED" ? this.#request.startTimeMs : undefined);
    const end = await this.#endOf(body);
    const inLog = phaseType === "DOWNLOAD_SOURCE" || phaseType === "UPLOAD_ARTIFACTS" || isCommandPhase(phaseType);
    // AWS: the log of a stopped build just ends.
    if (inLog && end?.status !== "STOPPED") {
      this.#log.container(`Phase complete: ${phaseType} State: ${end?.status ?? "SUCCEEDED"}`);
      this.#log.container(
        `Phase context status code: ${end?.context?.statusCode ?? ""} Message: ${end?.context?.message ?? ""}`,
      );
    }
    this.#phases.finish(end?.status ?? "SUCCEEDED", end?.context);
    return end;
  }

  async #endOf(body: () => Promise<PhaseContext | undefined>): Promise<PhaseEnd> {
    let failure: PhaseContext | undefined;
    try {
      failure = this.#ending.by === undefined ? await this.#ending.unlessStuck(body()) : undefined;
    } catch (error) {
      if (this.#ending.by === undefined) return { status: "FAULT", context: faultContext(error) };
    }
    this.#isEndRecorded = this.#ending.by !== undefined;
    switch (this.#ending.by) {
      case "STOPPED":
        return { status: "STOPPED" };
      case "TIMED_OUT":
        return { status: "TIMED_OUT", context: { statusCode: "BUILD_TIMED_OUT", message: "Build has timed out. " } };
      case "FAULT":
        return { status: "FAULT", context: faultContext(this.#ending.reason) };
      case undefined:
        return failure && { status: "FAILED", context: failure };
    }
  }

  async #provision(): Promise<PhaseContext | undefined> {
    const provisioned = await provisionBuild({
      request: this.#request,
      dependencies: this.#dependencies,
      log: this.#log,
      signal: this.#ending.signal,
      onDocker: (docker) => {
        this.#docker = docker;
        if (this.#isClosed) void this.#close();
      },
      onEnvironment: (place) => {
        this.#place = place;
        // It came so late that the build went on without it.
        if (this.#isClosed) void this.#close();
      },
    });
    if (!provisioned.ok) return provisioned.error;
    this.#provisioned = provisioned.value;
    return undefined;
  }

  async #download(): Promise<PhaseContext | undefined> {
    if (!this.#provisioned) return undefined;
    const ready: Result<ReadyBuild, PhaseContext> = await downloadSource({
      request: this.#request,
      dependencies: this.#dependencies,
      provisioned: this.#provisioned,
      log: this.#log,
      signal: this.#ending.signal,
      onEnvironment: (environment) => {
        this.#environment = environment;
        // It came so late that the build went on without it.
        if (this.#isClosed) void environment.close();
      },
      onSources: ({ resolvedVersion, secondaryVersions }) => {
        this.#resolvedSourceVersion = resolvedVersion;
        this.#secondarySourceVersions = secondaryVersions;
      },
    });
    if (!ready.ok) return ready.error;
    this.#build = ready.value;
    return undefined;
  }

  async #upload(isSucceeding: boolean): Promise<PhaseContext | undefined> {
    if (!this.#build) return undefined;
    const uploaded = await uploadArtifacts({
      request: this.#request,
      dependencies: this.#dependencies,
      build: this.#build,
      log: this.#log,
      brought: this.#brought(this.#build),
      isSucceeding,
      signal: this.#ending.signal,
    });
    if (!uploaded.ok) return uploaded.error;
    this.#stored = uploaded.value;
    return undefined;
  }

  #brought({ place, environment }: ReadyBuild): BroughtFiles {
    const { workDir, cacheDir, stateDir } = this.#dependencies;
    const cache = cacheFolderOf(this.#request, cacheDir);
    const own = new OwnFiles({
      ...{ workDir, stateDir },
      lentFolders: cache === undefined ? [] : [cache],
      isApart: (environment.files ?? environment.outside) !== undefined,
    });
    return new BroughtFiles({ environment: place, own, workDir, signal: this.#ending.signal });
  }

  async #close(): Promise<void> {
    const environment = this.#environment;
    const place = this.#place;
    const docker = this.#docker;
    const cache = this.#build?.cache;
    this.#environment = undefined;
    this.#place = undefined;
    this.#docker = undefined;
    this.#isClosed = true;
    try {
      // What cannot be put back any more is made anew by the next build.
      await cache?.leave?.().catch((error: unknown) => debug("run", () => `cache: ${String(error)}`));
      // Closing the place closes what was opened in it.
      if (!environment && this.#ending.by !== undefined) await this.#reclaim();
      await place?.close();
    } finally {
      try {
        await docker?.close();
      } finally {
        await cache?.release();
      }
    }
  }

  /** Ends what runs for the build outside an environment: a source that was being downloaded. */
  async #reclaim(): Promise<void> {
    const { engine, workDir } = this.#dependencies;
    if (engine.ok) await engine.value.reclaim({ buildId: this.#request.buildId, workDir });
  }
}
