/**
 * `docker build` takes one argument, the context: none (`docker build -t app`), or one too many, such as the Dockerfile
 * without its `-f` or a word after an option that lost its value. Source: the usage line of the CLI.
 */
import { dockerBuild } from "../docker/docker-build.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellCommand, ShellWord } from "../shell/shell-model.ts";

export const dockerBuildArguments: Rule = {
  id: "docker/build-arguments",
  severity: "error",
  title: "`docker build` without its context, or with more than one argument",
  source: "https://docs.docker.com/reference/cli/docker/buildx/build/",
  *run(context) {
    for (const command of context.shell.everyCommand) {
      const operands = command.name === "docker" ? dockerBuild(command)?.operands : undefined;
      if (!operands || operands.length === 1) continue;
      // `docker build --help`, and pieces of a line that a template fills.
      if (command.args.some(({ text }) => text === "--help" || text === "-h")) continue;
      yield operands.length === 0 ? withoutContext(context, command) : withTooMany(command, operands);
    }
  },
};

function withoutContext(context: CheckContext, command: ShellCommand): Finding {
  const end = command.args.at(-1)?.span?.endOffset;
  return {
    ...base(command),
    message: `\`docker build\`${inScript(command)} has no build context`,
    ...placeOf(command),
    ...(end !== undefined &&
      !command.script && {
        fix: {
          kind: "edit" as const,
          title: "build from the current folder: add ` .`",
          edits: [{ file: context.file, startOffset: end, endOffset: end, newText: " ." }],
        },
      }),
  };
}

function withTooMany(command: ShellCommand, operands: readonly ShellWord[]): Finding {
  const [first] = operands;
  const before = command.args[first ? command.args.indexOf(first) - 1 : -1]?.source ?? "";
  // The value of the option in front of it is an option itself: that one's value is missing.
  const lost = command.args[command.args.findIndex(({ source }) => source === before) - 1]?.source ?? "";
  const isLost = /^--?[a-z]/.test(before) && /^--(build-arg|label|target|platform|tag|file)$|^-[tf]$/.test(lost);
  return {
    ...base(command),
    message: isLost
      ? `\`${lost}\`${inScript(command)} takes \`${before}\` for its value, so \`docker build\` gets ${operands.length} contexts`
      : `\`docker build\`${inScript(command)} takes one context, got ${operands.map(({ source }) => `\`${source}\``).join(" and ")}`,
    ...placeOf(command, first),
  };
}

const base = (command: ShellCommand) => ({
  ...(command.isGuarded && { severity: "warning" as const }),
  why: "docker answers `requires exactly 1 argument` and builds nothing",
});
