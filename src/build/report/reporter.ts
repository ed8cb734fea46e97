/**
 * The reporter port: shows a build's events to somebody. Adapters: tty.ts (live), plain.ts, aws.ts (CodeBuild's own log),
 * json.ts, quiet.ts.
 *
 * Life cycle: `event` for each event in order, then `close` exactly once, also after a failure or Ctrl-C: it restores the
 * terminal. Reporters write where they are told to, never elsewhere; they show masked text as it comes. An output event may
 * carry one line or several (`BuildRunner.events` with `joined`).
 */
import type { Clock } from "../../core/clock.ts";
import type { BuildEvent } from "../run/events.ts";

export interface Reporter {
  event(event: BuildEvent): void;
  close(): void;
}

/** Where a reporter writes. */
export interface ReportOutput {
  write(text: string): void;
  /** Width of the terminal; 80 when unknown. */
  readonly columns?: number | undefined;
}

export interface ReportOptions {
  readonly output: ReportOutput;
  readonly clock: Clock;
  /** ANSI colours; never the only signal. */
  readonly colour: boolean;
  /** Signs beyond ASCII may be drawn; default true. Commands and their output are shown as they come. */
  readonly unicode?: boolean;
}
