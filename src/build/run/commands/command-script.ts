/**
 * The script that runs one command, as CodeBuild writes it: directory, `set -a`, saved environment, then the command's
 * text unchanged from line 4 on (so shells report the user's first line as line 4), then the state for the next one.
 * Works under dash and bash, with builtins only: a command may have left any PATH. Functions, `set -e`, traps are lost
 * between commands, as is the state of a command that calls `exit`; that is AWS's behaviour. The state goes to files of
 * its own, so that one that could not be written whole (no space left) never replaces the last good one.
 */
import { shellQuote } from "../../../core/shell-quote.ts";

export interface CommandScriptInput {
  readonly text: string;
  /** Directory the previous command left. */
  readonly directory: string;
  /** File with the exported variables (`export -p`) of the previous command. */
  readonly environmentFile: string;
  /** Where this command's variables and directory are saved; absent (version 0.1, captures): nowhere. */
  readonly save?: { readonly environmentFile: string; readonly directoryFile: string } | undefined;
  /** File that receives standard error; absent: it goes where standard output goes. */
  readonly errorFile?: string | undefined;
}

export function commandScript(input: CommandScriptInput): string {
  const { save } = input;
  return [
    `cd ${shellQuote(input.directory.replaceAll("\n", "?"))}`,
    "set -a",
    `. ${shellQuote(input.environmentFile)}${input.errorFile === undefined ? "" : `; exec 2> ${shellQuote(input.errorFile)}`}`,
    input.text,
    // A backslash at the end of the text takes this line, not the next.
    "",
    "CODEBUILD_LAST_EXIT=$?",
    ...(save ? [`export -p > ${shellQuote(save.environmentFile)} && pwd > ${shellQuote(save.directoryFile)}`] : []),
    'exit "$CODEBUILD_LAST_EXIT"',
    "",
  ].join("\n");
}

/** Lines that set variables when appended to the saved environment. */
export const exportLines = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map(([name, value]) => `export ${name}=${shellQuote(value)}\n`)
    .join("");
