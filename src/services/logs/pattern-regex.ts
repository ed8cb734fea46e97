/**
 * The regular expressions between `%` of filter patterns: AWS's limited syntax, matched in time that grows with the text
 * alone. A backtracking engine would let `%.*.*.*x%` stop the endpoint; here the expression is a machine of sets of states
 * that are made as texts need them.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 * Gaps: how AWS treats characters that are not ASCII; here `.` and negated classes match them, nothing else does.
 */

/** One bit a character; the last place stands for all that is not ASCII. */
type CharSet = Uint8Array;

const OTHER = 128;
const LITERAL = /[A-Za-z0-9_#=@/;,:\- ]/;
const QUANTIFIER = /[*+?{]/;
const REPEAT = /\{(\d{1,4})(,(\d{0,4}))?\}/y;
const MAX_STATES = 5_000;
const MAX_KNOWN_SETS = 1_000;

type Step =
  | { readonly kind: "char"; readonly chars: CharSet; next: number }
  | { readonly kind: "fork"; next: number; other: number }
  | { readonly kind: "start" | "end"; next: number }
  | { readonly kind: "match" };

/** Tells whether a text holds a match, or undefined when `source` is not in AWS's syntax. */
export function compilePatternRegex(source: string): ((text: string) => boolean) | undefined {
  const compiler = new Compiler(source);
  const isValid = source !== "" && compiler.compile();
  return isValid ? new Machine(compiler.steps, compiler.starts).matcher() : undefined;
}

/** Makes the steps: alternatives of sequences of atoms, each with at most one quantifier. There are no groups. */
class Compiler {
  readonly steps: Step[] = [{ kind: "match" }];
  readonly starts: number[] = [];
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** False for what is not in the syntax or too big. */
  compile(): boolean {
    do {
      const first = this.steps.length;
      this.starts.push(first);
      while (this.#at < this.#source.length && this.#source[this.#at] !== "|") {
        if (!this.#atom() || this.steps.length > MAX_STATES) return false;
      }
      this.#add({ kind: "fork", next: 0, other: 0 });
    } while (this.#source[this.#at++] === "|");
    return true;
  }

  #add(step: Step): void {
    this.steps.push(step);
  }

  #atom(): boolean {
    const char = this.#source[this.#at] as string;
    if (char === "^" || char === "$") {
      this.#at++;
      this.#add({ kind: char === "^" ? "start" : "end", next: this.steps.length + 1 });
      return true;
    }
    const chars = this.#chars();
    if (!chars) return false;
    const quantity = QUANTIFIER.test(this.#source[this.#at] ?? "") ? this.#quantity() : { min: 1, max: 1 };
    if (!quantity) return false;
    this.#repeat(chars, quantity);
    return true;
  }

  #repeat(chars: CharSet, { min, max }: Quantity): void {
    for (let i = 0; i < min; i++) this.#add({ kind: "char", chars, next: this.steps.length + 1 });
    if (max === Number.POSITIVE_INFINITY) {
      const fork = this.steps.length;
      this.#add({ kind: "fork", next: fork + 1, other: fork + 2 });
      this.#add({ kind: "char", chars, next: fork });
      return;
    }
    const after = this.steps.length + 2 * (max - min);
    for (let i = min; i < max && this.steps.length <= MAX_STATES; i++) {
      this.#add({ kind: "fork", next: this.steps.length + 1, other: after });
      this.#add({ kind: "char", chars, next: this.steps.length + 1 });
    }
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

/** Steps that a match may be at, all at once. */
interface StateSet {
  readonly steps: readonly number[];
  readonly hasMatch: boolean;
  readonly matchesAtEnd: boolean;
  readonly next: (StateSet | undefined)[];
}

class Machine {
  readonly #steps: readonly Step[];
  readonly #starts: readonly number[];
  #known = new Map<string, StateSet>();

  constructor(steps: readonly Step[], starts: readonly number[]) {
    this.#steps = steps;
    this.#starts = starts;
  }

  matcher(): (text: string) => boolean {
    const start = this.#setOf(this.#starts, true);
    return (text) => {
      let set = start;
      for (let i = 0; i < text.length && !set.hasMatch; i++) {
        const code = Math.min(text.charCodeAt(i), OTHER);
        set = set.next[code] ??= this.#after(set, code);
      }
      return set.hasMatch || set.matchesAtEnd;
    };
  }

  /** A match may begin after any character. */
  #after(set: StateSet, code: number): StateSet {
    const reached = set.steps.flatMap((at) => {
      const step = this.#steps[at] as Step;
      return step.kind === "char" && step.chars[code] ? [step.next] : [];
    });
    return this.#setOf([...reached, ...this.#starts], false);
  }

  #setOf(from: readonly number[], isAtStart: boolean): StateSet {
    const steps = this.#closure(from, isAtStart, false);
    const key = steps.join();
    const known = this.#known.get(key);
    if (known) return known;
    // Forgotten sets are made again when they are needed; those under way keep what they point at.
    if (this.#known.size >= MAX_KNOWN_SETS) {
      for (const old of this.#known.values()) old.next.length = 0;
      this.#known = new Map();
    }
    const set: StateSet = {
      steps,
      hasMatch: steps.includes(0),
      matchesAtEnd: this.#closure(steps, isAtStart, true).includes(0),
      next: [],
    };
    this.#known.set(key, set);
    return set;
  }

  /** All steps that are reached without a character. */
  #closure(from: readonly number[], isAtStart: boolean, isAtEnd: boolean): number[] {
    const seen = new Set<number>();
    const open = [...from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const step = this.#steps[at] as Step;
      if (step.kind === "fork") open.push(step.next, step.other);
      else if ((step.kind === "start" && isAtStart) || (step.kind === "end" && isAtEnd)) open.push(step.next);
    }
    return [...seen].sort((a, b) => a - b);
  }
}
