/**
 * Options that callers give the library, each known and each of its kind. TypeScript has said so before; a test in plain
 * JavaScript has nobody else to tell it of a slip. The table of a function's options is beside the function.
 */
import { KilnError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { shownValue } from "./shown-value.ts";

/** What an option must be, in words, and whether a value is. */
export interface OptionKind {
  readonly is: string;
  readonly fits: (value: unknown) => boolean;
  /** The value must not be in messages. */
  readonly isSecret?: true;
}

export const flagOption: OptionKind = { is: "true or false", fits: (value) => typeof value === "boolean" };

export const textOption: OptionKind = {
  is: "a text that is not empty",
  fits: (value) => typeof value === "string" && value !== "",
};

export const objectOption: OptionKind = {
  is: "an object",
  fits: (value) => typeof value === "object" && value !== null,
};

export const functionOption: OptionKind = { is: "a function", fits: (value) => typeof value === "function" };

export const wholeNumberOption = (least: number, most: number): OptionKind => ({
  is: `a whole number from ${least} to ${most}`,
  fits: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
});

export const choiceOption = (...choices: readonly string[]): OptionKind => ({
  is: `one of ${choices.join(", ")}`,
  fits: (value) => choices.includes(value as string),
});

/** Throws a `KilnError` for the first option that `of` does not have, or that is not of its kind. */
export function requireOptions(of: string, given: unknown, kinds: Readonly<Record<string, OptionKind>>): void {
  if (!objectOption.fits(given)) throw wrongOption(`${of} takes an object of options, not ${shownValue(given)}`);
  for (const [name, value] of Object.entries(given as object)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) {
      const near = nearest(name, Object.keys(kinds));
      throw wrongOption(
        `${of} has no option \`${name}\``,
        near === undefined ? `its options: ${Object.keys(kinds).join(", ")}` : `did you mean \`${near}\`?`,
      );
    }
    if (value === undefined || kind.fits(value)) continue;
    throw wrongOption(`\`${name}\` must be ${kind.is}${kind.isSecret ? "" : `, not ${shownValue(value)}`}`);
  }
}

/** The error for an option; thrown here, and by who knows which options exclude each other. */
export const wrongOption = (message: string, ...fix: string[]): KilnError =>
  new KilnError({ code: "KILN_E_OPTION", message, fix, exitCode: 2 });
