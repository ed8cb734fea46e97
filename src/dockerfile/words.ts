/**
 * Variables and quoting in Dockerfile arguments: `$x`, `${x}`, `${x:-default}`, `${x:+alternative}` and their forms
 * without a colon, `${x#pattern}`, `${x%pattern}`, `${x/pattern/text}`, quotes, the escape character. Pure.
 * Source: https://docs.docker.com/reference/dockerfile/#environment-replacement
 */

import { goQuoted } from "./go-text.ts";

export class ExpansionError extends Error {
  override readonly name = "ExpansionError";
}

export type Lookup = (name: string) => string | undefined;

/** Expands variables, removes quotes; one result. */
export const expandWord = (text: string, lookup: Lookup, escapeChar: string): string =>
  expanded(text, lookup, escapeChar, {}, false).join("");

/** As `expandWord`, then split at unquoted blanks. */
export const expandWords = (text: string, lookup: Lookup, escapeChar: string): string[] =>
  expanded(text, lookup, escapeChar, {}, true);

/** As progress shows an instruction: quotes stay, and variables that are not set. Text that cannot be expanded stays. */
export function expandShown(text: string, lookup: Lookup, escapeChar: string): string {
  try {
    return expanded(text, lookup, escapeChar, { keepsQuotes: true, keepsUnset: true }, false).join("");
  } catch (error) {
    if (error instanceof ExpansionError) return text;
    throw error;
  }
}

/** In a heredoc only variables are replaced; quotes are text. */
export const expandHeredoc = (text: string, lookup: Lookup): string =>
  expanded(text, lookup, "\\", { quotesAreText: true }, false).join("");

interface ExpandOptions {
  readonly keepsQuotes?: boolean;
  readonly keepsUnset?: boolean;
  readonly quotesAreText?: boolean;
}

function expanded(text: string, lookup: Lookup, escapeChar: string, options: ExpandOptions, splits: boolean): string[] {
  try {
    return new Expander(text, lookup, escapeChar, options).all(splits);
  } catch (error) {
    if (error instanceof ExpansionError)
      throw new ExpansionError(`failed to process ${goQuoted(text)}: ${error.message}`);
    throw error;
  }
}

/** Splits at unquoted blanks, quotes and variables left as they are. */
export function splitWords(text: string, escapeChar: string): string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    if (quote === "" && /\s/.test(char)) {
      if (word !== "") words.push(word);
      word = "";
      continue;
    }
    word += char;
    if (char === escapeChar && quote !== "'" && at + 1 < text.length) word += text[++at];
    else if (quote === "" && (char === "'" || char === '"')) quote = char;
    else if (char === quote) quote = "";
  }
  if (word !== "") words.push(word);
  return words;
}

class Expander {
  readonly #text: string;
  readonly #lookup: Lookup;
  readonly #escape: string;
  readonly #options: ExpandOptions;
  #at = 0;

  constructor(text: string, lookup: Lookup, escapeChar: string, options: ExpandOptions) {
    this.#options = options;
    this.#text = text;
    this.#lookup = lookup;
    this.#escape = escapeChar;
  }

  all(splits: boolean): string[] {
    const words: string[] = [];
    let word: string | undefined;
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? "";
      if (splits && /\s/.test(char)) {
        if (word !== undefined) words.push(word);
        word = undefined;
        this.#at++;
      } else if (char === "'" && !this.#options.quotesAreText) {
        word = (word ?? "") + this.#single();
      } else if (char === '"' && !this.#options.quotesAreText) {
        word = (word ?? "") + this.#double();
      } else if (char === "$") {
        const value = this.#dollar();
        if (!splits) {
          word = (word ?? "") + value;
        } else {
          // An unquoted variable's blanks split words, as in a shell.
          const [head = "", ...tail] = value.split(/\s+/);
          word = (word ?? "") + head;
          for (const next of tail) {
            if (word !== "") words.push(word);
            word = next;
          }
        }
      } else if (char === this.#escape) {
        this.#at++;
        const next = this.#text[this.#at++] ?? "";
        // In a heredoc only a variable is taken back, and the escape itself.
        const isKept = this.#options.quotesAreText && next !== "$" && next !== char;
        word = (word ?? "") + (isKept ? char : "") + next;
      } else {
        word = (word ?? "") + char;
        this.#at++;
      }
    }
    if (word !== undefined && !(splits && word === "")) words.push(word);
    return words;
  }

  #single(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw new ExpansionError("unexpected end of statement while looking for matching single-quote");
    const value = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return this.#options.keepsQuotes ? `'${value}'` : value;
  }

  #double(): string {
    let value = "";
    this.#at++;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined)
        throw new ExpansionError("unexpected end of statement while looking for matching double-quote");
      if (char === '"') {
        this.#at++;
        return this.#options.keepsQuotes ? `"${value}"` : value;
      }
      if (char === "$") {
        value += this.#dollar();
      } else if (char === this.#escape) {
        const next = this.#text[this.#at + 1] ?? "";
        value += next === '"' || next === "$" || next === this.#escape ? next : char + next;
        this.#at += 2;
      } else {
        value += char;
        this.#at++;
      }
    }
  }

  #dollar(): string {
    this.#at++;
    if (this.#text[this.#at] !== "{") {
      const name = /^(?:[A-Za-z_]\w*|[0-9@*#])/.exec(this.#text.slice(this.#at))?.[0] ?? "";
      this.#at += name.length;
      if (name === "") return "$";
      return this.#lookup(name) ?? (this.#options.keepsUnset ? `$${name}` : "");
    }
    const close = this.#matchingBrace();
    const inner = this.#text.slice(this.#at + 1, close);
    this.#at = close + 1;
    const name = /^(?:[A-Za-z_]\w*|[0-9@*#])/.exec(inner)?.[0] ?? "";
    if (name === "") throw new ExpansionError(inner === "" ? "syntax error: bad substitution" : "bad substitution");
    const value = this.#lookup(name);
    const rest = inner.slice(name.length);
    if (rest === "") return value ?? (this.#options.keepsUnset ? `\${${name}}` : "");
    const replaced = /^(\/\/?)((?:[^/\\]|\\.)*)(?:\/([\s\S]*))?$/.exec(rest);
    if (replaced) {
      const [, how = "", pattern = "", replacement = ""] = replaced;
      const regExp = globRegExp(this.#argument(pattern), how === "//" ? "gs" : "s", true, "any");
      const text = this.#argument(replacement);
      return (value ?? "").replace(regExp, () => text);
    }
    const [, colon = "", operator = "", word = ""] = /^(:?)([-+?]|##?|%%?)([\s\S]*)$/.exec(rest) ?? [];
    if (operator === "" || (colon === ":" && /[#%]/.test(operator)))
      throw new ExpansionError(`unsupported modifier (${rest.replace(/^:/, "")[0] ?? ":"}) in substitution`);
    const isSet = colon === ":" ? value !== undefined && value !== "" : value !== undefined;
    switch (operator) {
      case "-":
        return isSet ? (value ?? "") : this.#argument(word);
      case "+":
        return isSet ? this.#argument(word) : "";
      case "?": {
        if (isSet) return value ?? "";
        throw new ExpansionError(
          `${name}: ${this.#argument(word) || (colon === ":" ? "is not allowed to be empty" : "is not allowed to be unset")}`,
        );
      }
      case "#":
      case "##":
        return (value ?? "").replace(globRegExp(this.#argument(word), "s", operator === "##", "start"), "");
      default:
        return trimEnd(value ?? "", this.#argument(word), operator === "%%");
    }
  }

  #argument(word: string): string {
    return new Expander(word, this.#lookup, this.#escape, this.#options).all(false).join("");
  }

  #matchingBrace(): number {
    let depth = 0;
    for (let at = this.#at; at < this.#text.length; at++) {
      if (this.#text[at] === "{") depth++;
      if (this.#text[at] === "}" && --depth === 0) return at;
    }
    throw new ExpansionError("syntax error: missing '}'");
  }
}

/** A shell pattern (`*`, `?`, `\\` before a character) as a regular expression. */
function globRegExp(pattern: string, flags: string, isGreedy: boolean, side: "start" | "both" | "any"): RegExp {
  const body = pattern.replace(/\\(.)|[*?]|[.+^${}()|[\]\\]/gs, (found, literal: string | undefined) => {
    if (literal !== undefined) return literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    if (found === "*") return isGreedy ? ".*" : ".*?";
    return found === "?" ? "." : `\\${found}`;
  });
  return new RegExp(`${side === "any" ? "" : "^"}${body}${side === "both" ? "$" : ""}`, flags);
}

function trimEnd(value: string, pattern: string, isGreedy: boolean): string {
  const whole = globRegExp(pattern, "s", true, "both");
  const starts = Array.from({ length: value.length + 1 }, (_, i) => i);
  for (const start of isGreedy ? starts : starts.reverse())
    if (whole.test(value.slice(start))) return value.slice(0, start);
  return value;
}
