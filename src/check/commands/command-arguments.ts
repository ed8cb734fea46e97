/**
 * Arguments of a command line split into options and operands, as getopt and its descendants do it: `-o VALUE`,
 * `-oVALUE`, `--option VALUE`, `--option=VALUE`, `--` ends options. Which options take a value is the program's to say.
 */
import type { ShellWord } from "../shell/shell-model.ts";

export interface OptionUse {
  /** As written, with its dashes: `-f`, `--file`. */
  readonly name: string;
  /** The word that holds the value; the same as the option's with `--file=x`. */
  readonly word: ShellWord | undefined;
  /** The value, when it is known. */
  readonly text: string | undefined;
}

export interface CommandArguments {
  readonly operands: readonly ShellWord[];
  readonly options: readonly OptionUse[];
  /** A word could be an option's value or an operand: its text is not known. */
  readonly isUncertain: boolean;
}

/** `withValue`: names that take the next word when nothing is attached. */
export function readArguments(args: readonly ShellWord[], withValue: ReadonlySet<string>): CommandArguments {
  const operands: ShellWord[] = [];
  const options: OptionUse[] = [];
  let isUncertain = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at];
    if (!word) break;
    // What begins with an unknown variable may be several words, and options among them.
    const start = word.text ?? word.pieces[0]?.text;
    if (start === undefined) isUncertain ||= word.pieces[0]?.isQuoted !== true;
    if (start === "--") {
      operands.push(...args.slice(at + 1));
      break;
    }
    if (start === undefined || !start.startsWith("-") || start === "-") {
      operands.push(word);
      continue;
    }
    const equals = start.indexOf("=");
    if (start.startsWith("--") || (equals === 2 && withValue.has(start.slice(0, 2)))) {
      const name = equals < 0 ? start : start.slice(0, equals);
      if (equals >= 0) options.push({ name, word, text: word.text?.slice(equals + 1) });
      else if (withValue.has(name)) options.push(optionWithValue(name, args[++at]));
      else options.push({ name, word: undefined, text: undefined });
    } else if (withValue.has(start) || start.length === 2) {
      options.push(
        withValue.has(start) ? optionWithValue(start, args[++at]) : { name: start, word: undefined, text: undefined },
      );
    } else {
      at += readCluster(word, start, args[at + 1], withValue, options);
    }
  }
  return { operands, options, isUncertain };
}

const optionWithValue = (name: string, word: ShellWord | undefined): OptionUse => ({ name, word, text: word?.text });

/** `-xvf file`, `-rrequirements.txt`: how many words after it belong to it. */
function readCluster(
  word: ShellWord,
  start: string,
  next: ShellWord | undefined,
  withValue: ReadonlySet<string>,
  options: OptionUse[],
): number {
  for (let letter = 1; letter < start.length; letter++) {
    const name = `-${start[letter]}`;
    if (!withValue.has(name)) {
      options.push({ name, word: undefined, text: undefined });
      continue;
    }
    if (letter < start.length - 1) {
      options.push({ name, word, text: word.text?.slice(letter + 1) });
      return 0;
    }
    options.push(optionWithValue(name, next));
    return 1;
  }
  return 0;
}

/** Values of the options of these names. */
export const optionsNamed = ({ options }: CommandArguments, ...names: readonly string[]): readonly OptionUse[] =>
  options.filter(({ name }) => names.includes(name));

export const hasOption = (read: CommandArguments, ...names: readonly string[]): boolean =>
  optionsNamed(read, ...names).length > 0;

/** A set of names written in one line. */
export const names = (text: string): ReadonlySet<string> => new Set(text.split(" "));
