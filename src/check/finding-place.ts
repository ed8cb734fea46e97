/** Where a finding about a command points: its words in the buildspec or, for a script of the tree, the call and the line there. */
import type { Finding } from "./rule.ts";
import type { ShellCommand, ShellWord } from "./shell/shell-model.ts";

export function placeOf(command: ShellCommand, word?: ShellWord): Pick<Finding, "span" | "related"> {
  if (!command.script) return { span: word?.span ?? command.span };
  return { span: command.span, related: [{ span: command.script.span, message: "the command stands here" }] };
}

/** ` in \`scripts/build.sh\`` for messages; nothing for the buildspec's own commands. */
export const inScript = ({ script }: ShellCommand): string => (script ? ` in \`${script.file}\`` : "");
