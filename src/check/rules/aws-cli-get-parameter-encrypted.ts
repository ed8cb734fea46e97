/** `aws ssm get-parameter` of a SecureString without `--with-decryption`: the value it prints is the ciphertext. */
import { inScript, placeOf } from "../finding-place.ts";
import type { CheckContext, Rule } from "../rule.ts";
import type { ShellCommand, ShellWord } from "../shell/shell-model.ts";
import { findParameter } from "../shell/variables.ts";

export const awsCliGetParameterEncrypted: Rule = {
  id: "aws-cli/get-parameter-encrypted",
  severity: "warning",
  title: "aws ssm get-parameter of a SecureString without --with-decryption",
  source: "https://docs.aws.amazon.com/cli/latest/reference/ssm/get-parameter.html",
  *run(context) {
    if (!context.parameters) return;
    for (const command of context.shell.everyCommand) {
      const operation = ssmRead(command);
      if (
        operation === undefined ||
        command.args.some(
          ({ source }) => /^--with-decryption$/.test(source) || /\$\{?\w*(ARGS|OPTS|FLAGS)/.test(source),
        )
      )
        continue;
      const word = secureName(context, command);
      if (!word) continue;
      const after = command.args.find(({ text }) => text === operation)?.span?.endOffset;
      yield {
        message: `parameter \`${word.text}\` is a SecureString, and \`aws ssm ${operation}\`${inScript(command)} does not decrypt it`,
        ...placeOf(command, word),
        why: "the command succeeds and prints the ciphertext, which then stands where the value should",
        ...(after !== undefined && !command.script
          ? {
              fix: {
                kind: "edit" as const,
                title: "add `--with-decryption`",
                edits: [{ file: context.file, startOffset: after, endOffset: after, newText: " --with-decryption" }],
              },
            }
          : { fix: { kind: "command" as const, title: "add `--with-decryption`", commands: [] } }),
      };
    }
  },
};

function ssmRead(command: ShellCommand): string | undefined {
  if (command.name !== "aws") return undefined;
  const words = command.args.map(({ text }) => text);
  const at = words.indexOf("ssm");
  return at !== -1 && /^get-parameters?$/.test(words[at + 1] ?? "") ? words[at + 1] : undefined;
}

/** The first of `--name X` or `--names X Y` that is a SecureString. */
function secureName({ parameters }: CheckContext, command: ShellCommand): ShellWord | undefined {
  const start = command.args.findIndex(({ source }) => source === "--name" || source === "--names");
  if (start === -1) return undefined;
  for (const word of command.args.slice(start + 1)) {
    if (word.source.startsWith("--")) return undefined;
    if (word.text !== undefined && findParameter(parameters, word.text)?.type === "SecureString") return word;
  }
  return undefined;
}
