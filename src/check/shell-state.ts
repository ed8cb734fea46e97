/**
 * What the shell carries from command to command: its directory, `pushd`'s stack and the variables whose value is known.
 * "Not known" is undefined or absent, never a guess.
 */
import type { ShellCommand } from "./shell-model.ts";
import { directoryOf, sourceRoot } from "./source-paths.ts";

export interface ShellState {
  directory: string | undefined;
  readonly values: Map<string, string>;
  readonly stack: (string | undefined)[];
}

export const copy = (state: ShellState): ShellState => ({
  directory: state.directory,
  values: new Map(state.values),
  stack: [...state.stack],
});

const absolute = (directory: string): string => (directory === "" ? sourceRoot : `${sourceRoot}/${directory}`);

const directoryFrom = (state: ShellState, path: string | undefined): string | undefined =>
  path === undefined ? undefined : directoryOf(state.directory, path);

function setDirectory(state: ShellState, directory: string | undefined): void {
  state.directory = directory;
  setValue(state, "PWD", directory === undefined ? undefined : absolute(directory));
}

export function setValue(state: ShellState, name: string, value: string | undefined): void {
  if (value === undefined) state.values.delete(name);
  else state.values.set(name, value);
}

/** `cd`, `pushd` and `popd`; any other command changes nothing. */
export function changeDirectory(command: ShellCommand, state: ShellState, isFolder: (path: string) => boolean): void {
  if (command.name === "popd") {
    setDirectory(state, state.stack.pop());
    return;
  }
  if (command.name !== "cd" && command.name !== "pushd") return;
  if (command.name === "pushd") state.stack.push(state.directory);
  const target = command.args.find((word) => !/^-[LPe@]+$|^--$/.test(word.source));
  if (target?.text === "-") {
    setDirectory(state, directoryFrom(state, state.values.get("OLDPWD")));
    return;
  }
  const next = target?.text === undefined ? undefined : directoryOf(state.directory, target.text);
  if (state.directory !== undefined) state.values.set("OLDPWD", absolute(state.directory));
  else state.values.delete("OLDPWD");
  // A `cd` that fails leaves nobody knowing where the next command runs.
  const isThere = next === undefined || next === "" || command.mayExist(next) || isFolder(next);
  setDirectory(state, isThere ? next : undefined);
}
