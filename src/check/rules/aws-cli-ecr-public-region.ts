/**
 * ECR Public gives passwords in us-east-1 and us-west-2 only; its service is nowhere else.
 * Source: https://docs.aws.amazon.com/general/latest/gr/ecr-public.html
 */
import { ecrOperation } from "../docker/ecr-login.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { Rule } from "../rule.ts";

export const awsCliEcrPublicRegion: Rule = {
  id: "aws-cli/ecr-public-region",
  severity: "error",
  title: "a password of ECR Public asked for in a region without the service",
  source: "https://docs.aws.amazon.com/AmazonECR/latest/public/public-registries.html#public-registry-auth",
  *run(context) {
    for (const command of context.shell.everyCommand) {
      if (ecrOperation(command) !== "get-login-password" || !command.args.some(({ text }) => text === "ecr-public"))
        continue;
      const at = command.args.findIndex(({ source }) => source === "--region");
      const word = at === -1 ? undefined : command.args[at + 1];
      const region = word?.text;
      if (
        !word ||
        region === undefined ||
        !/^[a-z]{2}(-[a-z]+)+-\d$/.test(region) ||
        /^us-(east-1|west-2)$/.test(region)
      )
        continue;
      const span = word.hasExpansion || command.script ? undefined : word.span;
      yield {
        ...(command.isGuarded && { severity: "warning" as const }),
        message: `ECR Public has no service in \`${region}\`${inScript(command)}`,
        ...placeOf(command, word),
        why: `the aws CLI stops with \`Could not connect to the endpoint URL\`, and the login after it gets an empty password`,
        fix: span
          ? {
              kind: "edit",
              title: "ask in us-east-1",
              edits: [
                { file: context.file, startOffset: span.startOffset, endOffset: span.endOffset, newText: "us-east-1" },
              ],
            }
          : { kind: "command", title: "write `--region us-east-1`", commands: [] },
      };
    }
  },
};
