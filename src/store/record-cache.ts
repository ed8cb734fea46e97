/**
 * Records that were read or written lately, so that the read path of a request asks SQLite nothing. Used by
 * sqlite-store.ts, which decides when entries stop being true (own writes, rollbacks, other processes' commits).
 * Bounded by the size of the texts; the oldest half goes when it is full.
 */

/** What is known of one key: its JSON text, or that there is no record. */
export interface CacheEntry {
  /** Undefined: no record. */
  readonly text: string | undefined;
  /** The parsed text, made on the first read and frozen: every reader gets the same object. */
  value?: unknown;
}

const MAX_CHARACTERS = 2 * 1024 * 1024;
/** What an entry costs besides its text and key, roughly, so that many small or absent ones are bounded too. */
const ENTRY_CHARACTERS = 100;

export class RecordCache {
  readonly #maxCharacters: number;
  #young = new Map<string, CacheEntry>();
  #old = new Map<string, CacheEntry>();
  #youngCharacters = 0;

  constructor(maxCharacters = MAX_CHARACTERS) {
    this.#maxCharacters = maxCharacters;
  }

  get(id: string): CacheEntry | undefined {
    const young = this.#young.get(id);
    if (young !== undefined) return young;
    const old = this.#old.get(id);
    if (old !== undefined) this.set(id, old);
    return old;
  }

  set(id: string, entry: CacheEntry): void {
    const characters = id.length + (entry.text?.length ?? 0) + ENTRY_CHARACTERS;
    if (characters > this.#maxCharacters / 4) {
      this.delete(id);
      return;
    }
    // Two generations: what was not asked for during a whole one is dropped with it.
    if (this.#youngCharacters + characters > this.#maxCharacters / 2) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngCharacters = 0;
    }
    this.#youngCharacters += characters;
    this.#young.set(id, entry);
  }

  /** Like `set`, but only for a key that is there: what nobody reads is not kept. */
  replace(id: string, entry: CacheEntry): void {
    if (this.#young.has(id) || this.#old.has(id)) this.set(id, entry);
  }

  delete(id: string): void {
    this.#young.delete(id);
    this.#old.delete(id);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngCharacters = 0;
  }
}

/** The parsed value of an entry that has a text. */
export function parsedValue<T>(entry: CacheEntry): T | undefined {
  if (entry.text === undefined) return undefined;
  if (entry.value === undefined) entry.value = deepFreeze(JSON.parse(entry.text));
  return entry.value as T;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}
