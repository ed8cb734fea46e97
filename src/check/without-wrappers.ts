/** Commands that only run another one: `sudo -E docker …`, `env A=b make`, `timeout 15 npm test`. */
import type { ShellWord } from "./shell-model.ts";

const wrappers = new Set([
  "sudo",
  "command",
  "exec",
  "nohup",
  "time",
  "builtin",
  "env",
  "timeout",
  "nice",
  "stdbuf",
  "retry",
]);
const wrapperOptionsWithValue = /^(-u|-g|-n|-k|-s|--user|--group|--signal|--kill-after)$/;

/** Drops `sudo -E`, `env A=b`, `timeout 15`, … so the name is the program that really runs. */
export function withoutWrappers(words: readonly ShellWord[]): { nameWord: ShellWord | undefined; args: ShellWord[] } {
  let at = 0;
  while (at < words.length && wrappers.has(words[at]?.text ?? "")) {
    const wrapper = words[at]?.text;
    if (wrapper === "command" && /^-[vV]$/.test(words[at + 1]?.text ?? "")) break;
    at++;
    for (; at < words.length; at++) {
      const text = words[at]?.text ?? "";
      if (wrapperOptionsWithValue.test(text)) at++;
      else if (!text.startsWith("-") && !(wrapper === "env" && /^[A-Za-z_]\w*=/.test(words[at]?.source ?? ""))) break;
    }
    if (wrapper === "timeout") at++;
  }
  return { nameWord: words[at], args: words.slice(at + 1) };
}
