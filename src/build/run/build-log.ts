/**
 * Where everything a build says goes through: makes the events, in order, and masks every text on the way out.
 * Nothing else in build/run emits. What commands print is kept up to a limit, and the log says where it ends. When events
 * cannot be taken any more (no space left for them), the build is told once and nothing here fails.
 */
import type { Clock } from "../../core/clock.ts";
import { OutputLines } from "./commands/output-lines.ts";
import type { BuildEvent, BuildPhase, BuildStatus, CacheOutcome, PhaseType, ReportOutcome } from "./events.ts";
import { createSecretSet, type SecretSet } from "./mask.ts";

/** What commands print is kept up to this many characters a build; on AWS nothing is published about a limit. */
const MAX_OUTPUT_LENGTH = 512 * 1024 * 1024;

export interface CommandOutput {
  push(chunk: Buffer): void | Promise<void>;
  /** Shows what is left, also without a line end. */
  end(): Promise<void>;
}

export interface BuildLogOptions {
  /** Default 512 Mi. */
  readonly maxOutputLength?: number | undefined;
  /** The first event that could not be taken. */
  onBroken?(error: unknown): void;
}

export class BuildLog {
  readonly #buildId: string;
  readonly #clock: Clock;
  readonly #emit: (event: BuildEvent) => void | Promise<void>;
  readonly #options: BuildLogOptions;
  readonly #maxOutputLength: number;
  readonly #hidden = new Set<string>();
  readonly #open = new Set<OutputLines>();
  #secrets: SecretSet = createSecretSet([]);
  #outputLength = 0;
  #isBroken = false;

  constructor(
    buildId: string,
    clock: Clock,
    emit: (event: BuildEvent) => void | Promise<void>,
    options: BuildLogOptions = {},
  ) {
    this.#buildId = buildId;
    this.#clock = clock;
    this.#emit = emit;
    this.#options = options;
    this.#maxOutputLength = options.maxOutputLength ?? MAX_OUTPUT_LENGTH;
  }

  /** From now on these values are hidden, too: also in the output of a command that runs. */
  hide(values: readonly string[]): void {
    const before = this.#hidden.size;
    for (const value of values) this.#hidden.add(value);
    if (this.#hidden.size === before) return;
    this.#secrets = createSecretSet([...this.#hidden]);
    for (const output of this.#open) void output.maskWith(this.#secrets.stream());
  }

  mask(text: string): string {
    return this.#secrets.mask(text);
  }

  started(about: {
    buildNumber: number;
    projectName: string;
    image: string;
    engine: string;
    serviceRole: string;
  }): void {
    void this.#send({ type: "build-started", ...about });
  }

  phaseStarted(phaseType: PhaseType): void {
    void this.#send({ type: "phase-started", phaseType });
  }

  /** The phase, with its contexts' texts masked. */
  phaseFinished(phase: BuildPhase): BuildPhase {
    const masked = phase.contexts
      ? {
          ...phase,
          contexts: phase.contexts.map(({ statusCode, message }) => ({ statusCode, message: this.mask(message) })),
        }
      : phase;
    void this.#send({ type: "phase-finished", phase: masked });
    return masked;
  }

  /** A `[Container] …` line. */
  container(text: string): void {
    void this.#send({ type: "log", kind: "container", text: this.mask(text) });
  }

  /** Lines as a command would print them. */
  output(text: string): void {
    void this.#send({ type: "log", kind: "output", text: this.mask(text) });
  }

  notice(level: "info" | "warning", text: string): void {
    void this.#send({ type: "notice", level, text: this.mask(text) });
  }

  commandStarted(about: { phaseType: PhaseType; command: string; line: number }): void {
    void this.#send({ type: "command-started", ...about, command: this.mask(about.command) });
  }

  commandFinished(about: {
    phaseType: PhaseType;
    command: string;
    line: number;
    exitStatus: number;
    durationMs: number;
    workingDirectory: string;
  }): void {
    void this.#send({ type: "command-finished", ...about, command: this.mask(about.command) });
  }

  cache(outcome: CacheOutcome): void {
    const { key, matchedKey, reason, ...rest } = outcome;
    void this.#send({
      type: "cache",
      ...rest,
      ...(key === undefined ? {} : { key: this.mask(key) }),
      ...(matchedKey === undefined ? {} : { matchedKey: this.mask(matchedKey) }),
      ...(reason === undefined ? {} : { reason: this.mask(reason) }),
    });
  }

  report(outcome: ReportOutcome): void {
    void this.#send({ type: "report", ...outcome, group: this.mask(outcome.group) });
  }

  imagePushed(reference: string, digest: string): void {
    void this.#send({ type: "image-pushed", reference: this.mask(reference), digest });
  }

  finished(buildStatus: BuildStatus, phases: readonly BuildPhase[]): void {
    void this.#send({ type: "build-finished", buildStatus, phases });
  }

  /** Receives one command's bytes; several lines travel in one event (see events.ts). */
  commandOutput(): CommandOutput {
    const lines = new OutputLines(this.#secrets.stream(), (text) => this.#outputLines(text));
    this.#open.add(lines);
    let droppedBytes = 0;
    return {
      push: (chunk) => {
        if (this.#outputLength < this.#maxOutputLength) return lines.push(chunk);
        droppedBytes += chunk.length;
      },
      end: async () => {
        this.#open.delete(lines);
        await lines.end();
        if (droppedBytes > 0) this.container(`${droppedBytes} bytes of the command's output were not kept`);
      },
    };
  }

  #outputLines(text: string): void | Promise<void> {
    if (this.#isBroken || this.#outputLength >= this.#maxOutputLength) return;
    this.#outputLength += text.length + 1;
    const sent = this.#send({ type: "log", kind: "output", text });
    if (this.#outputLength >= this.#maxOutputLength) {
      const limit = `${Math.floor(this.#maxOutputLength / (1024 * 1024))} MiB`;
      this.container(`The log of this build is full: what its commands print beyond ${limit} is not kept`);
    }
    return sent;
  }

  #send(event: EventBody): void | Promise<void> {
    try {
      return this.#emit({ buildId: this.#buildId, atMs: this.#clock.nowMs(), ...event });
    } catch (error) {
      if (this.#isBroken) return;
      this.#isBroken = true;
      this.#options.onBroken?.(error);
    }
  }
}

type WithoutBase<E> = E extends unknown ? Omit<E, "buildId" | "atMs"> : never;
type EventBody = WithoutBase<BuildEvent>;
