/**
 * The buildspec's commands as the shell sees them: every simple command in order of execution, with the directory it
 * runs in, the values of variables known by then, and what earlier commands may have created. What all rules that look
 * into commands are given; made by read-commands.ts.
 */
import type { Script } from "unbash";
import type { Located, PhaseName } from "../build/buildspec/index.ts";
import type { Span } from "../core/diagnostics.ts";
import type { WordValue } from "./shell-words.ts";
import type { VariableFact } from "./variables.ts";

export interface ShellWord extends WordValue {
  /** Place in the buildspec; undefined where YAML changed the text. */
  readonly span: Span | undefined;
}

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
  readonly redirects: readonly { readonly operator: string; readonly target: ShellWord | undefined }[];
  /** Directory relative to the source's root (`""` = the root); undefined when not known. */
  readonly directory: string | undefined;
  /** Runs only if something else succeeds or fails, or its failure is caught. */
  readonly isGuarded: boolean;
  /** A failure does not fail the build: not the last statement of a script without `set -e`. */
  readonly isStatusIgnored: boolean;
  /** What writes into its standard input. */
  readonly pipedFrom: ShellCommand | undefined;
  /** May `path` (relative to the source's root) have been made by an earlier command? */
  mayExist(path: string): boolean;
  /** An earlier command runs something whose doings are not seen here (a script, `make`, …). */
  readonly followsUnknown: boolean;
  readonly span: Span;
}

export interface ShellModel {
  readonly commands: readonly ShellCommand[];
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
  /** May `path` have been made by any command? */
  mayExistAtEnd(path: string): boolean;
}
