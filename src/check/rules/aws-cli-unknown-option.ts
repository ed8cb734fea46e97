/**
 * Options that an `aws` command does not take, among those people take over from a sister command.
 * Sources: https://docs.aws.amazon.com/cli/latest/reference/ of each command; a row is here only when the reference has
 * no such option and no longer one that it could abbreviate.
 */
import { inScript, placeOf } from "../finding-place.ts";
import type { Rule } from "../rule.ts";

const rows: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "s3 sync": {
    "--recursive": "`aws s3 sync` always goes through folders: leave it out",
    "-r": "`aws s3 sync` always goes through folders: leave it out",
  },
  "s3 cp": { "-r": "write `--recursive`", "--delete": "only `aws s3 sync` takes it" },
  "s3 rm": { "-r": "write `--recursive`", "--force": "leave it out" },
  "ecr get-login-password": {
    "--no-include-email": "it belonged to `get-login`: leave it out",
    "--include-email": "it belonged to `get-login`: leave it out",
    "--registry-ids":
      "one password serves every registry the role may use: leave it out, and name the account in the host",
  },
  "cloudformation deploy": {
    "--template-body": "write `--template-file PATH`",
    "--parameters": "write `--parameter-overrides Name=Value`",
  },
  "cloudformation create-stack": {
    "--template-file": "write `--template-body file://PATH`",
    "--parameter-overrides": "write `--parameters ParameterKey=Name,ParameterValue=Value`",
  },
  "cloudformation update-stack": {
    "--template-file": "write `--template-body file://PATH`",
    "--parameter-overrides": "write `--parameters ParameterKey=Name,ParameterValue=Value`",
  },
};

/** Left out, the command does what was meant. */
const superfluous = new Set([
  "s3 sync --recursive",
  "s3 sync -r",
  "ecr get-login-password --no-include-email",
  "ecr get-login-password --include-email",
]);

export const awsCliUnknownOption: Rule = {
  id: "aws-cli/unknown-option",
  severity: "error",
  title: "an option that this aws command does not take",
  source: "https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-commandstructure.html",
  *run(context) {
    for (const command of context.shell.everyCommand) {
      if (command.name !== "aws") continue;
      const words = command.args.map(({ text }) => text ?? "");
      const at = words.findIndex((word, index) => Object.hasOwn(rows, `${word} ${words[index + 1]}`));
      const title = `${words[at]} ${words[at + 1]}`;
      const options = at === -1 ? undefined : rows[title];
      // In front of the service there are only global options.
      if (
        !options ||
        !words.slice(0, at).every((word, index) => word.startsWith("-") || words[index - 1]?.startsWith("-"))
      )
        continue;
      for (const word of command.args.slice(at + 2)) {
        const option = word.source.split("=")[0] ?? "";
        const advice = Object.hasOwn(options, option) ? options[option] : undefined;
        if (advice === undefined) continue;
        const span = superfluous.has(`${title} ${word.source}`) && !command.script ? word.span : undefined;
        yield {
          ...(command.isGuarded && { severity: "warning" as const }),
          message: `\`aws ${title}\`${inScript(command)} has no option \`${option}\``,
          ...placeOf(command, word),
          why: `the aws CLI stops with \`Unknown options: ${option}\``,
          fix: span
            ? {
                kind: "edit",
                title: `remove \`${word.source}\``,
                edits: [
                  {
                    file: context.file,
                    startOffset: span.startOffset - (context.text[span.startOffset - 1] === " " ? 1 : 0),
                    endOffset: span.endOffset,
                    newText: "",
                  },
                ],
              }
            : { kind: "command", title: advice, commands: [] },
        };
      }
    }
  },
};
