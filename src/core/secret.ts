import { inspect } from "node:util";

/** A value that never prints itself. `.reveal()` is called only by engines/, services/kms, identity/ and endpoint/ (to verify signatures). */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  [inspect.custom](): string {
    return "***";
  }
}
