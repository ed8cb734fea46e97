/**
 * The script that runs one command, as CodeBuild writes it: directory, `set -a`, saved environment, then the command's
 * text unchanged from line 4 on (so shells report the user's first line as line 4), then the state for the next one.
 * Works under dash and bash. Functions, `set -e`, traps are lost between commands, as is the state of a command that
 * calls `exit`; that is AWS's behaviour.
 */

export interface CommandScriptInput {
  readonly text: string;
  /** Directory the previous command left. */
  readonly directory: string;
  /** File with the exported variables (`export -p`). */
  readonly environmentFile: string;
  /** File that receives the directory at the end. */
  readonly directoryFile: string;
  /** Version 0.1: a fresh shell each time, nothing is saved. */
  readonly carriesState: boolean;
}

export function commandScript(input: CommandScriptInput): string {
  const environmentFile = shellQuote(input.environmentFile);
  const save = input.carriesState ? `export -p > ${environmentFile}\npwd > ${shellQuote(input.directoryFile)}\n` : "";
  return [
    `cd ${shellQuote(input.directory.replaceAll("\n", "?"))}`,
    "set -a",
    `. ${environmentFile}`,
    input.text,
    "CODEBUILD_LAST_EXIT=$?",
    `${save}exit $CODEBUILD_LAST_EXIT`,
    "",
  ].join("\n");
}

/** One word for a POSIX shell, whatever the text holds. */
export const shellQuote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Lines that set variables when appended to the saved environment. */
export const exportLines = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map(([name, value]) => `export ${name}=${shellQuote(value)}\n`)
    .join("");
