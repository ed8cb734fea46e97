/**
 * A build, test, push or deployment whose failure nobody notices: on the left of a pipe, not the last of a block, in
 * front of `|| true`, in the background, or in a `$(…)` whose status is dropped. The build then ends SUCCEEDED.
 */
import { type BuildStep, stepOf } from "../commands/build-steps.ts";
import { dockerCommand } from "../docker/docker-commands.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { LostStatus, ShellCommand } from "../shell/shell-model.ts";

export const shellLostExitStatus: Rule = {
  id: "shell/lost-exit-status",
  severity: "warning",
  title: "a build, test or deployment whose failure does not fail the build",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases.commands",
  *run(context) {
    const reported = new Set<unknown>();
    for (const command of context.shell.everyCommand) {
      const { lost } = command;
      const step = lost && stepOf(command);
      if (!lost || !step || command.list === "finally") continue;
      if (isMeant(command, step, lost) || isJudged(context, command) || isNoticedLater(context, command, step, lost))
        continue;
      // One finding a block: the fix is the same.
      const key = command.script ? command.script.file : command.within;
      if (reported.has(key)) continue;
      reported.add(key);
      yield finding(context, command, step, lost);
    }
  },
};

function finding(context: CheckContext, command: ShellCommand, step: BuildStep, lost: LostStatus): Finding {
  const title = `\`${step.title}\`${inScript(command)}`;
  const after = context.shell.everyCommand.find(({ pipedFrom }) => pipedFrom === command)?.name;
  const messages: Record<LostStatus, string> = {
    pipe: `a failure of ${title} is lost in the pipe${after === undefined ? "" : ` to \`${after}\``}`,
    sequence: `a failure of ${title} does not stop the commands after it`,
    "or-true": `a failure of ${title} is ignored: what stands after \`||\` always succeeds`,
    background: `${title} runs in the background, and nobody waits for its result`,
    substitution: `a failure of ${title} is lost in \`$(…)\``,
    loop: `a failure of ${title} counts in the loop's last round only`,
  };
  const fix = fixOf(context, command, lost);
  return {
    // Tests are often meant to be looked at only; an image or a package is not.
    ...(lost === "or-true" && step.kind === "test" && { severity: "info" as const }),
    message: messages[lost],
    ...placeOf(command),
    why: whys[lost],
    ...(fix && { fix }),
  };
}

const whys: Readonly<Record<LostStatus, string>> = {
  pipe: "the shell gives the status of the last command of a pipe, so the build goes on and may end SUCCEEDED",
  sequence: "a block of several lines is one command, and only its last status counts",
  "or-true": "the build goes on and may end SUCCEEDED",
  background: "CodeBuild ends what is left in the background, and the command succeeds whatever happened",
  substitution: "only the status of the command around it counts",
  loop: "a later round that succeeds hides it, so the build goes on and may end SUCCEEDED",
};

/** Where failing is expected: nothing there yet, or nothing left. */
const isMeant = (command: ShellCommand, step: BuildStep, lost: LostStatus): boolean =>
  // `! make test`
  (lost === "sequence" && step.kind === "test" && command.isFailureCaught) ||
  (lost === "or-true" &&
    (/^kubectl (create|set|patch)|^(terraform|tofu|cdk) destroy|^helm uninstall|^aws s3/.test(step.title) ||
      command.isConditional));

/** `pytest | grep -q passed`: what reads the output decides. */
const isJudged = (context: CheckContext, command: ShellCommand): boolean =>
  command.lost === "pipe" &&
  context.shell.everyCommand.some(
    ({ pipedFrom, name, args }) =>
      pipedFrom === command &&
      /^(e|f)?grep$|^test$|^\[$/.test(name ?? "") &&
      args.some(({ source }) => /^-[a-zA-Z]*q/.test(source)),
  );

/** What comes after in the same block fails when this did: nothing to push, to tag or to run. */
function isNoticedLater(context: CheckContext, command: ShellCommand, step: BuildStep, lost: LostStatus): boolean {
  if (lost !== "sequence" && lost !== "loop") return false;
  const { everyCommand } = context.shell;
  const isHere = (other: ShellCommand) =>
    other.within === command.within && other.script?.file === command.script?.file;
  const rest = everyCommand.slice(everyCommand.indexOf(command) + 1).filter(isHere);
  if (step.kind !== "build" || lost === "loop") {
    // `cmd` then `STATUS=$?` much later, or traps, are beyond this.
    return /\btrap\b|PIPESTATUS/.test(command.within.value);
  }
  if (dockerCommand(command))
    return rest.some(
      (other) => /^(push|tag|run|save)$/.test(dockerCommand(other)?.verb ?? "") && other.lost === undefined,
    );
  const last = rest.at(-1);
  return last !== undefined && !/^(echo|printf|date|true|:|ls|pwd|cd|export)$/.test(last.name ?? "");
}

/** A step, or a command whose failure nobody expects. */
const stopsRightly = (command: ShellCommand): boolean =>
  stepOf(command) !== undefined ||
  /^(echo|printf|cd|export|mkdir|npm|yarn|pnpm|pip|pip3|true|:)$/.test(command.name ?? "");

/** `set -e` as the block's first line: only where every earlier status is meant to count. */
function fixOf(context: CheckContext, command: ShellCommand, lost: LostStatus): Finding["fix"] {
  if (command.script) {
    return lost === "sequence" || lost === "loop"
      ? { kind: "command", title: `put \`set -e\` at the top of \`${command.script.file}\``, commands: [] }
      : undefined;
  }
  if (lost === "pipe") {
    return {
      kind: "command",
      title:
        context.buildspec.env.shell?.value === "bash"
          ? "write `set -o pipefail` in the same command, in front of it"
          : "set `env.shell` to bash, and write `set -o pipefail` in the same command, in front of it",
      commands: [],
    };
  }
  if (lost !== "sequence" && lost !== "loop") return undefined;
  const source = context.text.slice(command.within.span.startOffset, command.within.span.endOffset);
  if (!source.startsWith("|"))
    return { kind: "command", title: "join them with `&&`, or make each a list item of its own", commands: [] };
  const firstLine = source.indexOf("\n") + 1;
  const indent = /^ */.exec(source.slice(firstLine))?.[0] ?? "";
  const startOffset = command.within.span.startOffset + firstLine;
  // Whoever handles statuses by hand, or runs what may fail without harm, decides alone.
  const isPlain =
    !/\|\||\$\?|PIPESTATUS|set [-+]|\btrap\b|\bif\b|\bwhile\b|\buntil\b/.test(command.within.value) &&
    context.shell.commands.every((other) => other.within !== command.within || stopsRightly(other));
  if (!isPlain || firstLine === 0 || indent === "")
    return { kind: "command", title: "write `set -e` as the first line of the block", commands: [] };
  const newline = context.text.includes("\r\n") ? "\r\n" : "\n";
  return {
    kind: "edit",
    title: "write `set -e` as the first line of the block",
    edits: [{ file: context.file, startOffset, endOffset: startOffset, newText: `${indent}set -e${newline}` }],
  };
}
