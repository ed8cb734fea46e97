/** `aws ecr get-login` left the aws CLI with version 2, which every maintained image carries. */
import type { Rule } from "../rule.ts";

export const dockerGetLoginRemoved: Rule = {
  id: "docker/get-login-removed",
  severity: "error",
  title: "`aws ecr get-login`, which the aws CLI 2 does not have",
  source: "https://docs.aws.amazon.com/cli/latest/userguide/cliv2-migration-changes.html#cliv2-migration-ecr-get-login",
  *run(context) {
    const { commands } = context.shell;
    for (const command of commands) {
      if (command.name !== "aws") continue;
      const words = command.args.map(({ text }) => text);
      const at = words.indexOf("get-login");
      if (at === -1 || words[at - 1] !== "ecr") continue;
      // The CLI 1, installed by the buildspec itself, still has it.
      const before = commands.slice(0, commands.indexOf(command));
      if (before.some(({ args }) => args.some(({ text }) => /^awscli(==1.*|<2.*)?$/.test(text ?? "")))) return;
      const region = words[words.indexOf("--region") + 1];
      const regionText = words.includes("--region") && region !== undefined ? region : "$AWS_DEFAULT_REGION";
      yield {
        message: "`aws ecr get-login` does not exist in the aws CLI 2",
        span: command.span,
        why: "the image's aws CLI answers `Invalid choice`, nothing is logged in, and the push fails with `no basic auth credentials`",
        fix: {
          kind: "command",
          title: "use get-login-password",
          commands: [
            `aws ecr get-login-password --region ${regionText} | docker login --username AWS --password-stdin $AWS_ACCOUNT_ID.dkr.ecr.${regionText}.amazonaws.com`,
          ],
        },
      };
    }
  },
};
