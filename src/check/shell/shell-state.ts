/**
 * What a shell carries from command to command: its directory, `pushd`'s stack, variables, functions and options.
 * "Not known" is undefined or absent, never a guess; a variable without a known value keeps a symbol, so that two words
 * made of the same unknowns are seen to be equal.
 */
import type { Function as FunctionNode } from "unbash";
import { directoryOf, sourceRoot } from "../tree/source-paths.ts";
import type { OffsetMap } from "./command-offsets.ts";
import type { ShellCommand } from "./shell-model.ts";
import type { KnownValues } from "./shell-words.ts";

/** A function with what its positions refer to. */
export interface ShellFunction {
  readonly node: FunctionNode;
  readonly offsets: OffsetMap;
  readonly text: string;
  readonly file: ScriptText | undefined;
}

/** A script of the tree while it is read. */
export interface ScriptText {
  readonly path: string;
  readonly text: string;
  /** Where the script begins in it; undefined when positions cannot be told. */
  readonly offset: number | undefined;
}

interface ShellOptions {
  readonly errexit: boolean;
  readonly pipefail: boolean;
}

/** Maps and stack are replaced, never changed: states and commands share them, and most commands change nothing. */
export interface ShellState extends KnownValues {
  directory: string | undefined;
  values: ReadonlyMap<string, string>;
  symbols: ReadonlyMap<string, string>;
  stack: readonly (string | undefined)[];
  functions: ReadonlyMap<string, ShellFunction>;
  options: ShellOptions;
}

export const noOptions: ShellOptions = { errexit: false, pipefail: false };

export const copy = (state: ShellState): ShellState => ({ ...state });

/** A shell started from this one: variables and directory, neither functions nor options. */
export const childOf = (state: ShellState, options: Partial<ShellOptions> = {}): ShellState => ({
  ...copy(state),
  functions: new Map(),
  options: { ...noOptions, ...options },
});

const absolute = (directory: string): string => (directory === "" ? sourceRoot : `${sourceRoot}/${directory}`);

const directoryFrom = (state: ShellState, path: string | undefined): string | undefined =>
  path === undefined ? undefined : directoryOf(state.directory, path);

function setDirectory(state: ShellState, directory: string | undefined): void {
  state.directory = directory;
  setValue(state, "PWD", directory === undefined ? undefined : absolute(directory));
}

/** With a symbol when the text is not known: what the variable was made of. */
export function setValue(state: ShellState, name: string, value: string | undefined, symbol?: string): void {
  state.values = withEntry(state.values, name, value);
  state.symbols = withEntry(state.symbols, name, value === undefined ? symbol : undefined);
}

/** The map with that entry, or without it; the same map when nothing changes. */
export function withEntry<T>(map: ReadonlyMap<string, T>, name: string, value: T | undefined): ReadonlyMap<string, T> {
  if (map.get(name) === value) return map;
  const changed = new Map(map);
  if (value === undefined) changed.delete(name);
  else changed.set(name, value);
  return changed;
}

let generation = 0;

/** From now on nobody knows the variable, and it equals nothing it was made of before. */
export function forget(state: ShellState, name: string): void {
  generation += 1;
  setValue(state, name, undefined, `\${${name}@${generation}}`);
}

/** Names whose value differs between two states. */
export function differing(a: ShellState, b: ShellState): string[] {
  if (a.values === b.values && a.symbols === b.symbols) return [];
  const names = new Set([...a.values.keys(), ...b.values.keys(), ...a.symbols.keys(), ...b.symbols.keys()]);
  return [...names].filter(
    (name) => a.values.get(name) !== b.values.get(name) || a.symbols.get(name) !== b.symbols.get(name),
  );
}

/** `set -e`, `set +e`, `set -euo pipefail`, `trap '…' ERR`; any other command changes nothing. */
export function changeOptions(command: ShellCommand, state: ShellState): void {
  const words = command.args.map(({ text }) => text ?? "");
  if (command.name === "trap" && words.includes("ERR") && /\bexit\b/.test(words[0] ?? "")) {
    state.options = { ...state.options, errexit: true };
  }
  if (command.name === "set") state.options = withOptions(state.options, words);
}

/** Options as `set` and the shells themselves take them. */
export function withOptions(options: ShellOptions, words: readonly string[]): ShellOptions {
  let { errexit, pipefail } = options;
  for (let at = 0; at < words.length; at++) {
    const [, sign, letters = ""] = /^([-+])([A-Za-z]+)$/.exec(words[at] ?? "") ?? [];
    if (sign === undefined) continue;
    if (letters.includes("e")) errexit = sign === "-";
    if (!letters.includes("o")) continue;
    const name = words[++at];
    if (name === "errexit") errexit = sign === "-";
    if (name === "pipefail") pipefail = sign === "-";
  }
  return { errexit, pipefail };
}

/** `cd`, `pushd` and `popd`; any other command changes nothing. */
export function changeDirectory(command: ShellCommand, state: ShellState, isFolder: (path: string) => boolean): void {
  if (command.name === "popd") {
    const back = state.stack.at(-1);
    state.stack = state.stack.slice(0, -1);
    setDirectory(state, back);
    return;
  }
  if (command.name !== "cd" && command.name !== "pushd") return;
  if (command.name === "pushd") state.stack = [...state.stack, state.directory];
  const target = command.args.find((word) => !/^-[LPe@]+$|^--$/.test(word.source));
  if (target?.text === "-") {
    setDirectory(state, directoryFrom(state, state.values.get("OLDPWD")));
    return;
  }
  const next = target?.text === undefined ? undefined : directoryOf(state.directory, target.text);
  const { directory } = state;
  state.values = withEntry(state.values, "OLDPWD", directory === undefined ? undefined : absolute(directory));
  // A `cd` that fails leaves nobody knowing where the next command runs.
  const isThere = next === undefined || next === "" || command.mayExist(next) || isFolder(next);
  setDirectory(state, isThere ? next : undefined);
}
