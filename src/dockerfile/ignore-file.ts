/**
 * `.dockerignore`: which paths of a context are left out. Pure.
 * Rules: one pattern a line by Go's filepath.Match plus `**`; `!` takes back; the last match wins; a match on a parent
 * folder counts for what is below it. Not git's rules: a pattern without a slash matches at the top only.
 * Source: https://docs.docker.com/build/concepts/context/#dockerignore-files
 */

export interface IgnoreRules {
  /** `path` is relative, with forward slashes. */
  isIgnored(path: string): boolean;
  /** True when something below an ignored folder may have been taken back. */
  readonly hasExceptions: boolean;
  readonly isEmpty: boolean;
}

export const parseIgnoreFile = (text: string): IgnoreRules => ignoreRules(ignoreLines(text));

/** Patterns of the file, comments and blanks left out. */
export const ignoreLines = (text: string): string[] =>
  text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.trim())
    .filter((line) => line !== "");

/** Of patterns in the file's order; also `--exclude`. */
export function ignoreRules(lines: readonly string[]): IgnoreRules {
  const rules = lines.flatMap((line) => {
    const isException = line.startsWith("!");
    const pattern = clean(isException ? line.slice(1).trim() : line);
    return pattern === "" ? [] : [{ isException, matches: globMatcher(pattern) }];
  });
  // Which rules a folder matches, by itself or by a folder above: what is below it need not ask again.
  let known = new Map<string, readonly boolean[]>();
  const matchesOf = (path: string): readonly boolean[] => {
    const kept = known.get(path);
    if (kept) return kept;
    const slash = path.lastIndexOf("/");
    const above = slash < 0 ? undefined : matchesOf(path.slice(0, slash));
    const own = rules.map((rule, i) => above?.[i] === true || rule.matches(path));
    if (known.size > MAX_KNOWN) known = new Map();
    known.set(path, own);
    return own;
  };
  return {
    hasExceptions: rules.some((rule) => rule.isException),
    isEmpty: rules.length === 0,
    isIgnored(path) {
      if (path === "" || rules.length === 0) return false;
      let ignored = false;
      for (const [i, matches] of matchesOf(path).entries()) if (matches) ignored = rules[i]?.isException === false;
      return ignored;
    },
  };
}

const MAX_KNOWN = 10_000;

function clean(pattern: string): string {
  const parts: string[] = [];
  for (const part of pattern.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

/** A Go filepath.Match pattern, with `**` for any number of folders, as a test of whole paths. */
export function globMatcher(pattern: string): (path: string) => boolean {
  const tokens = readTokens(pattern);
  const stars = tokens.filter((token) => token.kind !== "one").length;
  if (stars === 0 && tokens.every((token) => token.kind === "one" && typeof token.is === "string")) {
    const literal = tokens.map((token) => (token.kind === "one" ? token.is : "")).join("");
    return (path) => path === literal;
  }
  // A regular expression goes back and forth for every star: with many of them, all places are tried at once instead.
  return stars <= 2 ? asRegExp(tokens) : (path) => simulate(tokens, path);
}

type GlobToken =
  | { readonly kind: "one"; readonly is: string | RegExp }
  /** Any characters but slashes; any characters; nothing, or folders with a slash at their end. */
  | { readonly kind: "star" | "any" | "folders" };

function readTokens(pattern: string): GlobToken[] {
  const tokens: GlobToken[] = [];
  const lastBracket = pattern.lastIndexOf("]");
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? "";
    if (char === "*" && pattern[at + 1] === "*") {
      while (pattern[at + 1] === "*") at++;
      if (pattern[at + 1] === "/") {
        at++;
        tokens.push({ kind: "folders" });
      } else {
        tokens.push({ kind: "any" });
      }
    } else if (char === "*") {
      tokens.push({ kind: "star" });
    } else if (char === "?") {
      tokens.push({ kind: "one", is: /[^/]/s });
    } else if (char === "[") {
      if (lastBracket < at + 2) {
        tokens.push({ kind: "one", is: char });
        continue;
      }
      const end = pattern.indexOf("]", at + 2);
      tokens.push({ kind: "one", is: characterClass(pattern.slice(at + 1, end)) });
      at = end;
    } else if (char === "\\" && at + 1 < pattern.length) {
      tokens.push({ kind: "one", is: pattern[++at] ?? "" });
    } else {
      tokens.push({ kind: "one", is: char });
    }
  }
  return tokens;
}

function characterClass(inside: string): RegExp {
  try {
    return new RegExp(`^[${inside.replace(/[\\[\]]/g, "\\$&")}]$`, "s");
  } catch {
    // A range that runs backwards (`[z-a]`) holds nothing.
    return /^[^\s\S]$/;
  }
}

function asRegExp(tokens: readonly GlobToken[]): (path: string) => boolean {
  const source = tokens.map((token) => {
    if (token.kind === "one") {
      if (typeof token.is === "string") return token.is.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      return `(?!/)${token.is.source.replace(/^\^|\$$/g, "")}`;
    }
    return { star: "[^/]*", any: ".*", folders: "(?:.*/)?" }[token.kind];
  });
  const whole = new RegExp(`^${source.join("")}$`, "s");
  return (path) => whole.test(path);
}

/** All positions in the pattern at once, character by character. */
function simulate(tokens: readonly GlobToken[], path: string): boolean {
  let at = new Set<number>();
  const enter = (set: Set<number>, position: number): void => {
    for (let next = position; !set.has(next); next++) {
      set.add(next);
      if (next >= tokens.length || tokens[next]?.kind === "one") return;
    }
  };
  enter(at, 0);
  for (const char of path) {
    const next = new Set<number>();
    for (const position of at) {
      const token = tokens[position];
      if (!token) continue;
      if (token.kind === "one") {
        if (typeof token.is === "string" ? token.is === char : char !== "/" && token.is.test(char))
          enter(next, position + 1);
      } else if (token.kind === "star") {
        if (char !== "/") enter(next, position);
      } else if (token.kind === "any") {
        enter(next, position);
      } else {
        // Inside of folders until a slash: only there may it end.
        next.add(position);
        if (char === "/") enter(next, position + 1);
      }
    }
    at = next;
  }
  return at.has(tokens.length);
}
