/**
 * The commands of a buildspec as a shell would run them, in order, with what is known at that moment. Made by
 * read-commands.ts, read by rules. Functions, `bash -c`, `eval` and scripts of the tree are followed.
 */
import type { Script } from "unbash";
import type { Located, PhaseName } from "../../build/buildspec/index.ts";
import type { Span } from "../../core/diagnostics.ts";
import type { WordValue } from "./shell-words.ts";
import type { VariableFact } from "./variables.ts";

export interface ShellWord extends WordValue {
  /** Place in the buildspec; undefined where YAML changed the text, and in scripts of the tree. */
  readonly span: Span | undefined;
}

/**
 * Why a failure would not be noticed: it writes into a pipe, is not the last of its list, is caught by something that
 * always succeeds, runs in the background, in a `$(…)` whose status is not looked at, or in a loop's earlier round.
 */
export type LostStatus = "pipe" | "sequence" | "or-true" | "background" | "substitution" | "loop";

export interface ShellCommand {
  readonly phase: PhaseName;
  readonly list: "commands" | "finally";
  /** The buildspec's command this one is part of. */
  readonly within: Located<string>;
  /** First word, e.g. `docker`, after `sudo`, `env A=b`, `time` and the like. */
  readonly name: string | undefined;
  /** The words after the name. */
  readonly args: readonly ShellWord[];
  readonly nameWord: ShellWord | undefined;
  /** What runs it, e.g. `["sudo"]`. */
  readonly wrappers: readonly string[];
  readonly redirects: readonly { readonly operator: string; readonly target: ShellWord | undefined }[];
  /** Text of a here-document or here-string given to it; undefined without one. */
  readonly hereText: string | undefined;
  /** Variables that the shell puts into that text. */
  readonly hereVariables: readonly string[];
  /** Directory relative to the source's root (`""` = the root); undefined when not known. */
  readonly directory: string | undefined;
  /** Runs only if something else succeeds or fails: `if`, `case`, a loop, after `||` or a test. */
  readonly isConditional: boolean;
  /** Its failure is looked at: a condition, `!`, or something stands after `||`. */
  readonly isFailureCaught: boolean;
  /** {@link isConditional} or {@link isFailureCaught}. */
  readonly isGuarded: boolean;
  /** Undefined when a failure fails the buildspec's command, or is handled. */
  readonly lost: LostStatus | undefined;
  /** A failure does not fail the build. */
  readonly isStatusIgnored: boolean;
  /** What writes into its standard input. */
  readonly pipedFrom: ShellCommand | undefined;
  /** Its standard input is a pipe, a file, a here-document or what surrounds it is given. */
  readonly hasInput: boolean;
  /** `set -o pipefail` holds. */
  readonly hasPipefail: boolean;
  /** Inside `$(…)`: the output is run as a command, becomes a variable's value, or part of an argument. */
  readonly substitution: "command" | "assignment" | "argument" | undefined;
  /** A script of the tree (or a function, an npm script) that was read: its commands follow in the model. */
  readonly isFollowed: boolean;
  /** Stands in a file of the tree that the buildspec runs, not in the buildspec. */
  readonly script: ScriptPlace | undefined;
  /** Value of a variable at this moment: known text, or undefined. */
  valueOf(variable: string): string | undefined;
  /** May `path` (relative to the source's root) have been made by an earlier command? */
  mayExist(path: string): boolean;
  /** Was an earlier command seen to make `path`, something in it or something it is in? */
  isMade(path: string): boolean;
  /** An earlier command runs something whose doings are not seen here (a script, `make`, …). */
  readonly followsUnknown: boolean;
  readonly span: Span;
}

/** A place in a script of the tree, relative to the workspace. */
export interface ScriptPlace {
  readonly file: string;
  readonly span: Span;
}

/** A script of the tree that a command runs. */
export interface ScriptFile {
  readonly file: string;
  readonly script: Script;
  /** The shell that reads it: from the command (`bash x.sh`, `. x.sh` = the build's own), else its first line. */
  readonly shell: "sh" | "bash" | "own" | "other";
  /** What runs it. */
  readonly calledBy: ShellCommand;
  span(node: { pos: number; end: number }): Span;
}

export interface ShellModel {
  /** What the commands are written for. `windows` = PowerShell or cmd: nothing of them is read. */
  readonly dialect: "posix" | "windows";
  /** The buildspec's own commands, with functions and `bash -c` followed. */
  readonly commands: readonly ShellCommand[];
  /** Those, and the ones of scripts of the tree, in order of execution. */
  readonly everyCommand: readonly ShellCommand[];
  /** Variables known before the first command. */
  readonly variables: ReadonlyMap<string, VariableFact>;
  /** Commands that bash cannot parse, with where. */
  readonly problems: readonly { readonly within: Located<string>; readonly message: string; readonly span: Span }[];
  /** The parsed scripts, for rules that look at syntax. */
  readonly scripts: readonly {
    readonly within: Located<string>;
    readonly phase: PhaseName;
    readonly script: Script;
    span(node: { pos: number; end: number }): Span;
  }[];
  readonly scriptFiles: readonly ScriptFile[];
  /** May `path` have been made by any command? */
  mayExistAtEnd(path: string): boolean;
  /** What commands were seen to make, relative to the source's root. */
  readonly madePaths: readonly string[];
  /** Some command runs something whose doings are not seen here. */
  readonly mayMakeAnything: boolean;
}
