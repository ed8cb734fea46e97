/**
 * From an engine's bytes to lines that may be shown: UTF-8 across chunk borders, masking, complete lines.
 * Several complete lines travel as one text joined by line ends; the last one may be cut off without an end.
 */
import { StringDecoder } from "node:string_decoder";
import type { Masker } from "../mask.ts";

/** A line longer than this is shown in pieces: a program that never ends its line must not fill the memory. */
const MAX_LINE_LENGTH = 256 * 1024;

export class OutputLines {
  readonly #decoder = new StringDecoder("utf8");
  #masker: Masker;
  readonly #show: (lines: string) => void | Promise<void>;
  #line = "";

  constructor(masker: Masker, show: (lines: string) => void | Promise<void>) {
    this.#masker = masker;
    this.#show = show;
  }

  push(chunk: Buffer): void | Promise<void> {
    return this.#take(this.#masker.push(this.#decoder.write(chunk)));
  }

  /** From here on another set of values is hidden, which holds those hidden so far. */
  maskWith(masker: Masker): void | Promise<void> {
    const held = this.#line + this.#masker.release();
    this.#line = "";
    this.#masker = masker;
    return this.#take(masker.push(held));
  }

  /** Shows what is left, also without a line end. */
  async end(): Promise<void> {
    await this.#take(this.#masker.push(this.#decoder.end()));
    await this.#take(this.#masker.flush());
    const rest = this.#line;
    this.#line = "";
    if (rest !== "") await this.#show(rest);
  }

  #take(text: string): void | Promise<void> {
    if (text === "") return;
    const end = text.lastIndexOf("\n");
    if (end === -1) {
      this.#line += text;
      if (this.#line.length < MAX_LINE_LENGTH) return;
      const line = this.#line;
      this.#line = "";
      return this.#show(line);
    }
    const lines = this.#line + text.slice(0, end);
    this.#line = text.slice(end + 1);
    return this.#show(lines);
  }
}
