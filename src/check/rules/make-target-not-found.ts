/** `make x` of a target that the Makefile does not have. Silent for Makefiles that cannot be read without running make. */
import { posix } from "node:path";
import { nearest } from "../../core/nearest.ts";
import { hasOption, names, optionsNamed, readArguments } from "../commands/command-arguments.ts";
import { isSourceSettled } from "../commands/source-edits.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";
import { readMakefile } from "../tree/makefile.ts";
import { severityFor, wordEdit } from "../tree/path-findings.ts";
import { findPath, isMadeBefore, isSourceKnown } from "../tree/path-lookup.ts";
import { directoryOf } from "../tree/source-paths.ts";

const withValue = names("-C --directory -f --file --makefile -I --include-dir -o --old-file -W --what-if --eval -j -l");

export const makeTargetNotFound: Rule = {
  id: "make/target-not-found",
  severity: "error",
  title: "a target that the Makefile does not have",
  source: "https://www.gnu.org/software/make/manual/html_node/Goals.html",
  *run(context) {
    if (!isSourceKnown(context)) return;
    for (const command of context.shell.commands) {
      if (command.name === "make" && !command.isGuarded) yield* findings(context, command);
    }
  },
};

function* findings(context: CheckContext, command: ShellCommand): Iterable<Finding> {
  // `-j` takes a number or nothing.
  const args = command.args.filter(({ text }) => !/^(-j\d*|-l[\d.]*)$/.test(text ?? ""));
  const read = readArguments(args, withValue);
  if (read.isUncertain || hasOption(read, "--eval", "-I", "--include-dir")) return;
  let { directory } = command;
  for (const { text } of optionsNamed(read, "-C", "--directory"))
    directory = text === undefined ? undefined : directoryOf(directory, text);
  const [file, second] = optionsNamed(read, "-f", "--file", "--makefile");
  if (directory === undefined || second || (file && file.text === undefined)) return;
  const candidates = file?.text === undefined ? ["GNUmakefile", "makefile", "Makefile"] : [file.text];
  for (const name of candidates) {
    const path = directoryOf(directory, name);
    if (path === undefined || isMadeBefore(command, path)) return;
    const found = findPath(context, path, { kind: "file" });
    if (found === undefined) continue;
    const makefile = readMakefile(context.workspace.readText(found) ?? "");
    if (!makefile) return;
    for (const word of read.operands) {
      const target = word.text;
      if (target === undefined || target.includes("=") || /^\d+$/.test(target) || makefile.targets.has(target))
        continue;
      if (isMadeSomehow(context, command, directory, target)) continue;
      const guess = nearest(
        target,
        [...makefile.targets].filter((one) => !one.startsWith(".")),
      );
      yield {
        severity: !isSourceSettled(context, command) ? "warning" : severityFor(context, command, path),
        message: `\`${path}\` has no target \`${target}\`${guess === undefined ? "" : `; did you mean \`${guess}\`?`}`,
        span: word.span ?? command.span,
        why: `make answers \`*** No rule to make target '${target}'.  Stop.\``,
        ...(guess === undefined ? {} : wordEdit(context, word, target, guess)),
      };
    }
    return;
  }
}

/** A file of that name is up to date; one of the same name with an ending has a built-in rule (`x` from `x.c`, `x.sh`). */
function isMadeSomehow(context: CheckContext, command: ShellCommand, directory: string, target: string): boolean {
  const path = posix.join(directory, target);
  if (isMadeBefore(command, path) || findPath(context, path, { kind: "any" }) !== undefined) return true;
  const stem = path.replace(/\.\w+$/, "");
  return context.workspace.files().some((file) => file.startsWith(`${stem}.`) || file.startsWith(`${path}.`));
}
