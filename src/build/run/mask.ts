/**
 * Hides secrets in a stream of text: every occurrence of every value becomes `***`, wherever chunks are cut.
 * Values are those of Parameter Store and Secrets Manager variables, whole, line by line and, where one is JSON, each text
 * in it; AWS access key ids are hidden by their shape. Overlapping occurrences are hidden as one, so no part of either
 * stays.
 *
 * AWS: literal substrings are replaced; transformed values (base64, URL encoding) and plaintext variables are not
 * (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html, env/parameter-store). AWS does not
 * publish a minimum length or its rule for values of several lines; here 3 characters, whole and line by line.
 */

/** Shorter values are not hidden: they would riddle the log, and say nothing about themselves. */
export const MIN_SECRET_LENGTH = 3;

const ACCESS_KEY_ID = "(?:AKIA|ASIA)[A-Z0-9]{16}";
const ACCESS_KEY_ID_LENGTH = 20;

export interface Masker {
  /** The text that may be shown now; the end is held back while it could be the start of a value. */
  push(text: string): string;
  /** What was held back; the stream is at its end. */
  flush(): string;
  /** What was held back, as it came in: for a masker that takes over. */
  release(): string;
}

export interface SecretSet {
  /** A fresh masker for one stream. */
  stream(): Masker;
  /** Masks a text that is complete in itself. */
  mask(text: string): string;
}

/** The parts of a value that are hidden: itself, each of its lines without surrounding space, the texts of a JSON value. */
export function secretParts(value: string): string[] {
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  const members = textsInJson(value).flatMap((text) => [text, ...text.split(/\r?\n/).map((line) => line.trim())]);
  return [...new Set([value, value.trim(), ...lines, ...members])].filter(isWorthHiding);
}

/** Texts among the members of an object or list, at any depth: `jq -r .password` prints one of them. */
function textsInJson(value: string): string[] {
  if (!/^\s*[[{]/.test(value)) return [];
  const texts: string[] = [];
  try {
    JSON.parse(value, (_key, member: unknown) => {
      if (typeof member === "string") texts.push(member);
      return member;
    });
  } catch {
    return [];
  }
  return texts;
}

/** Long enough, and more than punctuation that a JSON or PEM value shares with any other text. */
const isWorthHiding = (text: string): boolean => text.length >= MIN_SECRET_LENGTH && /[\p{L}\p{N}]/u.test(text);

export function createSecretSet(values: readonly string[]): SecretSet {
  const parts = [...new Set(values.flatMap(secretParts))].sort((a, b) => b.length - a.length);
  const pattern = new RegExp([...parts.map(literally), ACCESS_KEY_ID].join("|"), "g");
  const quick = new RegExp(pattern.source);
  const longest = Math.max(ACCESS_KEY_ID_LENGTH, parts[0]?.length ?? 0);

  const stream = (): Masker => {
    let held = "";
    const take = (atEnd: boolean): string => {
      const text = held;
      const keepFrom = atEnd ? text.length : startOfPossibleValue(text, parts, longest);
      if (keepFrom === text.length && !quick.test(text)) {
        held = "";
        return text;
      }
      let shown = "";
      let shownTo = 0;
      for (const [start, end] of occurrences(text, pattern)) {
        // The end may still grow by an overlapping value: hold the whole of it.
        if (start >= keepFrom || end > keepFrom) {
          held = text.slice(Math.min(start, keepFrom));
          return shown + text.slice(shownTo, Math.min(start, keepFrom));
        }
        shown += `${text.slice(shownTo, start)}***`;
        shownTo = end;
      }
      held = text.slice(keepFrom);
      return shown + text.slice(shownTo, keepFrom);
    };
    return {
      push(text) {
        held = held === "" ? text : held + text;
        return take(false);
      },
      flush: () => take(true),
      release() {
        const text = held;
        held = "";
        return text;
      },
    };
  };

  return {
    stream,
    mask(text) {
      if (!quick.test(text)) return text;
      const masker = stream();
      return masker.push(text) + masker.flush();
    },
  };
}

/** Ranges of occurrences, overlapping ones joined, in order. */
function* occurrences(text: string, pattern: RegExp): Generator<readonly [number, number]> {
  pattern.lastIndex = 0;
  let open: [number, number] | undefined;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const start = match.index;
    const end = start + match[0].length;
    if (open && start < open[1]) open[1] = Math.max(open[1], end);
    else {
      const index = pattern.lastIndex;
      if (open) yield open;
      pattern.lastIndex = index;
      open = [start, end];
    }
    pattern.lastIndex = start + 1;
  }
  if (open) yield open;
}

/** First index from which the rest of `text` is the beginning of some value, or the length of `text`. */
function startOfPossibleValue(text: string, parts: readonly string[], longest: number): number {
  let earliest = text.length;
  const tailStart = Math.max(0, text.length - longest + 1);
  const tail = text.slice(tailStart);
  for (const part of parts) {
    const from = Math.max(0, tail.length - part.length + 1);
    const first = part.slice(0, 1);
    for (let at = tail.indexOf(first, from); at !== -1 && tailStart + at < earliest; at = tail.indexOf(first, at + 1)) {
      if (part.startsWith(tail.slice(at))) earliest = tailStart + at;
    }
  }
  const keyId = /A(?:K(?:I(?:A[A-Z0-9]{0,15})?)?|S(?:I(?:A[A-Z0-9]{0,15})?)?)?$/.exec(
    tail.slice(-ACCESS_KEY_ID_LENGTH + 1),
  );
  if (keyId) earliest = Math.min(earliest, text.length - keyId[0].length);
  return earliest;
}

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
