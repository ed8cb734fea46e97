/** Text that a command runs as a script of its own: `bash -c '…'`, `su -c '…'`, `eval …`. */
import type { ShellCommand } from "./shell-model.ts";

export interface InlineScript {
  readonly text: string;
  /** `eval`: in the shell that is running. */
  readonly isOwnShell: boolean;
  readonly options: readonly string[];
}

/** Undefined for other commands, and where the text is not known. */
export function inlineScript(command: ShellCommand): InlineScript | undefined {
  const { name = "", args } = command;
  if (name === "eval") {
    const texts = args.map(({ text }) => text);
    if (texts.length === 0 || texts.some((text) => text === undefined)) return undefined;
    return { text: texts.join(" "), isOwnShell: true, options: [] };
  }
  if (!/^(?:\/(?:usr\/)?bin\/)?(?:(?:ba|da)?sh|su)$/.test(name)) return undefined;
  const at = args.findIndex((word) => /^-[a-z]*c$/.test(word.text ?? ""));
  const text = at === -1 ? undefined : args[at + 1]?.text;
  const options = args.slice(0, at + 1).map((word) => word.text ?? "");
  return text === undefined ? undefined : { text, isOwnShell: false, options };
}
