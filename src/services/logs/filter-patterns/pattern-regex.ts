/**
 * The regular expressions between `%` of filter patterns: AWS's limited syntax, matched in time that grows with the text
 * alone. A backtracking engine would let `%.*.*.*x%` stop the endpoint, and sets of states that are made as texts need them
 * `%a[ab]{900}c%`; here all places that a match may be at are bits, and a character moves all of them at once.
 * Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html; the method is the extended
 * Shift-And of Navarro and Raffinot, "Flexible Pattern Matching in Strings", with a carry for what may be passed over.
 * Gaps: how AWS treats characters that are not ASCII; here `.` and negated classes match them, nothing else does.
 */

/** One bit a character; the last place stands for all that is not ASCII. */
type CharSet = Uint8Array;

const OTHER = 128;
const LITERAL = /[A-Za-z0-9_#=@/;,:\- ]/;
const QUANTIFIER = /[*+?{]/;
const REPEAT = /\{(\d{1,4})(,(\d{0,4}))?\}/y;
/** Each costs every character of a text: a pattern is at most 1,024 characters long, so only `{…}` gets there. */
const MAX_PLACES = 1_000;
const WORD_BITS = 32;
const MAX_WORD = 0xffff_ffff;

/** What a match may wait for. */
interface Place {
  readonly kind: "char" | "start" | "end" | "match";
  readonly chars?: CharSet;
  /** It may stay after a character, for another one. */
  readonly isRepeated?: boolean;
  /** It may go on without a character. */
  readonly isOptional?: boolean;
}

/** Tells whether a text holds a match, or undefined when `source` is not in AWS's syntax. */
export function compilePatternRegex(source: string): ((text: string) => boolean) | undefined {
  const compiler = new Compiler(source);
  const isValid = source !== "" && compiler.compile();
  return isValid ? matcherOf(compiler.places) : undefined;
}

/** Makes the places: alternatives of sequences of atoms, each with at most one quantifier. There are no groups. */
class Compiler {
  /** Each alternative ends with a `match`. */
  readonly places: Place[] = [];
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** False for what is not in the syntax or too big. */
  compile(): boolean {
    do {
      while (this.#at < this.#source.length && this.#source[this.#at] !== "|") {
        if (!this.#atom() || this.places.length > MAX_PLACES) return false;
      }
      this.places.push({ kind: "match" });
    } while (this.#source[this.#at++] === "|");
    return true;
  }

  #atom(): boolean {
    const char = this.#source[this.#at] as string;
    if (char === "^" || char === "$") {
      this.#at++;
      this.places.push({ kind: char === "^" ? "start" : "end" });
      return true;
    }
    const chars = this.#chars();
    if (!chars) return false;
    const quantity = QUANTIFIER.test(this.#source[this.#at] ?? "") ? this.#quantity() : { min: 1, max: 1 };
    if (!quantity) return false;
    this.#repeat({ kind: "char", chars }, quantity);
    return true;
  }

  #repeat(place: Place, { min, max }: Quantity): void {
    const isEndless = max === Number.POSITIVE_INFINITY;
    const once = isEndless && min > 0 ? min - 1 : min;
    for (let i = 0; i < once; i++) this.places.push(place);
    if (isEndless) this.places.push({ ...place, isRepeated: true, isOptional: min === 0 });
    else for (let i = min; i < max; i++) this.places.push({ ...place, isOptional: true });
  }

  #quantity(): Quantity | undefined {
    const char = this.#source[this.#at];
    if (char !== "{") {
      this.#at++;
      return { min: char === "+" ? 1 : 0, max: char === "?" ? 1 : Number.POSITIVE_INFINITY };
    }
    REPEAT.lastIndex = this.#at;
    const [whole, low, comma, high] = REPEAT.exec(this.#source) ?? [];
    if (whole === undefined) return undefined;
    this.#at += whole.length;
    const min = Number(low);
    const max = comma === undefined ? min : high ? Number(high) : Number.POSITIVE_INFINITY;
    return min <= max ? { min, max } : undefined;
  }

  /** The characters that one atom matches. */
  #chars(): CharSet | undefined {
    const char = this.#source[this.#at++] as string;
    if (char === ".") return negated(setOf("\n"));
    if (char === "[") return this.#class();
    if (char === "\\") return this.#escaped();
    return LITERAL.test(char) ? setOf(char) : undefined;
  }

  #class(): CharSet | undefined {
    const isNegated = this.#source[this.#at] === "^";
    if (isNegated) this.#at++;
    const chars = new Uint8Array(OTHER + 1);
    for (let isFirst = true; this.#source[this.#at] !== "]" || isFirst; isFirst = false) {
      const item = this.#classItem();
      if (!item) return undefined;
      const isRange = this.#source[this.#at] === "-" && !["]", undefined].includes(this.#source[this.#at + 1]);
      if (!isRange) {
        add(chars, item);
        continue;
      }
      this.#at++;
      const to = this.#classItem();
      const [low, high] = [onlyChar(item), to && onlyChar(to)];
      if (low === undefined || high === undefined || low > high) return undefined;
      chars.fill(1, low, high + 1);
    }
    this.#at++;
    return isNegated ? negated(chars) : chars;
  }

  #classItem(): CharSet | undefined {
    const char = this.#source[this.#at++];
    if (char === undefined || char.charCodeAt(0) >= OTHER) return undefined;
    if (char === "\\") return this.#escaped();
    return LITERAL.test(char) || "^$?{}|*+.".includes(char) ? setOf(char) : undefined;
  }

  #escaped(): CharSet | undefined {
    const char = this.#source[this.#at++];
    if (char === undefined || char.charCodeAt(0) >= OTHER) return undefined;
    const known = CLASSES[char];
    if (known) return known;
    if (char !== "x") return /[A-Za-z0-9]/.test(char) ? undefined : setOf(char);
    const hex = /^[0-7][0-9A-Fa-f]/.exec(this.#source.slice(this.#at))?.[0];
    if (hex === undefined) return undefined;
    this.#at += hex.length;
    return setOf(String.fromCharCode(Number.parseInt(hex, 16)));
  }
}

interface Quantity {
  readonly min: number;
  readonly max: number;
}

function setOf(chars: string): CharSet {
  const set = new Uint8Array(OTHER + 1);
  for (const char of chars) set[char.charCodeAt(0)] = 1;
  return set;
}

const negated = (chars: CharSet): CharSet => chars.map((has) => 1 - has);

function add(to: CharSet, from: CharSet): void {
  from.forEach((has, index) => {
    if (has) to[index] = 1;
  });
}

function onlyChar(chars: CharSet): number | undefined {
  const first = chars.indexOf(1);
  return chars.indexOf(1, first + 1) < 0 ? first : undefined;
}

const DIGITS = setOf("0123456789");
const SPACES = setOf(" \t\n\r\f\v");
const WORD = setOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
const CLASSES: Readonly<Record<string, CharSet>> = {
  d: DIGITS,
  D: negated(DIGITS),
  s: SPACES,
  S: negated(SPACES),
  w: WORD,
  W: negated(WORD),
};

/** Bits, one a place. */
type Bits = Uint32Array;

function matcherOf(places: readonly Place[]): (text: string) => boolean {
  const words = Math.ceil(places.length / WORD_BITS);
  const bitsOf = (isIn: (place: Place, index: number) => boolean | undefined): Bits => {
    const bits = new Uint32Array(words);
    places.forEach((place, index) => {
      if (isIn(place, index)) bits[index >>> 5] = (bits[index >>> 5] as number) | (1 << (index & 31));
    });
    return bits;
  };
  const first = bitsOf((_, index) => index === 0 || places[index - 1]?.kind === "match");
  const matched = bitsOf(({ kind }) => kind === "match");
  const repeated = bitsOf(({ isRepeated }) => isRepeated);
  const passable = (...kinds: readonly Place["kind"][]): Bits =>
    bitsOf(({ kind, isOptional }) => isOptional || kinds.includes(kind));
  const [anywhere, atStart, atEnd, inNothing] = [
    passable(),
    passable("start"),
    passable("end"),
    passable("start", "end"),
  ];
  const byCode: (Bits | undefined)[] = [];
  const start = Uint32Array.from(first);
  const isMatch = (now: Bits): boolean => now.some((word, i) => (word & (matched[i] as number)) !== 0);
  passOver(start, atStart);
  const matchesAll = isMatch(start);

  return (text) => {
    if (matchesAll) return true;
    const now = Uint32Array.from(text === "" ? first : start);
    for (let at = 0; at < text.length; at++) {
      const code = Math.min(text.charCodeAt(at), OTHER);
      byCode[code] ??= bitsOf(({ chars }) => chars?.[code] === 1);
      const taking = byCode[code];
      let [shifted, carry, found] = [0, 0, 0];
      for (let i = 0; i < words; i++) {
        const taken = (now[i] as number) & (taking[i] as number);
        // A match may begin after any character.
        const reached = (taken << 1) | shifted | (taken & (repeated[i] as number)) | (first[i] as number);
        shifted = taken >>> 31;
        const over = anywhere[i] as number;
        const sum = ((reached & over) >>> 0) + over + carry;
        carry = sum > MAX_WORD ? 1 : 0;
        const word = (sum ^ over) | reached;
        now[i] = word;
        found |= word & (matched[i] as number);
      }
      if (found !== 0) return true;
    }
    passOver(now, text === "" ? inNothing : atEnd);
    return isMatch(now);
  };
}

/**
 * Moves on from each place that may be passed over, also from those that are reached so: one addition, whose carry runs
 * through what may be passed over. Done once more, in line, for each character.
 */
function passOver(now: Bits, passable: Bits): void {
  let carry = 0;
  for (let i = 0; i < now.length; i++) {
    const [from, over] = [now[i] as number, passable[i] as number];
    const sum = ((from & over) >>> 0) + over + carry;
    carry = sum > MAX_WORD ? 1 : 0;
    now[i] = (sum ^ over) | from;
  }
}
