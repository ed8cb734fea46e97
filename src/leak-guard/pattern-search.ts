/**
 * Many byte patterns looked for in one stream, with bounded memory. Made here rather than taken: what the registry has
 * searches texts held whole, and one `Buffer.indexOf` a pattern costs a pass over the bytes each (bench/leak-guard.mjs
 * prints both). Patterns have no line ends, and in the stream line ends with the indentation behind them are passed over.
 *
 * How: the stream is looked at four bytes at a time, as whole numbers. Any seven bytes in a row hold four that are looked
 * at, whatever the alignment; of each pattern groups of seven bytes are chosen whose words (four a group) stand in a table
 * of bits, small enough for the processor's nearest cache. Almost no word of a stream does. For what does, the pattern is
 * compared byte for byte. A pattern of two groups or more is also found where a line end breaks it: one group stays whole.
 * A shorter one (8 to 13 bytes) has one group only, so around line ends that look like wrapping the text is joined and
 * looked at again.
 */

const WORD_BYTES = 4;
const TABLE_BITS = 17;
const MIN_PATTERN_BYTES = 8;
/** Seven: a word at each alignment. */
const GROUP_BYTES = 2 * WORD_BYTES - 1;
/** Where a text is wrapped, its lines are at least so long: a pattern of this many bytes more has one break more. */
const BYTES_A_BREAK = 24;
const WINDOW_BYTES = 256 * 1024;
const MIN_WINDOW_BYTES = 4096;
/** Spaces behind a line end that are passed over. */
const MAX_INDENT = 64;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

export interface Hit<T> {
  readonly value: T;
  /** Place of the first byte in the stream. */
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
  /** Line ends lie within. */
  readonly isWrapped: boolean;
  /** 1-based; undefined unless lines are counted. */
  readonly line: number | undefined;
}

interface Candidate {
  readonly pattern: number;
  /** Of the word in the pattern. */
  readonly offset: number;
}

type Found = (pattern: number, start: number, end: number) => void;

export class PatternSet<T> {
  readonly #patterns: readonly { readonly bytes: Uint8Array; readonly value: T }[];
  /** A bit a hash. */
  readonly #table = new Int32Array(1 << (TABLE_BITS - 5));
  readonly #candidates = new Map<number, Candidate[]>();
  /** Patterns of one group, to be looked for around line ends, and how long they are at most. */
  readonly #short: PatternSet<number> | undefined;
  readonly #shortBytes: number;
  readonly #windows: Buffer[] = [];
  /** An occurrence with its breaks is not longer. */
  readonly mostBytes: number;

  /** Throws for a pattern below eight bytes, or with a line end. */
  constructor(patterns: readonly { readonly bytes: Uint8Array; readonly value: T }[], looksAroundLineEnds = true) {
    this.#patterns = patterns.map(({ bytes, value }) => ({ bytes, value }));
    let longest = 0;
    const short: { bytes: Uint8Array; value: number }[] = [];
    for (const [index, { bytes }] of this.#patterns.entries()) {
      if (bytes.length < MIN_PATTERN_BYTES || bytes.includes(LINE_FEED)) {
        throw new Error("a pattern has at least eight bytes and no line end");
      }
      longest = Math.max(longest, bytes.length);
      this.#addGroups(index, bytes);
      if (bytes.length < 2 * GROUP_BYTES) short.push({ bytes, value: index });
    }
    this.#short = looksAroundLineEnds && short.length > 0 ? new PatternSet(short, false) : undefined;
    this.#shortBytes = Math.max(0, ...short.map(({ bytes }) => bytes.length));
    this.mostBytes = longest + (Math.ceil(longest / BYTES_A_BREAK) + 1) * (MAX_INDENT + 2);
  }

  get isEmpty(): boolean {
    return this.#patterns.length === 0;
  }

  get size(): number {
    return this.#patterns.length;
  }

  valueOf(pattern: number): T {
    return (this.#patterns[pattern] as { readonly value: T }).value;
  }

  /** A search of one stream. Hits come in the order in which they are found, each once. */
  stream(onHit: (hit: Hit<T>) => void, options: { readonly countsLines?: boolean } = {}): StreamSearch<T> {
    return new StreamSearch(this, onHit, options.countsLines ?? false);
  }

  /** The hits in bytes that are complete in themselves. */
  hitsIn(bytes: Uint8Array, options: { readonly countsLines?: boolean } = {}): Hit<T>[] {
    const hits: Hit<T>[] = [];
    if (bytes.length < MIN_PATTERN_BYTES) return hits;
    const search = this.stream((hit) => hits.push(hit), options);
    search.push(bytes);
    search.end();
    return hits;
  }

  /** A text with `***` for every occurrence. */
  redact(text: string): string {
    const bytes = Buffer.from(text);
    const hits = this.hitsIn(bytes).sort((a, b) => a.start - b.start);
    if (hits.length === 0) return text;
    let shown = "";
    let shownTo = 0;
    for (const { start, end } of hits) {
      if (start >= shownTo) shown += `${bytes.toString("utf8", shownTo, start)}***`;
      shownTo = Math.max(shownTo, end);
    }
    return shown + bytes.toString("utf8", shownTo);
  }

  /** Looks at the bytes of a window before `length`. The window begins where a whole number may. */
  scan(window: Buffer, length: number, found: Found): void {
    const words = new Int32Array(window.buffer, window.byteOffset, length >> 2);
    const table = this.#table;
    for (let index = 0; index < words.length; index++) {
      const word = words[index] as number;
      const hash = Math.imul(word, 0x9e3779b1) >>> (32 - TABLE_BITS);
      if (((table[hash >>> 5] as number) & (1 << (hash & 31))) !== 0) {
        this.#compare(window, length, word, index * WORD_BYTES, found);
      }
    }
    if (this.#short) this.#scanLineEnds(window, length, this.#short, found);
  }

  #compare(bytes: Uint8Array, length: number, word: number, at: number, found: Found): void {
    const candidates = this.#candidates.get(word);
    if (!candidates) return;
    for (const { pattern, offset } of candidates) {
      const wanted = (this.#patterns[pattern] as { readonly bytes: Uint8Array }).bytes;
      const end = endOf(bytes, length, wanted, at, offset);
      if (end === -1) continue;
      const start = startOf(bytes, wanted, at, offset);
      if (start !== -1) found(pattern, start, end);
    }
  }

  /** Where the text goes on behind a line end as if there were none, the short patterns are looked for across it. */
  #scanLineEnds(window: Buffer, length: number, short: PatternSet<number>, found: Found): void {
    const reach = this.#shortBytes;
    let joint: Buffer | undefined;
    for (let at = window.indexOf(LINE_FEED); at !== -1 && at < length; at = window.indexOf(LINE_FEED, at + 1)) {
      const left = at > 0 && window[at - 1] === CARRIAGE_RETURN ? at - 1 : at;
      // Sentences, blocks and lists end a line otherwise; what is encoded does not.
      if (left === 0 || !MAY_GO_ON[window[left - 1] as number]) continue;
      const right = behindBreak(window, length, left);
      if (right === -1 || right >= length || !MAY_GO_ON[window[right] as number]) continue;
      joint ??= Buffer.from(new ArrayBuffer(roundedUp(2 * reach)));
      const from = Math.max(0, left - reach + 1);
      const before = left - from;
      const joined = before + window.copy(joint, before, right, Math.min(length, right + reach - 1));
      window.copy(joint, 0, from, left);
      short.scan(joint, joined, (pattern, start, end) => {
        if (start < before && end > before) found(short.valueOf(pattern), from + start, right + end - before);
      });
    }
  }

  /** Groups spread over the pattern, more than it can have breaks: one at least lies between two of them. */
  #addGroups(pattern: number, bytes: Uint8Array): void {
    const groups =
      bytes.length < 2 * GROUP_BYTES ? 1 : 2 + Math.floor((bytes.length - 2 * GROUP_BYTES) / BYTES_A_BREAK);
    const room = bytes.length - GROUP_BYTES;
    for (let group = 0; group < groups; group++) {
      const from = groups === 1 ? 0 : Math.floor((room * group) / (groups - 1));
      for (let offset = from; offset < from + WORD_BYTES; offset++) this.#addWord(pattern, offset, bytes);
    }
  }

  #addWord(pattern: number, offset: number, bytes: Uint8Array): void {
    // As the machine reads it.
    const word = new Int32Array(Uint8Array.from(bytes.subarray(offset, offset + WORD_BYTES)).buffer)[0] as number;
    const hash = Math.imul(word, 0x9e3779b1) >>> (32 - TABLE_BITS);
    this.#table[hash >>> 5] = (this.#table[hash >>> 5] as number) | (1 << (hash & 31));
    const known = this.#candidates.get(word);
    if (!known) this.#candidates.set(word, [{ pattern, offset }]);
    else if (!known.some((one) => one.pattern === pattern && one.offset === offset)) known.push({ pattern, offset });
  }

  /** A window of the usual size, used before if possible: most files of a tree are small and many. */
  takeWindow(): Buffer {
    return this.#windows.pop() ?? newWindow(Math.max(WINDOW_BYTES, 4 * this.mostBytes));
  }

  giveBack(window: Buffer): void {
    if (this.#windows.length < 4) this.#windows.push(window);
  }
}

/** Bytes of one stream, in order; `end` once. Chunks are copied: their memory may be used again. */
export class StreamSearch<T> {
  readonly #set: PatternSet<T>;
  readonly #onHit: (hit: Hit<T>) => void;
  readonly #countsLines: boolean;
  #window: Buffer | undefined;
  #filled = 0;
  /** Place of the window's first byte in the stream. */
  #base = 0;
  /** Bytes at the window's start that have been looked at: they stay for what begins in them. */
  #seen = 0;
  /** Line ends before the window. */
  #lines = 0;
  /** Where a pattern was found last, by pattern. */
  #lastStarts: Map<number, number> | undefined;

  constructor(set: PatternSet<T>, onHit: (hit: Hit<T>) => void, countsLines: boolean) {
    this.#set = set;
    this.#onHit = onHit;
    this.#countsLines = countsLines;
  }

  push(chunk: Uint8Array): void {
    for (let done = 0; done < chunk.length; ) {
      this.#window ??= this.#set.takeWindow();
      const part = chunk.subarray(done, done + this.#window.length - this.#filled);
      this.#window.set(part, this.#filled);
      this.#filled += part.length;
      done += part.length;
      if (this.#filled === this.#window.length) this.#search(false);
    }
  }

  end(): void {
    if (!this.#window) return;
    if (this.#filled > this.#seen) this.#search(true);
    this.#set.giveBack(this.#window);
    this.#window = undefined;
  }

  #search(isEnd: boolean): void {
    const window = this.#window as Buffer;
    this.#set.scan(window, this.#filled, (pattern, from, to) => this.#found(window, pattern, from, to));
    if (isEnd) return;
    // What begins at the end of the window is only seen with what follows.
    const kept = Math.min(this.#set.mostBytes, this.#filled - 1);
    const gone = this.#filled - kept;
    if (this.#countsLines) this.#lines += lineEnds(window, gone);
    window.copyWithin(0, gone, this.#filled);
    this.#base += gone;
    this.#filled = kept;
    this.#seen = kept;
  }

  #found(window: Buffer, pattern: number, from: number, to: number): void {
    const start = this.#base + from;
    this.#lastStarts ??= new Map();
    // A pattern has several words, and the end of a window is looked at twice.
    if (start <= (this.#lastStarts.get(pattern) ?? -1)) return;
    this.#lastStarts.set(pattern, start);
    this.#onHit({
      value: this.#set.valueOf(pattern),
      start,
      end: this.#base + to,
      isWrapped: window.subarray(from, to).includes(LINE_FEED),
      line: this.#countsLines ? this.#lines + lineEnds(window, from) + 1 : undefined,
    });
  }
}

const roundedUp = (bytes: number): number => Math.ceil(bytes / WORD_BYTES) * WORD_BYTES;

/** At a place where whole numbers may be read. */
const newWindow = (bytes: number): Buffer => Buffer.from(new ArrayBuffer(roundedUp(Math.max(MIN_WINDOW_BYTES, bytes))));

/** What a line of something encoded or escaped ends or begins with. */
const MAY_GO_ON: readonly boolean[] = Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9+/_%&\\~!@#$^*'"=-]/.test(String.fromCharCode(byte)),
);

/** Behind the last byte of the pattern whose byte `offset` lies at `at`; -1 where it is another text. */
function endOf(bytes: Uint8Array, length: number, wanted: Uint8Array, at: number, offset: number): number {
  let place = at;
  for (let index = offset; index < wanted.length; index++) {
    if (place < length && bytes[place] === wanted[index]) {
      place++;
      continue;
    }
    place = behindBreak(bytes, length, place);
    if (place === -1 || place >= length || bytes[place] !== wanted[index]) return -1;
    place++;
  }
  return place;
}

/** Where the pattern begins whose byte `offset` lies at `at`; -1 where it is another text. */
function startOf(bytes: Uint8Array, wanted: Uint8Array, at: number, offset: number): number {
  let place = at;
  for (let index = offset - 1; index >= 0; index--) {
    if (place > 0 && bytes[place - 1] === wanted[index]) {
      place--;
      continue;
    }
    place = beforeBreak(bytes, place);
    if (place <= 0 || bytes[place - 1] !== wanted[index]) return -1;
    place--;
  }
  return place;
}

function behindBreak(bytes: Uint8Array, length: number, at: number): number {
  let place = at;
  if (place < length && bytes[place] === CARRIAGE_RETURN) place++;
  if (place >= length || bytes[place] !== LINE_FEED) return -1;
  place++;
  const most = Math.min(length, place + MAX_INDENT);
  while (place < most && (bytes[place] === SPACE || bytes[place] === TAB)) place++;
  return place;
}

function beforeBreak(bytes: Uint8Array, at: number): number {
  let place = at;
  const least = Math.max(0, place - MAX_INDENT);
  while (place > least && (bytes[place - 1] === SPACE || bytes[place - 1] === TAB)) place--;
  if (place === 0 || bytes[place - 1] !== LINE_FEED) return -1;
  place--;
  if (place > 0 && bytes[place - 1] === CARRIAGE_RETURN) place--;
  return place;
}

function lineEnds(bytes: Buffer, before: number): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_FEED); at !== -1 && at < before; at = bytes.indexOf(LINE_FEED, at + 1)) count++;
  return count;
}
