/**
 * Variables and quoting in Dockerfile arguments: `$x`, `${x}`, `${x:-default}`, `${x:+alternative}` and their forms
 * without a colon, `${x#pattern}`, `${x%pattern}`, quotes, the escape character. Pure.
 * Source: https://docs.docker.com/reference/dockerfile/#environment-replacement
 */

export class ExpansionError extends Error {
  override readonly name = "ExpansionError";
}

export type Lookup = (name: string) => string | undefined;

/** Expands variables, removes quotes; one result. */
export function expandWord(text: string, lookup: Lookup, escapeChar: string): string {
  return new Expander(text, lookup, escapeChar).all(false).join("");
}

/** As `expandWord`, then split at unquoted blanks. */
export function expandWords(text: string, lookup: Lookup, escapeChar: string): string[] {
  return new Expander(text, lookup, escapeChar).all(true);
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
  #at = 0;

  constructor(text: string, lookup: Lookup, escapeChar: string) {
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
      } else if (char === "'") {
        word = (word ?? "") + this.#single();
      } else if (char === '"') {
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
        word = (word ?? "") + (this.#text[this.#at++] ?? "");
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
    return value;
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
        return value;
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
      return name === "" ? "$" : (this.#lookup(name) ?? "");
    }
    const close = this.#matchingBrace();
    const inner = this.#text.slice(this.#at + 1, close);
    this.#at = close + 1;
    const match = /^([A-Za-z_]\w*|[0-9@*#])(?:(:?[-+?]|##?|%%?)([\s\S]*))?$/.exec(inner);
    if (!match) throw new ExpansionError(`unsupported modifier in substitution: \${${inner}}`);
    const [, name = "", operator, word = ""] = match;
    const value = this.#lookup(name);
    const isSet = operator?.startsWith(":") ? value !== undefined && value !== "" : value !== undefined;
    const argument = (): string => expandWord(word, this.#lookup, this.#escape);
    switch (operator?.replace(":", "")) {
      case "-":
        return isSet ? (value ?? "") : argument();
      case "+":
        return isSet ? argument() : "";
      case "?":
        if (isSet) return value ?? "";
        throw new ExpansionError(`failed to process "\${${inner}}": ${name}: ${argument() || "not set"}`);
      case "#":
      case "##":
        return (value ?? "").replace(globRegExp(argument(), operator === "##", "start"), "");
      case "%":
      case "%%":
        return trimEnd(value ?? "", argument(), operator === "%%");
      default:
        return value ?? "";
    }
  }

  #matchingBrace(): number {
    let depth = 0;
    for (let at = this.#at; at < this.#text.length; at++) {
      if (this.#text[at] === "{") depth++;
      if (this.#text[at] === "}" && --depth === 0) return at;
    }
    throw new ExpansionError('syntax error: missing "}"');
  }
}

function globRegExp(pattern: string, isGreedy: boolean, side: "start" | "both"): RegExp {
  const body = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", isGreedy ? "[\\s\\S]*" : "[\\s\\S]*?")
    .replaceAll("?", "[\\s\\S]");
  return new RegExp(side === "both" ? `^${body}$` : `^${body}`);
}

function trimEnd(value: string, pattern: string, isGreedy: boolean): string {
  const whole = globRegExp(pattern, true, "both");
  const starts = Array.from({ length: value.length + 1 }, (_, i) => i);
  for (const start of isGreedy ? starts : starts.reverse())
    if (whole.test(value.slice(start))) return value.slice(0, start);
  return value;
}
