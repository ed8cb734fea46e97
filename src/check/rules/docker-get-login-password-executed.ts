/** `$(aws ecr get-login-password)`: the old get-login printed a command to run, this one prints a password. */
import { ecrLogin, ecrOperation } from "../docker/ecr-login.ts";
import { replaceItem } from "../edits/whole-item.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { Rule } from "../rule.ts";

export const dockerGetLoginPasswordExecuted: Rule = {
  id: "docker/get-login-password-executed",
  severity: "error",
  title: "the password of `aws ecr get-login-password` run as a command",
  source: "https://docs.aws.amazon.com/cli/latest/reference/ecr/get-login-password.html",
  *run(context) {
    for (const command of context.shell.everyCommand) {
      if (command.substitution !== "command" || ecrOperation(command) !== "get-login-password") continue;
      const login = ecrLogin(command);
      const isWhole = /^(eval\s+)?["']?\$\(\s*aws\s[^()|]*\)["']?$/.test(command.within.value);
      const edit = isWhole ? replaceItem(context, command, login, "pipe it into docker login") : undefined;
      yield {
        message: `\`$(aws ecr get-login-password)\`${inScript(command)} runs the password as a command`,
        ...placeOf(command),
        why: "it prints a password, not a command as `get-login` did: the shell answers `not found`, and the password stands in the log",
        fix: edit ?? { kind: "command", title: "pipe it into docker login", commands: [login] },
      };
    }
  },
};
