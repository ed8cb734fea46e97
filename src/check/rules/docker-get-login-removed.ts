/** `aws ecr get-login` left the aws CLI with version 2, which every maintained image carries. */
import { curatedImage } from "../../build/plan/curated-images.ts";
import { ecrLogin, ecrOperation } from "../docker/ecr-login.ts";
import { replaceItem } from "../edits/whole-item.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { Rule } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";

export const dockerGetLoginRemoved: Rule = {
  id: "docker/get-login-removed",
  severity: "error",
  title: "`aws ecr get-login`, which the aws CLI 2 does not have",
  source: "https://docs.aws.amazon.com/cli/latest/userguide/cliv2-migration-changes.html#cliv2-migration-ecr-get-login",
  *run(context) {
    const { everyCommand } = context.shell;
    const { image } = context.project;
    for (const [index, command] of everyCommand.entries()) {
      if (ecrOperation(command) !== "get-login") continue;
      // The CLI 1, installed by the buildspec itself, still has it.
      if (everyCommand.slice(0, index).some(installsCli1)) return;
      const login = ecrLogin(command);
      const isWhole = /^(eval\s+)?["']?\$\(\s*aws\s[^()]*\)["']?$/.test(command.within.value);
      const edit = isWhole ? replaceItem(context, command, login, "use get-login-password") : undefined;
      // Another image may carry the CLI 1; what catches the failure may know a way out.
      const isCertain = (image === undefined || curatedImage(image) !== undefined) && !command.isGuarded;
      yield {
        severity: isCertain ? "error" : "warning",
        message: `\`aws ecr get-login\`${inScript(command)} does not exist in the aws CLI 2`,
        ...placeOf(command),
        why: "the image's aws CLI answers `Invalid choice`, nothing is logged in, and the push fails with `no basic auth credentials`",
        fix: edit ?? { kind: "command", title: "use get-login-password", commands: [login] },
      };
    }
  },
};

/** `pip install awscli`, `apt-get install awscli`: both bring version 1. */
const installsCli1 = ({ name, args }: ShellCommand): boolean =>
  /^(pip3?|pip3?\.\d+|python3?|apt|apt-get|yum|apk|easy_install|pipx|conda)$/.test(name ?? "") &&
  args.some(({ text }) => /^(awscli|aws-cli)([=<~!>].*)?$/.test(text ?? ""));
