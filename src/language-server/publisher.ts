/**
 * Says what is wrong, soon after a text was opened, changed or saved: one check a buildspec, the last version only. A
 * check that throws is logged, and what was said before stays.
 */
import type { Diagnostic as LspDiagnostic } from "vscode-languageserver-protocol";
import type { Clock } from "../core/clock.ts";

/** Long enough that what an editor sends in one go is checked once, short enough not to be noticed. */
const DEBOUNCE_MS = 25;

export interface PublisherOptions {
  readonly clock: Clock;
  /** What is wrong by the URI of the file it is in; undefined when nothing can be said about the document. */
  check(uri: string): Promise<{ readonly version: number; readonly found: Map<string, LspDiagnostic[]> } | undefined>;
  send(params: { uri: string; version?: number; diagnostics: LspDiagnostic[] }): void;
  failed(error: unknown): void;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #timers = new Map<string, { cancel(): void }>();
  /** File → buildspec → what the check of the buildspec says about the file. */
  readonly #said = new Map<string, Map<string, LspDiagnostic[]>>();
  /** How often each buildspec was scheduled; an answer to an earlier one is thrown away. */
  readonly #wanted = new Map<string, number>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Checks the document after a moment without another call; at once with `isUrgent`. */
  schedule(uri: string, isUrgent = false): void {
    this.#timers.get(uri)?.cancel();
    const wanted = (this.#wanted.get(uri) ?? 0) + 1;
    this.#wanted.set(uri, wanted);
    const run = (): void => {
      this.#timers.delete(uri);
      this.#run(uri, wanted).catch((error: unknown) => this.#options.failed(error));
    };
    if (isUrgent) run();
    else this.#timers.set(uri, this.#options.clock.after(DEBOUNCE_MS, run));
  }

  /** Takes back what was said because of the document. */
  forget(uri: string): void {
    this.#timers.get(uri)?.cancel();
    this.#timers.delete(uri);
    this.#wanted.delete(uri);
    this.#say(uri, new Map(), undefined);
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#wanted.clear();
  }

  async #run(uri: string, wanted: number): Promise<void> {
    const checked = await this.#options.check(uri);
    if (this.#wanted.get(uri) !== wanted) return;
    if (checked) this.#say(uri, checked.found, checked.version);
    else this.#say(uri, new Map(), undefined);
  }

  #say(buildspec: string, found: ReadonlyMap<string, LspDiagnostic[]>, version: number | undefined): void {
    const before = [...this.#said].filter(([, sources]) => sources.has(buildspec)).map(([uri]) => uri);
    for (const uri of new Set([...before, ...found.keys()])) {
      const sources = this.#said.get(uri) ?? new Map<string, LspDiagnostic[]>();
      const diagnostics = found.get(uri);
      if (diagnostics) sources.set(buildspec, diagnostics);
      else sources.delete(buildspec);
      if (sources.size > 0) this.#said.set(uri, sources);
      else this.#said.delete(uri);
      this.#options.send({
        uri,
        ...(version !== undefined && uri === buildspec && { version }),
        diagnostics: [...sources.values()].flat(),
      });
    }
  }
}
