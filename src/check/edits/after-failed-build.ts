/**
 * Commands of POST_BUILD that run although BUILD has failed, and the edit that stops them.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details.html#view-build-details-phases
 */
import type { Fix } from "../../core/diagnostics.ts";
import type { CheckContext } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";

/** The unconditional commands of `post_build`, when `build` can fail and nothing looks at how it ended. */
export function commandsAfterFailedBuild(context: CheckContext): readonly ShellCommand[] {
  const build = context.buildspec.phases.find(({ name }) => name === "build");
  const postBuild = context.buildspec.phases.find(({ name }) => name === "post_build");
  if (!build || !postBuild || build.commands.length === 0) return [];
  if (build.onFailure && /^(ABORT|RETRY)/i.test(build.onFailure.value)) return [];
  const commands = context.shell.everyCommand.filter(
    ({ phase, list }) => phase === "post_build" && list === "commands",
  );
  const looks = (text: string) => text.includes("CODEBUILD_BUILD_SUCCEEDING");
  if (postBuild.commands.some(({ value }) => looks(value))) return [];
  if (
    context.shell.scriptFiles.some(
      ({ calledBy, file }) => calledBy.phase === "post_build" && looks(context.workspace.readText(file) ?? ""),
    )
  )
    return [];
  return commands.filter((command) => !command.isGuarded);
}

/** Adds `on-failure: ABORT` to `build`, when its commands stand in block style. */
export function abortFix(context: CheckContext): Fix | undefined {
  const build = context.buildspec.phases.find(({ name }) => name === "build");
  if (!build || build.onFailure) return undefined;
  const lineStart = context.text.lastIndexOf("\n", build.commands[0]?.span.startOffset ?? 0) + 1;
  const key = context.text.slice(0, lineStart).lastIndexOf("commands:");
  const keyStart = context.text.lastIndexOf("\n", key) + 1;
  const lead = context.text.slice(keyStart, key);
  if (key <= build.span.startOffset || !/^ +$/.test(lead)) return undefined;
  const newline = context.text.includes("\r\n") ? "\r\n" : "\n";
  return {
    kind: "edit",
    title: "add `on-failure: ABORT` to `build`",
    edits: [
      { file: context.file, startOffset: keyStart, endOffset: keyStart, newText: `${lead}on-failure: ABORT${newline}` },
    ],
  };
}
