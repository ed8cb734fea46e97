/**
 * Finding a run of a pattern (what stands between two stars) in a value. Short runs are searched piece by piece; long ones,
 * and those with many `?`, by the bit-parallel shift-and method, which looks at each character of the value once and costs
 * (length of value × length of run / 32) whatever either holds.
 */

/** What stands between two stars: literal pieces at fixed places; every other place takes any character. */
export interface Run {
  readonly length: number;
  readonly pieces: readonly { readonly at: number; readonly text: string }[];
}

/** The caller has checked that the run fits there. */
export function isRunAt(run: Run, value: string, at: number): boolean {
  for (const piece of run.pieces) if (!value.startsWith(piece.text, at + piece.at)) return false;
  return true;
}

const MANY_PIECES = 4;
const LONG_RUN = 256;
/** Beyond, the bits would take more memory than they save time. */
const LONGEST_BITS = 8_192;

/** First position of the run in `value[from, end)`, or -1. */
export function findRun(run: Run, value: string, from: number, end: number): number {
  const latest = end - run.length;
  const [first] = run.pieces;
  if (from > latest) return -1;
  if (!first) return from;
  const isHard = run.pieces.length > MANY_PIECES || run.length > LONG_RUN;
  if (isHard && run.length <= LONGEST_BITS) return findByBits(run, value, from, end);
  // The first piece is searched by the engine; the others are compared where it is found.
  for (let at = from; at <= latest; at++) {
    const found = value.indexOf(first.text, at + first.at);
    if (found === -1) return -1;
    at = found - first.at;
    if (at <= latest && isRunAt(run, value, at)) return at;
  }
  return -1;
}

const WORD_BITS = 32;

interface Masks {
  /** Of each character of the run: a bit for each place that takes it. */
  readonly byCharacter: ReadonlyMap<number, Uint32Array>;
  /** Of all other characters: the places that take any. */
  readonly others: Uint32Array;
}

const masksOfRuns = new WeakMap<Run, Masks>();

function findByBits(run: Run, value: string, from: number, end: number): number {
  const { byCharacter, others } = masksOf(run);
  const state = new Uint32Array(others.length);
  const lastWord = others.length - 1;
  const lastBit = (run.length - 1) % WORD_BITS;
  for (let at = from; at < end; at++) {
    const mask = byCharacter.get(value.charCodeAt(at)) ?? others;
    // Bit i stays set while the last i + 1 characters match the first i + 1 places.
    let carry = 1;
    for (let word = 0; word <= lastWord; word++) {
      const bits = state[word] as number;
      state[word] = ((bits << 1) | carry) & (mask[word] as number);
      carry = bits >>> (WORD_BITS - 1);
    }
    if (((state[lastWord] as number) >>> lastBit) & 1) return at - run.length + 1;
  }
  return -1;
}

function masksOf(run: Run): Masks {
  const known = masksOfRuns.get(run);
  if (known) return known;
  const others = new Uint32Array(Math.ceil(run.length / WORD_BITS)).fill(0xffff_ffff);
  const setPlace = (mask: Uint32Array, place: number, bit: boolean) => {
    const word = Math.floor(place / WORD_BITS);
    const flag = 1 << (place % WORD_BITS);
    mask[word] = bit ? (mask[word] as number) | flag : (mask[word] as number) & ~flag;
  };
  for (const { at, text } of run.pieces) for (let i = 0; i < text.length; i++) setPlace(others, at + i, false);
  const byCharacter = new Map<number, Uint32Array>();
  for (const { at, text } of run.pieces) {
    for (let i = 0; i < text.length; i++) {
      const character = text.charCodeAt(i);
      const mask = byCharacter.get(character) ?? others.slice();
      setPlace(mask, at + i, true);
      byCharacter.set(character, mask);
    }
  }
  const masks = { byCharacter, others };
  masksOfRuns.set(run, masks);
  return masks;
}
