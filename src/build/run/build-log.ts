/**
 * Where everything a build says goes through: makes the events, in order, and masks every text on the way out.
 * Nothing else in build/run emits.
 */
import type { Clock } from "../../core/clock.ts";
import type { BuildEvent, BuildPhase, BuildStatus, PhaseType } from "./events.ts";
import { createSecretSet, type SecretSet } from "./mask.ts";
import { OutputLines } from "./output-lines.ts";

export class BuildLog {
  readonly #buildId: string;
  readonly #clock: Clock;
  readonly #emit: (event: BuildEvent) => void | Promise<void>;
  #secrets: SecretSet = createSecretSet([]);

  constructor(buildId: string, clock: Clock, emit: (event: BuildEvent) => void | Promise<void>) {
    this.#buildId = buildId;
    this.#clock = clock;
    this.#emit = emit;
  }

  /** From now on these values are hidden. */
  hide(values: readonly string[]): void {
    this.#secrets = createSecretSet(values);
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

  imagePushed(reference: string, digest: string): void {
    void this.#send({ type: "image-pushed", reference: this.mask(reference), digest });
  }

  finished(buildStatus: BuildStatus, phases: readonly BuildPhase[]): void {
    void this.#send({ type: "build-finished", buildStatus, phases });
  }

  /** Receives one command's bytes; several lines travel in one event (see events.ts). */
  commandOutput(): OutputLines {
    return new OutputLines(this.#secrets.stream(), (text) => this.#send({ type: "log", kind: "output", text }));
  }

  #send(event: EventBody): void | Promise<void> {
    return this.#emit({ buildId: this.#buildId, atMs: this.#clock.nowMs(), ...event });
  }
}

type WithoutBase<E> = E extends unknown ? Omit<E, "buildId" | "atMs"> : never;
type EventBody = WithoutBase<BuildEvent>;
