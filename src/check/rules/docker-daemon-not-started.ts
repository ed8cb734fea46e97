/**
 * A build that starts `dockerd` itself: without privileged mode it cannot, and started with `&` alone it ends with its
 * command.
 */
import { dockerCommand, needsDaemon } from "../docker-commands.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { Rule } from "../rule.ts";

export const dockerDaemonNotStarted: Rule = {
  id: "docker/daemon-not-started",
  severity: "error",
  title: "a dockerd that cannot start, or does not outlive its command",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker-custom-image.html",
  *run(context) {
    const { everyCommand } = context.shell;
    const daemon = everyCommand.find(({ name }) => /(^|\/)(dockerd|dockerd-entrypoint\.sh)$/.test(name ?? ""));
    if (!daemon || daemon.args.some(({ text }) => text === "--version" || text === "--help")) return;
    if (context.project.privilegedMode === false) {
      yield {
        message: `\`dockerd\`${inScript(daemon)} needs privileged mode, which is off`,
        ...placeOf(daemon),
        why: "it may not mount or make network interfaces, and ends at once; every docker command after it fails",
        fix: { kind: "command", title: "set `privilegedMode` to true in the project's environment", commands: [] },
      };
      return;
    }
    const isKept =
      daemon.wrappers.some((name) => name === "nohup" || name === "setsid") || /\bdisown\b/.test(daemon.within.value);
    const users = everyCommand
      .slice(everyCommand.indexOf(daemon) + 1)
      .filter((command) => command.within !== daemon.within);
    const user = users.find((command) => needsDaemon(dockerCommand(command)?.verb ?? ""));
    if (daemon.lost !== "background" || isKept || !user) return;
    const at = daemon.nameWord?.span?.startOffset;
    yield {
      severity: "warning",
      message: `\`dockerd\`${inScript(daemon)} is started with \`&\` alone, and \`docker ${dockerCommand(user)?.verb}\` in a later command needs it`,
      ...placeOf(daemon),
      why: "CodeBuild ends what a command left running in the background, unless it was started with `nohup`",
      ...(at !== undefined &&
        !daemon.script &&
        daemon.wrappers.length === 0 && {
          fix: {
            kind: "edit" as const,
            title: "start it with `nohup`",
            edits: [{ file: context.file, startOffset: at, endOffset: at, newText: "nohup " }],
          },
        }),
    };
  },
};
