/**
 * Text of a template that nobody filled in: `<CLUSTER_NAME>`, `REPLACE_ME_…`, `YOUR_ACCOUNT_ID`. Here-documents are not
 * looked into: their text may be another tool's template.
 */
import type { Located } from "../../build/buildspec/index.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { Rule } from "../rule.ts";
import type { ShellCommand, ShellWord } from "../shell/shell-model.ts";

export const commandsPlaceholderLeft: Rule = {
  id: "commands/placeholder-left",
  severity: "warning",
  title: "a placeholder of a template that was not filled in",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.variables",
  *run(context) {
    const { env, artifacts } = context.buildspec;
    const values: { name: string; value: Located<string> }[] = [
      ...[...env.variables, ...env.parameterStore, ...env.secretsManager].map(({ name, value }) => ({
        name: name.value,
        value,
      })),
      ...(artifacts?.files ?? []).map((value) => ({ name: "artifacts.files", value })),
    ];
    for (const { name, value } of values) {
      const text = placeholderIn(value.value);
      if (text === undefined || context.project.environmentVariables?.some((variable) => variable.name === name))
        continue;
      yield {
        message: `\`${name}\` still has the placeholder \`${text}\``,
        span: value.span,
        why: "CodeBuild takes the text as it is; whatever uses it does not find what is meant",
      };
    }
    for (const command of context.shell.everyCommand) {
      const found = inCommand(command);
      if (!found) continue;
      yield {
        ...(found.isRedirect && !command.isGuarded && { severity: "error" as const }),
        message: `the command${inScript(command)} still has the placeholder \`${found.text}\``,
        ...placeOf(command, found.word),
        why: found.isRedirect
          ? `the shell reads \`<\` as a redirection, and stops for there is no file \`${found.text.replace(/[<>]/g, "")}\``
          : "the program takes the text as it is, and does not find what is meant",
      };
    }
  },
};

/** `<NAME>`, `<your-name>`, `REPLACE_ME…`, `YOUR_…`, `CHANGE_ME`: upper case or spelt out, so that XML and generics do not count. */
const PLACEHOLDER =
  /<(?:[A-Z][A-Z0-9]*(?:[_ -][A-Z0-9]+)*|(?:your|my|insert|enter|replace|put)[-_ ][a-z0-9_ -]+|[a-z0-9]+(?:-[a-z0-9]+)*-(?:id|name|arn|url|region|bucket|account|here))>|\b(?:REPLACE_ME|REPLACE_WITH|REPLACEME|CHANGE_ME|CHANGEME|FIXME)\w*|(?<![$\w{/-])YOUR[_-][A-Z][A-Z0-9_-]*\b(?![A-Z0-9_-]*=)|\$\{?\{\{.*REPLACE.*\}\}/;

const placeholderIn = (text: string): string | undefined =>
  /<|REPLACE|CHANGE_?ME|FIXME|YOUR/.test(text) ? PLACEHOLDER.exec(text)?.[0] : undefined;

function inCommand(
  command: ShellCommand,
): { text: string; word?: ShellWord | undefined; isRedirect: boolean } | undefined {
  // `<NAME>` without quotes: the shell sees a file to read and one to write.
  const redirect = command.redirects.findIndex(
    ({ operator }, index) => operator === "<" && command.redirects[index + 1]?.operator === ">",
  );
  const from = command.redirects[redirect]?.target;
  const to = command.redirects[redirect + 1]?.target;
  if (
    from?.text !== undefined &&
    from.end + 1 >= (to?.pos ?? 0) - 2 &&
    /^[A-Za-z][\w-]*$/.test(from.text) &&
    /<\s?[\w-]+>/.test(command.within.value)
  ) {
    const text = `<${from.text}>`;
    if (placeholderIn(text) !== undefined && command.within.value.includes(text))
      return { text, word: from, isRedirect: true };
  }
  // Programs that search, replace or print such text mean it.
  if (
    command.name === undefined ||
    /^(sed|awk|grep|egrep|perl|echo|printf|jq|yq|envsubst|find|tr|python3?|node|test|\[|\[\[|rg)$/.test(command.name)
  )
    return undefined;
  for (const word of command.args) {
    const literal = word.pieces
      .filter(({ variable }) => variable === undefined)
      .map(({ text }) => text ?? "")
      .join("");
    const text = placeholderIn(literal);
    if (text !== undefined) return { text, word, isRedirect: false };
  }
  return undefined;
}
