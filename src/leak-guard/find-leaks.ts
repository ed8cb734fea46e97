/**
 * The leak guard: searches what a build left behind for the secrets that it was given. Reads only; what it answers names
 * secrets and places, never a value. Nothing happens for a build that was given none.
 */
import type { BuildOutput } from "../build/run/build-output.ts";
import type { BuildEvent, Leak, LeakCheck } from "../build/run/events.ts";
import { CONTENT_LIMITS, type ContentLimits, ContentSearch, type ContentSearchInput } from "./content-search.ts";
import { type DockerfileText, dockerfileLine } from "./dockerfile-lines.ts";
import { type GivenSecret, namesOf } from "./given-secret.ts";
import { hardCodedSecrets } from "./hard-coded-secrets.ts";
import { hasWord, ImageSearch, type PushedImage } from "./image-search.ts";
import { LeakReport, type SearchedForm } from "./leak-report.ts";
import { searchLog } from "./log-search.ts";
import { type Hit, PatternSet } from "./pattern-search.ts";
import { secretForms } from "./secret-forms.ts";
import { worthOf } from "./worth-searching.ts";

export interface LeakSearchInput {
  readonly secrets: readonly GivenSecret[];
  /** The build's, from its start: the log is in them. */
  readonly events: AsyncIterable<BuildEvent>;
  /** Name of the buildspec, for places in it. */
  readonly buildspecFile: string;
  readonly exportedVariables: readonly { readonly name: string; readonly value: string }[];
  readonly outputs: readonly BuildOutput[];
  readonly images: readonly PushedImage[];
  blob(digest: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Asked when an image leaks, for the line that did it. */
  dockerfiles(): Promise<readonly DockerfileText[]>;
  readonly limits?: ContentLimits;
  nowMs(): number;
  /** Ends the search: what was found until then is answered. */
  readonly signal: AbortSignal;
}

export interface FoundLeaks {
  readonly leaks: readonly Leak[];
  readonly check: LeakCheck;
}

/** Searches; undefined where there is no secret to look for. Never rejects because of what is searched. */
export async function findLeaks(input: LeakSearchInput): Promise<FoundLeaks | undefined> {
  const wanted = searchedSecrets(input.secrets);
  if (wanted.count === 0) return undefined;
  if (input.signal.aborted) return notLookedAtAll(wanted);
  return new LeakSearch(input, wanted).run();
}

/** The build was stopped: whoever did that waits for its end. */
const notLookedAtAll = ({ count, notSearched }: WantedSecrets): FoundLeaks => ({
  leaks: [],
  check: {
    ...{ secrets: count, leaks: 0, bytes: 0, durationMs: 0, notSearched },
    notLookedAt: ["what the build left behind: the build was stopped"],
  },
});

interface WantedSecrets {
  readonly patterns: PatternSet<SearchedForm>;
  readonly words: readonly { readonly text: string; readonly value: SearchedForm }[];
  readonly notSearched: readonly string[];
  readonly count: number;
}

/** What is looked for, and how, with what is not and why. */
export function searchedSecrets(secrets: readonly GivenSecret[]): WantedSecrets {
  const patterns: { bytes: Buffer; value: SearchedForm }[] = [];
  const words: { text: string; value: SearchedForm }[] = [];
  const notSearched: string[] = [];
  const known = new Set<string>();
  let count = 0;
  for (const secret of secrets) {
    const worth = worthOf(secret);
    if (worth.search === "nowhere") {
      if (worth.reason !== undefined) notSearched.push(`${namesOf(secret).title}: ${worth.reason}`);
      continue;
    }
    count++;
    for (const value of worth.values) {
      if (worth.search === "settings") words.push({ text: value, value: { secret, form: "raw" } });
      else {
        for (const { form, bytes } of secretForms(value)) {
          const key = bytes.toString("latin1");
          if (!known.has(key)) patterns.push({ bytes, value: { secret, form } });
          known.add(key);
        }
      }
    }
  }
  return { patterns: new PatternSet(patterns), words, notSearched, count };
}

class LeakSearch {
  readonly #input: LeakSearchInput;
  readonly #wanted: WantedSecrets;
  readonly #report = new LeakReport();
  readonly #notLookedAt: string[] = [];
  #bytes = 0;

  constructor(input: LeakSearchInput, wanted: WantedSecrets) {
    this.#input = input;
    this.#wanted = wanted;
  }

  async run(): Promise<FoundLeaks> {
    const { nowMs } = this.#input;
    const startedMs = nowMs();
    await this.#step("the log", () => this.#log());
    this.#exportedVariables();
    for (const output of this.#input.outputs) await this.#step(outputWords(output), () => this.#output(output));
    await this.#images();
    const leaks = this.#report.leaks();
    if (this.#report.beyond > 0) this.#skipped("further places", `${this.#report.beyond} more hits are not listed`);
    return {
      leaks,
      check: {
        secrets: this.#wanted.count,
        leaks: leaks.length,
        bytes: this.#bytes,
        durationMs: nowMs() - startedMs,
        notSearched: this.#wanted.notSearched,
        notLookedAt: this.#notLookedAt,
      },
    };
  }

  /** What goes wrong with one output is named, and the others are searched. */
  async #step(what: string, body: () => Promise<void>): Promise<void> {
    const { signal } = this.#input;
    if (signal.aborted) return this.#skipped(what, stopWords(signal));
    try {
      await body();
    } catch (error) {
      this.#skipped(what, signal.aborted ? stopWords(signal) : error instanceof Error ? error.message : String(error));
    }
  }

  #skipped(what: string, reason: string): void {
    const text = `${this.#wanted.patterns.redact(what)}: ${reason}`;
    if (!this.#notLookedAt.includes(text) && this.#notLookedAt.length < 100) this.#notLookedAt.push(text);
  }

  async #log(): Promise<void> {
    const { events, signal, buildspecFile: file } = this.#input;
    this.#bytes += await searchLog(events, this.#wanted.patterns, signal, ({ hit, line, commandLine }) => {
      const at = commandLine === undefined ? {} : { at: { file, line: commandLine } };
      this.#report.add(hit.value, { kind: "log", line }, { isWrapped: hit.isWrapped, ...at });
    });
  }

  #exportedVariables(): void {
    const { patterns, words } = this.#wanted;
    for (const { name, value } of this.#input.exportedVariables) {
      const place = { kind: "exported-variable", name } as const;
      for (const hit of patterns.hitsIn(Buffer.from(value))) this.#report.add(hit.value, place, hit);
      for (const word of words)
        if (hasWord(value, word.text)) this.#report.add(word.value, place, { isWrapped: false });
    }
  }

  async #output(output: BuildOutput): Promise<void> {
    const search = this.#content({
      onHit: ({ path, hit }) => this.#report.add(hit.value, placeIn(output, path, hit), hit),
      onText: (path, text) => {
        for (const unknown of this.#unknown(text, path)) {
          this.#report.add(unknown.value, placeIn(output, path, unknown), { isWrapped: false });
        }
      },
      onSkipped: (path, reason) => this.#skipped(`${outputWords(output)}, file \`${path}\``, reason),
    });
    try {
      for await (const file of output.files()) {
        this.#input.signal.throwIfAborted();
        await search.file(file.path, file.chunks(), file.sizeBytes).catch((error: unknown) => {
          this.#input.signal.throwIfAborted();
          const reason = error instanceof Error ? error.message : String(error);
          this.#skipped(`${outputWords(output)}, file \`${file.path}\``, reason);
        });
      }
    } finally {
      this.#bytes += search.bytes;
    }
  }

  /** What looks like a secret and is none of the build's own. */
  #unknown(text: string, path: string): { readonly value: SearchedForm; readonly line: number }[] {
    return hardCodedSecrets(text, path).flatMap(({ kind: looks, shown, startOffset, endOffset }) => {
      const own = this.#wanted.patterns.hitsIn(Buffer.from(text.slice(startOffset, endOffset)));
      if (own.length > 0) return [];
      const secret = { origin: { kind: "unknown", looks, shown }, value: "", variables: [] } as const;
      return [{ value: { secret, form: "raw" }, line: text.slice(0, startOffset).split("\n").length }];
    });
  }

  async #images(): Promise<void> {
    const { images, signal } = this.#input;
    const searches: ContentSearch<SearchedForm>[] = [];
    const hits: {
      place: Parameters<LeakReport["add"]>[1] & { kind: "image" };
      hit: Pick<Hit<SearchedForm>, "value" | "isWrapped">;
    }[] = [];
    const search = new ImageSearch<SearchedForm>({
      ...this.#wanted,
      signal,
      blob: (digest) => this.#input.blob(digest),
      content: (told) => {
        const made = this.#content({
          ...told,
          onText: (path, text) => {
            for (const { value, line } of this.#unknown(text, path)) {
              told.onHit({ path, hit: { value, line, start: 0, end: 0, isWrapped: false } });
            }
          },
        });
        searches.push(made);
        return made;
      },
      onHit: (place, hit) => hits.push({ place, hit }),
      onSkipped: (what, reason) => this.#skipped(what, reason),
    });
    for (const image of images) await this.#step(`image ${image.reference}`, () => search.image(image));
    this.#bytes += searches.reduce((sum, { bytes }) => sum + bytes, 0);
    if (hits.length === 0) return;
    const dockerfiles = await this.#input.dockerfiles().catch(() => []);
    for (const { place, hit } of hits) {
      const at = dockerfileLine(place, dockerfiles);
      this.#report.add(hit.value, place, { isWrapped: hit.isWrapped, ...(at ? { at } : {}) });
    }
  }

  #content(told: Pick<ContentSearchInput<SearchedForm>, "onHit" | "onText" | "onSkipped">) {
    const { limits = CONTENT_LIMITS, signal } = this.#input;
    return new ContentSearch<SearchedForm>({ patterns: this.#wanted.patterns, limits, signal, ...told });
  }
}

function outputWords({ kind, name }: BuildOutput): string {
  const of = name === undefined ? "" : ` \`${name}\``;
  return kind === "artifact" ? `the artifacts${of}` : `the ${kind}${of}`;
}

function placeIn({ kind, name }: BuildOutput, path: string, hit: Pick<Hit<unknown>, "line">): Leak["place"] {
  const line = hit.line === undefined ? {} : { line: hit.line };
  switch (kind) {
    case "artifact":
      return { kind, path, ...line, ...(name === undefined ? {} : { artifact: name }) };
    case "report":
      return { kind, path, ...line, group: name ?? "" };
    case "cache":
      return { kind, path, ...line, ...(name === undefined ? {} : { key: name }) };
  }
}

const stopWords = ({ reason }: AbortSignal): string => (typeof reason === "string" ? reason : "the search was stopped");
