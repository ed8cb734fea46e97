/** The value of `--option VALUE` or `--option=VALUE`, as written. */
import type { ShellCommand } from "../shell/shell-model.ts";

export function optionText({ args }: ShellCommand, option: string): string | undefined {
  const at = args.findIndex(({ source }) => source === option);
  if (at !== -1) return args[at + 1]?.source;
  return args.find(({ source }) => source.startsWith(`${option}=`))?.source.slice(option.length + 1);
}
