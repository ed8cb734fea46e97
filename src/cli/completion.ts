/** `kiln completion SHELL`: completion of commands and flags, made from the command tree itself. */
import { Argument, Command } from "commander";
import type { CliIo } from "./io.ts";

interface Word {
  readonly path: string;
  readonly words: readonly string[];
}

export function completionCommand(io: CliIo): Command {
  return new Command("completion")
    .description("print a completion script for a shell")
    .addArgument(new Argument("<shell>", "which shell").choices(["bash", "zsh", "fish"]))
    .addHelpText("after", "\nExample:\n  source <(kiln completion bash)")
    .action((shell: string, _: object, self: Command) => {
      const words = wordsOf(self.parent ?? self, "");
      const script =
        shell === "fish"
          ? fish(words)
          : shell === "zsh"
            ? `autoload -U +X bashcompinit && bashcompinit\n${bash(words)}`
            : bash(words);
      io.stdout.write(script);
    });
}

/** Per command path its subcommands and flags. */
function wordsOf(command: Command, path: string): Word[] {
  const flags = command.options.filter((option) => !option.hidden).map((option) => option.long ?? option.short ?? "");
  const own = { path, words: [...command.commands.map((child) => child.name()), ...flags].filter(Boolean) };
  return [
    own,
    ...command.commands.flatMap((child) => wordsOf(child, path === "" ? child.name() : `${path} ${child.name()}`)),
  ];
}

function bash(words: readonly Word[]): string {
  const cases = words.map(({ path, words: list }) => `    "${path}") words="${list.join(" ")}";;`);
  return `_kiln() {
  local path="" word words="" current="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) case " ${words.flatMap((word) => (word.path === "" ? [] : [word.path.split(" ").at(-1)])).join(" ")} " in *" $word "*) path="\${path:+$path }$word";; esac;; esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _kiln kiln
`;
}

function fish(words: readonly Word[]): string {
  const lines = words.flatMap(({ path, words: list }) => {
    const condition =
      path === ""
        ? "__fish_use_subcommand"
        : path
            .split(" ")
            .map((part) => `__fish_seen_subcommand_from ${part}`)
            .join("; and ");
    return list.map((word) =>
      word.startsWith("--")
        ? `complete -c kiln -n '${condition}' -l ${word.slice(2)}`
        : word.startsWith("-")
          ? `complete -c kiln -n '${condition}' -s ${word.slice(1)}`
          : `complete -c kiln -f -n '${condition}' -a ${word}`,
    );
  });
  return `${lines.join("\n")}\n`;
}
