/** POST_BUILD runs after a failed BUILD too: a push there sends whatever image is lying around, or fails a second time. */
import { dockerCommands } from "../docker-commands.ts";
import type { Rule } from "../rule.ts";

export const dockerPushAfterFailedBuild: Rule = {
  id: "docker/push-after-failed-build",
  severity: "warning",
  title: "docker push in post_build, which also runs when build has failed",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details.html#view-build-details-phases",
  *run(context) {
    const build = context.buildspec.phases.find(({ name }) => name === "build");
    const postBuild = context.buildspec.phases.find(({ name }) => name === "post_build");
    if (!build || !postBuild || build.commands.length === 0) return;
    if (build.onFailure && /^(ABORT|RETRY)/i.test(build.onFailure.value)) return;
    if (postBuild.commands.some(({ value }) => value.includes("CODEBUILD_BUILD_SUCCEEDING"))) return;
    const push = dockerCommands(context.shell.commands).find(
      ({ verb, command }) =>
        verb === "push" && command.phase === "post_build" && command.list === "commands" && !command.isGuarded,
    );
    if (!push) return;
    const lineStart = context.text.lastIndexOf("\n", build.commands[0]?.span.startOffset ?? 0) + 1;
    const key = context.text.slice(0, lineStart).lastIndexOf("commands:");
    const keyStart = context.text.lastIndexOf("\n", key) + 1;
    const lead = context.text.slice(keyStart, key);
    const newline = context.text.includes("\r\n") ? "\r\n" : "\n";
    yield {
      message: "`docker push` in `post_build` runs even when `build` has failed",
      span: push.command.span,
      why: "CodeBuild enters POST_BUILD after a failed BUILD unless `on-failure: ABORT` is set",
      ...(key > build.span.startOffset && /^ +$/.test(lead)
        ? {
            fix: {
              kind: "edit" as const,
              title: "add `on-failure: ABORT` to `build`",
              edits: [
                {
                  file: context.file,
                  startOffset: keyStart,
                  endOffset: keyStart,
                  newText: `${lead}on-failure: ABORT${newline}`,
                },
              ],
            },
          }
        : {}),
    };
  },
};
